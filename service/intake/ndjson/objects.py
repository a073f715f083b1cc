"""Reads single lines of NDJSON: the object of a line, and its members as the texts of cells.

A number that orjson would round, because it has a fraction, an exponent or more than 64 bits, stays the text that was
written: 3.36e10 lost digits, and 33639980000.0 did not. Text that JSON allows and UTF-8 does not, half of a surrogate
pair, becomes U+FFFD. Which value of a member counts that is there twice, JSON does not say (RFC 8259, 4).
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple, Never, Self

import orjson

from service.core.missing import is_missing_time
from service.intake.columns.looks import is_bare_code, states_its_offset
from service.intake.errors import UnreadablePart
from service.intake.names.consents import is_about_telephone
from service.intake.names.roles import Role, is_certain, says_calling_code, shown_name
from service.intake.names.words import ColumnName
from service.intake.table import MisfitKind

NAME: Final = re.compile(rb'"([^"\\]*(?:\\.[^"\\]*)*)"[ \t]*:')
"""A name before its value. It may also be found in a text that looks so."""
_ESCAPE_IN_NAME: Final = re.compile(rb'\\.[^"\\]*"[ \t]*:')
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
# A cell with several countries that differ is read as none, and so is this.
_BETWEEN_COUNTRIES: Final = ";"
_UNKNOWN_COUNTRY: Final = "calling code or ISO 3166-1?;"
_AROUND_DIGITS: Final = " \t\u00a0'\"="


class _Exact(dict[str, Any]):
    """The members of an object as they are written, and the names of those that are there twice."""

    repeated: frozenset[str]

    @classmethod
    def of(cls, pairs: Sequence[tuple[str, Any]]) -> Self:
        members = cls(pairs)
        times = Counter(name for name, _ in pairs) if len(members) < len(pairs) else {}
        members.repeated = frozenset(name for name, count in times.items() if count > 1)
        return members


def read_object(line: bytes) -> Mapping[str, Any] | None:
    """The object that a line contains; None if it contains none."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        # It also refuses numbers that are too large for it.
        return _read_exactly(line)
    if not isinstance(found, dict):
        return None
    members: dict[str, Any] = found
    return _read_exactly(line) if any(isinstance(value, float) for value in members.values()) else members


def _read_exactly(line: bytes) -> _Exact | None:
    """The object with its numbers as they are written; None if there is none, or if it is nested a thousand deep."""
    try:
        found = json.loads(
            line.decode(), parse_int=str, parse_float=str, parse_constant=_refuse, object_pairs_hook=_Exact.of
        )
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, _Exact) else None


def _refuse(_: str) -> Never:
    raise ValueError


# How MongoDB writes types that JSON does not have (MongoDB Extended JSON v2).
_EXTENDED: Final = frozenset({"$date", "$numberLong", "$numberInt", "$numberDouble", "$numberDecimal"})


def as_text(value: object) -> str:
    """A member as the text of a cell."""
    while isinstance(value, dict) and len(value) == 1 and not _EXTENDED.isdisjoint(value):
        (value,) = value.values()
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if value is None:
        return ""
    try:
        return _LONE_SURROGATE.sub("\ufffd", json.dumps(value, ensure_ascii=False))
    except RecursionError:
        return type(value).__name__


def spellings_of(names: Collection[str], text: bytes) -> dict[str, tuple[bytes, ...]]:
    """How these names are written in a text, with their quotation marks: plainly, or with escapes."""
    found = {name: {orjson.dumps(name)} for name in names}
    if b"\\" in text and _ESCAPE_IN_NAME.search(text):
        for quoted in set(NAME.findall(text)):
            if b"\\" in quoted and (name := unquoted(quoted)) in found:
                found[name].add(b'"%b"' % quoted)
    return {name: tuple(spellings) for name, spellings in found.items()}


def unquoted(quoted: bytes) -> str | None:
    """The name that is written so between quotation marks; None if it is not a text of JSON."""
    try:
        return str(orjson.loads(b'"' + quoted + b'"'))
    except orjson.JSONDecodeError:
        return None


class Member(NamedTuple):
    """A member that a role is read from. Of the settled one, the cells were looked at.

    Its name may say for certain that it has the role, and that a consent is one to be called. It may also have another
    offset from UTC than the names by which times are read (`has_other_offset`).
    """

    name: str
    is_certain: bool
    is_of_telephone: bool = False
    is_settled: bool = False
    has_other_offset: bool = False

    @property
    def rank(self) -> tuple[bool, bool]:
        """What its name says. In a line, the filled member of the highest rank counts."""
        return self.is_certain, self.is_of_telephone

    def beside(self, settled: "Member") -> "Member":
        """The same member, read beside the one whose name says in which offset all times are read."""
        return self._replace(has_other_offset=ColumnName(self.name).offset != ColumnName(settled.name).offset)

    def cell(self, text: str) -> str:
        """The text, made unreadable if it is a time of which the offset depends on the name."""
        if not self.has_other_offset or is_missing_time(text) or states_its_offset(text):
            return text
        return f"{text} ({self.name}?)"


def member_of(name: str, role: Role) -> Member:
    """The member with this name, from which a role is read."""
    return Member(name, is_certain(name), role is Role.CONSENTED_AT and is_about_telephone(name))


def read_cells(
    line: bytes, read: Mapping[Role, Sequence[Member]], spellings: Mapping[str, Sequence[bytes]]
) -> list[str] | MisfitKind:
    """The cells of a line for each role, from the members that it is read from; or why there are none."""
    found = read_object(line)
    if any(sum(map(line.count, of_name)) > 1 for of_name in spellings.values()):
        found = _read_exactly(line)
        if found is not None and found.repeated.intersection(spellings):
            return MisfitKind.REPEATED_MEMBER
    if found is None:
        return MisfitKind.NOT_AN_OBJECT
    return [
        cell_of(role, members, [as_text(found.get(member.name)) for member in members])
        for role, members in read.items()
    ]


def cell_of(role: Role, members: Sequence[Member], texts: Sequence[str]) -> str:
    """The cell of a role from the members that it is read from: the first that is filled.

    Countries that are equally certain count together. If they differ, they are none. Raises UnreadablePart for two
    consents of which neither name says more: which of them came first in a file, or is in its first lines, must not
    decide.
    """
    filled = [(member, member.cell(text)) for member, text in zip(members, texts, strict=True) if text.strip()]
    if not filled:
        return ""
    if role is not Role.COUNTRY:
        if len({text.strip() for member, text in filled if member.rank == filled[0][0].rank}) > 1:
            raise _consents_differ(role, [member.name for member, _ in filled])
        return filled[0][1]
    certain = filled[0][0].is_certain
    countries = [_country(member, text) for member, text in filled if member.is_certain == certain]
    return _BETWEEN_COUNTRIES.join(dict.fromkeys(countries))


def _consents_differ(role: Role, names: Sequence[str]) -> UnreadablePart:
    shown = ", ".join(name for name in map(shown_name, names) if name)
    return UnreadablePart(
        "consent_column_unclear",
        f"A line has different values in members that may all be that of the consent: {shown}. Set "
        f"{role.value}_column= to the one that counts.",
    )


def _country(member: Member, text: str) -> str:
    """The text of a country, with a plus before digits that are a calling code for certain."""
    if not is_bare_code(text):
        return text
    if says_calling_code(member.name):
        return f"+{text.strip(_AROUND_DIGITS)}"
    return text if member.is_settled else f"{_UNKNOWN_COUNTRY}{text}"
