"""Worlds that Hypothesis makes up: what organisations may do, done in any order."""

import uuid
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st

from service.core.vocabulary import Content, DatasetState, Role
from tests.provenance import oracle
from tests.provenance.builders import World

# Machines that run tests are shared: how long an example takes says nothing.
unhurried = settings(deadline=None)

NUMBERS = st.frozensets(st.integers(0, 7), min_size=1)


@dataclass
class Cast:
    """Who acts in a made-up world. Parties are clients: they receive and campaign, and sell nothing."""

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
def worlds(draw: st.DrawFn, most_steps: int = 14, *, erasing: bool = False) -> tuple[World, Cast]:
    """A world after some steps."""
    world = World()
    cast = make_cast(world)
    for _ in range(draw(st.integers(1, most_steps))):
        draw(steps(world, cast, erasing=erasing))
    return world, cast


@st.composite
def steps(draw: st.DrawFn, world: World, cast: Cast, *, erasing: bool = False) -> None:
    """One more thing that happens in `world`, which changes by it."""
    acts = [_collect, _collect, _upload, _derive, _hand_over, _hand_over, _reply, _campaign]
    step = draw(st.sampled_from(acts + [_erase, _erase] * erasing))
    step(draw, world, cast)


def _voice_of(world: World, organisation: uuid.UUID) -> uuid.UUID:
    """Who speaks for an organisation: itself, or whoever named it here."""
    row = world.organisations[organisation]
    return organisation if row.admitted_at or row.asserted_by_id is None else row.asserted_by_id


def _collect(draw: st.DrawFn, world: World, cast: Cast) -> None:
    collector = draw(st.sampled_from(cast.collectors))
    voice = _voice_of(world, collector)
    collection = world.collection(world.notice(collector, voice), voice)
    world.dataset(collector, draw(NUMBERS), collection=collection, asserted_by=voice)


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


def _hand_over(draw: st.DrawFn, world: World, cast: Cast) -> None:
    sellers = [
        one for one in world.datasets if world.datasets[one].holder_id not in cast.parties and oracle.held(world, one)
    ]
    if not sellers:
        return
    dataset = draw(st.sampled_from(sellers))
    sender = world.datasets[dataset].holder_id
    voice = _voice_of(world, sender)
    # A buyer that speaks for a collector without an account tells of what came to itself.
    buyers = [voice] if voice != sender else [one for one in cast.brokers + cast.parties if one != sender]
    world.transfer(dataset, draw(st.sampled_from(buyers)), asserted_by=voice)


def _reply(draw: st.DrawFn, world: World, cast: Cast) -> None:
    silent = [
        row.id
        for row in world.transfers.values()
        if row.asserted_by_id == row.sender_id and world.datasets[row.received_dataset_id].content == Content.SHARED
    ]
    if not silent:
        return
    transfer = draw(st.sampled_from(silent))
    received = world.transfers[transfer].received_dataset_id
    used = oracle.children_of(world, received) or any(use.dataset_id == received for use in world.uses)
    # Denying what was passed on is refused at the door; should it stand in the tables all the same, nobody gains by it.
    word = draw(st.sampled_from(["acknowledged", "confirmed", "denied", "confirmed" if used else "disputed"]))
    if word == "disputed":
        world.dispute(transfer, draw(NUMBERS))
    else:
        world.say(transfer, "recipient", word)


def _campaign(draw: st.DrawFn, world: World, cast: Cast) -> None:
    party = draw(st.sampled_from(cast.parties))
    own = _held_by(world, party)
    if own:
        datasets = draw(st.lists(st.sampled_from(own), min_size=1, max_size=2, unique=True))
        world.campaign(party, datasets, sender=draw(st.sampled_from([None, cast.sender])))


def _erase(draw: st.DrawFn, world: World, cast: Cast) -> None:
    erase(world, draw(st.sampled_from(cast.collectors + cast.brokers + cast.parties)), draw(st.integers(0, 7)))


def erase(world: World, holder: uuid.UUID, number: int) -> set[uuid.UUID]:
    """A holder erases a number from all that it holds, and these are given."""
    left = oracle.holders(world, number) - oracle.ended(world, number).keys()
    own = {one for one in left if world.datasets[one].holder_id == holder}
    world.erase(number, own)
    return own


def _held_by(world: World, holder: uuid.UUID) -> list[uuid.UUID]:
    return [one for one, row in world.datasets.items() if row.holder_id == holder and oracle.held(world, one)]
