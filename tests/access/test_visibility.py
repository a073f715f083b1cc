"""Who sees what: rows and graph agree, nothing is seen sideways, nor more than one hop downstream."""

import asyncio
import copy
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access import visibility
from service.access.actor import Actor
from service.access.visibility import Visibility
from service.access.visible_rows import list_visible
from service.core.db import Database
from service.dataset.models import Dataset
from service.provenance.graph.rows import Rows
from service.provenance.snapshot import make_snapshot
from tests.examples import examples
from tests.provenance import oracle
from tests.provenance.builders import World
from tests.provenance.stored import store_world
from tests.provenance.strategies import Cast, make_cast, no_deadline, steps, worlds

WORLDS = worlds()
Made = tuple[World, Cast]


def callers(world: World, cast: Cast) -> Iterator[Actor]:
    """Every possible caller, parties also through their sender."""
    for organisation in [*cast.collectors, *cast.brokers, *cast.parties, cast.regulator]:
        yield oracle.actor_for(world, organisation)
    for party in cast.parties:
        yield oracle.actor_for(world, party, through=cast.sender)


def all_visibilities(world: World, caller: Actor) -> Iterator[Visibility]:
    """What a caller sees of the graph, and of every number."""
    index = oracle.snapshot_of(world).visibility_index
    yield visibility.visible_to(index, caller)
    for number in oracle.all_numbers(world):
        yield visibility.visible_to(index, caller, oracle.datasets_holding(world, number))


def named(world: World, seen: Visibility) -> set[uuid.UUID]:
    """The organisations that appear in what is seen."""
    transfers = [world.transfers[transfer_id] for transfer_id in seen.transfers]
    return (
        {world.datasets[dataset_id].holder_id for dataset_id in seen.datasets | seen.bare}
        | {row.sender_id for row in transfers}
        | {row.recipient_id for row in transfers}
        | {world.campaigns[campaign_id].party_id for campaign_id in seen.campaigns}
    )


def held_by(world: World, organisation: uuid.UUID) -> set[uuid.UUID]:
    """What an organisation holds, or asserts for a holder without an account."""
    found = set()
    for dataset_id, row in world.datasets.items():
        spoken_for = world.organisations[row.holder_id].admitted_at is None and row.asserted_by_id == organisation
        arrivals = [transfer.id for transfer in world.transfers.values() if transfer.received_dataset_id == dataset_id]
        if (row.holder_id == organisation or spoken_for) and not any(oracle.is_denied(world, id_) for id_ in arrivals):
            found.add(dataset_id)
    return found


def origins_of_numbers(world: World, organisation: uuid.UUID) -> set[uuid.UUID]:
    """What an organisation holds, and all datasets that a number left in it came from."""
    own = held_by(world, organisation)
    found = set(own)
    for number in oracle.all_numbers(world):
        among = oracle.datasets_holding(world, number)
        for dataset in own & among:
            if (dataset, number) not in world.erased:
                found |= {above for above in among if oracle.comes_from(world, number, dataset, above, among)}
    return found


