"""The dialect of a CSV part: its delimiter, whether it has a header, and the relevant columns."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from operator import attrgetter

from service.intake.decoding import Encoding
from service.intake.dialect import (
    MOST_COLUMNS,
    Column,
    ColumnChoice,
    Dialect,
    Role,
    choose_columns,
    columns_seen,
    phone_column_unclear,
    plain_name,
    role_of,
    too_many_columns,
)
from service.intake.errors import UnreadablePart
from service.intake.media import Format
from service.intake.records import each_record

SAMPLE_BYTES = 64 * 1024
"""The dialect is settled by this much text, or all of it if there is less."""

# A sign that never occurs in a file of numbers. With it a line is a single cell, so that a second number after a comma
# does not disappear in another column.
NO_DELIMITER = "\x1f"
_DELIMITERS = (";", "\t", "|", ",")
_SAMPLE_RECORDS = 200
_CHECKED_RECORDS = 20
_PHONE = re.compile(r"[\s'\"+]*[0-9][0-9\s.()/'\"\ufffd-]*")
_FEWEST_DIGITS, _MOST_DIGITS = 9, 15
# The share of cells that must look like phone numbers.
_MOST_CELLS = 0.8


def settle_dialect(sample: str, encoding: Encoding, choice: ColumnChoice) -> tuple[Dialect, bool, list[str]]:
    """The dialect of the first part, whether its first record is a header, and the header (or an empty list).

    Raises UnreadablePart if there is no line, or if the phone column is unclear.
    """
    found_rows = {delimiter: _rows(sample, delimiter) for delimiter in (NO_DELIMITER, *_DELIMITERS)}
    candidates = {delimiter: rows for delimiter, rows in found_rows.items() if not _too_wide(rows)}
    delimiter, rows = max(candidates.items(), key=lambda candidate: _fitness(candidate[0], candidate[1], choice))
    if not rows:
        raise UnreadablePart("empty_part", "The part has no lines. Send its lines, or leave the part out.")
    if delimiter == NO_DELIMITER and len(candidates) < len(found_rows):
        raise too_many_columns()
    if not any(_is_known(name, choice) for name in rows[0]):
        for candidate_rows in candidates.values():
            _refuse_lines_above_header(candidate_rows)
    has_header = _is_header(rows[0], choice)
    header, data = (rows[0], rows[1:]) if has_header else ([], rows)
    # Records may be wider than their header (a delimiter at the end of each line), as may those of later parts.
    width = _common_width(data or rows)
    found = choose_columns([*header, *[""] * (width - len(header))], choice)
    if Role.PHONE not in found:
        found[Role.PHONE] = _guess_phone_column(data, width, header)
    names = {at: plain_name(name) for at, name in enumerate(header) if _is_known(name, choice)}
    columns: dict[Role, Column] = dict(found)
    return Dialect(Format.CSV, columns, encoding, delimiter, width, names if has_header else None), has_header, header


def _refuse_lines_above_header(rows: Sequence[Sequence[str]]) -> None:
    """Refuse titles above the header: the phone column would only be guessed, and consent columns would be missed."""
    for row in rows[1:_CHECKED_RECORDS]:
        if _has_words_only(row) and any(role_of(name) is Role.PHONE for name in row):
            raise UnreadablePart(
                "lines_above_header", "The header is not on the first line. Remove the lines above it."
            )


def begins_with_header(sample: str, dialect: Dialect) -> bool:
    """Whether a later part repeats the header. Raises UnreadablePart if its layout differs from the first part's."""
    rows = _rows(sample, dialect.delimiter or NO_DELIMITER)[:_CHECKED_RECORDS]
    if not rows:
        return False
    if _too_wide(rows):
        raise too_many_columns()
    if all(len(row) != dialect.width for row in rows):
        raise UnreadablePart(
            "columns_differ",
            f"This part does not have {dialect.width} columns as the first part has. Send parts of the "
            "same layout, or open another dataset.",
        )
    phone = dialect.columns[Role.PHONE]
    names = dict(enumerate(map(plain_name, rows[0])))
    if dialect.header and all(names.get(at) == name for at, name in dialect.header.items()):
        return True
    if dialect.header is not None and not dialect.header and _has_words_only(rows[0]):
        return True
    if any(role_of(name) is Role.PHONE and at != phone for at, name in enumerate(rows[0])):
        raise UnreadablePart(
            "header_differs",
            "The header puts the phone number in another column than the first part does. Send the columns in the same "
            "order.",
        )
    return phone in names and role_of(names[int(phone)]) is Role.PHONE


def _rows(sample: str, delimiter: str) -> list[list[str]]:
    records = each_record(sample.encode(), delimiter, final=True)
    return [record.fields for record in islice(filter(attrgetter("fields"), records), _SAMPLE_RECORDS)]


def _too_wide(rows: Sequence[Sequence[str]]) -> bool:
    """Whether there are more columns than a list of numbers has. Each name and cell would be looked at."""
    return any(len(row) > MOST_COLUMNS for row in rows)


def _fitness(delimiter: str, rows: Sequence[Sequence[str]], choice: ColumnChoice) -> tuple[int, bool, float, int]:
    """How well a delimiter fits the sample: known names, a phone column, the share of equally wide rows, columns."""
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
    """Whether a header name gives a role, or was chosen by the caller."""
    chosen = [plain_name(choice.of(role) or "") for role in Role if choice.position(role) is None]
    return role_of(name) is not None or (bool(plain_name(name)) and plain_name(name) in chosen)


def _is_header(first: Sequence[str], choice: ColumnChoice) -> bool:
    return any(_is_known(name, choice) for name in first) or _has_words_only(first)


def _has_words_only(first: Sequence[str]) -> bool:
    """Whether a line has letters and no digit. It contains no number, so it can only be a header."""
    text = "".join(first)
    return any(map(str.isalpha, text)) and not any(map(str.isdigit, text))


def _guess_phone_column(rows: Sequence[Sequence[str]], width: int, header: Sequence[str]) -> int:
    if width == 1:
        return 0
    candidates = [at for at in range(width) if _looks_like_phones(_column(rows, at))]
    prefixed = [at for at in candidates if all(cell.lstrip(" '\"(")[:1] in "0+" for cell in _column(rows, at))]
    if len(candidates) != 1 and len(prefixed) != 1:
        columns = "Several columns look" if candidates else "No column looks"
        raise phone_column_unclear(f"{columns} like phone numbers.{columns_seen(header)}")
    return candidates[0] if len(candidates) == 1 else prefixed[0]


def _column(rows: Iterable[Sequence[str]], at: int) -> list[str]:
    return [row[at] for row in rows if at < len(row) and row[at].strip()]


def _looks_like_phones(cells: Sequence[str]) -> bool:
    likely = sum(
        bool(_PHONE.fullmatch(cell)) and _FEWEST_DIGITS <= sum(map(str.isdigit, cell)) <= _MOST_DIGITS for cell in cells
    )
    return bool(cells) and likely >= _MOST_CELLS * len(cells)
