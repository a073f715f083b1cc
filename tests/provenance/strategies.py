"""Worlds that Hypothesis generates: what organisations may do, in any order."""

import uuid
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st

from service.core.vocabulary import Content, DatasetState, Role
from tests.provenance import oracle
from tests.provenance.builders import World

# On shared machines, the time that an example takes means nothing.
no_deadline = settings(deadline=None)

NUMBERS = st.frozensets(st.integers(0, 7), min_size=1)


@dataclass
class Cast:
    """The organisations of a generated world. Parties are clients: they receive and campaign, and transfer nothing."""

    collectors: list[uuid.UUID]
    brokers: list[uuid.UUID]
    parties: list[uuid.UUID]
    sender: uuid.UUID
    regulator: uuid.UUID


def make_cast(world: World) -> Cast:
    brokers = [world.organisation(Role.BROKER) for _ in range(2)]
    named = [world.organisation(Role.COLLECTOR, account=False, named_by=broker) for broker in brokers]
    return Cast(
        collectors=[world.organisation(Role.COLLECTOR), *named],
        brokers=brokers,
        parties=[world.organisation(Role.PARTY) for _ in range(3)],
        sender=world.organisation(Role.PROCESSOR),
        regulator=world.organisation(Role.REGULATOR),
    )


@st.composite
def worlds(
    draw: st.DrawFn, most_steps: int = 14, *, erasing: bool = False, releasing: bool = False
) -> tuple[World, Cast]:
    """A world after some steps."""
    world = World()
    cast = make_cast(world)
    for _ in range(draw(st.integers(1, most_steps))):
        draw(steps(world, cast, erasing=erasing, releasing=releasing))
    return world, cast


@st.composite
def steps(draw: st.DrawFn, world: World, cast: Cast, *, erasing: bool = False, releasing: bool = False) -> None:
    """Change `world` by one more step."""
    actions = [_collect, _collect, _upload, _derive, _transfer, _transfer, _reply, _campaign]
    step = draw(st.sampled_from(actions + [_erase, _erase] * erasing + [_release] * 4 * releasing))
    step(draw, world, cast)


def _asserter_for(world: World, organisation: uuid.UUID) -> uuid.UUID:
    """Who asserts the facts of an organisation: itself, or without an account the organisation that named it."""
    row = world.organisations[organisation]
    return organisation if row.admitted_at or row.asserted_by_id is None else row.asserted_by_id


def _collect(draw: st.DrawFn, world: World, cast: Cast) -> None:
    collector = draw(st.sampled_from(cast.collectors))
    asserter = _asserter_for(world, collector)
    collection = world.collection(world.notice(collector, asserter), asserter)
    world.dataset(collector, draw(NUMBERS), collection=collection, asserted_by=asserter)


def _upload(draw: st.DrawFn, world: World, cast: Cast) -> None:
    holder = draw(st.sampled_from(cast.brokers + cast.parties))
    state = draw(st.sampled_from([DatasetState.SEALED, DatasetState.SEALED, DatasetState.SEALING]))
    world.dataset(holder, draw(NUMBERS), state=state)


def _derive(draw: st.DrawFn, world: World, cast: Cast) -> None:
    holder = draw(st.sampled_from(cast.brokers + cast.parties))
    own = _held_by(world, holder)
    if own:
        parents = draw(st.lists(st.sampled_from(own), min_size=1, max_size=3, unique=True))
        world.dataset(holder, draw(st.none() | NUMBERS), parents)


def _transfer(draw: st.DrawFn, world: World, cast: Cast) -> None:
    transferable = [
        dataset
        for dataset, row in world.datasets.items()
        if row.holder_id not in cast.parties and oracle.is_held(world, dataset)
    ]
    if not transferable:
        return
    dataset = draw(st.sampled_from(transferable))
    sender = world.datasets[dataset].holder_id
    asserter = _asserter_for(world, sender)
    # A recipient that named a collector without an account registers the transfers that it received from it.
    others = [organisation for organisation in cast.brokers + cast.parties if organisation != sender]
    recipients = others if asserter == sender else [asserter]
    world.transfer(dataset, draw(st.sampled_from(recipients)), asserted_by=asserter)


def _reply(draw: st.DrawFn, world: World, cast: Cast) -> None:
    unanswered = [
        row.id
        for row in world.transfers.values()
        if row.asserted_by_id == row.sender_id and world.datasets[row.received_dataset_id].content == Content.SHARED
    ]
    if not unanswered:
        return
    transfer = draw(st.sampled_from(unanswered))
    received = world.transfers[transfer].received_dataset_id
    used = oracle.children_of(world, received) or any(use.dataset_id == received for use in world.uses)
    # The API refuses to deny what was passed on. If the tables say so all the same, nobody may gain by it.
    status = draw(st.sampled_from(["acknowledged", "confirmed", "denied", "confirmed" if used else "disputed"]))
    if status == "disputed":
        world.dispute(transfer, draw(NUMBERS))
    else:
        world.add_statement(transfer, "recipient", status)


def _campaign(draw: st.DrawFn, world: World, cast: Cast) -> None:
    party = draw(st.sampled_from(cast.parties))
    own = _held_by(world, party)
    if own:
        datasets = draw(st.lists(st.sampled_from(own), min_size=1, max_size=2, unique=True))
        world.campaign(party, datasets, sender=draw(st.sampled_from([None, cast.sender])))


def _release(draw: st.DrawFn, world: World, cast: Cast) -> None:
    if world.datasets:
        world.release(
            draw(st.sampled_from(sorted(world.datasets))), withdrawn=draw(st.sampled_from([False] * 4 + [True]))
        )


def _erase(draw: st.DrawFn, world: World, cast: Cast) -> None:
    erase(world, draw(st.sampled_from(cast.collectors + cast.brokers + cast.parties)), draw(st.integers(0, 7)))


def erase(world: World, holder: uuid.UUID, number: int) -> set[uuid.UUID]:
    """A holder erases a number from all datasets that it holds. Returns these datasets."""
    holding = oracle.datasets_holding(world, number) - oracle.erasures_of(world, number).keys()
    own = {dataset for dataset in holding if world.datasets[dataset].holder_id == holder}
    world.erase(number, own)
    return own


def _held_by(world: World, holder: uuid.UUID) -> list[uuid.UUID]:
    return [
        dataset for dataset, row in world.datasets.items() if row.holder_id == holder and oracle.is_held(world, dataset)
    ]
