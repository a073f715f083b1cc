"""The words of a column name, without case and accents: `shippingAddress_Country` is shipping, address, country."""

import re
import unicodedata
from typing import Final

_CAPITALS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD: Final = re.compile(r"[a-z]+")
# Written in one word, in two, or with a hyphen.
_MERGED: Final = re.compile(r"\b(opt|opted|sign|signed|e) (in|up|mail)\b")


def words_of(name: str) -> frozenset[str]:
    """The words of a name. Numbers are none."""
    signs = unicodedata.normalize("NFKD", _CAPITALS.sub(" ", name))
    plain = "".join(sign for sign in signs if not unicodedata.combining(sign)).casefold()
    return frozenset(_WORD.findall(_MERGED.sub(r"\1\2", re.sub(r"[_-]+", " ", plain))))
