"""Notices a header in the middle of a part, as files have that were joined.

A second header with the same columns in their places is a line without a number. With columns in other places, the
lines below it would be read from the wrong ones.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from service.intake.cells import Cells
from service.intake.column_names import (
    Role,
    compared_name,
    name_check,
    role_of,
    shown_role,
)
from service.intake.csv_layout import trimmed
from service.intake.errors import UnreadablePart
from service.intake.looks import holds_number
from service.intake.records import each_record
from service.intake.table import Table

_IS_DIGIT = np.isin(np.arange(256), list(b"0123456789"))
# A name may have a season, as in `secours 2024/2025`.
_MOST_DIGITS = 8
# So many different lines without a number are remembered, so that one that is often there is looked at once.
_MOST_REMEMBERED = 10_000


class Header:
    """The names of a part's header or, for a part without one, the checks of those of the dataset's (`name_check`)."""

    def __init__(self, names: Sequence[str], checks: Sequence[int]) -> None:
        self.is_of_part = bool(names)
        self._key: Callable[[str], Hashable] = compared_name if names else name_check
        self._keys: list[Hashable] = [compared_name(name) for name in names] or list(checks)
        self._known = set(filter(None, self._keys))
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

    Whether the first line of a part is a header is settled elsewhere, so it is not looked at here.
    """

    def __init__(self, places: Mapping[Role, int], header: Header, delimiter: str) -> None:
        self._places = places
        self._values: dict[tuple[int, str], bool] = {}
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
        for row in rows.tolist():
            line = int(table.line[row])
            record = bytes(text[begins[line - first_line] : begins[following[row]]])
            if record not in self._remembered and self._is_elsewhere(record, text):
                raise _second_header(line)
            if len(self._remembered) < _MOST_REMEMBERED:
                self._remembered.add(record)

    def _is_elsewhere(self, record: bytes, text: memoryview) -> bool:
        fields = trimmed(self._fields(record))
        if not (self._header.shares_half(fields) or self._name_telephones(fields, text)):
            return False
        return not all(at < len(fields) and self._names(fields[at], role) for role, at in self._places.items())

    def _name_telephones(self, fields: Sequence[str], text: memoryview) -> bool:
        """Whether these are names in other words than the first header's, as far as a line without a number shows."""
        named = [at for at, field in enumerate(fields) if role_of(field) is Role.PHONE]
        if not named or not all(map(str.strip, fields)) or holds_number(fields):
            return False
        return any(not self._is_value(at, fields[at], text) for at in named)

    def _is_value(self, at: int, field: str, text: memoryview) -> bool:
        """Whether a line with a number has this in the same column, as a preferred way of contact may be `mobile`."""
        if (at, field) not in self._values:
            phone = self._places[Role.PHONE]
            rows = (record.fields for record in each_record(bytes(text), self._delimiter, final=True))
            self._values[at, field] = any(
                row[at] == field and holds_number([row[phone]]) for row in rows if len(row) > max(at, phone)
            )
        return self._values[at, field]

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
        "from the wrong columns. Send them, with this header, as a part of their own, or as another dataset if the "
        "columns have other names. If it is no header, correct or delete it.",
    )
