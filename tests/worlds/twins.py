"""Twin stories that Hypothesis invents: the second has what others do besides, the first has not.

Who may know nothing of the difference is not said in a twin story. The naive registry works it out: a viewer may not
know of it if everything that the viewer must be shown is the same in both worlds.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from hypothesis import strategies as st

from tests.worlds.act import BROKERS, NUMBERS, PARTIES, VIEWERS, Act, new_world, pick, some
from tests.worlds.acts.campaigns import Send
from tests.worlds.acts.collections import Collect
from tests.worlds.acts.datasets import Unite, Upload
from tests.worlds.acts.objections import End, Object
from tests.worlds.acts.pauses import Compact
from tests.worlds.acts.transfers import HandOver, Receipt, State
from tests.worlds.model import Registry
from tests.worlds.shown import everything_shown, visible
from tests.worlds.sight import Viewer
from tests.worlds.stories import beginnings, draw_act

SUPPLIER, BROKER, CLIENT = "h1", "h2", "h3"
"""The organisations that the second world alone has."""

_HIDDEN = (SUPPLIER, BROKER, CLIENT)
_KINDS = ("notices", "collections", "datasets", "transfers", "campaigns", "objections")
_NAME = re.compile(r"[A-Z]\d+")


@dataclass(frozen=True)
class Step:
    """What happens in the first world, if anything, and in the second."""

    plain: Act | None
    twin: Act

    def __str__(self) -> str:
        return f"{self.twin}" if self.plain else f"(only here) {self.twin}"


@dataclass(frozen=True)
class TwinStory:
    """Steps, the names in the second world of what the first has, and viewers who may not know the difference."""

    steps: tuple[Step, ...]
    names: tuple[tuple[str, str], ...]
    blind: tuple[Viewer, ...]

    @property
    def numbers(self) -> set[int]:
        """The numbers that any dataset ever had in the second world, and another that perhaps none had."""
        acts = (step.twin for step in self.steps)
        return {number for act in acts for number in getattr(act, "numbers", ())} | {NUMBERS[-1]}

    @property
    def common(self) -> set[str]:
        """What both worlds have, by its name in the second."""
        return {second for _, second in self.names} | new_world().organisations.keys()

    @property
    def twin_world(self) -> Registry:
        """The second world as it is at the end."""
        world = begin_twin()
        for step in self.steps:
            step.twin.apply(world)
        return world

    def __repr__(self) -> str:
        lines = [f"{at:3}. {step}" for at, step in enumerate(self.steps, start=1)]
        return "\n" + "\n".join([*lines, "the same for " + ", ".join(viewer.name for viewer in self.blind)])


def begin_twin() -> Registry:
    """The cast of the second world, before anything happened."""
    world = new_world()
    world.organisation(SUPPLIER, "collector")
    world.organisation(BROKER, "broker")
    world.organisation(CLIENT, "party")
    return world


class Twins:
    """Both worlds while a story is drawn, and the names of things of the first in the second."""

    def __init__(self) -> None:
        self.plain, self.twin = new_world(), begin_twin()
        self.names: dict[str, str] = {}
        self.steps: list[Step] = []

    def both(self, plain: Act, twin: Act) -> None:
        """An act of the first world, as it is in the second."""
        before = [dict.fromkeys(getattr(world, kind)) for world in (self.plain, self.twin) for kind in _KINDS]
        made = plain.apply(self.plain), twin.apply(self.twin)
        after = [[*getattr(world, kind)] for world in (self.plain, self.twin) for kind in _KINDS]
        new = [[name for name in now if name not in then] for then, now in zip(before, after, strict=True)]
        for firsts, seconds in zip(new[: len(_KINDS)], new[len(_KINDS) :], strict=True):
            self.names |= dict(zip(firsts, seconds, strict=False))
        self.names[made[0]] = made[1]
        self.steps.append(Step(plain, twin))

    def same(self, act: Act) -> None:
        """An act that is the same in both worlds."""
        self.both(act, self.in_twin(act))

    def only_there(self, act: Act) -> None:
        act.apply(self.twin)
        self.steps.append(Step(None, act))

    def blind(self) -> list[Viewer]:
        """The organisations that may know nothing of the difference: all that they must be shown is the same."""
        return [
            viewer
            for viewer in VIEWERS
            if viewer.organisation
            and self.plain.organisations[viewer.organisation].account
            and _renamed(everything_shown(self.plain, viewer, NUMBERS), self.names)
            == everything_shown(self.twin, viewer, NUMBERS)
        ]

    def story(self, *blind: Viewer) -> TwinStory:
        return TwinStory(tuple(self.steps), tuple(self.names.items()), blind)

    def in_twin(self, act: Act) -> Act:
        """The same act in the words of the second world."""
        values = {field.name: _renamed(getattr(act, field.name), self.names) for field in fields(act)}
        return replace(act, **values)


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """A value in which names of the first world's things stand, with the names of the second world."""
    match value:
        case str():
            return names[value] if _NAME.fullmatch(value) else value
        case dict():
            return {_renamed(key, names): _renamed(each, names) for key, each in value.items()}
        case tuple() | set() | frozenset():
            return type(value)(_renamed(each, names) for each in value)
        case _:
            return value


