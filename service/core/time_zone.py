"""Time zones, by their names in the IANA database."""

from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, StringConstraints


def _known(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("not a time zone of the IANA database, such as Europe/Paris")
    return name


TimeZone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known)]
