"""Texts of others on a terminal."""

# Python does not count no-break spaces among the printable characters.
_SPACES = " \u00a0\u202f"


def printable(text: str) -> str:
    """A text with a mark for each sign that a terminal would obey."""
    return "".join(sign if sign.isprintable() or sign in _SPACES else "\ufffd" for sign in text)
