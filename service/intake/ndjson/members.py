"""The members of the objects of an NDJSON part: which of them are read, and those that appear only later.

Writers that leave out nulls make lines with different members. So each chunk is searched for names that were not seen
before, and a member with a known name is read from the chunk on in which it first appears. A line that lacks the
country or the consent time may have it under another known name, which is then read. Of numbers only one name is read:
another may be the number of somebody else.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
import orjson

from service.intake.columns.choice import (
    MOST_COLUMNS,
    ColumnChoice,
    ColumnRules,
    IgnoredColumn,
    SampleColumn,
    choose_columns,
    columns_seen,
    ignored_columns,
    later_columns,
    require_names,
    says_state,
    too_many_columns,
    too_many_states,
)
from service.intake.columns.countries import check_country, countries_inside, holds_calling_codes
from service.intake.columns.looks import FEW_CELLS, may_be_a_time, share, states_its_country
from service.intake.columns.phones import guess_phone_column
from service.intake.columns.zones import other_zones
from service.intake.dialect import Dialect
from service.intake.errors import UnreadablePart
from service.intake.media import Format
from service.intake.names.meaning import NameMeaning, meaning_of
from service.intake.names.roles import STATE_ROLES, Role, is_certain, is_name, role_of
from service.intake.names.words import ColumnName
from service.intake.ndjson.objects import NAME, Member, as_text, member_of, read_object, unquoted

_SPACES = np.frombuffer(b" \t", dtype=np.uint8)
# With more names it is faster to look for all at once.
_COUNTED_NAMES = 16
_SAMPLED_LINES = 200
_MOST_NAMES = 10_000
# Each is looked for in all lines. A list has a few.
_MOST_KNOWN_NAMES = 100


class Members:
    """The members that are read, settled by the first lines of a part."""

    def __init__(self, sample: Sequence[bytes], dialect: Dialect | None, rules: ColumnRules) -> None:
        self._rules, choice = rules, rules.choice
        columns = _sample_columns(sample)
        # A chosen member may be missing in the first lines.
        self._awaited = dict(_awaited(columns, choice)) if dialect is None else {}
        columns += [SampleColumn(name) for name in self._awaited.values()]
        names = _settle(columns, rules) if dialect is None else _settled(columns, dialect, rules)
        self.dialect = dialect or Dialect(Format.NDJSON, require_names(names))
        self.read = {role: _with_others(role, name, columns, rules) for role, name in names.items()}
        if Role.COUNTRY not in names:
            numbers = next(column for column in columns if column.name == names[Role.PHONE])
            _refuse_inner_countries(sample, numbers, rules)
        read = self._names(rules.roles)
        self._zones = other_zones(columns, [at for at, column in enumerate(columns) if column.name in read], rules)
        self._sample = columns
        self._seen = {column.name for column in columns}.difference(self._awaited.values())
        self._later_ignored: list[str] = []
        self._known_names = 0
        self._count_known(sum(role_of(column.name) is not None for column in columns))

    def look(self, text: bytes, lines: Sequence[bytes]) -> None:
        """Notice members that were not seen before in this chunk, whose lines are these."""
        for name in self._new_names(text):
            role = role_of(name) if is_name(name) else None
            is_awaited = name in self._awaited.values()
            self._count_known(role is not None)
            if (role or is_awaited) and not _is_member(name, lines):
                continue
            if len(self._seen) < _MOST_NAMES:
                self._seen.add(name)
            if is_awaited:
                self._awaited = {role: awaited for role, awaited in self._awaited.items() if awaited != name}
            elif role is None:
                continue
            elif role is Role.CONSENT_STATE:
                self._add_state(name, lines)
            elif name not in self._names() and _may_be_read(role, name, self._rules, is_first=role not in self.read):
                known = self.read.get(role, [])
                settled = next((member for member in known if not member.has_other_offset), member_of(name, role))
                self.read[role] = _in_order([*known, member_of(name, role).beside(settled)])
            elif name not in self._names():
                self._later_ignored.append(name)

    def _add_state(self, name: str, lines: Sequence[bytes]) -> None:
        """Read a member that says whether the person agreed, unless the caller chose another, or none."""
        of_lines = (read_object(line) or {} for line in lines if orjson.dumps(name) in line)
        cells = [as_text(found[name]) for found in islice(of_lines, _SAMPLED_LINES) if name in found]
        if self._rules.choice.consent_state is not None:
            self._later_ignored.append(name)
        elif says_state(SampleColumn(name, [cell for cell in cells if cell.strip()])):
            role = next((role for role in STATE_ROLES if role not in self.read), None)
            if role is not None:
                self.read[role] = [member_of(name, role)]
            elif self._rules.reads_consent:
                raise too_many_states([member.name for role in STATE_ROLES for member in self.read[role]])

    def _count_known(self, more: int) -> None:
        self._known_names += more
        if self._known_names > _MOST_KNOWN_NAMES:
            raise UnreadablePart(
                "too_many_columns",
                f"More than {_MOST_KNOWN_NAMES} different members have names of telephone numbers, countries or "
                "consents. Write each kind of value under one name.",
            )

    @property
    def has_calling_codes(self) -> bool:
        """Whether digits in the settled member of the country are calling codes."""
        settled = [member.name for member in self.read.get(Role.COUNTRY, ()) if member.is_settled]
        cells = [cell for column in self._sample if column.name in settled for cell in column.cells]
        return bool(settled) and holds_calling_codes(settled[0], cells, self._rules)

    @property
    def meaning(self) -> NameMeaning:
        """What the names of the members that are read say, of several the first whose offset counts."""
        read = {role: [member.name for member in of if not member.has_other_offset] for role, of in self.read.items()}
        return meaning_of({role: names[0] for role, names in read.items()})

    def finish(self) -> None:
        """Raise UnreadablePart if a member that the caller chose was in no line."""
        if self._awaited:
            raise UnreadablePart("column_not_found", f"No line has the chosen member.{columns_seen(self._sample)}")

    def ignored(self) -> list[IgnoredColumn]:
        """The members seen so far that look relevant and are not read."""
        roles = self._rules.roles
        read = self._names(roles)
        places = [at for at, column in enumerate(self._sample) if column.name in read]
        later = [name for name in dict.fromkeys(self._later_ignored) if name not in read]
        unread = self._names(frozenset(Role) - roles) - self._sample_names()
        early = [column.shown for column in ignored_columns(self._sample, places, self._rules, self._zones)]
        # These are names of members, never cells.
        return [IgnoredColumn(name, name) for name in [*early, *later, *sorted(unread)]]

    def _names(self, roles: Iterable[Role] = Role) -> set[str]:
        return {member.name for role in roles for member in self.read.get(role, ())}

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
        for quoted in set(NAME.findall(text)):
            name = unquoted(quoted)
            if name is not None and name not in self._seen:
                yield name


def _is_member(name: str, lines: Iterable[bytes]) -> bool:
    """Whether a name is that of a member, and not only text in a value."""
    quoted = orjson.dumps(name)
    # Letters may be written as escapes.
    return any(name in (read_object(line) or {}) for line in lines if quoted in line or b"\\u" in line)


def _sample_columns(sample: Iterable[bytes]) -> list[SampleColumn]:
    cells: dict[str, list[str]] = {}
    for line in sample:
        members = read_object(line) or {}
        if len(members) > MOST_COLUMNS:
            raise too_many_columns()
        for name, value in members.items():
            # Some writers make names of what should be values. Of these, many are different.
            if len(cells) < _MOST_NAMES or name in cells or role_of(name):
                text = as_text(value)
                cells.setdefault(name, []).extend([text] if text.strip() else [])
    return [SampleColumn(name, texts) for name, texts in cells.items()]


def _refuse_inner_countries(sample: Iterable[bytes], numbers: SampleColumn, rules: ColumnRules) -> None:
    """Refuse countries inside of other members, which are not read, if they are not that of the numbers."""
    if all(map(states_its_country, numbers.cells)):
        return
    for line in sample:
        for outer, value in (read_object(line) or {}).items():
            for inner, cell in _inner_members(value):
                if role_of(inner) is Role.COUNTRY and rules.countries.is_foreign(as_text(cell)):
                    raise countries_inside(f"{outer}.{inner}")


def _inner_members(value: object) -> Iterator[tuple[str, object]]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            yield from item.items()


def _with_others(role: Role, name: str, columns: Sequence[SampleColumn], rules: ColumnRules) -> list[Member]:
    """The settled member of a role, whose cells were checked, and the others that it is read from."""
    settled = member_of(name, role)._replace(is_settled=True)
    others = [
        member_of(column.name, role).beside(settled)
        for column in columns
        if role not in STATE_ROLES
        and column.name != name
        and role_of(column.name) is role
        and is_name(column.name)
        and _may_be_read(role, column.name, rules)
        and (role is not Role.CONSENTED_AT or not column.cells or share(column.cells, may_be_a_time) >= FEW_CELLS)
    ]
    return _in_order([settled, *others])


def _may_be_read(role: Role, name: str, rules: ColumnRules, *, is_first: bool = False) -> bool:
    """Whether a member with a name of this role is read, beside others or as the first.

    When an object was made is not when somebody consented, if only this line does not state that.
    """
    if rules.choice.of(role) is not None:
        return False
    return is_first or role is Role.COUNTRY or (role is not Role.PHONE and is_certain(name))


def _in_order(members: Iterable[Member]) -> list[Member]:
    """Those whose names say most come first, of these the settled one."""
    return sorted(members, key=lambda member: (member.rank, member.is_settled), reverse=True)


def _awaited(columns: Sequence[SampleColumn], choice: ColumnChoice) -> Iterator[tuple[Role, str]]:
    known = {ColumnName(column.name).whole for column in columns} | {column.name.strip() for column in columns}
    for role in Role:
        chosen = choice.of(role)
        if chosen and choice.position(role) is None and not {chosen, ColumnName(chosen).whole or chosen} & known:
            yield role, chosen


def _settle(columns: Sequence[SampleColumn], rules: ColumnRules) -> dict[Role, str]:
    if not columns:
        raise UnreadablePart(
            "not_ndjson", "No line is a JSON object. Send an object per line, or state the right format."
        )
    found = choose_columns(columns, rules)
    if Role.PHONE not in found:
        found[Role.PHONE] = guess_phone_column(columns, rules.is_telephone)
    found = check_country(columns, found, rules)
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
