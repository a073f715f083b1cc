"""Who sees what: over rows and over the graph alike, never sideways, never more than one hop down."""

import asyncio
import copy
import uuid
from collections.abc import Callable, Iterable, Iterator

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access import visibility
from service.access.actor import Actor
from service.access.visibility import Visibility
from service.core.db import Database
from tests.provenance import oracle
from tests.provenance.builders import World
from tests.provenance.stored import store_world
from tests.provenance.strategies import Cast, make_cast, no_deadline, steps, worlds

WORLDS = worlds()
Made = tuple[World, Cast]


def callers(world: World, cast: Cast) -> Iterator[Actor]:
    """Everybody who may call, parties also through their sender."""
    for organisation in [*cast.collectors, *cast.brokers, *cast.parties, cast.regulator]:
        yield oracle.actor_for(world, organisation)
    for party in cast.parties:
        yield oracle.actor_for(world, party, through=cast.sender)


def looks(world: World, caller: Actor) -> Iterator[Visibility]:
    """What a caller sees of the graph, and of every number."""
    scene = oracle.snapshot_of(world).visibility_index
    yield visibility.visible_to(scene, caller)
    for number in oracle.all_numbers(world):
        yield visibility.visible_to(scene, caller, oracle.datasets_holding(world, number))


def named(world: World, seen: Visibility) -> set[uuid.UUID]:
    """The organisations that stand in what is seen."""
    transfers = [world.transfers[one] for one in seen.transfers]
    return (
        {world.datasets[one].holder_id for one in seen.datasets | seen.bare}
        | {row.sender_id for row in transfers}
        | {row.recipient_id for row in transfers}
        | {world.campaigns[one].party_id for one in seen.campaigns}
    )


def held_by(world: World, organisation: uuid.UUID) -> set[uuid.UUID]:
    """What an organisation holds, or asserts in the stead of one without an account."""
    found = set()
    for one, row in world.datasets.items():
        mute = world.organisations[row.holder_id].admitted_at is None and row.asserted_by_id == organisation
        arrivals = [transfer.id for transfer in world.transfers.values() if transfer.received_dataset_id == one]
        if (row.holder_id == organisation or mute) and not any(oracle.is_denied(world, id_) for id_ in arrivals):
            found.add(one)
    return found


