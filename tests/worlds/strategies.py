"""Stories that Hypothesis invents: what organisations may do, in any order.

A story is drawn beside a naive registry, so that each act is one that the service must accept. Failing stories are
printed line by line, as the organisations would tell them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from hypothesis import strategies as st

from tests.worlds.model import Numbers, Registry
from tests.worlds.sight import REGULATOR, Viewer

Item = TypeVar("Item")

NUMBERS = range(16)
"""The numbers of a world: few, so that many datasets share them."""

COLLECTORS, BROKERS, PARTIES = ("c1", "n1"), ("b1", "b2", "x1"), ("p1", "p2")
"""`n1` and `x1` have no account; `b1` names them."""

SENDER, SENDERS_KEY = "s1", "s1 for p1"

VIEWERS = [Viewer(name, name) for name in ("c1", "n1", "b1", "b2", "x1", "p1", "p2")]
VIEWERS += [Viewer(SENDERS_KEY, "p1", SENDER), REGULATOR]


@dataclass(frozen=True)
class Collect:
    holder: str
    by: str
    numbers: Numbers
    notice: str | None

    def __str__(self) -> str:
        under = f"under {self.notice}" if self.notice else "under a new notice"
        return f"{self.by} records that {self.holder} collected {shown(self.numbers)} {under}"

    def apply(self, world: Registry) -> str:
        return world.collect(self.holder, self.by, self.numbers, self.notice)


@dataclass(frozen=True)
class Upload:
    holder: str
    by: str
    parents: tuple[str, ...]
    numbers: Numbers

    def __str__(self) -> str:
        source = f"derived from {', '.join(self.parents)}" if self.parents else "from no source"
        return f"{self.by} records a dataset of {self.holder} {source}: {shown(self.numbers)}"

    def apply(self, world: Registry) -> str:
        return world.upload(self.holder, self.by, self.parents, self.numbers)


@dataclass(frozen=True)
class Unite:
    holder: str
    by: str
    parents: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.by} records that {self.holder} unites {', '.join(self.parents)}"

    def apply(self, world: Registry) -> str:
        return world.unite(self.holder, self.by, self.parents)


@dataclass(frozen=True)
class HandOver:
    dataset: str
    recipient: str
    by: str

    def __str__(self) -> str:
        return f"{self.by} records that {self.dataset} was handed to {self.recipient}"

    def apply(self, world: Registry) -> str:
        return world.transfer(self.dataset, self.recipient, self.by)


@dataclass(frozen=True)
class State:
    transfer: str
    by: str
    status: str

    def __str__(self) -> str:
        return f"{self.by} states of {self.transfer}: {self.status}"

    def apply(self, world: Registry) -> str:
        return world.state(self.transfer, self.by, self.status)


@dataclass(frozen=True)
class Receipt:
    transfer: str
    numbers: Numbers

    def __str__(self) -> str:
        return f"the recipient of {self.transfer} sends its own file: {shown(self.numbers)}"

    def apply(self, world: Registry) -> str:
        return world.receipt(self.transfer, self.numbers)


@dataclass(frozen=True)
class Send:
    party: str
    sender: str | None
    datasets: tuple[str, ...]
    past: bool

    def __str__(self) -> str:
        when = "in 2024" if self.past else "now"
        return f"{self.party} sends a campaign {when} to {', '.join(self.datasets)}, by {self.sender or 'itself'}"

    def apply(self, world: Registry) -> str:
        return world.campaign(self.party, self.sender, self.datasets, past=self.past)


@dataclass(frozen=True)
class Object:
    number: int
    by: str | None
    only: str | None
    erasure: bool

    def __str__(self) -> str:
        kind = "asks for erasure" if self.erasure else "objects"
        return f"the person of {self.number} {kind} ({self.only or 'everybody'}), recorded by {self.by or 'itself'}"

    def apply(self, world: Registry) -> str:
        return world.object(self.number, self.by, self.only, erasure=self.erasure)


@dataclass(frozen=True)
class End:
    objection: str
    holder: str
    completed: bool

    def __str__(self) -> str:
        return f"{self.holder} {'completes' if self.completed else 'refuses'} {self.objection}"

    def apply(self, world: Registry) -> str:
        return (world.complete if self.completed else world.refuse)(self.objection, self.holder)


@dataclass(frozen=True)
class Admit:
    organisation: str

    def __str__(self) -> str:
        return f"the operator admits {self.organisation}"

    def apply(self, world: Registry) -> str:
        return world.admit(self.organisation)


@dataclass(frozen=True)
class Compact:
    def __str__(self) -> str:
        return "the worker merges all segments"

    def apply(self, world: Registry) -> str:
        return ""  # Storage alone changes.


@dataclass(frozen=True)
class Look:
    def __str__(self) -> str:
        return "everybody looks"

    def apply(self, world: Registry) -> str:
        return ""


Act = Collect | Upload | Unite | HandOver | State | Receipt | Send | Object | End | Admit | Compact | Look


@dataclass(frozen=True)
class Story:
    acts: tuple[Act, ...]

    def __repr__(self) -> str:
        return "\n" + "\n".join(f"{at:3}. {act}" for at, act in enumerate(self.acts, start=1))


def shown(numbers: Iterable[int]) -> str:
    return "{" + " ".join(map(str, sorted(numbers))) + "}"


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


def draw_act(draw: st.DrawFn, world: Registry) -> Act:
    """An act of a drawn kind or, if none of that kind is allowed now, of the next kind that is."""
    first = draw(st.integers(0, len(_ACTS) - 1))
    for kind in _ACTS[first:] + _ACTS[:first]:
        act = kind(draw, world)
        if act is not None:
            return act
    raise AssertionError("collections are always allowed")


def pick(draw: st.DrawFn, items: Iterable[Item]) -> Item | None:
    found = list(items)
    return draw(st.sampled_from(found)) if found else None


def some(draw: st.DrawFn, numbers: Iterable[int]) -> Numbers:
    return draw(st.frozensets(st.sampled_from(sorted(numbers)), min_size=1, max_size=8))


def _speaks_for(world: Registry, organisation: str) -> list[str]:
    return [organisation] if world.organisations[organisation].account else ["b1", "b2"]


def _collect(draw: st.DrawFn, world: Registry) -> Act:
    holder = draw(st.sampled_from(COLLECTORS))
    by = draw(st.sampled_from(_speaks_for(world, holder)))
    earlier = [row.name for row in world.notices.values() if (row.collector, row.by) == (holder, by)]
    return Collect(holder, by, some(draw, NUMBERS), draw(st.sampled_from([None, *earlier])))


def _upload(draw: st.DrawFn, world: Registry) -> Act:
    holder = draw(st.sampled_from(BROKERS + PARTIES))
    return Upload(holder, draw(st.sampled_from(_speaks_for(world, holder))), (), some(draw, NUMBERS))


def _parents(draw: st.DrawFn, world: Registry, most: int) -> tuple[str, str, tuple[str, ...]] | None:
    """A holder, who speaks for it, and datasets of the holder that may be derived from."""
    groups: dict[tuple[str, str], list[str]] = {}
    for row in world.datasets.values():
        if world.is_held(row):
            by = row.holder if world.organisations[row.holder].account else row.by
            groups.setdefault((row.holder, by), []).append(row.name)
    group = pick(draw, groups)
    if group is None:
        return None
    names = draw(st.lists(st.sampled_from(groups[group]), min_size=1, max_size=most, unique=True))
    return (*group, tuple(names))


def _cut(draw: st.DrawFn, world: Registry) -> Act | None:
    """A selection of datasets, often without all that came from some of their ancestors, or with other numbers."""
    found = _parents(draw, world, 2)
    if found is None:
        return None
    holder, by, parents = found
    there = {number: name for name in parents for number in world.datasets[name].current}
    left_out = draw(st.sampled_from([None, *world.datasets]))
    kept = {
        number for number, name in there.items() if left_out is None or left_out not in world.upstream(number, name)
    }
    numbers = some(draw, kept) if kept else Numbers()
    numbers |= draw(st.just(Numbers()) | st.frozensets(st.sampled_from(NUMBERS), max_size=2))
    return Upload(holder, by, parents, numbers) if numbers else None


def _unite(draw: st.DrawFn, world: Registry) -> Act | None:
    found = _parents(draw, world, 3)
    return Unite(*found) if found else None


def _hand_over(draw: st.DrawFn, world: Registry) -> Act | None:
    dataset = pick(draw, (row for row in world.datasets.values() if row.holder not in PARTIES and world.is_held(row)))
    if dataset is None:
        return None
    by = dataset.holder if world.organisations[dataset.holder].account else dataset.by
    others = [name for name in BROKERS + PARTIES if name != dataset.holder]
    if by != dataset.holder:
        others = [name for name in others if name == by or not world.organisations[name].account]
    return HandOver(dataset.name, draw(st.sampled_from(others)), by) if others else None


def _may_change(world: Registry, name: str) -> bool:
    row = world.transfers[name]
    return world.organisations[row.recipient].account and not row.reconciled


def _state(draw: st.DrawFn, world: Registry) -> Act | None:
    options = []
    for row in world.transfers.values():
        used = world.passed_on(row.received) or world.used(row.received)
        if _may_change(world, row.name) and row.by != row.recipient:
            options += [State(row.name, row.recipient, "acknowledged")]
            options += [State(row.name, row.recipient, "denied")] * (not used)
        if world.organisations[row.sender].account and row.by != row.sender:
            options += [State(row.name, row.sender, status) for status in ("acknowledged", "denied")]
    return pick(draw, options)


def _receipt(draw: st.DrawFn, world: Registry) -> Act | None:
    rows = world.transfers.values()
    row = pick(draw, (row for row in rows if _may_change(world, row.name) and not row.denied))
    if row is None or world.passed_on(row.received):
        return None
    file = frozenset(row.declared) ^ draw(st.just(Numbers()) | st.frozensets(st.sampled_from(NUMBERS), max_size=3))
    return Receipt(row.name, file) if file else None


def _send(draw: st.DrawFn, world: Registry) -> Act | None:
    party = draw(st.sampled_from(PARTIES))
    own = [row.name for row in world.datasets.values() if row.holder == party and world.is_held(row)]
    if not own:
        return None
    names = draw(st.lists(st.sampled_from(own), min_size=1, max_size=2, unique=True))
    return Send(party, draw(st.sampled_from([None, SENDER])), tuple(names), draw(st.booleans()))


def _object(draw: st.DrawFn, world: Registry) -> Act | None:
    number = pick(draw, [number for number in NUMBERS if world.holding(number)])
    if number is None:
        return None
    holders = sorted({row.holder for row in world.holding(number)})
    with_account = [name for name in holders if world.organisations[name].account]
    by = draw(st.sampled_from([None, *with_account]))
    only = draw(st.sampled_from([None, None, *(holders if by is None else [by])]))
    return Object(number, by, only, draw(st.sampled_from([True, True, False])))


def _end(draw: st.DrawFn, world: Registry) -> Act | None:
    open_relays = [
        (row.name, relay.holder) for row in world.objections.values() for relay in row.relays if relay.is_open
    ]
    relay = pick(draw, open_relays)
    return End(*relay, completed=draw(st.integers(0, 5)) > 0) if relay else None


def _admit(draw: st.DrawFn, world: Registry) -> Act | None:
    name = pick(draw, (row.name for row in world.organisations.values() if not row.account))
    return Admit(name) if name else None


def _compact(_draw: st.DrawFn, _world: Registry) -> Act:
    return Compact()


_ACTS: list[Callable[[st.DrawFn, Registry], Act | None]] = [
    _hand_over, _end, _cut, _end, _object, _hand_over, _state, _end, _hand_over, _receipt, _end, _object, _hand_over,
    _cut, _state, _end, _object, _hand_over, _unite, _receipt, _end, _admit, _send, _end, _object, _compact, _upload,
    _collect,
]  # fmt: skip

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
