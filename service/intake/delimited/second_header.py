"""Notices a header in the middle of a part, as files have that were joined.

A second header with the same columns in their places is a line without a number. With columns in other places, the
lines below it would be read from the wrong ones.
"""

import re
from collections import Counter
from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from service.intake.cells import Cells
from service.intake.columns.looks import MOST_CELLS, holds_number, share
from service.intake.delimited.layout import trimmed
from service.intake.delimited.records import each_record
from service.intake.errors import UnreadablePart
from service.intake.names.roles import (
    PARTS_OF_PHONE_NAMES,
    Role,
    compared_name,
    name_check,
    role_of,
    shown_role,
)
from service.intake.names.words import ColumnName
from service.intake.table import Table

_IS_DIGIT = np.isin(np.arange(256), list(b"0123456789"))
_SIGNS = bytes(code for code in range(128) if not chr(code).isalnum())
_TO_SMALL = bytes(range(256)).lower()
# A name may have a season, as in `secours 2024/2025`.
_MOST_DIGITS = 8
# What is looked at below a line that may be a header, and for how many of them.
_BYTES_BELOW, _LINES_BELOW, _MOST_LOOKS = 16_384, 20, 100
# So many different lines without a number are remembered, so that one that is often there is looked at once.
_MOST_REMEMBERED = 10_000


