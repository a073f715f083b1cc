"""Texts that callers send."""

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
