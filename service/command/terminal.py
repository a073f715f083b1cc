"""Texts of others on a terminal."""

from service.wording.direction import FIRST_STRONG_ISOLATE, POP_ISOLATE, is_balanced

# Python does not count no-break spaces among the printable characters.
_SPACES = " \u00a0\u202f"


def printable(text: str) -> str:
    """A text with a mark for each sign that a terminal would obey. Isolates that end within the text stay."""
    harmless = f"{_SPACES}{FIRST_STRONG_ISOLATE}{POP_ISOLATE}" if is_balanced(text) else _SPACES
    return "".join(sign if sign.isprintable() or sign in harmless else "\ufffd" for sign in text)