class Header:
    """The names of a part's header or, for a part without one, the checks of those of the dataset's (`name_check`)."""

    def __init__(self, names: Sequence[str], checks: Sequence[int]) -> None:
        self.is_of_part = bool(names)
        self._key: Callable[[str], Hashable] = compared_name if names else name_check
        self._keys: list[Hashable] = [compared_name(name) for name in names] or list(checks)
        self._known = set(filter(None, self._keys))
        # The empty text is in every other.
        parts = {*PARTS_OF_PHONE_NAMES, *(ColumnName(name).joined for name in names if name.strip())}
        self.part_of_name = re.compile(b"|".join(re.escape(part.encode()) for part in parts))
        # A single check may be equal by chance.
        self._fewest = max((len(self._known) + 1) // 2, 1 if names else 2)

    def has(self, name: str, at: int) -> bool:
        """Whether the column at this place has this name."""
        return at < len(self._keys) and self._key(name) == self._keys[at]

    def shares_half(self, names: Iterable[str]) -> bool:
        """Whether at least half of its names are among these."""
        return len(self._known.intersection(map(self._key, names))) >= self._fewest


class SecondHeader:
    """Looks for another header in the lines of one part, which are read from columns at these places (from 0).

    Columns of these `roles` would be read, if their names were known.
    Whether the first line of a part is a header is settled elsewhere, so it is not looked at here.
    """

    def __init__(
        self, places: Mapping[Role, int], header: Header, delimiter: str, roles: Container[Role | None]
    ) -> None:
        self._places = places
        self._roles = roles
        self._looks: Counter[int] = Counter()
        self._header = header
        self._delimiter = delimiter
        self._first_row = 0 if header.is_of_part else 1
        self._remembered: set[bytes] = set()

    def refuse(self, table: Table, text: memoryview, first_line: int) -> None:
        """Raise UnreadablePart if a record of the table is a header with its columns in other places.

        The table was made of this text, whose first line has this number.
        """
        rows = _rows_without_number(table.cells[Role.PHONE])
        rows, self._first_row = rows[rows >= self._first_row], 0
        if not rows.size:
            return
        begins = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == ord("\n")) + 1
        begins = np.concatenate(([0], begins))
        # The last place is the end of the text.
        following = np.append(table.line[1:] - first_line, len(begins) - 1)
        lines = table.line[rows]
        places = lines.tolist(), begins[lines - first_line].tolist(), begins[following[rows]].tolist()
        for line, begin, end in zip(*places, strict=True):
            record = bytes(text[begin:end])
            if record in self._remembered or not self._may_have_names(record):
                continue
            looks = self._looks.total()
            if self._is_elsewhere(record, text[end:]):
                raise _second_header(line)
            # Below the same line elsewhere may be something else.
            if looks == self._looks.total() and len(self._remembered) < _MOST_REMEMBERED:
                self._remembered.add(record)

    def _may_have_names(self, record: bytes) -> bool:
        """Whether a record may have a name of the header or of telephones, found in less time than by its fields."""
        if not self._header.is_of_part:
            return True
        # Of plain text, this is its plain name.
        is_plain = record.isascii()
        plain = record.translate(_TO_SMALL, _SIGNS) if is_plain else ColumnName(record.decode()).joined.encode()
        return self._header.part_of_name.search(plain) is not None

    def _is_elsewhere(self, record: bytes, below: memoryview) -> bool:
        fields = trimmed(self._fields(record))
        if not (self._header.shares_half(fields) or self._names_telephones(fields, below)):
            return False
        if not all(at < len(fields) and self._names(fields[at], role) for role, at in self._places.items()):
            return True
        return any(self._names_another_role(at, field) for at, field in enumerate(fields))

    def _names_another_role(self, at: int, field: str) -> bool:
        """Whether a field names a country or consent where the lines above have none that is read."""
        role = role_of(field)
        if role not in self._roles or self._header.has(field, at):
            return False
        return role not in {shown_role(read) for read in self._places}

    def _names_telephones(self, fields: Sequence[str], below: memoryview) -> bool:
        """Whether a line without a number has names in other words than the first header's.

        People write words such as `mobile` for the kind of a number, and others in place of one. A name has numbers
        below it.
        """
        phone = self._places[Role.PHONE]
        for at, field in enumerate(fields):
            if role_of(field) is not Role.PHONE:
                continue
            if at == phone and all(map(str.strip, fields)) and not holds_number(fields):
                return True
            if at != phone and self._looks[at] < _MOST_LOOKS:
                self._looks[at] += 1
                if self._has_numbers(at, below):
                    return True
        return False

    def _has_numbers(self, at: int, below: memoryview) -> bool:
        text = bytes(below[:_BYTES_BELOW])
        records = each_record(text[: text.rfind(b"\n") + 1], self._delimiter, final=True)
        cells = [record.fields[at] for record in islice(records, _LINES_BELOW) if at < len(record.fields)]
        return share(cells, lambda cell: holds_number([cell])) >= MOST_CELLS

    def _fields(self, text: bytes) -> list[str]:
        if b'"' not in text:
            return text.decode().rstrip("\n").split(self._delimiter)
        return next(each_record(text, self._delimiter, final=True)).fields

    def _names(self, field: str, role: Role) -> bool:
        """Whether a field names the column that is read for a role, or another of that role."""
        return self._header.has(field, self._places[role]) or role_of(field) is shown_role(role)


def _rows_without_number(cells: Cells) -> NDArray[np.intp]:
    """The rows whose cell has fewer digits than nearly every number."""
    if cells.group is not None and cells.group.shape.count(b"0") > _MOST_DIGITS:
        return np.empty(0, dtype=np.intp)
    signs = np.frombuffer(cells.text + b"\0", dtype=np.uint8)
    first, last = signs[cells.starts], signs[np.maximum(cells.starts + cells.lengths - 1, 0)]
    is_number = (cells.lengths > _MOST_DIGITS) & _IS_DIGIT[last] & (_IS_DIGIT[first] | (first == ord("+")))
    rows = np.flatnonzero(~is_number)
    if rows.size:
        digits = np.concatenate(([0], np.cumsum(_IS_DIGIT[signs])))
        starts = cells.starts[rows]
        rows = rows[digits[starts + cells.lengths[rows]] - digits[starts] <= _MOST_DIGITS]
    return rows


def _second_header(line: int) -> UnreadablePart:
    return UnreadablePart(
        "second_header",
        f"Line {line} is a header whose columns are not those of the header above it, so the lines below would be read "
        "from the wrong columns. Put these lines, with their header, into a file (a part) of their own; if the columns "
        "have other names, into another dataset. If it is no header, correct or delete it.",
    )
