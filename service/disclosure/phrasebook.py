"""How a story speaks: the phrases of a language, set as that language is set. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

from service.disclosure import english, french
from service.provenance.answer.schemas import Asserted
from service.wording.language import (
    Language,
    write_count,
    write_day,
    write_day_of,
    write_elapsed,
    write_list,
    write_moment,
    write_quoted,
    write_span,
)

_WORDS = {Language.FR: (french.PHRASES, french.TERMS), Language.EN: (english.PHRASES, english.TERMS)}


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """A language, speaking."""

    language: Language

    def say(self, phrase: str, **values: str) -> str:
        """A phrase by its name, with values filled in to the letter."""
        return _template(self.language, phrase).format(**values)

    def term(self, value: str) -> str:
        """The word for a value of one of the closed lists."""
        return typeset(self.language, _WORDS[self.language][1][value])

    def terms(self, values: Sequence[str]) -> str:
        """The words for several."""
        return self.list([self.term(one) for one in values])

    def list(self, parts: Sequence[str]) -> str:
        """Things in a sentence."""
        return write_list(self.language, parts)

    def from_(self, name: str) -> str:
        """From a named organisation: d’Enseigne Maison SA, de Contact Direct SAS."""
        if self.language is Language.EN:
            return f"from {name}"
        return f"d’{name}" if name[:1].casefold() in _VOWELS else f"de {name}"

    def quoted(self, text: str) -> str:
        """A text in quotation marks."""
        return write_quoted(self.language, text)

    def quoted_at_end(self, text: str) -> str:
        """A text in quotation marks that ends a sentence: with a full stop only if it brings none."""
        return self.quoted(text) if text.rstrip().endswith((".", "!", "?", "…")) else f"{self.quoted(text)}."

    def day(self, day: date) -> str:
        """A day."""
        return write_day(self.language, day)

    def day_of(self, moment: datetime) -> str:
        """The day of a moment."""
        return write_day_of(self.language, moment)

    def moment(self, moment: datetime) -> str:
        """A day and a time."""
        return write_moment(self.language, moment)

    def span(self, began: datetime, ended: datetime) -> str:
        """From when to when."""
        return write_span(self.language, began, ended)

    def elapsed(self, earlier: datetime, later: datetime) -> str:
        """How long after."""
        return write_elapsed(self.language, earlier, later)

    def count(self, count: int) -> str:
        """How many."""
        return write_count(self.language, count)


_VOWELS = frozenset("aàâæeéèêëiîïoôœuùûü")


@cache
def _template(language: Language, phrase: str) -> str:
    return typeset(language, _WORDS[language][0][phrase])


def typeset(language: Language, text: str) -> str:
    """A text of ours with the apostrophes, and in French the blanks that must not break, which code is without."""
    text = text.replace("'", "’")
    if language is Language.EN:
        return text
    for mark in ";?!":
        text = text.replace(f" {mark}", f"\u202f{mark}")
    return text.replace(" :", "\u00a0:").replace("« ", "«\u00a0").replace(" »", "\u00a0»")


def who(voice: Phrasebook, fact: Asserted) -> str:
    """Who asserts a fact, and through whom if a processor told it; without anybody, it is the registry."""
    if fact.asserted_by is None:
        return voice.say("registry")
    name, through = fact.asserted_by.legal_name, fact.asserted_through
    return voice.say("through", who=name, processor=through.legal_name) if through else name
