"""The members of the objects of an NDJSON part: which of them are read, and those that appear only later.

Writers that leave out nulls make lines with different members. So each chunk is searched for names that were not seen
before, and a member with a known name is read from the chunk on in which it first appears.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from service.intake.column_choice import (
    MOST_COLUMNS,
    ColumnChoice,
    ColumnRules,
    IgnoredColumn,
    SampleColumn,
    check_country,
    choose_columns,
    columns_seen,
    holds_calling_codes,
    ignored_columns,
    later_columns,
    phone_column_unclear,
    require_names,
    too_many_columns,
)
from service.intake.column_names import Role, is_name, plain_name, role_of
from service.intake.dialect import Dialect
from service.intake.errors import UnreadablePart
from service.intake.media import Format

_NAME = re.compile(rb'"([^"\\]*(?:\\.[^"\\]*)*)"\s*:')
_SPACES = np.frombuffer(b" \t", dtype=np.uint8)
# With more names it is faster to look for all at once.
_COUNTED_NAMES = 16
_MOST_NAMES = 10_000


class Members:
    """The members that are read, settled by the first lines of a part."""

    def __init__(self, sample: Sequence[bytes], dialect: Dialect | None, rules: ColumnRules) -> None:
        self._rules, choice = rules, rules.choice
        columns = _sample_columns(sample)
        # A chosen member may be missing in the first lines.
        self._awaited = dict(_awaited(columns, choice)) if dialect is None else {}
        columns += [SampleColumn(name) for name in self._awaited.values()]
        self.names = _settle(columns, rules) if dialect is None else _settled(columns, dialect, rules)
        self.dialect = dialect or Dialect(Format.NDJSON, require_names(self.names))
        self._sample = columns
        self._seen = {column.name for column in columns}.difference(self._awaited.values())
        self._later_ignored: list[str] = []

    def look(self, text: bytes, lines: Sequence[bytes]) -> None:
        """Notice members that were not seen before in this chunk, whose lines are these."""
        for name in self._new_names(text):
            role = role_of(name) if is_name(name) else None
            is_awaited = name in self._awaited.values()
            if (role or is_awaited) and not _is_member(name, lines):
                continue
            if len(self._seen) < _MOST_NAMES:
                self._seen.add(name)
            if is_awaited:
                self._awaited = {role: awaited for role, awaited in self._awaited.items() if awaited != name}
            elif role is None:
                continue
            elif role not in self.names and self._rules.choice.of(role) is None:
                self.names[role] = name
            elif name not in self.names.values():
                self._later_ignored.append(name)

    @property
    def has_calling_codes(self) -> bool:
        """Whether digits in the country member are calling codes."""
        name = self.names.get(Role.COUNTRY)
        cells = next((column.cells for column in self._sample if column.name == name), ())
        return name is not None and holds_calling_codes(name, cells, self._rules)

    def finish(self) -> None:
        """Raise UnreadablePart if a member that the caller chose was in no line."""
        if self._awaited:
            raise UnreadablePart("column_not_found", f"No line has the chosen member.{columns_seen(self._sample)}")

    def ignored(self) -> list[IgnoredColumn]:
        """The members seen so far that look relevant and are not read."""
        roles = self._rules.roles
        read = {name for role, name in self.names.items() if role in roles}
        places = [at for at, column in enumerate(self._sample) if column.name in read]
        later = [name for name in dict.fromkeys(self._later_ignored) if name not in read]
        unread = [name for role, name in self.names.items() if role not in roles and name not in self._sample_names()]
        early = [column.shown for column in ignored_columns(self._sample, places, self._rules.is_telephone)]
        # These are names of members, never cells.
        return [IgnoredColumn(name, name) for name in [*early, *later, *unread]]

    def _sample_names(self) -> set[str]:
        return {column.name for column in self._sample}

    def _new_names(self, text: bytes) -> Iterator[str]:
        if len(self._seen) <= _COUNTED_NAMES:
            # Counting is much faster than searching, and mostly there is nothing new.
            known = sum(text.count(orjson.dumps(name) + b":") for name in self._seen)
            signs = np.frombuffer(text, dtype=np.uint8)
            before = signs[np.flatnonzero(signs == ord(":")) - 1]
            # Where writers put spaces before colons, or a value has them, names are searched for.
            if known == np.count_nonzero(before == ord('"')) and not np.isin(before, _SPACES).any():
                return
        for quoted in set(_NAME.findall(text)):
            name = _unquoted(quoted)
            if name is not None and name not in self._seen:
                yield name


def _unquoted(quoted: bytes) -> str | None:
    try:
        return str(orjson.loads(b'"' + quoted + b'"'))
    except orjson.JSONDecodeError:
        return None


def _is_member(name: str, lines: Iterable[bytes]) -> bool:
    """Whether a name is that of a member, and not only text in a value."""
    quoted = orjson.dumps(name)
    # Letters beyond ASCII may be written as escapes.
    return any(
        name in (read_object(line) or {}) for line in lines if quoted in line or (not name.isascii() and b"\\u" in line)
    )


def _sample_columns(sample: Iterable[bytes]) -> list[SampleColumn]:
    cells: dict[str, list[str]] = {}
    for line in sample:
        for name, value in (read_object(line) or {}).items():
            text = as_text(value)
            cells.setdefault(name, []).extend([text] if text.strip() else [])
            if len(cells) > MOST_COLUMNS:
                raise too_many_columns()
    return [SampleColumn(name, texts) for name, texts in cells.items()]


def _awaited(columns: Sequence[SampleColumn], choice: ColumnChoice) -> Iterator[tuple[Role, str]]:
    plain_names = {plain_name(column.name) for column in columns} | {column.name.strip() for column in columns}
    for role in Role:
        chosen = choice.of(role)
        if chosen and choice.position(role) is None and not {chosen, plain_name(chosen) or chosen} & plain_names:
            yield role, chosen


def _settle(columns: Sequence[SampleColumn], rules: ColumnRules) -> dict[Role, str]:
    if not columns:
        raise UnreadablePart(
            "not_ndjson", "No line is a JSON object. Send an object per line, or state the right format."
        )
    found = choose_columns(columns, rules)
    if Role.PHONE not in found and len(columns) > 1:
        raise phone_column_unclear(f"No member has a name for phone numbers.{columns_seen(columns)}")
    found = check_country(columns, {Role.PHONE: 0} | found, rules)
    return {role: columns[at].name for role, at in found.items()}


def _settled(columns: list[SampleColumn], dialect: Dialect, rules: ColumnRules) -> dict[Role, str]:
    """The members of a later part. Raises UnreadablePart if the caller chose others for this part."""
    names = {role: str(name) for role, name in dialect.columns.items()}
    missing = set(names.values()) - {column.name for column in columns}
    columns += [SampleColumn(name) for name in names.values() if name in missing]
    places = {column.name: at for at, column in enumerate(columns)}
    found = later_columns(columns, rules, {role: places[name] for role, name in names.items()})
    found = check_country(columns, found, rules)
    return {role: columns[at].name for role, at in found.items()}


def read_object(line: bytes) -> Mapping[str, Any] | None:
    """The object that a line contains; None if it contains none."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, dict):
        return None
    if any(isinstance(value, float) for value in found.values()):
        # As it is written, because 3.36e10 lost digits and 33639980000.0 did not.
        found = json.loads(line, parse_float=str)
    members: dict[str, Any] = found
    return members


def as_text(value: object) -> str:
    """A member as the text of a cell."""
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value).decode()
