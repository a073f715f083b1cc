"""Texts that callers send, and how they are checked."""

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain the character NUL, which a database text cannot hold")
    try:
        text.encode()
    except UnicodeEncodeError as problem:
        raise ValueError("must be valid Unicode, without lone surrogates") from problem
    return text


# Characters that change the direction of all text after them in a paragraph, the registry's own sentences too, and
# control characters. The marks U+200E and U+200F, which names in other scripts need, change no direction.
_DISRUPTIVE = re.compile("[\u202a-\u202e\u2066-\u2069\u2028\u2029\x01-\x08\x0b-\x1f\x7f-\x9f]")


def _plain(text: str) -> str:
    if _DISRUPTIVE.search(text):
        raise ValueError(
            "must not contain control characters, or characters that change the direction of the text after them"
        )
    return _storable(text)


# One line, such as a name. Surrounding spaces have no meaning there.
Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=300, pattern=r"^[^\r\n]*$"),
    AfterValidator(_plain),
]

# A sentence to a person, which is shown beside the registry's own.
Sentence = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=10, max_length=300),
    AfterValidator(_plain),
]

# A text that is evidence, stored verbatim, with its spaces.
Verbatim = Annotated[str, StringConstraints(min_length=1, max_length=20_000), AfterValidator(_storable)]

# Nine digits or more, with what people write between them. A file number or a date is shorter.
_LIKE_A_NUMBER = re.compile(r"\d(?:[\s.()/+-]*\d){8,}")


def contains_number(text: str) -> bool:
    """Whether a text contains something like a phone number."""
    return _LIKE_A_NUMBER.search(text) is not None
