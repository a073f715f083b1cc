"""Unicode's many spaces, dashes, digits and invisible characters, each as the plain sign that it looks like.

Spreadsheets, word processors and address books put them into numbers and times, where nobody sees them. All code that
reads numbers or times asks here, so that it treats the characters of a category alike. The categories are those of the
Unicode Character Database (UAX #44).
"""

import unicodedata
from typing import Final

# A newline stays, because it separates numbers in a cell.
_KEPT: Final = "\n"
# They look like a space or like nothing, but have the category of letters, symbols or marks.
_BLANK: Final = "\u2800\u3164\uffa0"
_UNSEEN: Final = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f"
_VARIATION_SELECTORS: Final = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
# Minus signs, hyphen bullets and the Japanese long-vowel mark are used as dashes, but have other categories.
_LIKE_A_DASH: Final = "\u2212\u2043\u02d7\u30fc\uff70"
# Full-width forms repeat the printable signs of ASCII in their order.
_FULL_WIDTH: Final = range(0xFF01, 0xFF5F)
_FULL_WIDTH_DISTANCE: Final = 0xFF01 - ord("!")


class _PlainSigns(dict[int, str]):
    """What each character becomes, found when a text first has it."""

    def __missing__(self, code: int) -> str:
        self[code] = plain_sign = _plain_sign(chr(code))
        return plain_sign


_PLAIN_SIGNS: Final = _PlainSigns(
    {code: chr(code - _FULL_WIDTH_DISTANCE) for code in _FULL_WIDTH}
    | {code: "" for codes in _VARIATION_SELECTORS for code in codes}
)


def _plain_sign(sign: str) -> str:
    category = unicodedata.category(sign)
    if category == "Nd":
        return str(unicodedata.decimal(sign))
    if category in ("Zs", "Zl", "Zp") or sign in _BLANK or (sign.isspace() and sign not in _KEPT):
        return " "
    if category == "Pd" or sign in _LIKE_A_DASH:
        return "-"
    return "" if category == "Cf" or sign in _UNSEEN else sign


def plain(text: str) -> str:
    """The text with plain spaces, hyphens and digits, and without invisible characters.

    A plain text has none but ASCII digits. Letters, and signs that look like no plain sign, stay as they are.
    """
    return text if text.isascii() and text.isprintable() else text.translate(_PLAIN_SIGNS)


def has_other_digits(text: str) -> bool:
    """Whether the text has decimal digits that are not ASCII, such as those of Arabic."""
    return not text.isascii() and any(not sign.isascii() and sign.isdecimal() for sign in text)
