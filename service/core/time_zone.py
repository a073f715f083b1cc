"""Time zones, by their names in the IANA database, and which one the clocks of a region show."""

from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated, Final
from zoneinfo import available_timezones

from pydantic import AfterValidator, StringConstraints

ALIKE: Final = MappingProxyType(
    {"DE": "Europe/Berlin", "MH": "Pacific/Majuro", "MY": "Asia/Kuala_Lumpur", "UZ": "Asia/Tashkent"}
)
"""Regions with several zones that have shown the same time since 2000, with the zone that stands for all of them."""
# Regions with telephone numbers of their own that are no countries in the IANA database.
_OTHER_REGIONS: Final = {"AC": ("Atlantic/St_Helena",), "TA": ("Atlantic/St_Helena",), "XK": ("Europe/Belgrade",)}

_MOST_NAMED: Final = 4


@cache
def _zones() -> frozenset[str]:
    # Reading them from a folder takes too long for each request.
    return frozenset(available_timezones())


def _known(name: str) -> str:
    if name not in _zones():
        raise ValueError("must be a time zone of the IANA database, such as Europe/Paris")
    return name


TimeZone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known)]


def zones_of(region: str) -> tuple[str, ...]:
    """The time zones of a region (ISO 3166-1 alpha-2). Those that have agreed since 2000 are one; others have none."""
    alike = ALIKE.get(region)
    return (alike,) if alike else read_zones().get(region, ())


def zone_of(region: str, stated: str | None) -> str | None:
    """The time zone of who is in a region: the one that is stated, or the only one of the region. None if unknown."""
    zones = zones_of(region)
    return stated or (zones[0] if len(zones) == 1 else None)


def ask_for_zone(region: str, parameter: str) -> str:
    """Why the zone of a region with several must be stated, and by which parameter or option."""
    zones = zones_of(region)
    names = f": {', '.join(zones)}" if len(zones) <= _MOST_NAMED else ", by its name in the IANA database"
    return (
        f"{region} has several time zones, so a time without an offset could be in any of them. State {parameter} with "
        f"one of them{names}."
    )


@cache
def read_zones() -> dict[str, tuple[str, ...]]:
    """The zones of each region, as they are listed. `zones_of` says which of them count."""
    # By country. `zone1970.tab` leaves out the names of zones that are like those of a neighbour.
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    found: dict[str, tuple[str, ...]] = dict(_OTHER_REGIONS)
    for line in table.splitlines():
        if not line.startswith("#"):
            region, _, name, *_ = line.split("\t")
            found[region] = (*found.get(region, ()), name)
    return found
