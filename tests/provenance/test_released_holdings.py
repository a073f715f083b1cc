"""Whether a number counts for its holders, compared with an oracle that tries every path."""

import uuid
from collections.abc import Callable

import pytest
from hypothesis import given

from service.core.vocabulary import Role
from service.provenance.graph.graph import datasets_holding
from service.provenance.graph.released_holdings import datasets_counting
from tests.provenance import oracle
from tests.provenance.builders import World
from tests.provenance.strategies import Cast, no_deadline, worlds


def counting(world: World, number: int) -> frozenset[uuid.UUID]:
    """The datasets in which a number counts, as the service says."""
    graph, erasures = oracle.snapshot_of(world).graph, oracle.erasures_of(world, number)
    stored = [membership.dataset_id for membership in oracle.memberships_of(world, number)]
    return datasets_counting(graph, datasets_holding(graph, stored, erasures), erasures)


@no_deadline
@given(worlds(20, erasing=True, releasing=True))
def test_number_counts_where_a_path_after_its_last_first_upload_is_vouched_for(made: tuple[World, Cast]) -> None:
    world, _ = made
    for number in oracle.all_numbers(world):
        among = oracle.datasets_holding(world, number)
        expected = {dataset for dataset in among if oracle.counts(world, number, dataset, among)}
        assert counting(world, number) == expected


def collect(world: World, collector: uuid.UUID, asserted_by: uuid.UUID, numbers: set[int]) -> uuid.UUID:
    collection = world.collection(world.notice(collector, asserted_by), asserted_by)
    return world.dataset(collector, numbers, collection=collection, asserted_by=asserted_by)


def invented_collector(world: World, stranger: uuid.UUID, base: uuid.UUID) -> uuid.UUID:
    named = world.organisation(Role.COLLECTOR, account=False, named_by=stranger)
    return world.transfer(collect(world, named, stranger, {1}), stranger, asserted_by=stranger)[1]


def itself_as_collector(world: World, stranger: uuid.UUID, base: uuid.UUID) -> uuid.UUID:
    return collect(world, stranger, stranger, {1})


def second_account(world: World, stranger: uuid.UUID, base: uuid.UUID) -> uuid.UUID:
    accomplice = world.organisation(Role.BROKER)
    return world.transfer(collect(world, accomplice, accomplice, {1}), stranger)[1]


def extras_of_a_disputed_file(world: World, stranger: uuid.UUID, base: uuid.UUID) -> uuid.UUID:
    transfer, received = world.transfer(base, stranger)
    world.dispute(transfer, {1, 2})
    return received


def cut_with_more_than_its_base(world: World, stranger: uuid.UUID, base: uuid.UUID) -> uuid.UUID:
    return world.dataset(stranger, {1, 2}, [world.transfer(base, stranger)[1]])


@pytest.mark.parametrize(
    "way",
    [invented_collector, itself_as_collector, second_account, extras_of_a_disputed_file, cut_with_more_than_its_base],
)
def test_guessed_number_counts_in_none_of_five_ways_until_released(
    way: Callable[[World, uuid.UUID, uuid.UUID], uuid.UUID],
) -> None:
    world = World()
    collector, stranger = world.organisation(Role.COLLECTOR), world.organisation(Role.BROKER)
    base = collect(world, collector, collector, {2})
    world.release(base)
    held = way(world, stranger, base)
    assert counting(world, 1) == frozenset()
    assert base in counting(world, 2), "what was released stays so"
    first = next((row.dataset_id for row in world.transfers.values() if row.received_dataset_id == held), None)
    world.release(first if way is second_account and first else held)
    assert held in counting(world, 1)
    world.release(first if way is second_account and first else held, withdrawn=True)
    assert counting(world, 1) == frozenset()
