"""Finds the columns of a dataset in a later part: by the names of its header, or by their places if it has none."""

from collections import Counter
from collections.abc import Mapping, Sequence

from service.intake.columns.choice import (
    ColumnRules,
    SampleColumn,
    later_columns,
    too_many_columns,
)
from service.intake.columns.countries import check_country, with_other_country
from service.intake.columns.looks import MOST_CELLS, IsTelephone, holds_number, share
from service.intake.dates.reading import share_of_times
from service.intake.delimited.layout import (
    NO_DELIMITER,
    Layout,
    fits,
    header_holds_number,
    is_too_wide,
    line_shape,
    meaning_of_header,
    refuse_short_header,
    sample_columns,
    sample_rows,
    storable_names,
    trimmed,
)
from service.intake.dialect import Dialect
from service.intake.errors import UnreadablePart
from service.intake.names.roles import MOST_DIGITS_OF_A_NAME, Role, name_check, role_of, shown_role

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
    found = _find_header(rows[0], settled, dialect) if rows and rules.has_header is not False else None
    header = trimmed(rows[0]) if found else []
    places = found or settled
    if found:
        refuse_short_header(rows[0], rows[1:])
        rows = rows[1:]
        filled, width = line_shape(header, rows, places)
    if rows and not any(fits(row, width, filled) for row in rows):
        raise _columns_differ(width)
    if rows and not found and rules.has_header is not False:
        _refuse_other_header(rows[0], dialect, rules, settled)
    columns = sample_columns(header, rows)
    named = columns if found else _with_settled_names(columns, dialect)
    places = with_other_country(named, later_columns(named, rules, places), rules)
    places = check_country(named, places, rules)
    names, meaning = storable_names(header, places, choice), meaning_of_header(header, places)
    return Layout(places, width, filled, found is not None, columns, names, meaning)


def _with_settled_names(columns: Sequence[SampleColumn], dialect: Dialect) -> list[SampleColumn]:
    names = {dialect.columns[role]: name for role, name in dialect.names.items()}
    return [SampleColumn(names.get(at, ""), column.cells) for at, column in enumerate(columns)]


def _find_header(first: Sequence[str], settled: Mapping[Role, int], dialect: Dialect) -> dict[Role, int] | None:
    """Where the header of a later part puts the settled columns; None if the first line is not such a header.

    Raises UnreadablePart for the header of the first part without one of its columns.
    """
    return _find_by_names(first, settled, dialect) or _find_by_roles(first, settled)


def _refuse_other_header(
    first: Sequence[str], dialect: Dialect, rules: ColumnRules, settled: Mapping[Role, int]
) -> None:
    """Refuse a first line that may be a header in other words.

    Only a number where the first part has its numbers shows that it is none, or a time where it has those of consent,
    or a number anywhere in what a cut left of a line.
    """
    if rules.has_header and any(map(rules.is_telephone, first)):
        raise header_holds_number()
    if fits(first, dialect.width or 1, dialect.filled or 1):
        cells = [first[settled[Role.PHONE]]]
        times = [first[settled[Role.CONSENTED_AT]]] if Role.CONSENTED_AT in settled else []
    else:
        cells, times = [*first], []
    is_line = any(_may_be_number(cell, rules.is_telephone) for cell in cells)
    is_line = is_line or share_of_times(times, rules.date_format) > 0
    if rules.has_header or not is_line:
        raise _header_unknown(has_names=dialect.header is not None)


def _find_by_names(first: Sequence[str], settled: Mapping[Role, int], dialect: Dialect) -> dict[Role, int] | None:
    """The settled columns by the names that they have in the first part; None if few of its names are here.

    Raises UnreadablePart for a header that lacks one of the columns.
    """
    checks = list(map(name_check, trimmed(first)))
    known = dialect.header or []
    if known and checks == known:
        return {**settled}
    shared = (Counter(checks) & Counter(known)) - Counter([name_check("")])
    # A cell of a data row may have the check of a name by chance.
    fewest = 2 if holds_number(first) else 1
    if shared.total() < max(fewest, (len(known) - known.count(name_check("")) + 1) // 2):
        return None
    places = {role: _places(checks, known[at] if at < len(known) else 0) for role, at in settled.items()}
    if all(len(found) == 1 for found in places.values()):
        return {role: found[0] for role, found in places.items()}
    raise _header_differs()


def _places(checks: Sequence[int], wanted: int) -> list[int]:
    return [at for at, check in enumerate(checks) if wanted and check == wanted]


def _find_by_roles(first: Sequence[str], settled: Mapping[Role, int]) -> dict[Role, int] | None:
    """The settled columns, if a header in other words has just one name for each role, where the first part has it."""
    for role in map(shown_role, settled):
        places = [at for settled_role, at in settled.items() if shown_role(settled_role) is role]
        if sorted(places) != [at for at, name in enumerate(first) if role_of(name) is role]:
            return None
    return {**settled}


def _may_be_number(cell: str, is_telephone: IsTelephone) -> bool:
    """Whether a cell has as many digits as no name has, and no letters but those written around a number."""
    if is_telephone(cell):
        return True
    return sum(map(str.isdigit, cell)) > MOST_DIGITS_OF_A_NAME and not any(map(str.isalpha, cell))


def _has_columns(line: str) -> bool:
    """Whether a line of a part whose first part had but one column has several."""
    return any(delimiter in line.strip(_DELIMITERS + " ") for delimiter in _DELIMITERS)


def _columns_differ(width: int) -> UnreadablePart:
    fields = "1 field" if width == 1 else f"{width} fields"
    return UnreadablePart(
        "columns_differ",
        f"The lines of this part do not have {fields}, as those of the first part or its header have. Send "
        "parts of the same layout, or open another dataset.",
    )


def _header_unknown(*, has_names: bool) -> UnreadablePart:
    names = (
        "name the columns as in the first part"
        if has_names
        else "leave it out and put the columns in the order of the first part, which has no header"
    )
    return UnreadablePart(
        "header_differs",
        "The first line of this part may be a header: where the first part has its numbers, it has none, or letters "
        f"beside it. It is not the header of the first part. If it is a header, {names}. If it is a line, set "
        "header=false.",
    )


def _header_differs() -> UnreadablePart:
    return UnreadablePart(
        "header_differs",
        "The header of this part does not name the columns that the first part was read from. Send it with the header "
        "of the first part, in any order, or open another dataset.",
    )
