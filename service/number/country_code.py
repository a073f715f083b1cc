"""The country code that the digits of an international number begin with (ITU-T E.164)."""

from typing import Final

import phonenumbers

LONGEST_CODE: Final = 3
"""The most digits of a country code."""


def code_of(digits: str) -> int | None:
    """The country code that these digits begin with."""
    if digits.startswith("0"):
        return None
    codes = (int(digits[:length] or 0) for length in range(1, LONGEST_CODE + 1))
    return next((code for code in codes if code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE), None)
