"""The error of this package."""

import re
from typing import Final

LONGEST_DETAIL: Final = 2000
"""The most characters of a problem's detail."""
MANY_DIGITS: Final = re.compile(r"(?:[0-9][^0-9A-Za-z]{0,2}){9}")
"""So many digits in a row may be a number, which must not be found in a problem's detail."""


class UnreadablePart(Exception):
    """A part cannot be read at all. `slug` is stable. `detail` says what to do and contains no cell.

    A detail may have the names of columns, which may be anything. So its spaces become plain ones, signs that cannot be
    shown become U+FFFD, and digits that may be a number are hidden.
    """

    def __init__(self, slug: str, detail: str) -> None:
        text = "".join(sign if sign.isprintable() else "\ufffd" for sign in " ".join(detail.split()))
        text = MANY_DIGITS.sub(lambda found: re.sub(r"[0-9]", "•", found[0]), text)
        self.slug = slug
        self.detail = text if len(text) <= LONGEST_DETAIL else f"{text[: LONGEST_DETAIL - 1]}…"
        super().__init__(self.detail)
