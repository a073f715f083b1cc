"""Holdings, origins and chains, against sets of numbers and paths tried one by one."""

import pytest
from hypothesis import given

from service.core.erasures import NO_ERASURES
from service.core.vocabulary import Role
from service.provenance.graph.graph import CycleError, Hop, chains, datasets_holding, orphans
from service.provenance.graph.rows import ParentRow
from service.provenance.snapshot import make_snapshot
from tests.provenance import oracle
from tests.provenance.builders import World
from tests.provenance.strategies import Cast, unhurried, worlds

# Also where numbers were erased.
WORLDS = worlds(erasing=True)


@unhurried
@given(WORLDS)
def test_holdings_are_the_sealed_datasets_whose_content_has_the_number(made: tuple[World, Cast]) -> None:
    world, _ = made
    graph = oracle.snapshot_of(world).graph
    for number in range(8):
        found = datasets_holding(
            graph, [one.dataset_id for one in oracle.stored(world, number)], oracle.ended(world, number)
        )
        assert found == oracle.holders(world, number)


@unhurried
@given(WORLDS)
def test_an_orphan_is_what_no_path_of_holdings_leads_back_from(made: tuple[World, Cast]) -> None:
    world, _ = made
    graph = oracle.snapshot_of(world).graph
    for number in oracle.all_numbers(world):
        among = oracle.holders(world, number)
        found = orphans(graph, among, oracle.ended(world, number))
        assert found == {one for one in among if not oracle.has_origin(world, number, one, among)}


@unhurried
@given(WORLDS)
def test_chains_are_all_paths_from_every_head_to_every_last_holding(made: tuple[World, Cast]) -> None:
    world, _ = made
    graph = oracle.snapshot_of(world).graph
    for number in oracle.all_numbers(world):
        among = oracle.holders(world, number)
        heads = {one for one in among if not oracle.sources_of(world, number, one) & among}
        heads |= {one for one in among if world.datasets[one].collection_id is not None}
        expected = {path for head in heads for path in oracle.paths(world, number, head, among)}
        found, more = chains(graph, among, oracle.ended(world, number))
        assert not more
        assert {(chain.head_id, *(hop.dataset_id for hop in chain.hops)) for chain in found} == expected
        assert len(found) == len(expected)
        for chain in found:
            assert chain.orphan == (world.datasets[chain.head_id].collection_id is None)


@unhurried
@given(WORLDS)
def test_every_hop_names_the_transfer_that_made_it(made: tuple[World, Cast]) -> None:
    world, _ = made
    edges = {Hop(edge.parent_id, edge.transfer_id, edge.dataset_id) for edge in world.parents}
    graph = oracle.snapshot_of(world).graph
    for number in oracle.all_numbers(world):
        found, _ = chains(graph, oracle.holders(world, number), oracle.ended(world, number))
        assert {hop for chain in found for hop in chain.hops} <= edges


@unhurried
@given(WORLDS)
def test_a_dataset_ranks_after_all_that_it_comes_from(made: tuple[World, Cast]) -> None:
    world, _ = made
    rank = oracle.snapshot_of(world).graph.rank
    assert all(rank[edge.parent_id] < rank[edge.dataset_id] for edge in world.parents)


def test_chains_that_multiply_at_every_merger_are_cut_and_said_to_be() -> None:
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


def test_a_cycle_is_refused() -> None:
    world = World()
    broker = world.organisation(Role.BROKER)
    first = world.dataset(broker, {1})
    second = world.dataset(broker, {1}, [first])
    snapshot = oracle.rows_of(world)
    world.parents.append(ParentRow(first, second, None))
    with pytest.raises(CycleError):
        make_snapshot(1, type(snapshot)(**vars(snapshot) | {"parents": world.parents}))


def test_numbers_stored_for_a_received_file_under_comparison_do_not_count() -> None:
    world = World()
    broker, party = world.organisation(Role.BROKER), world.organisation(Role.PARTY)
    _, received = world.transfer(world.dataset(broker, {1}), party)
    assert datasets_holding(oracle.snapshot_of(world).graph, [received], NO_ERASURES) == frozenset()


def test_what_a_denied_transfer_delivered_is_no_holding() -> None:
    world = World()
    broker, party = world.organisation(Role.BROKER), world.organisation(Role.PARTY)
    sold = world.dataset(broker, {1})
    transfer, _ = world.transfer(sold, party)
    world.say(transfer, "recipient", "denied")
    assert datasets_holding(oracle.snapshot_of(world).graph, [sold], NO_ERASURES) == {sold}
