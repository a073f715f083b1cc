"""Texts that callers send, and how they are checked.

They are stored in clear. So a free text holds no phone number: a copy of the database would show it, and an erasure
would not find it.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Annotated, Final

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
# control characters. The marks U+200E and U+200F, which names in other scripts need, change no direction. A quoted text
# may have line breaks of any kind.
_CONTROLS: Final = "\u202a-\u202e\u2066-\u2069\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f"
_DISRUPTIVE: Final = re.compile(f"[{_CONTROLS}\r\x85\u2028\u2029]")
_DISRUPTIVE_IN_QUOTATION: Final = re.compile(f"[{_CONTROLS}]")
_DISRUPTION: Final = (
    "must not contain control characters, or characters that change the direction of the text after them"
)


def _plain(text: str) -> str:
    if _DISRUPTIVE.search(text):
        raise ValueError(_DISRUPTION)
    return _storable(text)


def _quotable(text: str) -> str:
    if _DISRUPTIVE_IN_QUOTATION.search(text):
        raise ValueError(_DISRUPTION)
    return _storable(text)


# Letters and symbols that leave the paper white: Hangul fillers, empty Braille, an empty musical note, blanks among
# Egyptian hieroglyphs, and the place of an object that is not there.
_BLANK: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800\ufffc\U0001d159\U00013441\U00013442")


def is_visible(text: str) -> bool:
    """Whether a text has a letter, digit, mark of punctuation or symbol that can be seen.

    Spaces, control and format characters, marks without a letter to stand on, and what is not assigned cannot.
    """
    return any(unicodedata.category(sign)[0] in "LNPS" and sign not in _BLANK for sign in text)


def _visible(text: str) -> str:
    if not is_visible(text):
        raise ValueError("must have something that can be seen: letters, digits or signs")
    return text


def _one_word(text: str) -> str:
    if any(sign.isspace() for sign in text):
        raise ValueError("must be a reference without spaces")
    return text


# Nine digits or more, with what people write between them. A file number is shorter.
_RUN: Final = re.compile(r"\d(?:[\W_]{0,6}?\d){8,}")
_DATE: Final = (
    r"(?:(?:19|20)\d\d[-/.](?:0[1-9]|1[0-2])[-/.](?:0[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])[-/.](?:0?[1-9]|1[0-2])[-/.](?:19|20)\d\d)"
)
_MOMENT: Final = rf"(?:{_DATE}|(?:19|20)\d\d|[012]?\d:[0-5]\d(?::[0-5]\d)?)"
# Two dates beside each other, a date with its time, or years. Nothing is given back once it has matched: a time of day
# can be read in several ways, and a row of times in exponentially many.
_MOMENTS: Final = re.compile(rf"(?>{_MOMENT})(?:[\W_]{{1,3}}+(?>{_MOMENT}))*+")
# Mobile numbers belong to persons. In France no service that companies offer has one (ARCEP, décision n° 2022-1583).
_MOBILE: Final = re.compile(r"(?:0|33|262|590|594|596)0?[67]\d{8}")


def _runs(text: str) -> Iterator[str]:
    """What a text has of nine digits or more, and is not dates."""
    # Digits of all scripts and forms become those of ASCII, and what is not visible goes.
    visible = "".join(
        str(unicodedata.digit(character)) if character.isdigit() else character
        for character in unicodedata.normalize("NFKC", text)
        if unicodedata.category(character) not in ("Cf", "Mn")
    )
    for run in _RUN.finditer(visible.replace("\n", "  ab  ")):
        if not _MOMENTS.fullmatch(run[0]):
            yield run[0]


def contains_number(text: str) -> bool:
    """Whether a text contains something like a phone number: nine digits, however they are written."""
    return next(_runs(text), None) is not None


def contains_mobile_number(text: str) -> bool:
    """Whether a text contains something like a mobile number of France or its overseas departments."""
    return any(_MOBILE.search(re.sub(r"\D", "", run)) for run in _runs(text))


def _without_number(text: str) -> str:
    if contains_number(text):
        raise ValueError("must not contain a phone number or nine other digits: texts are stored in clear. Remove them")
    return text


def _without_mobile_number(text: str) -> str:
    if contains_mobile_number(text):
        raise ValueError("must not contain a mobile number, which belongs to a person: texts are stored in clear")
    return text


_LINE: Final = StringConstraints(strip_whitespace=True, min_length=1, max_length=300, pattern=r"^[^\r\n]*$")

# A free text of one line, such as a name. Surrounding spaces have no meaning there.
Line = Annotated[str, _LINE, AfterValidator(_plain), AfterValidator(_visible), AfterValidator(_without_number)]

# A sentence to a person, which is shown beside the registry's own.
Sentence = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=10, max_length=300),
    AfterValidator(_plain),
    AfterValidator(_visible),
    AfterValidator(_without_number),
]

# A free text of several lines, such as a comment.
Note = Annotated[
    str,
    StringConstraints(min_length=1, max_length=20_000),
    AfterValidator(_quotable),
    AfterValidator(_visible),
    AfterValidator(_without_number),
]

# A text that is evidence, stored verbatim, with its spaces: what a person read, which may name a hotline of its author.
Quotation = Annotated[
    str,
    StringConstraints(min_length=1, max_length=20_000),
    AfterValidator(_quotable),
    AfterValidator(_visible),
    AfterValidator(_without_mobile_number),
]

# An organisation's own reference for a record, which may have many digits, such as a date and a number.
RecordReference = Annotated[
    str,
    _LINE,
    AfterValidator(_plain),
    AfterValidator(_visible),
    AfterValidator(_one_word),
    AfterValidator(_without_mobile_number),
]

# The official number of a legal person. In France it has nine digits.
RegistrationNumber = Annotated[
    str, _LINE, AfterValidator(_plain), AfterValidator(_visible), AfterValidator(_without_mobile_number)
]
