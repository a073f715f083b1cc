"""The dialect of a CSV part: its delimiter, whether it has a header, and which columns matter."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from operator import attrgetter

from service.intake.decoding import Encoding
from service.intake.dialect import Column, ColumnChoice, Dialect, Role, ambiguous, choose_columns, plain, role_of, seen
from service.intake.errors import UnreadablePart
from service.intake.media import Format
from service.intake.records import each_record

SAMPLE_BYTES = 64 * 1024
"""The dialect is settled by so much text (all of it, if there is less)."""

# Never in a file of numbers: with it, a line is a single cell, and a comma in it makes no second number disappear.
NO_DELIMITER = "\x1f"
_DELIMITERS = (";", "\t", "|", ",")
_SAMPLE_RECORDS = 200
_CHECKED_RECORDS = 20
_PHONE = re.compile(r"[\s'\"+]*[0-9][0-9\s.()/'\"\ufffd-]*")
_FEWEST_DIGITS, _MOST_DIGITS = 9, 15
_MOSTLY = 0.8


def settle(sample: str, encoding: Encoding, choice: ColumnChoice) -> tuple[Dialect, bool, list[str]]:
    """The dialect of the first part, whether its first record is a header, and the header (else nothing).

    Raises UnreadablePart if there is no line, or if the phone column cannot be told.
    """
    candidates = {delimiter: _rows(sample, delimiter) for delimiter in (NO_DELIMITER, *_DELIMITERS)}
    delimiter, rows = max(candidates.items(), key=lambda one: _fitness(one[0], one[1], choice))
    if not rows:
        raise UnreadablePart("empty", "The part holds no line. Send the lines, or leave the part out.")
    if not any(_is_known(name, choice) for name in rows[0]):
        for candidate in candidates.values():
            _refuse_lines_above_header(candidate)
    has_header = _is_header(rows[0], choice)
    header, data = (rows[0], rows[1:]) if has_header else ([], rows)
    # Records may be wider than their header (a delimiter at the end of each line), and the later parts have no other.
    width = _common_width(data or rows)
    found = choose_columns([*header, *[""] * (width - len(header))], choice)
    if Role.PHONE not in found:
        found[Role.PHONE] = _by_looks(data, width, header)
    names = {at: plain(name) for at, name in enumerate(header) if _is_known(name, choice)}
    columns: dict[Role, Column] = dict(found)
    return Dialect(Format.CSV, columns, encoding, delimiter, width, names if has_header else None), has_header, header


def _refuse_lines_above_header(rows: Sequence[Sequence[str]]) -> None:
    """Refuse titles above the header: the columns would be found by their looks, and those of consents not at all."""
    for row in rows[1:_CHECKED_RECORDS]:
        if _is_wordy(row) and any(role_of(name) is Role.PHONE for name in row):
            raise UnreadablePart(
                "lines_above_header", "The header is not on the first line: remove what stands above it."
            )


def begins_with_header(sample: str, dialect: Dialect) -> bool:
    """Whether a later part repeats the header. Raises UnreadablePart if it is laid out in another way."""
    rows = _rows(sample, dialect.delimiter or NO_DELIMITER)[:_CHECKED_RECORDS]
    if not rows:
        return False
    if all(len(row) != dialect.width for row in rows):
        raise UnreadablePart(
            "columns_differ",
            f"The first part has {dialect.width} columns and this one has not. Send parts of one layout, or another "
            "dataset.",
        )
    phone = dialect.columns[Role.PHONE]
    names = dict(enumerate(map(plain, rows[0])))
    if dialect.header and all(names.get(at) == name for at, name in dialect.header.items()):
        return True
    if dialect.header is not None and not dialect.header and _is_wordy(rows[0]):
        return True
    if any(role_of(name) is Role.PHONE and at != phone for at, name in enumerate(rows[0])):
        raise UnreadablePart(
            "header_differs", "The header puts the phone number in another column than the first part."
        )
    return phone in names and role_of(names[int(phone)]) is Role.PHONE


def _rows(sample: str, delimiter: str) -> list[list[str]]:
    records = each_record(sample.encode(), delimiter, final=True)
    return [record.fields for record in islice(filter(attrgetter("fields"), records), _SAMPLE_RECORDS)]


def _fitness(delimiter: str, rows: Sequence[Sequence[str]], choice: ColumnChoice) -> tuple[int, bool, float, int]:
    """How well a delimiter explains the sample: names it brings out, a phone column, evenness, columns."""
    if not rows:
        return (0, False, 0.0, 0)
    width = _width(rows, choice)
    if width == 1 and delimiter != NO_DELIMITER:
        return (0, False, 0.0, 0)
    named = sum(_is_known(name, choice) for name in rows[0])
    has_phone = any(_looks_like_phones(_column(rows[1:] or rows, at)) for at in range(width))
    return (named, has_phone, sum(len(row) == width for row in rows) / len(rows), width)


def _width(rows: Sequence[Sequence[str]], choice: ColumnChoice) -> int:
    """How many columns there are: as many as a header names, else as most records have."""
    return len(rows[0]) if any(_is_known(name, choice) for name in rows[0]) else _common_width(rows)


def _common_width(rows: Sequence[Sequence[str]]) -> int:
    return Counter(map(len, rows)).most_common(1)[0][0]


def _is_known(name: str, choice: ColumnChoice) -> bool:
    """Whether a header name is in our vocabulary or was given by the caller."""
    given = [choice.of(role) for role in Role if choice.position(role) is None]
    return role_of(name) is not None or (bool(plain(name)) and plain(name) in [plain(each or "") for each in given])


def _is_header(first: Sequence[str], choice: ColumnChoice) -> bool:
    return any(_is_known(name, choice) for name in first) or _is_wordy(first)


def _is_wordy(first: Sequence[str]) -> bool:
    """Whether a line has words and not one digit: nobody's number is in it, so it can only be a header."""
    text = "".join(first)
    return any(map(str.isalpha, text)) and not any(map(str.isdigit, text))


def _by_looks(rows: Sequence[Sequence[str]], width: int, header: Sequence[str]) -> int:
    if width == 1:
        return 0
    candidates = [at for at in range(width) if _looks_like_phones(_column(rows, at))]
    prefixed = [at for at in candidates if all(cell.lstrip(" '\"(")[:1] in "0+" for cell in _column(rows, at))]
    if len(candidates) != 1 and len(prefixed) != 1:
        number = "Several columns look" if candidates else "No column looks"
        raise ambiguous(f"{number} like phone numbers.{seen(header)}")
    return candidates[0] if len(candidates) == 1 else prefixed[0]


def _column(rows: Iterable[Sequence[str]], at: int) -> list[str]:
    return [row[at] for row in rows if at < len(row) and row[at].strip()]


def _looks_like_phones(cells: Sequence[str]) -> bool:
    likely = sum(
        bool(_PHONE.fullmatch(cell)) and _FEWEST_DIGITS <= sum(map(str.isdigit, cell)) <= _MOST_DIGITS for cell in cells
    )
    return bool(cells) and likely >= _MOSTLY * len(cells)
