"""Which country code a number has that is written nationally in France, mainland or overseas.

Mainland and overseas France dial each other by one national plan of nine digits after the trunk zero (ARCEP, décision
n° 2018-0881, annexe 1), but their numbers have six country codes. The `phonenumbers` library knows each code by itself,
so it would read `0692 12 34 56`, which is in La Réunion, as a number of +33.
"""

import re
from typing import Final

from service.number.digit_pattern import is_decided, parse_pattern, rest_after

REGIONS: Final = frozenset(["FR", "GP", "BL", "MF", "RE", "YT", "MQ", "GF", "PM"])
"""The regions that share the plan (ISO 3166-1)."""
MAINLAND_CODE: Final = 33
PM_CODE: Final = 508

FICTION: Final = r"63998\d{4}"
"""Numbers of +33 for works of fiction, though 0639 is otherwise Mayotte's."""
OVERSEAS: Final = {
    262: r"(?:26[239]\d|268[89]|639[0-8]|69[23]\d|976[239]|939[89]|947[89]|7092)\d{5}|(?:6399[0-79]|7093[5-9])\d{4}",
    590: r"(?:590\d|5987|69[01]\d|976[018]|9395|9475|7090)\d{5}",
    594: r"(?:594\d|5988|694\d|976[45]|9396|9476)\d{5}|7093[0-4]\d{4}",
    596: r"(?:596\d|5989|69[67]\d|976[67]|9397|9477|7091)\d{5}",
    PM_CODE: r"508\d{6}|708\d{6}",
}
"""The nine digits of the numbers of each overseas code: geographic, mobile and interpersonal (09) ranges."""
# Numbers that begin with 8 are special tariffs, which each region has for itself.
_SHARED: Final = r"[1-79]\d{8}"
_CODES: Final = [(code, re.compile(pattern)) for code, pattern in OVERSEAS.items()] + [
    (MAINLAND_CODE, re.compile(_SHARED))
]
_PATTERNS: Final = [*map(parse_pattern, [*OVERSEAS.values(), _SHARED])]


def number_of_plan(national: str) -> int | None:
    """The E.164 digits of the digits that follow the trunk zero; None if the plan does not say.

    Numbers of Saint-Pierre-et-Miquelon repeat their country code within the plan, except its mobile numbers in 0708.
    """
    code = next((code for code, pattern in _CODES if pattern.fullmatch(national)), None)
    if code is None:
        return None
    return int(national) if national.startswith(str(PM_CODE)) else int(f"{code}{national}")


def is_elsewhere(number: int) -> bool:
    """Whether this number of +33 is one of an overseas code in the plan, so that nobody can have it as +33."""
    text = str(number)
    return text.startswith("33") and number_of_plan(text[2:]) not in (None, number)


def is_plan_decided(leading: str) -> bool:
    """Whether these leading digits decide the country code."""
    return all(is_decided(rest_after(pattern, leading)) for pattern in _PATTERNS)
