"""What changes no fact: the worker merges what is stored, and everybody looks."""

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.worlds.act import Act
from tests.worlds.model import Registry
from tests.worlds.told import Told


@dataclass(frozen=True)
class Compact(Act):
    def __str__(self) -> str:
        return "the worker merges all segments"

    def apply(self, world: Registry) -> str:
        return ""  # Storage alone changes.

    def tell(self, told: Told) -> None:
        told.stage.settle()
        told.stage.compact()


@dataclass(frozen=True)
class Look(Act):
    def __str__(self) -> str:
        return "everybody looks"

    def apply(self, world: Registry) -> str:
        return ""

    def tell(self, told: Told) -> None:
        told.stage.settle()


def draw_compact(_draw: st.DrawFn, _world: Registry) -> Act:
    return Compact()