@st.composite
def twin_stories(draw: st.DrawFn, most_acts: int = 8) -> TwinStory:
    """A story, and what others do besides, of which at least one viewer may know nothing."""
    twins = Twins()
    for act in draw(st.sampled_from(beginnings())):
        twins.both(act, _with_hidden_parent(draw, twins, twins.in_twin(act)))
    for _ in range(draw(st.integers(2, most_acts))):
        for _ in range(draw(st.integers(0, 2))):
            twins.only_there(_draw_hidden(draw, twins.twin))
        act = draw_act(draw, twins.plain)
        there = _with_hidden_parent(draw, twins, twins.in_twin(act))
        if _is_allowed(twins.twin, there):
            twins.both(act, there)
    twins.only_there(_draw_hidden(draw, twins.twin))
    blind = twins.blind()
    # Who sees nothing is seldom asked.
    seeing = [viewer for viewer in blind if visible(twins.twin, viewer, "datasets")] or blind
    chosen = draw(st.lists(st.sampled_from(seeing), min_size=1, max_size=2, unique=True)) if seeing else []
    return twins.story(*chosen)


def _is_allowed(world: Registry, act: Act) -> bool:
    """Whether what the first world allows is allowed in the second, where others did more."""
    match act:
        case State():
            return world.may_state(act.transfer, act.by, act.status)
        case Receipt(transfer=name):
            return not world.passed_on(world.transfers[name].received)
        case End(objection=name, holder=holder):
            return world.objections[name].relay_to(holder).is_open
        case _:
            return True


def _with_hidden_parent(draw: st.DrawFn, twins: Twins, act: Act) -> Act:
    """A union or selection that its holder also makes from what a hidden supplier hands to it just before.

    A union must not grow by it: whoever sees a dataset sees how many numbers it has.
    """
    if not isinstance(act, Upload | Unite) or not act.parents or act.by != act.holder or not draw(st.booleans()):
        return act
    there = set().union(*(twins.twin.datasets[parent].current for parent in act.parents))
    if not there:
        return act
    twins.only_there(Collect(SUPPLIER, SUPPLIER, some(draw, there if isinstance(act, Unite) else NUMBERS), None))
    collected = next(reversed(twins.twin.datasets))
    if draw(st.booleans()):
        twins.only_there(HandOver(collected, BROKER, SUPPLIER))
        collected = next(reversed(twins.twin.datasets))
    twins.only_there(HandOver(collected, act.holder, twins.twin.datasets[collected].holder))
    return replace(act, parents=(*act.parents, next(reversed(twins.twin.datasets))))


# What happens in the second world only.


def _draw_hidden(draw: st.DrawFn, world: Registry) -> Act:
    first = draw(st.integers(0, len(_HIDDEN_ACTS) - 1))
    for kind in _HIDDEN_ACTS[first:] + _HIDDEN_ACTS[:first]:
        act = kind(draw, world)
        if act is not None:
            return act
    raise AssertionError("collections are always allowed")


