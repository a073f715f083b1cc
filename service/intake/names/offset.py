"""The offset from UTC that the name of a column states for its times: `Created (UTC+1)`.

A name that has a zone must state one offset in one of the forms known here. Of any other, nothing is guessed.
"""

import re
from typing import Final, NamedTuple


class StatedOffset(NamedTuple):
    """What a name says of the offset of its times.

    `seconds` east of UTC are None if it says nothing (`is_stated` is False), or something that is not understood.
    """

    is_stated: bool = False
    seconds: int | None = None

    @property
    def is_unclear(self) -> bool:
        """Whether the name has a zone, but not one offset that is understood."""
        return self.is_stated and self.seconds is None


NO_OFFSET: Final = StatedOffset()
"""What a name says that says nothing of an offset."""

_UTC: Final = (
    r"(?:(?<![a-z])(?:utc|gmt|zulu|coordinated universal time|universal time(?: coordinated)?"
    r"|(?:temps|heure) universel(?:le)?(?: coordonnee?)?)(?![a-z]))"
)
_DISTANCE: Final = (
    r"(?P<sign>[+-]|\u00b1|plus|minus|moins) ?(?P<hours>[0-9]{1,2}?)(?:(?: ?[:h] ?)?(?P<minutes>[0-9]{2})"
    r"|[.,](?P<part>0|00|25|5|50|75))?(?: ?h(?:ours?|eures?|rs?)?)?(?![0-9a-z]|[:.,/h-] ?[0-9])"
)
# `UTC`, `UTC+1`, `(UTC/GMT+1)`, `(UTC) +2`, `UTC (+02:00)`.
_ZONE: Final = re.compile(rf"{_UTC}(?: ?[/(] ?{_UTC})*(?:[ )]*\(? ?{_DISTANCE})?")
# An offset alone is one only if it has minutes.
_OFFSET: Final = re.compile(r"(?<![0-9])(?P<sign>[+-])(?P<hours>[0-9]{1,2}):(?P<minutes>[0-9]{2})(?P<part>)(?![0-9:])")
# Whose clock it is, is known, but not on which of two offsets a time is. Some are also words of French.
_OTHER_ZONE: Final = re.compile(
    r"(?<![a-z])(?:africa|america|antarctica|arctic|asia|atlantic|australia|europe|indian|pacific|us)/[a-z]+"
    r"|(?<![a-z])cet$|(?<![a-z])(?:cest|edt|cdt|mdt|pst|pdt|bst|jst|aest|aedt|msk|eest)(?![a-z])"
    r"|\((?:cet|est|et|cst|ct|mst|mt|pt|ist|wet|eet|sast|wat|cat|eat)\)"
)
_MORE_ABOUT_IT: Final = re.compile(rf"{_UTC}|[+\u00b1] ?[0-9]|(?<![a-z0-9])-[0-9]")
_NUMBER_BEHIND: Final = re.compile(r"[^a-z()\[\]]*[0-9\u00b1+-]|[ )]*(?:\u00b1|[+/-] ?[0-9])|[)]* ?[+-]")
_HOUR, _MINUTE = 3600, 60
_QUARTERS: Final = (0, 15, 30, 45)
MOST_SECONDS: Final = 14 * _HOUR
"""No clock is farther from UTC."""


def stated_offset(name: str) -> StatedOffset:
    """What a name in small letters, with spaces between its words, says of the offset of its times."""
    found = _ZONE.search(name) or _OFFSET.search(name)
    if found is None:
        return StatedOffset(is_stated=_OTHER_ZONE.search(name) is not None)
    before, behind = name[: found.start()], name[found.end() :]
    if _MORE_ABOUT_IT.search(before) or _MORE_ABOUT_IT.search(behind) or _NUMBER_BEHIND.match(behind):
        return StatedOffset(is_stated=True)
    # In `consent-date-utc-2`, the hyphen is between words.
    if before.endswith("-") and found["sign"] == "-":
        return StatedOffset(is_stated=True)
    return StatedOffset(is_stated=True, seconds=_seconds(found))


def _seconds(found: re.Match[str]) -> int | None:
    """The seconds east of UTC; None if no clock has such an offset."""
    minutes = int(found["minutes"] or 0)
    part = round(float(f"0.{found['part'] or 0}") * _HOUR)
    distance = int(found["hours"] or 0) * _HOUR + minutes * _MINUTE + part
    if minutes not in _QUARTERS or distance > MOST_SECONDS or (found["sign"] == "\u00b1" and distance):
        return None
    return -distance if found["sign"] in ("-", "minus", "moins") else distance


def without_zone(name: str) -> str:
    """A name without the zone in it."""
    return _OTHER_ZONE.sub(" ", _OFFSET.sub(" ", _ZONE.sub(" ", name)))
