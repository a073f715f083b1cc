"""What the functions share that draw an answer as a tree for the terminal."""

import uuid
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from rich.text import Text
from rich.tree import Tree

from service.command.answer_words import PHRASES, AnswerPhrases
from service.command.terminal import printable
from service.provenance.answer.references import Asserted, DatasetRef
from service.provenance.answer.schemas import Answer, HopView
from service.wording.language import Language, write_day, write_day_of, write_quoted
from service.wording.terms import Terms


@dataclass
class HolderNode:
    """The number at one holder: the datasets that contain it there, and the transfers by which it was passed on."""

    holder: str
    datasets: list[DatasetRef]
    onward: dict[uuid.UUID, tuple[HopView, "HolderNode"]] = field(default_factory=dict)


@dataclass
class TreeContext:
    """What the functions that draw one answer share.

    `most_hops` is how many transfers may hang from each other. `drawn` are the transfers that are already in a tree,
    and `waiting` the holders whose further transfers go into a tree of their own.
    """

    answer: Answer
    language: Language
    zone: ZoneInfo
    most_hops: int
    drawn: set[uuid.UUID] = field(default_factory=set)
    waiting: list[HolderNode] = field(default_factory=list)

    @property
    def phrases(self) -> AnswerPhrases:
        """The phrases in the language of the answer."""
        return PHRASES.of(self.language)

    @property
    def terms(self) -> Terms:
        """The words for values of closed lists."""
        return Terms(self.language)

    def fill(self, phrase: str, **values: object) -> str:
        """A phrase with its values, none of which can control the terminal."""
        return phrase.format(
            **{name: printable(value) if isinstance(value, str) else value for name, value in values.items()}
        )

    def quote(self, text: str | None) -> str:
        """What an organisation wrote, in quotation marks; a dash if it wrote nothing."""
        return write_quoted(self.language, printable(text)) if text else "—"

    def asserted_by(self, fact: Asserted) -> str:
        """Who asserts a fact, and through which processor or heir."""
        if fact.asserted_by is None:
            return self.phrases.registry
        who, through = fact.asserted_by.legal_name, fact.asserted_through
        return self.fill(self.phrases.through, who=who, processor=through.legal_name) if through else who

    def day(self, day: date) -> str:
        """A day in words."""
        return write_day(self.language, day)

    def day_of(self, moment: datetime) -> str:
        """The day of a moment in words."""
        return write_day_of(self.language, moment, self.zone)


def add(branch: Tree, text: str, style: str = "") -> Tree:
    """A new branch with a literal text: Rich would read markup in a plain string that an organisation sent."""
    return branch.add(Text(text, style))
