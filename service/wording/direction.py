"""Texts of others within our sentences: a name in a script from right to left does not turn what follows it. Pure.

Such a text stands between a first strong isolate and its end (Unicode Standard Annex 9, FSI and PDI). A text without
letters from right to left changes no direction, and stays as it is.
"""

import unicodedata
from typing import Any, Final

FIRST_STRONG_ISOLATE: Final = "\u2068"
POP_ISOLATE: Final = "\u2069"
_FROM_RIGHT: Final = frozenset({"R", "AL", "AN"})


def isolated(text: str) -> str:
    """A text to put into a sentence of ours."""
    if text.isascii() or not any(unicodedata.bidirectional(sign) in _FROM_RIGHT for sign in text):
        return text
    return f"{FIRST_STRONG_ISOLATE}{text}{POP_ISOLATE}"


def is_balanced(text: str) -> bool:
    """Whether every isolate in a text ends within it, so that it reaches nothing outside."""
    depth = 0
    for sign in text:
        depth += (sign == FIRST_STRONG_ISOLATE) - (sign == POP_ISOLATE)
        if depth < 0:
            return False
    return depth == 0


class Phrase(str):
    """A text of ours with places for values. Each text that is filled in is isolated."""

    __slots__ = ()

    def format(self, *args: Any, **values: Any) -> str:
        """The phrase with its places filled in."""
        return super().format(*map(_filled, args), **{name: _filled(value) for name, value in values.items()})


def _filled(value: Any) -> Any:
    return isolated(value) if isinstance(value, str) else value
