"""Texts that callers send."""

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain the character NUL, which no database text can hold")
    try:
        text.encode()
    except UnicodeEncodeError as problem:
        raise ValueError("must be valid Unicode, without lone surrogates") from problem
    return text


# What turns the direction of all that follows it in its paragraph, a sentence of ours as well; the marks U+200E and
# U+200F, by which names in other scripts are set right, turn nothing. And what no line has: control characters.
_ASTRAY = re.compile("[\u202a-\u202e\u2066-\u2069\u2028\u2029\x01-\x08\x0b-\x1f\x7f-\x9f]")


def _plain(text: str) -> str:
    if _ASTRAY.search(text):
        raise ValueError("must not contain control characters, or signs that turn the direction of the text after them")
    return _storable(text)


# One line, such as a name. Surrounding blanks carry no meaning there.
Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=300, pattern=r"^[^\r\n]*$"),
    AfterValidator(_plain),
]

# A sentence to a person, shown beside ours.
Sentence = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=10, max_length=300),
    AfterValidator(_plain),
]

# A text that is evidence, kept to the letter, blanks included.
Verbatim = Annotated[str, StringConstraints(min_length=1, max_length=20_000), AfterValidator(_storable)]

# Nine digits or more with what people write between them: a file number or a date alone is shorter.
_LIKE_A_NUMBER = re.compile(r"\d(?:[\s.()/+-]*\d){8,}")


def contains_number(text: str) -> bool:
    """Whether a text that is kept in clear has something like a phone number in it."""
    return _LIKE_A_NUMBER.search(text) is not None
