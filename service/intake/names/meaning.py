"""What the names of the columns that are read say about their cells, whether or not the names may be stored."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from service.intake.names.offset import NO_OFFSET, StatedOffset
from service.intake.names.roles import Role, is_certain, says_calling_code
from service.intake.names.words import ColumnName


@dataclass(frozen=True)
class NameMeaning:
    """What names say: nothing, unless they are there.

    `offset` is that of times without one. Digits in the column of the numbers that begin with no zero are those of
    E.164 if `is_international`. Digits in that of the countries are calling codes if `has_calling_codes`. The first
    column of countries counts for the numbers, whatever the second says, if `country_decides`.
    """

    offset: StatedOffset = NO_OFFSET
    is_international: bool = False
    has_calling_codes: bool = False
    country_decides: bool = False

    def to_json(self) -> dict[str, Any]:
        """The meaning as a JSON object. `from_json` is the inverse."""
        return asdict(self) | {"offset": list(self.offset)}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """The meaning of a JSON object made by `to_json`."""
        return cls(**stored | {"offset": StatedOffset(*stored["offset"])})


def meaning_of(names: Mapping[Role, str]) -> NameMeaning:
    """What the names of these columns say together."""
    country, other = names.get(Role.COUNTRY, ""), names.get(Role.OTHER_COUNTRY, "")
    return NameMeaning(
        offset=ColumnName(names.get(Role.CONSENTED_AT, "")).offset,
        is_international=ColumnName(names.get(Role.PHONE, "")).is_international,
        has_calling_codes=says_calling_code(country),
        country_decides=is_certain(country) and not is_certain(other),
    )
