"""The name of a column, taken apart in one way: all that is asked about a name is asked of this value."""

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from service.core.signs import plain
from service.intake.names.offset import NO_OFFSET, StatedOffset, stated_offset, without_zone

_CAPITALS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_WORD: Final = re.compile(r"[a-z]+")
# Written in one word, in two, or with a hyphen.
_MERGED: Final = re.compile(r"\b(opt|opted|sign|signed|e)[ -]+(in|up|mail)\b")
_INITIALS: Final = re.compile(r"\b(?:[a-z]\.){2,}(?:[a-z]\b)?")
_ZONE_BEHIND: Final = re.compile(r"(?<=[a-z]{2})(?=(?:utc|gmt)(?![a-z]))")
_ZONE_BEFORE: Final = re.compile(r"(?<![a-z])(utc|gmt)(?=[a-z]{2})")
# The recommendation of the ITU for international numbers. Its digits are not those of a second column.
_E164: Final = re.compile(r"(?:(?<![a-z])|tel|phone|number|mobile|portable|gsm|cell)(?:e164|e[.-]164)")
# Nearly no name has any of these, so that most are not searched for zones.
_ZONE_IN_LETTERS: Final = re.compile(r"utc|gmt|zulu|univers|ce?st|cet|[ecmpbj][sd]t|ae[sd]t|msk|eest")
_SIGN_OF_ZONE: Final = re.compile(r"[A-Za-z]/[A-Za-z]|[+-][0-9]{1,2}:|\([A-Za-z]{2,4}\)")
_DIGITS: Final = "0123456789"
_E164_AND_NUMBER: Final = re.compile(r"(.*e164)[0-9]{0,2}")


@dataclass(frozen=True)
class ColumnName:
    """The name of a column, without a meaning yet. Each part of it is found when it is asked for first."""

    text: str = field(repr=False)

    @cached_property
    def letters(self) -> str:
        """The text with plain signs, and letters without accents, in their case: `Date d'opt–in` is `Date d'opt-in`."""
        if self.text.isascii():
            return self.text
        signs = unicodedata.normalize("NFKD", plain(self.text))
        return "".join(sign for sign in signs if not unicodedata.combining(sign))

    @cached_property
    def spaced(self) -> str:
        """In small letters, with a space between words: `consentedAtUTC+1` is `consented at utc+1`."""
        small = _CAPITALS.sub(" ", self.letters).replace("_", " ").casefold()
        small = _INITIALS.sub(lambda initials: initials[0].replace(".", ""), small)
        return _ZONE_BEFORE.sub(r"\1 ", _ZONE_BEHIND.sub(" ", small))

    @cached_property
    def words(self) -> frozenset[str]:
        """The words. Numbers and zones are none, and `opt in` is one."""
        named = without_zone(self.spaced) if self.offset.is_stated else self.spaced
        return frozenset(_WORD.findall(_MERGED.sub(r"\1\2", named)))

    @cached_property
    def joined_words(self) -> str:
        """All words in one, without the numbers between them."""
        return "".join(_WORD.findall(self.spaced))

    @cached_property
    def whole(self) -> str:
        """All letters and digits, in small letters of any script: `Tél. 2` is `tel2`. Callers choose columns by it."""
        return "".join(filter(str.isalnum, self.letters.casefold()))

    @cached_property
    def joined(self) -> str:
        """The letters and digits of ASCII, without digits at the end: `N° de téléphone 1` is `ndetelephone`."""
        # The marks of accents are not ASCII, either.
        plain_text = self.text if self.text.isascii() else unicodedata.normalize("NFKD", self.text)
        kept = _in_ascii(plain_text)
        international = _E164_AND_NUMBER.fullmatch(kept) if "164" in kept and self.is_e164 else None
        return international[1] if international else kept.rstrip(_DIGITS)

    @cached_property
    def joined_without_zone(self) -> str:
        """As `joined`, but without a zone: `Created time (UTC+1)` is `createdtime`."""
        return _in_ascii(without_zone(self.spaced)).rstrip(_DIGITS) if self.offset.is_stated else self.joined

    @cached_property
    def is_international(self) -> bool:
        """Whether the name says that its numbers are those of E.164, so that digits alone begin with a country code."""
        return "msisdn" in self.joined or self.is_e164

    @cached_property
    def is_e164(self) -> bool:
        """Whether the name has `E.164` in it, which `colonne 164` has not."""
        return _E164.search(self.spaced) is not None

    @cached_property
    def offset(self) -> StatedOffset:
        """What the name says of the offset from UTC of its times."""
        if not (_ZONE_IN_LETTERS.search(self.joined) or _SIGN_OF_ZONE.search(self.letters)):
            return NO_OFFSET
        return stated_offset(self.spaced)


def _in_ascii(text: str) -> str:
    """The letters and digits of ASCII, in small letters."""
    return "".join(filter(str.isalnum, text.casefold().encode("ascii", "ignore").decode()))
