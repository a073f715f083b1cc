"""Finds the columns of a dataset in a later part: by the names of its header, or by their places if it has none."""

from collections import Counter
from collections.abc import Mapping, Sequence

from service.intake.column_choice import (
    ColumnRules,
    SampleColumn,
    check_country,
    later_columns,
    too_many_columns,
    with_other_country,
)
from service.intake.column_names import Role, is_name, name_check, role_of, shown_role
from service.intake.csv_layout import (
    NO_DELIMITER,
    Layout,
    fits,
    header_unclear,
    is_too_wide,
    line_shape,
    sample_columns,
    sample_rows,
    storable_names,
    trimmed,
)
from service.intake.dialect import Dialect
from service.intake.errors import UnreadablePart
from service.intake.looks import MOST_CELLS, has_words_only, holds_number, is_number_alone, is_unclear_header, share

_DELIMITERS = ";\t|,"


def later_layout(sample: str, dialect: Dialect, rules: ColumnRules) -> Layout:
    """The layout of a later part of a dataset.

    Raises UnreadablePart if the columns that the first part settled cannot be found for certain, or if the caller
    chose others.
    """
    choice = rules.choice
    rows = sample_rows(sample, dialect.delimiter or NO_DELIMITER)
    if is_too_wide(rows):
        raise too_many_columns()
    settled = {role: int(at) for role, at in dialect.columns.items()}
    width, filled = dialect.width or 1, dialect.filled or 1
    if dialect.delimiter == NO_DELIMITER and share(["".join(row) for row in rows], _has_columns) >= MOST_CELLS:
        raise _columns_differ(width)
    may_be_header = bool(rows) and rules.has_header is not False and not any(map(is_number_alone, rows[0]))
    if may_be_header and holds_number(rows[0]) and not rules.has_header:
        if is_unclear_header(rows[0], lambda name: role_of(name) is not None):
            raise header_unclear()
        may_be_header = False
    found = _find_by_header(rows[0], settled, dialect) if may_be_header else None
    if found is None and may_be_header and fits(rows[0], width, filled) and _are_names(rows[0], settled[Role.PHONE]):
        raise _header_unknown()
    header = trimmed(rows[0]) if found else []
    places = found or settled
    if found:
        rows = rows[1:]
        filled, width = line_shape(header, rows, places)
    if rows and not any(fits(row, width, filled) for row in rows):
        raise _columns_differ(width)
    columns = sample_columns(header, rows)
    named = columns if found else _with_settled_names(columns, dialect)
    places = with_other_country(named, later_columns(named, rules, places), rules)
    places = check_country(named, places, rules)
    return Layout(places, width, filled, found is not None, columns, storable_names(header, places, choice))


def _with_settled_names(columns: Sequence[SampleColumn], dialect: Dialect) -> list[SampleColumn]:
    names = {dialect.columns[role]: name for role, name in dialect.names.items()}
    return [SampleColumn(names.get(at, ""), column.cells) for at, column in enumerate(columns)]


def _find_by_header(first: Sequence[str], settled: Mapping[Role, int], dialect: Dialect) -> dict[Role, int] | None:
    """Where the header of a later part puts the settled columns; None if the line is not a header.

    Raises UnreadablePart for a header that lacks one of them.
    """
    checks = list(map(name_check, trimmed(first)))
    known = dialect.header or []
    if known and checks == known:
        return {**settled}
    shared = (Counter(checks) & Counter(known)) - Counter([name_check("")])
    if 2 * shared.total() >= len(known) - known.count(name_check("")) > 0:
        places = {role: _places(checks, known[at] if at < len(known) else 0) for role, at in settled.items()}
        if all(len(found) == 1 for found in places.values()):
            return {role: found[0] for role, found in places.items()}
        raise _header_differs()
    return _find_by_roles(first, settled)


def _places(checks: Sequence[int], wanted: int) -> list[int]:
    return [at for at, check in enumerate(checks) if wanted and check == wanted]


def _find_by_roles(first: Sequence[str], settled: Mapping[Role, int]) -> dict[Role, int] | None:
    """The settled columns, if a header in other words gives each of them the same role as the first part."""
    phone = settled[Role.PHONE]
    cell = first[phone].strip() if phone < len(first) else ""
    if not (cell and has_words_only(first)):
        return None
    if all(at < len(first) and role_of(first[at]) is shown_role(role) for role, at in settled.items()):
        return {**settled}
    if any(role_of(name) is Role.PHONE for name in first):
        raise _header_differs()
    return None


def _are_names(row: Sequence[str], phone: int) -> bool:
    """Whether all cells of a line may be names of columns, and where the number should be there are letters."""
    return any(map(str.isalpha, row[phone])) and all(not cell.strip() or is_name(cell.strip()) for cell in row)


def _has_columns(line: str) -> bool:
    """Whether a line of a part whose first part had but one column has several."""
    return any(delimiter in line.strip(_DELIMITERS + " ") for delimiter in _DELIMITERS)


def _columns_differ(width: int) -> UnreadablePart:
    return UnreadablePart(
        "columns_differ",
        f"The lines of this part do not have {width} fields, as those of the first part or its header have. Send "
        "parts of the same layout, or open another dataset.",
    )


def _header_unknown() -> UnreadablePart:
    return UnreadablePart(
        "header_differs",
        "The first line of this part has no number, and is not the header of the first part. If it is a header, name "
        "the columns as in the first part. If it is a line without a number, set header=false, so that only this line "
        "is rejected.",
    )


def _header_differs() -> UnreadablePart:
    return UnreadablePart(
        "header_differs",
        "The header of this part does not name the columns that the first part was read from. Send it with the header "
        "of the first part, in any order, or open another dataset.",
    )
