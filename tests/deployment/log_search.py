"""What no log may contain, and a search for it in each form in which programs write such things."""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote, quote_plus

# All texts, names and invented secrets of a run contain this word. In other encodings, its beginning must do.
WORD: Final = "Zanzibar"
_WORD: Final = re.compile("zanz[i1]bar", re.IGNORECASE)
# The numbers of a run, 06 39 98 .. .., in any usual spelling, and what begins like a key.
_NUMBER: Final = re.compile(r"6[ ./-]?39[ ./-]?98[ ./-]?\d{2}[ ./-]?\d{2}")
_KEY: Final = re.compile(r"fil_\w{8,}")

# So many signs of a secret identify it. A part of it may be masked, cut off or on the next line.
_PIECE: Final = 12


class Found(NamedTuple):
    """A line of a log, and the name of what it contains."""

    name: str
    line: str


def search(log: str, secrets: Mapping[str, str]) -> list[Found]:
    """Every line that contains a secret, by its name, or a number, a key or a word of a text."""
    patterns = {"text": _WORD, "number": _NUMBER, "key": _KEY, "text or number": _encoded()}
    patterns |= {name: _any_of(forms(secret)) for name, secret in secrets.items()}
    return [
        Found(name, line) for line in log.splitlines() for name, pattern in patterns.items() if pattern.search(line)
    ]


def forms(secret: str) -> Iterator[str]:
    """A secret as programs write it, in pieces if it is long."""
    yield from _pieces(secret)
    yield from (quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1])
    yield from encodings(secret.encode())


def encodings(data: bytes) -> Iterator[str]:
    """Bytes in hexadecimal, as dumps have them, and in base64, wherever they begin in what was encoded."""
    for separator in ("", " ", ":"):
        yield from _pieces(data.hex(separator) if separator else data.hex(), 3 * _PIECE)
    for before in range(3):
        digits = b64encode(bytes(before) + data).decode()
        whole = (before + len(data)) * 8 // 6
        yield from _pieces(digits[-(-before * 8 // 6) : whole])


def _pieces(text: str, length: int = _PIECE) -> Iterator[str]:
    """Every piece of a text, which together find each part of it that is at least so long."""
    for place in range(max(len(text) - length, 0) + 1):
        yield text[place : place + length]


def _any_of(texts: Iterator[str]) -> re.Pattern[str]:
    return re.compile("|".join(sorted(map(re.escape, set(texts)))))


def _encoded() -> re.Pattern[str]:
    """The word and the numbers in other encodings, by what they all begin with."""
    begins: Sequence[str] = (WORD[:4], WORD[:4].lower(), "3363998", "063998")
    found = (form for text in begins for code in ("ascii", "utf-16-be", "utf-16-le") for form in _whole(text, code))
    return re.compile("|".join(sorted(map(re.escape, set(found)))), re.IGNORECASE)


def _whole(text: str, code: str) -> Iterator[str]:
    data = text.encode(code)
    for separator in (" ", ":"):
        yield data.hex(separator)
    yield data.hex()
