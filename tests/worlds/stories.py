"""Stories that Hypothesis invents: what organisations may do, in any order.

A story is drawn beside a naive registry, so that each act is one that the service must accept. Failing stories are
printed line by line, as the organisations would tell them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from hypothesis import strategies as st

from tests.worlds.act import EYES, Act, new_world
from tests.worlds.acts.campaigns import draw_cancel, draw_correct_campaign, draw_send
from tests.worlds.acts.collections import Collect, draw_collect
from tests.worlds.acts.contests import draw_contest, draw_take_back
from tests.worlds.acts.corrections import draw_correct_collection, draw_correct_notice, draw_state_collection
from tests.worlds.acts.datasets import Unite, Upload, draw_cut, draw_unite, draw_upload
from tests.worlds.acts.objections import draw_end, draw_object
from tests.worlds.acts.organisations import draw_admit, draw_correct, draw_succeed
from tests.worlds.acts.pauses import Look, draw_compact
from tests.worlds.acts.standings import draw_correct_dataset, draw_end_holding, draw_withdraw
from tests.worlds.acts.transfers import HandOver, draw_hand_over, draw_receipt, draw_retract, draw_state
from tests.worlds.model import Registry
from tests.worlds.sight import Viewer


@dataclass(frozen=True)
class Story:
    acts: tuple[Act, ...]

    def __repr__(self) -> str:
        return "\n" + "\n".join(f"{at:3}. {act}" for at, act in enumerate(self.acts, start=1))


@st.composite
def stories(draw: st.DrawFn, most_acts: int = 16) -> Story:
    """A story in which everybody looks, once on the way and at the end."""
    world, acts = new_world(), list[Act]()
    for act in draw(st.sampled_from(beginnings())):
        act.apply(world)
        acts.append(act)
    count = draw(st.integers(most_acts // 2, most_acts))
    look_after = draw(st.integers(1, count - 1))
    for at in range(1, count + 1):
        act = draw_act(draw, world)
        act.apply(world)
        acts.append(act)
        if at == look_after:
            acts.append(Look())
    return Story((*acts, Look()))


@dataclass(frozen=True, repr=False)
class History(Story):
    """What is told after a beginning, and who looks at the end: some of the viewers."""

    viewers: tuple[Viewer, ...]

    def __repr__(self) -> str:
        return f"{Story.__repr__(self)}\nThen look: {', '.join(viewer.name for viewer in self.viewers)}"


@st.composite
def histories(draw: st.DrawFn, begins: tuple[Act, ...], most_acts: int = 10) -> History:
    """A history after a beginning, whose acts are not repeated."""
    world, acts = new_world(), list[Act]()
    for act in begins:
        act.apply(world)
    for _ in range(draw(st.integers(1, most_acts))):
        acts.append(draw_act(draw, world, _OF_HISTORIES))
        acts[-1].apply(world)
    return History(tuple(acts), draw(st.sampled_from(EYES)))


def draw_act(draw: st.DrawFn, world: Registry, weights: "Weights | None" = None) -> Act:
    """An act of a drawn kind or, if none of that kind is allowed now, of the next kind that is."""
    kinds, drawn = _drawn(tuple((weights or _OF_STORIES).items()))
    first = kinds.index(draw(st.sampled_from(drawn)))
    for kind in kinds[first:] + kinds[:first]:
        act = kind(draw, world)
        if act is not None:
            return act
    raise AssertionError("collections are always allowed")


Kind = Callable[[st.DrawFn, Registry], Act | None]
Weights = dict[Kind, int]


@cache
def _drawn(weights: tuple[tuple[Kind, int], ...]) -> tuple[list[Kind], list[Kind]]:
    """The kinds of acts, and each of them as often as it weighs."""
    return [kind for kind, _ in weights], [kind for kind, weight in weights for _ in range(weight)]


_OF_STORIES: Weights = {
    draw_hand_over: 4,
    draw_end: 7,
    draw_cut: 2,
    draw_object: 3,
    draw_state: 2,
    draw_receipt: 2,
    draw_retract: 3,
    draw_unite: 1,
    draw_admit: 1,
    draw_correct: 1,
    draw_succeed: 1,
    draw_send: 2,
    draw_cancel: 1,
    draw_correct_campaign: 1,
    draw_correct_notice: 1,
    draw_correct_collection: 1,
    draw_state_collection: 2,
    draw_end_holding: 2,
    draw_withdraw: 3,
    draw_correct_dataset: 1,
    draw_contest: 2,
    draw_take_back: 1,
    draw_compact: 1,
    draw_upload: 1,
    draw_collect: 1,
}
"""How often each kind of act is tried in a story."""

# Most of what a history tells corrects the world that it begins with. What has to be sealed takes longest.
_OF_HISTORIES: Weights = {
    draw_hand_over: 3,
    draw_end: 4,
    draw_object: 3,
    draw_state: 3,
    draw_receipt: 1,
    draw_retract: 4,
    draw_unite: 1,
    draw_admit: 1,
    draw_correct: 1,
    draw_succeed: 1,
    draw_send: 2,
    draw_cancel: 1,
    draw_correct_campaign: 1,
    draw_correct_notice: 1,
    draw_correct_collection: 1,
    draw_state_collection: 2,
    draw_end_holding: 4,
    draw_withdraw: 6,
    draw_correct_dataset: 2,
    draw_contest: 3,
    draw_take_back: 1,
    draw_collect: 1,
}
"""The same for a history."""

_BROKERS_BASE: tuple[Act, ...] = (
    Collect("c1", "c1", frozenset({0, 1, 2, 3, 4}), None),
    Collect("n1", "b1", frozenset({3, 4, 5, 6}), None),
    HandOver("D1", "b1", "c1"),
    HandOver("D2", "b1", "b1"),
    Unite("b1", "b1", ("D3", "D4")),
    Upload("b1", "b1", ("D5",), frozenset({1, 2})),
    HandOver("D6", "p1", "b1"),
)
_SALE: tuple[Act, ...] = (Collect("c1", "c1", frozenset({0, 1, 2, 3}), None), HandOver("D1", "b1", "c1"))


def beginnings() -> list[tuple[Act, ...]]:
    """How a story may begin."""
    return [_BROKERS_BASE, _SALE]
