"""One typographer for every text of ours, so that nobody has to type what cannot be seen. Pure.

It sets our own phrases before values are filled in: what an organisation wrote is shown as it stands. French has a
narrow no-break space (U+202F) before ; ! and ?, and a no-break space (U+00A0) before : » % € and after « (Imprimerie
nationale, Lexique des règles typographiques). In both languages an apostrophe is ’, and a number stays on one line
with its other groups of digits and with its unit.
"""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Final, TypeVar

from service.wording.direction import Phrase
from service.wording.language import ByLanguage, Language

_NARROW, _WIDE = "\u202f", "\u00a0"
_ANY_SPACE: Final = "[ \u00a0\u202f]"

# A space that was typed as the wrong kind of no-break space is mended too.
_FRENCH_MARKS: Final = (
    (re.compile(f"{_ANY_SPACE}(?=[;!?])"), _NARROW),
    (re.compile(f"{_ANY_SPACE}(?=[:»%€])|(?<=«){_ANY_SPACE}"), _WIDE),
)
_NUMBERS: Final = ByLanguage(
    fr=re.compile(
        r"(?<=\d) (?=\d|(?:ans?|mois|semaines?|jours?|heures?|minutes?|secondes?|octets|h|min|s)\b)", re.ASCII
    ),
    en=re.compile(r"(?<=\d) (?=\d|(?:years?|months?|weeks?|days?|hours?|minutes?|seconds?|bytes|h|min|s)\b)", re.ASCII),
)

T = TypeVar("T")


def set_spaces(language: Language, text: str) -> str:
    """`text` with no-break spaces where the language wants them. Apostrophes stay, so markup may be in it."""
    if language is Language.FR:
        for pattern, space in _FRENCH_MARKS:
            text = pattern.sub(space, text)
    return _NUMBERS.of(language).sub(_WIDE, text)


@cache
def typeset(language: Language, text: str) -> Phrase:
    """One of our texts as it is printed: with its no-break spaces and its apostrophes."""
    return Phrase(set_spaces(language, text).replace("'", "’"))


def typeset_all(language: Language, phrases: T) -> T:
    """A catalogue in one language with every text in it set: a string, or tuples, mappings and dataclasses of such."""
    found: Any = phrases
    if isinstance(phrases, str):
        found = typeset(language, phrases)
    elif isinstance(phrases, tuple):
        found = tuple(typeset_all(language, phrase) for phrase in phrases)
    elif isinstance(phrases, Mapping):
        found = {key: typeset_all(language, phrase) for key, phrase in phrases.items()}
    elif is_dataclass(phrases) and not isinstance(phrases, type):
        values = {field.name: typeset_all(language, getattr(phrases, field.name)) for field in fields(phrases)}
        found = type(phrases)(**values)
    return found  # type: ignore[no-any-return]


def typeset_catalogue(*, fr: T, en: T) -> ByLanguage[T]:
    """A catalogue in every language, each set as its language is."""
    return ByLanguage(fr=typeset_all(Language.FR, fr), en=typeset_all(Language.EN, en))


def capitalised(text: str) -> str:
    """A text that begins a sentence or stands alone, with its first letter as a capital."""
    return text[:1].upper() + text[1:]