def _collect(draw: st.DrawFn, _world: Registry) -> Act:
    return Collect(SUPPLIER, SUPPLIER, some(draw, NUMBERS), None)


def _upload(draw: st.DrawFn, _world: Registry) -> Act:
    holder = draw(st.sampled_from((BROKER, CLIENT)))
    return Upload(holder, holder, (), some(draw, NUMBERS))


def _held_by(world: Registry, holders: tuple[str, ...]) -> list[str]:
    return [row.name for row in world.datasets.values() if row.holder in holders and world.is_usable(row)]


def _supply(draw: st.DrawFn, world: Registry) -> Act | None:
    """A hidden organisation hands something to any other: an additional supplier."""
    name = pick(draw, _held_by(world, (SUPPLIER, BROKER)))
    if name is None:
        return None
    holder = world.datasets[name].holder
    others = [other for other in (*BROKERS, BROKER, *PARTIES, CLIENT) if other != holder]
    return HandOver(name, draw(st.sampled_from(others)), holder)


def _sell(draw: st.DrawFn, world: Registry) -> Act | None:
    """Any organisation hands something to a hidden one: an additional client."""
    holders = tuple(name for name, row in world.organisations.items() if row.account and name not in PARTIES)
    name = pick(draw, _held_by(world, holders))
    if name is None:
        return None
    holder = world.datasets[name].holder
    return HandOver(name, draw(st.sampled_from([each for each in (BROKER, CLIENT) if each != holder])), holder)


def _derive(draw: st.DrawFn, world: Registry) -> Act | None:
    names = _held_by(world, (BROKER,))
    if not names:
        return None
    parents = draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True))
    if draw(st.sampled_from([True, False])):
        return Unite(BROKER, BROKER, tuple(parents))
    return Upload(BROKER, BROKER, tuple(parents), some(draw, NUMBERS))


def _send(draw: st.DrawFn, world: Registry) -> Act | None:
    name = pick(draw, _held_by(world, (CLIENT,)))
    return Send(CLIENT, None, (name,), draw(st.sampled_from(["past", "now", "planned"]))) if name else None


def _object(draw: st.DrawFn, world: Registry) -> Act | None:
    holders = pick(draw, ((row.number, row.holder) for row in _hidden_holdings(world)))
    if holders is None:
        return None
    number, holder = holders
    by, only = draw(st.sampled_from([(None, holder), (holder, holder), (holder, None), (None, None)]))
    return Object(number, by, only, draw(st.booleans()))


@dataclass(frozen=True)
class _Holding:
    number: int
    holder: str


def _hidden_holdings(world: Registry) -> Iterator[_Holding]:
    for number in NUMBERS:
        for holder in sorted({row.holder for row in world.holding(number)} & {*_HIDDEN}):
            yield _Holding(number, holder)


def _end(draw: st.DrawFn, world: Registry) -> Act | None:
    relays = [
        (row.name, relay.holder)
        for row in world.objections.values()
        for relay in row.relays
        if relay.is_open and relay.holder in _HIDDEN
    ]
    relay = pick(draw, relays)
    return End(*relay, completed=draw(st.integers(0, 5)) > 0) if relay else None


def _state(draw: st.DrawFn, world: Registry) -> Act | None:
    acts = [
        State(row.name, row.recipient, status)
        for row in world.transfers.values()
        if row.recipient in _HIDDEN and row.by != row.recipient and world.datasets[row.received].content != "uploaded"
        for status in ("acknowledged", "denied")
    ]
    return pick(draw, (act for act in acts if _is_allowed(world, act)))


def _compact(_draw: st.DrawFn, _world: Registry) -> Act:
    return Compact()


_HIDDEN_ACTS: list[Callable[[st.DrawFn, Registry], Act | None]] = [
    _sell, _supply, _object, _end, _sell, _collect, _supply, _derive, _end, _object, _send, _state, _sell, _upload,
    _supply, _compact,
]  # fmt: skip
