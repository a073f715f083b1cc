"""Holdings, orphans and chains, compared with an oracle that tries every path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.erasures import NO_ERASURES
from service.core.vocabulary import Role
from service.provenance.graph.chains import Chain, chains
from service.provenance.graph.graph import CycleError, Hop, datasets_holding, orphans
from service.provenance.graph.rows import ParentRow
from service.provenance.snapshot import make_snapshot
from tests.provenance import oracle
from tests.provenance.builders import World
from tests.provenance.strategies import Cast, no_deadline, worlds

# With erasures too.
WORLDS = worlds(erasing=True)


@no_deadline
@given(WORLDS)
def test_datasets_holding_are_the_sealed_datasets_whose_content_has_the_number(made: tuple[World, Cast]) -> None:
    world, _ = made
    graph = oracle.snapshot_of(world).graph
    for number in range(8):
        stored = [membership.dataset_id for membership in oracle.memberships_of(world, number)]
        found = datasets_holding(graph, stored, oracle.erasures_of(world, number))
        assert found == oracle.datasets_holding(world, number)


@no_deadline
@given(WORLDS)
def test_orphans_are_the_holdings_without_a_path_back_to_a_collection(made: tuple[World, Cast]) -> None:
    world, _ = made
    graph = oracle.snapshot_of(world).graph
    for number in oracle.all_numbers(world):
        among = oracle.datasets_holding(world, number)
        found = orphans(graph, among, oracle.erasures_of(world, number))
        assert found == {dataset for dataset in among if not oracle.has_origin(world, number, dataset, among)}


@no_deadline
@given(WORLDS)
def test_chains_are_all_paths_from_heads_to_ends(made: tuple[World, Cast]) -> None:
    world, _ = made
    graph = oracle.snapshot_of(world).graph
    for number in oracle.all_numbers(world):
        among = oracle.datasets_holding(world, number)
        heads = {dataset for dataset in among if not oracle.sources_of(world, number, dataset) & among}
        heads |= {dataset for dataset in among if world.datasets[dataset].collection_id is not None}
        expected = {path for head in heads for path in oracle.paths(world, number, head, among)}
        found, more = chains(graph, among, oracle.erasures_of(world, number))
        assert not more
        assert {(chain.head_id, *(hop.dataset_id for hop in chain.hops)) for chain in found} == expected
        assert len(found) == len(expected)
        for chain in found:
            assert chain.orphan == (world.datasets[chain.head_id].collection_id is None)


@no_deadline
@given(WORLDS)
def test_hops_of_chains_are_recorded_edges_with_their_transfers(made: tuple[World, Cast]) -> None:
    world, _ = made
    edges = {Hop(edge.parent_id, edge.transfer_id, edge.dataset_id) for edge in world.parents}
    graph = oracle.snapshot_of(world).graph
    for number in oracle.all_numbers(world):
        found, _ = chains(graph, oracle.datasets_holding(world, number), oracle.erasures_of(world, number))
        assert {hop for chain in found for hop in chain.hops} <= edges


@no_deadline
@given(WORLDS)
def test_rank_puts_datasets_after_their_parents(made: tuple[World, Cast]) -> None:
    world, _ = made
    rank = oracle.snapshot_of(world).graph.rank
    assert all(rank[edge.parent_id] < rank[edge.dataset_id] for edge in world.parents)


def test_chains_beyond_the_limit_are_cut_and_reported() -> None:
    world = World()
    broker = world.organisation(Role.BROKER)
    top = world.dataset(broker, {1})
    for _ in range(8):
        top = world.dataset(broker, None, [world.dataset(broker, None, [top]), world.dataset(broker, None, [top])])
    graph = oracle.snapshot_of(world).graph
    assert len(chains(graph, world.datasets.keys(), NO_ERASURES, 256)[0]) == 256
    assert chains(graph, world.datasets.keys(), NO_ERASURES, 256)[1] is False
    assert len(chains(graph, world.datasets.keys(), NO_ERASURES, 255)[0]) == 255
    assert chains(graph, world.datasets.keys(), NO_ERASURES, 255)[1] is True


@no_deadline
@given(WORLDS, st.integers(1, 12))
def test_chains_that_are_cut_tell_of_heads_then_holders_then_hops(made: tuple[World, Cast], most: int) -> None:
    world, _ = made
    graph = oracle.snapshot_of(world).graph
    for number in oracle.all_numbers(world):
        among, erasures = oracle.datasets_holding(world, number), oracle.erasures_of(world, number)
        every, _ = chains(graph, among, erasures, 10**6)
        found, more = chains(graph, among, erasures, most)
        assert more == (len(every) > most)
        assert len(set(found)) == len(found) == min(most, len(every))
        assert set(found) <= set(every)
        heads, holders, hops = (_told_by(world, every, kind) for kind in ("heads", "holders", "hops"))
        if len(heads) <= most:
            assert _told_by(world, found, "heads") == heads
        if len(heads) + len(holders) <= most:
            assert _told_by(world, found, "holders") == holders
        if len(heads) + len(holders) + len(hops) <= most:
            assert _told_by(world, found, "hops") == hops


def _told_by(world: World, found: list[Chain], kind: str) -> set[object]:
    match kind:
        case "heads":
            return {chain.head_id for chain in found}
        case "holders":
            datasets = {each for chain in found for each in (chain.head_id, *(hop.dataset_id for hop in chain.hops))}
            return {world.datasets[dataset].holder_id for dataset in datasets}
        case _:
            return {hop for chain in found for hop in chain.hops}


def test_second_origin_behind_many_paths_of_the_first_is_told() -> None:
    world = World()
    broker, origins = world.organisation(Role.BROKER), []
    for _ in range(2):
        shop = world.organisation(Role.COLLECTOR)
        collection = world.collection(world.notice(shop, shop), shop)
        origins.append(world.dataset(shop, {1}, collection=collection))
    _, top = world.transfer(origins[0], broker)
    for _ in range(9):
        top = world.dataset(broker, None, [world.dataset(broker, None, [top]), world.dataset(broker, None, [top])])
    world.transfer(origins[1], broker)
    graph = oracle.snapshot_of(world).graph
    found, more = chains(graph, world.datasets.keys(), NO_ERASURES)
    assert more
    assert {chain.head_id for chain in found} == set(origins)


def test_make_snapshot_of_a_cycle_is_refused() -> None:
    world = World()
    broker = world.organisation(Role.BROKER)
    first = world.dataset(broker, {1})
    second = world.dataset(broker, {1}, [first])
    snapshot = oracle.rows_of(world)
    world.parents.append(ParentRow(first, second, None))
    with pytest.raises(CycleError):
        make_snapshot(1, type(snapshot)(**vars(snapshot) | {"parents": world.parents}))


def test_datasets_holding_leave_out_a_received_file_that_is_still_compared() -> None:
    world = World()
    broker, party = world.organisation(Role.BROKER), world.organisation(Role.PARTY)
    _, received = world.transfer(world.dataset(broker, {1}), party)
    assert datasets_holding(oracle.snapshot_of(world).graph, [received], NO_ERASURES) == frozenset()


def test_datasets_holding_leave_out_what_a_denied_transfer_delivered() -> None:
    world = World()
    broker, party = world.organisation(Role.BROKER), world.organisation(Role.PARTY)
    sold = world.dataset(broker, {1})
    transfer, _ = world.transfer(sold, party)
    world.add_statement(transfer, "recipient", "denied")
    assert datasets_holding(oracle.snapshot_of(world).graph, [sold], NO_ERASURES) == {sold}