def upstream(world: World, datasets: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Datasets with their ancestors, without those that only a denied transfer leads to."""
    found = set(datasets)
    for edge in world.parents:
        if edge.dataset_id in datasets and not oracle.is_denied(world, edge.transfer_id):
            found |= upstream(world, {edge.parent_id})
    return found


@no_deadline
@given(WORLDS)
def test_visible_to_party_names_no_other_client(made: Made) -> None:
    world, cast = made
    for caller in callers(world, cast):
        if caller.organisation_id in cast.parties:
            others = set(cast.parties) - {caller.organisation_id}
            assert not any(named(world, seen) & others for seen in all_visibilities(world, caller))


@no_deadline
@given(WORLDS)
def test_visible_to_organisation_is_holdings_upstream_and_one_hop_down(made: Made) -> None:
    world, cast = made
    index = oracle.snapshot_of(world).visibility_index
    for caller in callers(world, cast):
        if caller.is_regulator:
            continue
        own = caller.organisation_id
        seen = visibility.visible_to(index, caller)
        assert seen.datasets == origins_of_numbers(world, own)
        sent = {
            row.received_dataset_id
            for row in world.transfers.values()
            if row.sender_id == own and not oracle.is_denied(world, row.id)
        }
        assert seen.bare == sent - seen.datasets
        for transfer in seen.transfers:
            row = world.transfers[transfer]
            both_ends = {row.dataset_id, row.received_dataset_id} <= seen.datasets
            assert own in (row.sender_id, row.recipient_id) or (both_ends and not oracle.is_denied(world, transfer))


@no_deadline
@given(worlds(erasing=True))
def test_visible_to_organisation_is_what_its_lookups_show_together(made: Made) -> None:
    world, cast = made
    index = oracle.snapshot_of(world).visibility_index
    for caller in callers(world, cast):
        if caller.is_regulator:
            continue
        listed = visibility.visible_to(index, caller)
        looked_up = Visibility()
        erased_by_own = set()
        for number in oracle.all_numbers(world):
            erasures = oracle.erasures_of(world, number)
            shown = visibility.visible_to(index, caller, oracle.datasets_holding(world, number), erasures)
            looked_up = replace(
                looked_up,
                datasets=looked_up.datasets | shown.datasets,
                transfers=looked_up.transfers | shown.transfers,
            )
            erased_by_own |= {row for row in erasures if world.datasets[row].holder_id == caller.organisation_id}
        # Lists also show what it holds without a number left, and a transfer whose two ends other numbers reach.
        assert looked_up.datasets <= listed.datasets
        assert looked_up.transfers <= listed.transfers
        if not erased_by_own:
            assert listed.datasets == looked_up.datasets | held_by(world, caller.organisation_id)


@no_deadline
@given(WORLDS)
def test_visible_to_sender_without_the_number_shows_no_next_hop(made: Made) -> None:
    world, cast = made
    index = oracle.snapshot_of(world).visibility_index
    for number in oracle.all_numbers(world):
        among = oracle.datasets_holding(world, number)
        for broker in cast.brokers:
            seen = visibility.visible_to(index, oracle.actor_for(world, broker), among)
            assert seen.datasets <= among
            if not held_by(world, broker) & among:
                assert not seen.datasets
                assert not seen.bare
                assert all(world.transfers[transfer_id].recipient_id == broker for transfer_id in seen.transfers)


@no_deadline
@given(WORLDS)
def test_visible_to_recipient_includes_what_a_sender_declares(made: Made) -> None:
    world, cast = made
    index = oracle.snapshot_of(world).visibility_index
    for number in oracle.all_numbers(world):
        among = oracle.datasets_holding(world, number)
        for organisation in cast.brokers + cast.parties:
            seen = visibility.visible_to(index, oracle.actor_for(world, organisation), among)
            for row in world.transfers.values():
                if row.recipient_id == organisation and row.dataset_id in among:
                    assert row.id in seen.transfers


@no_deadline
@given(WORLDS, st.data())
def test_visible_to_organisation_ignores_what_happens_sideways(made: Made, data: st.DataObject) -> None:
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
    """Whether anything new is the organisation's own, or a statement on a transfer of its own or upstream of it."""
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
def test_visible_to_party_through_a_processor_shows_what_it_sent(made: Made) -> None:
    world, cast = made
    index = oracle.snapshot_of(world).visibility_index
    for party in cast.parties:
        own = {row.id for row in world.campaigns.values() if row.party_id == party}
        sent = {campaign_id for campaign_id in own if world.campaigns[campaign_id].sender_id == cast.sender}
        assert visibility.visible_to(index, oracle.actor_for(world, party)).campaigns == own
        assert visibility.visible_to(index, oracle.actor_for(world, party, through=cast.sender)).campaigns == sent
    for other in cast.brokers + cast.collectors:
        assert not visibility.visible_to(index, oracle.actor_for(world, other)).campaigns


@no_deadline
@given(WORLDS)
def test_visible_to_regulator_is_everything(made: Made) -> None:
    world, cast = made
    seen = visibility.visible_to(oracle.snapshot_of(world).visibility_index, oracle.actor_for(world, cast.regulator))
    assert seen.whole
    assert seen.datasets == world.datasets.keys()
    assert seen.transfers == world.transfers.keys()
    assert seen.campaigns == world.campaigns.keys()


async def check_pages(session: AsyncSession, caller: Actor, expected: list[uuid.UUID]) -> None:
    """Pages of two datasets, the first and one from the middle, have what the list of all has there."""
    for start in (0, len(expected) // 2):
        after = expected[start - 1] if start else None
        found = await list_visible(session, Dataset, visibility.visible_dataset_page(caller, after, 2), after, 2)
        assert [row.id for row in found] == expected[start : start + 2]
        assert (found.next is not None) == (len(expected) > start + 2)


class _Undo(Exception):
    """Ends a transaction without a commit."""


@pytest.fixture
def compare_in_database(dsn: str) -> Callable[..., None]:
    """Checks that visible rows and visible graph are the same, and leaves nothing behind."""

    async def run(world: World, cast: Cast, facts: Rows) -> None:
        database = Database(dsn)
        index = make_snapshot(1, facts).visibility_index
        try:
            async with database.transaction() as session:
                await store_world(session, facts)
                for caller in callers(world, cast):
                    seen = visibility.visible_to(index, caller)
                    assert await ids(session, visibility.visible_datasets(caller)) == seen.datasets
                    assert await ids(session, visibility.visible_single_dataset(caller)) == seen.datasets
                    await check_pages(session, caller, sorted(seen.datasets))
                    assert await ids(session, visibility.visible_transfers(caller)) == seen.transfers
                    assert await ids(session, visibility.visible_campaigns(caller)) == seen.campaigns
                    await check_documents(session, world, caller, seen)
                raise _Undo
        except _Undo:
            pass
        finally:
            await database.close()

    return lambda world, cast, facts=None: asyncio.run(run(world, cast, facts or oracle.rows_of(world)))


async def ids(session: AsyncSession, selected: visibility.Ids) -> set[uuid.UUID]:
    connection = await session.connection()
    return set((await connection.execute(selected)).scalars())


def asserting_of(world: World, own: uuid.UUID) -> set[uuid.UUID]:
    """Who asserts a fact that is about an organisation."""
    facts = [(row.asserted_by_id, {row.collector_id}) for row in world.collections]
    facts += [(row.asserted_by_id, {row.holder_id}) for row in world.datasets.values()]
    facts += [(row.asserted_by_id, {row.sender_id, row.recipient_id}) for row in world.transfers.values()]
    return {by for by, about in facts if own in about and by is not None}


async def check_documents(session: AsyncSession, world: World, caller: Actor, seen: Visibility) -> None:
    """Check collections, notices and organisations, which follow from what is held, asserted and seen."""
    if caller.is_regulator:
        assert await ids(session, visibility.visible_organisations(caller)) == world.organisations.keys()
        return
    own = caller.organisation_id
    without_account = {org_id for org_id, row in world.organisations.items() if row.admitted_at is None}
    spoken_for = [row for row in world.collections if row.collector_id in without_account and row.asserted_by_id == own]
    collections = {row.id for row in spoken_for} | {row.id for row in world.collections if row.collector_id == own}
    origins = (world.datasets[dataset_id].collection_id for dataset_id in seen.datasets)
    collections |= {collection_id for collection_id in origins if collection_id}
    assert await ids(session, visibility.visible_collections(caller)) == collections
    shown = [row for row in world.collections if row.id in collections]
    assert await ids(session, visibility.visible_notices(caller)) == {row.notice_id for row in shown}
    known = (named(world, seen) - {world.datasets[dataset_id].holder_id for dataset_id in seen.bare}) | {own}
    known |= {row.collector_id for row in shown} | ({caller.through_id} if caller.through_id else set())
    senders = (world.campaigns[campaign_id].sender_id for campaign_id in seen.campaigns)
    known |= {sender_id for sender_id in senders if sender_id}
    known |= {org_id for org_id, row in world.organisations.items() if row.asserted_by_id == own}
    known |= {world.transfers[transfer_id].recipient_id for transfer_id in seen.transfers}
    known |= asserting_of(world, own)
    assert await ids(session, visibility.visible_organisations(caller)) == known


def test_visible_to_denier_shows_nothing_upstream(
    compare_in_database: Callable[..., None],
) -> None:
    world = World()
    cast = make_cast(world)
    seller, denier = cast.brokers
    source = world.dataset(seller, {1})
    transfer, refused = world.transfer(source, denier)
    derived = world.dataset(denier, {1}, [refused])
    onward, received = world.transfer(derived, cast.parties[0])
    # The counts are those from before the denial.
    counts = oracle.rows_of(world).ancestor_counts
    world.add_statement(transfer, "recipient", "denied")
    facts = replace(oracle.rows_of(world), ancestor_counts=counts)
    index = make_snapshot(1, facts).visibility_index
    client, broker = (
        visibility.visible_to(index, oracle.actor_for(world, organisation))
        for organisation in (cast.parties[0], denier)
    )
    assert client.datasets == {received, derived, refused}
    assert client.transfers == {onward}
    assert broker.datasets == {derived, refused}
    assert broker.transfers == {transfer, onward}
    compare_in_database(world, cast, facts)


def test_visible_rows_and_visible_graph_agree(compare_in_database: Callable[..., None]) -> None:
    @settings(max_examples=examples(10, 100), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(worlds(most_steps=20, erasing=True))
    def check(made: Made) -> None:
        compare_in_database(*made)

    check()
