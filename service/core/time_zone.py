"""Time zones, by their names in the IANA database."""

from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, StringConstraints


@cache
def _zones() -> frozenset[str]:
    # Reading them from a folder takes too long for each request.
    return frozenset(available_timezones())


def _known(name: str) -> str:
    if name not in _zones():
        raise ValueError("must be a time zone of the IANA database, such as Europe/Paris")
    return name


TimeZone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known)]
