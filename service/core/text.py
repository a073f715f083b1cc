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


# One line, such as a name. Surrounding blanks carry no meaning there.
Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=300, pattern=r"^[^\r\n]*$"),
    AfterValidator(_storable),
]

# A text that is evidence, kept to the letter, blanks included.
Verbatim = Annotated[str, StringConstraints(min_length=1, max_length=20_000), AfterValidator(_storable)]

# Nine digits or more with what people write between them: a file number or a date alone is shorter.
_LIKE_A_NUMBER = re.compile(r"\d(?:[\s.()/+-]*\d){8,}")


def holds_a_number(text: str) -> bool:
    """Whether a text that is kept in clear has something like a phone number in it."""
    return _LIKE_A_NUMBER.search(text) is not None
