"""What every act of a story is: drawn beside the naive registry, told to both, and printed in plain words."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from hypothesis import strategies as st

from tests.worlds.model import Registry
from tests.worlds.rows import Numbers
from tests.worlds.sight import REGULATOR, Viewer

if TYPE_CHECKING:
    from tests.worlds.told import Told

Item = TypeVar("Item")

NUMBERS = range(16)
"""The numbers of a world: few, so that many datasets share them."""

COLLECTORS, BROKERS, PARTIES = ("c1", "n1"), ("b1", "b2", "x1"), ("p1", "p2")
"""`n1` and `x1` have no account; `b1` names them."""

SENDER, SENDERS_KEY = "s1", "s1 for p1"

VIEWERS = [Viewer(name, name) for name in ("c1", "n1", "b1", "b2", "x1", "p1", "p2")]
VIEWERS += [Viewer(SENDERS_KEY, "p1", SENDER), REGULATOR]

EYES = [tuple(VIEWERS[at] for at in chosen) for chosen in ((0, 5, 4), (2, 8), (3, 6, 1, 7))]
"""Some of the viewers at a time: each set has a seller and a buyer, or the authority."""


@dataclass(frozen=True)
class Act(ABC):
    """What somebody does. Acts are frozen dataclasses, so that equal stories are tried once."""

    @abstractmethod
    def apply(self, world: Registry) -> str:
        """Record it in the naive registry. Returns the name of what it made or changed, if that has one."""

    @abstractmethod
    def tell(self, told: "Told") -> None:
        """Tell it to the service, and apply it to the naive registry of `told`."""


def new_world() -> Registry:
    """The cast, before anything happened."""
    world = Registry()
    world.organisation("c1", "collector")
    world.organisation("b1", "broker")
    world.organisation("b2", "broker")
    world.organisation("p1", "party")
    world.organisation("p2", "party")
    world.organisation(SENDER, "processor")
    world.processors[SENDER] = "p1"
    world.organisation("n1", "collector", named_by="b1")
    world.organisation("x1", "broker", named_by="b1")
    return world


def shown(numbers: Iterable[int]) -> str:
    return "{" + " ".join(map(str, sorted(numbers))) + "}"


def pick(draw: st.DrawFn, items: Iterable[Item]) -> Item | None:
    found = list(items)
    return draw(st.sampled_from(found)) if found else None


def some(draw: st.DrawFn, numbers: Iterable[int]) -> Numbers:
    return draw(st.frozensets(st.sampled_from(sorted(numbers)), min_size=1, max_size=8))


def speaks_for(world: Registry, organisation: str) -> list[str]:
    return [organisation] if world.organisations[organisation].account else ["b1", "b2"]
