"""What the spellings of an organisation's name have in common, by which it is searched. Pure.

Case, accents, punctuation and legal forms say nothing: "Contact Direct, S.A.S." and "CONTACT-DIRECT" are one name.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

# Legal forms of Europe and North America, as `_words` writes them.
_FORMS: Final = frozenset(
    {
        *("ab", "ag", "aps", "as", "asa", "association", "bv", "bvba", "cic", "corp", "corporation", "doo"),
        *("eeig", "ei", "eirl", "eood", "esv", "eurl", "ev", "gbr", "gie", "gmbh", "gmbhcokg", "inc"),
        *("incorporated", "kft", "kg", "kgaa", "limited", "llc", "llp", "ltd", "ltda", "nv", "oe", "og"),
        *("ohg", "ood", "oy", "oyj", "plc", "sa", "sarl", "sas", "sasu", "sca", "scop", "scrl", "se"),
        *("selarl", "sgps", "sia", "sl", "slu", "snc", "spa", "spzoo", "sprl", "srl", "sro", "ug", "zrt"),
    }
)
# Of these a name may begin with. Others are words: Ag, As and Se begin names too.
_FORMS_IN_FRONT: Final = frozenset({"association", "eurl", "sarl", "sas", "sasu", "scop", "selarl", "snc"})
_LETTERS: Final = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
# The marks of Latin, Greek and Cyrillic letters, and the vowels of Hebrew and Arabic. Elsewhere marks are letters.
_HEBREW_AND_ARABIC_VOWELS: Final = range(10, 36)
_MARKS_ABOVE_AND_BELOW: Final = 200
_SINGLE_LETTERS: Final = re.compile(r"\b[^\W\d](?: [^\W\d]\b)+")
_MOST_WORDS_IN_FORM: Final = 3


def name_key(name: str) -> str:
    """A name as it is compared: its words in small letters without accents, with one space between them."""
    words = _words(name)
    while count := _words_in_form(words):
        del words[-count:]
    if len(words) > 1 and words[0] in _FORMS_IN_FRONT:
        words.pop(0)
    return " ".join(words) or "".join(unicodedata.normalize("NFKC", name).casefold().split())


def name_keys(names: Iterable[str]) -> list[str]:
    """The keys of several names of one organisation, each once and in order."""
    return sorted(set(map(name_key, names)))


def _words(name: str) -> list[str]:
    folded = unicodedata.normalize("NFKD", name.casefold().translate(_LETTERS))
    # A second time, because a letter may have a small form only once it is taken apart.
    letters = (sign for sign in folded.casefold().translate(_LETTERS) if not _is_accent(sign))
    spaced = "".join(sign if _is_in_word(sign) else " " for sign in letters)
    # Letters that stand alone are those of an abbreviation: S.A.S., sp. z o.o.
    joined = _SINGLE_LETTERS.sub(lambda run: run[0].replace(" ", ""), " ".join(spaced.split()))
    return unicodedata.normalize("NFC", joined).split()


def _words_in_form(words: list[str]) -> int:
    """How many words at the end of a name are a legal form: three in GmbH & Co. KG. Other words always stay."""
    counts = range(min(_MOST_WORDS_IN_FORM, len(words) - 1), 0, -1)
    return next((count for count in counts if "".join(words[-count:]) in _FORMS), 0)


def _is_accent(sign: str) -> bool:
    marks = unicodedata.combining(sign)
    return marks >= _MARKS_ABOVE_AND_BELOW or marks in _HEBREW_AND_ARABIC_VOWELS


def _is_in_word(sign: str) -> bool:
    # Marks of scripts whose vowels are marks belong to the word.
    return unicodedata.category(sign)[0] in "LNM"