def upstream(world: World, datasets: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Datasets and all that they come from, but for what a denied transfer is said to have brought."""
    found = set(datasets)
    for edge in world.parents:
        if edge.dataset_id in datasets and not oracle.is_denied(world, edge.transfer_id):
            found |= upstream(world, {edge.parent_id})
    return found


@no_deadline
@given(WORLDS)
def test_no_party_learns_of_another_client(made: Made) -> None:
    world, cast = made
    for caller in callers(world, cast):
        if caller.organisation_id in cast.parties:
            others = set(cast.parties) - {caller.organisation_id}
            assert not any(named(world, seen) & others for seen in looks(world, caller))


@no_deadline
@given(WORLDS)
def test_nobody_sees_more_than_holdings_what_is_upstream_and_one_hop_down(made: Made) -> None:
    world, cast = made
    scene = oracle.snapshot_of(world).visibility_index
    for caller in callers(world, cast):
        if caller.is_regulator:
            continue
        own = caller.organisation_id
        seen = visibility.visible_to(scene, caller)
        assert seen.datasets == upstream(world, held_by(world, own))
        sent = {
            row.received_dataset_id
            for row in world.transfers.values()
            if row.sender_id == own and not oracle.is_denied(world, row.id)
        }
        assert seen.bare == sent - seen.datasets
        for transfer in seen.transfers:
            row = world.transfers[transfer]
            delivered = row.received_dataset_id in seen.datasets and not oracle.is_denied(world, transfer)
            assert own in (row.sender_id, row.recipient_id) or delivered


@no_deadline
@given(WORLDS)
def test_of_a_number_a_sender_sees_the_next_hop_only_if_it_holds_the_number(made: Made) -> None:
    world, cast = made
    scene = oracle.snapshot_of(world).visibility_index
    for number in oracle.all_numbers(world):
        among = oracle.datasets_holding(world, number)
        for broker in cast.brokers:
            seen = visibility.visible_to(scene, oracle.actor_for(world, broker), among)
            assert seen.datasets <= among
            if not held_by(world, broker) & among:
                assert not seen.datasets
                assert not seen.bare
                assert all(world.transfers[one].recipient_id == broker for one in seen.transfers)


@no_deadline
@given(WORLDS)
def test_a_recipient_always_sees_what_a_sender_says_it_was_given(made: Made) -> None:
    world, cast = made
    scene = oracle.snapshot_of(world).visibility_index
    for number in oracle.all_numbers(world):
        among = oracle.datasets_holding(world, number)
        for organisation in cast.brokers + cast.parties:
            seen = visibility.visible_to(scene, oracle.actor_for(world, organisation), among)
            for row in world.transfers.values():
                if row.recipient_id == organisation and row.dataset_id in among:
                    assert row.id in seen.transfers


@no_deadline
@given(WORLDS, st.data())
def test_what_happens_sideways_changes_nothing_of_what_an_organisation_sees(made: Made, data: st.DataObject) -> None:
    before, cast = made
    after = copy.deepcopy(before)
    for _ in range(data.draw(st.integers(1, 4))):
        data.draw(steps(after, cast))
    organisation = data.draw(st.sampled_from(cast.collectors + cast.brokers + cast.parties))
    assume(not touched(before, after, organisation))
    caller = oracle.actor_for(before, organisation)
    old, new = oracle.snapshot_of(before).visibility_index, oracle.snapshot_of(after).visibility_index
    assert visibility.visible_to(old, caller) == visibility.visible_to(new, caller)
    for number in oracle.all_numbers(before):
        then = visibility.visible_to(old, caller, oracle.datasets_holding(before, number))
        assert visibility.visible_to(new, caller, oracle.datasets_holding(after, number)) == then


def touched(before: World, after: World, organisation: uuid.UUID) -> bool:
    """Whether anything new is the organisation's own, or a word on a transfer of its own or upstream of it."""
    above = upstream(before, held_by(before, organisation))
    concerned = {
        row.id
        for row in after.transfers.values()
        if organisation in (row.sender_id, row.recipient_id) or row.received_dataset_id in above
    }
    said = {row.transfer_id for row in after.statements[len(before.statements) :]}
    owned = held_by(after, organisation) != held_by(before, organisation)
    campaigns = [row for row in after.campaigns.values() if row.party_id == organisation]
    return owned or bool(concerned & said) or any(row.id not in before.campaigns for row in campaigns)


@no_deadline
@given(WORLDS)
def test_campaigns_are_the_partys_and_through_a_processor_only_those_it_sent(made: Made) -> None:
    world, cast = made
    scene = oracle.snapshot_of(world).visibility_index
    for party in cast.parties:
        own = {row.id for row in world.campaigns.values() if row.party_id == party}
        sent = {one for one in own if world.campaigns[one].sender_id == cast.sender}
        assert visibility.visible_to(scene, oracle.actor_for(world, party)).campaigns == own
        assert visibility.visible_to(scene, oracle.actor_for(world, party, through=cast.sender)).campaigns == sent
    for other in cast.brokers + cast.collectors:
        assert not visibility.visible_to(scene, oracle.actor_for(world, other)).campaigns


@no_deadline
@given(WORLDS)
def test_the_regulator_sees_everything(made: Made) -> None:
    world, cast = made
    seen = visibility.visible_to(oracle.snapshot_of(world).visibility_index, oracle.actor_for(world, cast.regulator))
    assert seen.whole
    assert seen.datasets == world.datasets.keys()
    assert seen.transfers == world.transfers.keys()
    assert seen.campaigns == world.campaigns.keys()


class _Undo(Exception):
    """Leaves a transaction without keeping anything."""


@pytest.fixture
def compare_in_database(dsn: str) -> Callable[[World, Cast], None]:
    """Checks that the statements over rows and the walk over the graph see the same, and leaves nothing behind."""

    async def run(world: World, cast: Cast) -> None:
        database = Database(dsn)
        scene = oracle.snapshot_of(world).visibility_index
        try:
            async with database.transaction() as session:
                await store_world(session, oracle.rows_of(world))
                for caller in callers(world, cast):
                    seen = visibility.visible_to(scene, caller)
                    assert await ids(session, visibility.visible_datasets(caller)) == seen.datasets
                    assert await ids(session, visibility.visible_transfers(caller)) == seen.transfers
                    assert await ids(session, visibility.visible_campaigns(caller)) == seen.campaigns
                    await check_documents(session, world, caller, seen)
                raise _Undo
        except _Undo:
            pass
        finally:
            await database.close()

    return lambda world, cast: asyncio.run(run(world, cast))


async def ids(session: AsyncSession, selected: visibility.Ids) -> set[uuid.UUID]:
    connection = await session.connection()
    return set((await connection.execute(selected)).scalars())


async def check_documents(session: AsyncSession, world: World, caller: Actor, seen: Visibility) -> None:
    """Collections, notices and organisations follow from what is held, asserted and seen."""
    if caller.is_regulator:
        assert await ids(session, visibility.visible_organisations(caller)) == world.organisations.keys()
        return
    own = caller.organisation_id
    mute = {one for one, row in world.organisations.items() if row.admitted_at is None}
    spoken_for = [row for row in world.collections if row.collector_id in mute and row.asserted_by_id == own]
    collections = {row.id for row in [*spoken_for, *(one for one in world.collections if one.collector_id == own)]}
    collections |= {row.collection_id for one in seen.datasets if (row := world.datasets[one]).collection_id}
    assert await ids(session, visibility.visible_collections(caller)) == collections
    shown = [row for row in world.collections if row.id in collections]
    assert await ids(session, visibility.visible_notices(caller)) == {row.notice_id for row in shown}
    known = (named(world, seen) - {world.datasets[one].holder_id for one in seen.bare}) | {own}
    known |= {row.collector_id for row in shown} | ({caller.through_id} if caller.through_id else set())
    known |= {sent.sender_id for one in seen.campaigns if (sent := world.campaigns[one]).sender_id}
    known |= {one for one, row in world.organisations.items() if row.asserted_by_id == own}
    known |= {world.transfers[one].recipient_id for one in seen.transfers}
    assert await ids(session, visibility.visible_organisations(caller)) == known


def test_a_denied_transfer_opens_nothing_even_to_who_passed_on_what_it_brought(
    compare_in_database: Callable[[World, Cast], None],
) -> None:
    world = World()
    cast = make_cast(world)
    seller, denier = cast.brokers
    source = world.dataset(seller, {1})
    transfer, refused = world.transfer(source, denier)
    derived = world.dataset(denier, {1}, [refused])
    onward, received = world.transfer(derived, cast.parties[0])
    world.add_statement(transfer, "recipient", "denied")
    scene = oracle.snapshot_of(world).visibility_index
    client, broker = (visibility.visible_to(scene, oracle.actor_for(world, one)) for one in (cast.parties[0], denier))
    assert client.datasets == {received, derived, refused}
    assert client.transfers == {onward}
    assert broker.datasets == {derived, refused}
    assert broker.transfers == {transfer, onward}
    compare_in_database(world, cast)


def test_rows_and_graph_are_seen_alike(compare_in_database: Callable[[World, Cast], None]) -> None:
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(worlds(most_steps=20))
    def check(made: Made) -> None:
        compare_in_database(*made)

    check()
