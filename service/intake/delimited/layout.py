"""Where the columns of a CSV part are: its delimiter, whether it has a header, and how wide its lines are.

The first part of a dataset settles this for all. `header` finds the same columns in a later part.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter

from service.intake.columns.choice import (
    MOST_COLUMNS,
    ColumnChoice,
    ColumnRules,
    SampleColumn,
    choose_columns,
    too_many_columns,
)
from service.intake.columns.countries import check_country, with_other_country
from service.intake.columns.looks import (
    MOST_CELLS,
    IsTelephone,
    has_digits_of_a_number,
    has_words,
    has_words_only,
    holds_number,
    share,
)
from service.intake.columns.phones import guess_phone_column
from service.intake.decoding import Encoding
from service.intake.delimited.records import each_record
from service.intake.dialect import Dialect
from service.intake.errors import UnreadablePart
from service.intake.media import Format
from service.intake.names.meaning import NameMeaning, meaning_of
from service.intake.names.others import is_of_others
from service.intake.names.roles import Role, is_name, name_check, role_of
from service.intake.names.words import ColumnName

SAMPLE_BYTES = 64 * 1024
"""The dialect is settled by this much text, or all of it if there is less."""

# A sign that never occurs in a file of numbers. With it a line is a single cell, so that a second number after a comma
# does not disappear in another column.
NO_DELIMITER = "\x1f"
_DELIMITERS = (";", "\t", "|", ",")
EMPTY_SIGNS = ' \t"'
"""A field of these signs is empty, however it is read."""
_SAMPLE_RECORDS = 200
_CHECKED_RECORDS = 20

# Under these names the lines are counted where a delimiter stands at the end of each.
_NAMES_OF_COUNTS = frozenset(
    {"", "id", "n", "no", "nr", "num", "numero", "number", "index", "ligne", "line", "row", "rang"}
)

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Layout:
    """Where the columns of one part are: a position from 0 for each role, and the number of fields of a line.

    Fields from `filled` on are empty: what a delimiter at the end of each line makes. `sample` are all its columns as
    its beginning shows them, and `names` those names of columns that may be stored. `meaning` is what all names of the
    columns say; None without a header.
    """

    columns: dict[Role, int]
    width: int
    filled: int
    has_header: bool
    sample: Sequence[SampleColumn]
    names: dict[Role, str]
    meaning: NameMeaning | None


def settle_layout(
    sample: str, encoding: Encoding, rules: ColumnRules, delimiter: str | None = None
) -> tuple[Dialect, Layout]:
    """The dialect and the layout of the first part. Its delimiter is found unless the part states it.

    Raises UnreadablePart if there is no line, or if the phone column is unclear.
    """
    delimiter, rows = _split(sample, rules, delimiter)
    has_header = rules.has_header is not False and _is_header(rows[0], rules)
    header = trimmed(rows[0]) if has_header else []
    columns = sample_columns(header, rows[1:] if has_header else rows)
    found = choose_columns(columns, rules)
    if Role.PHONE not in found:
        found[Role.PHONE] = guess_phone_column(columns, rules.is_telephone)
    found = check_country(columns, with_other_country(columns, found, rules), rules)
    if has_header:
        refuse_short_header(rows[0], rows[1:])
    filled, width = line_shape(header, rows[1:] if has_header else rows, found)
    names = storable_names(header, found, rules.choice)
    checks = list(map(name_check, header)) if has_header else None
    meaning = meaning_of_header(header, found)
    dialect = Dialect(
        Format.CSV, {**found}, names, encoding, delimiter, width, filled, checks, meaning or NameMeaning()
    )
    return dialect, Layout(found, width, filled, has_header, columns, names, meaning)


def _split(sample: str, rules: ColumnRules, stated: str | None) -> tuple[str, Rows]:
    """The delimiter that fits the sample best, and the rows that it makes."""
    found = {delimiter: sample_rows(sample, delimiter) for delimiter in ([stated] if stated else _ALL_DELIMITERS)}
    candidates = {delimiter: rows for delimiter, rows in found.items() if not is_too_wide(rows)}
    if not candidates:
        raise too_many_columns()
    delimiter, rows = max(candidates.items(), key=lambda candidate: _fitness(candidate[0], candidate[1], rules.choice))
    if not rows:
        raise UnreadablePart("empty_part", "The part has no lines. Send its lines, or leave the part out.")
    if delimiter == NO_DELIMITER and len(candidates) < len(found):
        raise too_many_columns()
    is_known = any(_is_known(name, rules.choice) for name in rows[0])
    if not is_known or any(map(rules.is_telephone, rows[0])):
        for candidate_rows in candidates.values():
            _refuse_lines_above_header(candidate_rows, rules.is_telephone)
    return delimiter, rows


_ALL_DELIMITERS = (NO_DELIMITER, *_DELIMITERS)


def _refuse_lines_above_header(rows: Rows, is_telephone: IsTelephone) -> None:
    """Refuse titles above the header: the phone column would only be guessed, and consent columns would be missed."""
    may_be_list = any(map(is_telephone, rows[0]))
    for row in rows[1:_CHECKED_RECORDS]:
        roles = {role for name in row if (role := role_of(name)) not in (None, Role.CONSENT_STATE)}
        if Role.PHONE not in roles or any(map(is_telephone, row)):
            continue
        # Among the lines of a list, one may have the name of a column in a cell. It has not those of two.
        if len(roles) > 1 or not (may_be_list or holds_number(row)):
            raise UnreadablePart(
                "lines_above_header", "The header is not on the first line. Remove the lines above it."
            )


def sample_rows(sample: str, delimiter: str) -> list[list[str]]:
    """The first records of a sample that are not blank."""
    records = each_record(sample.encode(), delimiter, final=True)
    return [record.fields for record in islice(filter(attrgetter("fields"), records), _SAMPLE_RECORDS)]


def storable_names(header: Sequence[str], columns: Mapping[Role, int], choice: ColumnChoice) -> dict[Role, str]:
    """The header names of these columns that are known here or chosen by the caller."""
    named = {role: header[at].strip() for role, at in columns.items() if at < len(header)}
    return {role: name for role, name in named.items() if is_name(name) and _may_store(name, choice)}


def _may_store(name: str, choice: ColumnChoice) -> bool:
    return role_of(name) is not None or _is_known(name, choice)


def meaning_of_header(header: Sequence[str], columns: Mapping[Role, int]) -> NameMeaning | None:
    """What the names of these columns say; None without a header."""
    return meaning_of({role: header[at] for role, at in columns.items() if at < len(header)}) if header else None


def sample_columns(header: Sequence[str], rows: Rows) -> list[SampleColumn]:
    """The columns of these rows, with the names of the header where it has any."""
    width = max(len(header), _common_width(rows))
    return [SampleColumn(header[at] if at < len(header) else "", _column(rows, at)) for at in range(width)]


def trimmed(header: Sequence[str]) -> list[str]:
    """A header without the empty names that delimiters at its end make."""
    named = [at for at, name in enumerate(header) if name.strip()]
    return list(header[: named[-1] + 1]) if named else []


def line_shape(header: Sequence[str], rows: Rows, columns: Mapping[Role, int]) -> tuple[int, int]:
    """How many fields of a line may be filled, and how many there are: those, and empty ones at its end.

    All lines must have the same number of fields. In a line with an empty field more than the others, it may also be
    that a delimiter stands in a cell, which shifts the cells behind it, and that the last cell is empty.
    """
    filled = max([len(header) or _common_width(rows), *(at + 1 for at in columns.values())])
    width = _common_width([row for row in rows if len(row) >= filled and not any(map(is_filled, row[filled:]))])
    return filled, width or filled


def refuse_short_header(first: Sequence[str], rows: Rows) -> None:
    """Refuse a header with a name less than its lines have fields, if the first of these counts the lines.

    So R writes the names of rows. Read as it stands, each name would be that of the column before its own, where the
    last cells are empty; elsewhere all lines would have too many fields. Raises UnreadablePart.
    """
    longer = [row[0].strip() for row in rows if len(row) == len(first) + 1]
    counted = [[str(at) for at in range(start, start + len(longer))] for start in (0, 1)]
    if (
        len(longer) < max(2, len(rows) // 2)
        or longer not in counted
        or ColumnName(first[0]).joined_words in _NAMES_OF_COUNTS
    ):
        return
    raise UnreadablePart(
        "header_too_short",
        "The header has a name less than the lines have fields, and the first field counts the lines, as row names of "
        "R do. So each name may stand above the column before its own. Give the first column a name too (in R, "
        "col.names=NA, or row.names=FALSE to leave the column out).",
    )


def fits(row: Sequence[str], width: int, filled: int) -> bool:
    """Whether a record has as many fields as the lines of its part, and none is filled that should be empty."""
    return len(row) == width and not any(map(is_filled, row[filled:]))


def is_filled(field: str) -> bool:
    """Whether a field has more than signs of an empty one."""
    return bool(field.strip(EMPTY_SIGNS))


def is_too_wide(rows: Rows) -> bool:
    """Whether there are more columns than a list of numbers has. Each name and cell would be looked at."""
    return any(len(row) > MOST_COLUMNS for row in rows)


def _fitness(delimiter: str, rows: Rows, choice: ColumnChoice) -> tuple[int, bool, float, int]:
    """How well a delimiter fits the sample: known names, a phone column, the share of equally wide rows, columns."""
    if not rows:
        return (0, False, 0.0, 0)
    width = _width(rows, choice)
    if width == 1 and delimiter != NO_DELIMITER:
        return (0, False, 0.0, 0)
    named = sum(_is_known(name, choice) for name in rows[0])
    has_phone = any(share(_column(rows[1:] or rows, at), has_digits_of_a_number) >= MOST_CELLS for at in range(width))
    return (named, has_phone, sum(len(row) == width for row in rows) / len(rows), width)


def _width(rows: Rows, choice: ColumnChoice) -> int:
    """How many columns there are: as many as a header names, else as most records have."""
    return len(rows[0]) if any(_is_known(name, choice) for name in rows[0]) else _common_width(rows)


def _common_width(rows: Rows) -> int:
    return Counter(map(len, rows)).most_common(1)[0][0] if rows else 0


def _is_known(name: str, choice: ColumnChoice) -> bool:
    """Whether a header name gives a role, or was chosen by the caller. What says who agreed may be a cell of a line."""
    return role_of(name) not in (None, Role.CONSENT_STATE) or ColumnName(name).whole in choice.names()


def _is_header(first: Sequence[str], rules: ColumnRules) -> bool:
    """Whether the first line is a header. One with a telephone number is not, whatever words stand beside it.

    Raises UnreadablePart if the caller says that such a line is one, or if it has names of columns and other digits.
    """
    if any(map(rules.is_telephone, first)):
        if rules.has_header:
            raise header_holds_number()
        return False
    is_known = any(_is_known(name, rules.choice) or _states_offset(name) for name in first)
    if rules.has_header is None and is_known and holds_number(first):
        raise _header_unclear()
    # A list of one column has a word above it that may be numbered, as no number is: `fax 2`.
    is_known = (
        is_known or (len(first) == 1 and has_words(first[0]) and is_name(first[0])) or any(map(is_of_others, first))
    )
    return bool(rules.has_header) or (not holds_number(first) and (is_known or has_words_only(first)))


def _states_offset(name: str) -> bool:
    """Whether a text is a name with an offset in it, as in `Created (UTC+1)`, and not a time with one."""
    return is_name(name) and ColumnName(name).offset.is_stated and bool(ColumnName(name).joined_without_zone)


def header_holds_number() -> UnreadablePart:
    """The error for a stated header that has a telephone number."""
    return UnreadablePart(
        "no_header", "The first line contains a number, so it is not a header. Set header=false, or add a header."
    )


def _header_unclear() -> UnreadablePart:
    """The error for a first line that has names of columns, and as many digits as a number in other cells."""
    return UnreadablePart(
        "header_unclear",
        "The first line has names of columns, but also the digits of a number. Remove these digits from the header, or "
        "set header=true or header=false to say what the line is.",
    )


def _column(rows: Iterable[Sequence[str]], at: int) -> list[str]:
    return [row[at] for row in rows if at < len(row) and row[at].strip()]
