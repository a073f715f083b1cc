"""The phrases of the frame around every page, and of the problems that any site can have."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds every page."""

    site: str
    skip: str
    menu: str
    foot_menu: str
    switch: str
    error_prefix: str


@dataclass(frozen=True, slots=True)
class ProblemText:
    """A problem as a page: its title, and what to do about it."""

    title: str
    advice: str


@dataclass(frozen=True, slots=True)
class Problems:
    """What went wrong, by the problem's slug or else by its status."""

    by_slug: Mapping[str, ProblemText]
    by_status: Mapping[int, ProblemText]
    other: ProblemText
    home: str
    wait: str

    def of(self, slug: str, status: int) -> ProblemText:
        """The text for a problem."""
        return self.by_slug.get(slug) or self.by_status.get(status) or self.other


@dataclass(frozen=True, slots=True)
class Phrases:
    """What every site says in one language."""

    frame: Frame
    problems: Problems
