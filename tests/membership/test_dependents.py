"""When stored copies are dropped: never while they have dependents, always once they have none, in any order."""

import copy
from collections.abc import Iterable
from uuid import UUID

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.core.vocabulary import Content, Role
from service.membership.descent.dag import (
    Dag,
    Node,
    ancestors_of,
    held_bits,
    trace_ancestors,
    uploaded_sources_of,
)
from service.membership.descent.dependents import apply_erasures, dependents_of, held_keys, sharers_in
from service.membership.descent.descendants import Descendants
from service.number.keyring import Keys, pack_keys
from tests.provenance import oracle
from tests.provenance.builders import World
from tests.provenance.strategies import Cast, erase, no_deadline, worlds

# Worlds in which holders have erased numbers and datasets were made afterwards.
WITH_ERASURES = worlds(erasing=True)
NUMBERS = st.integers(0, 7)
Made = tuple[World, Cast]


def dag_of(world: World) -> Dag:
    """All datasets, in the order in which they were made."""
    return {
        dataset: Node(Content(row.content), tuple(oracle.parents_of(world, dataset)), oracle.made_at(world, dataset))
        for dataset, row in world.datasets.items()
    }


def stored_in(world: World, number: int) -> set[UUID]:
    """The sealed datasets that store a number."""
    return {
        dataset for dataset, numbers in world.numbers.items() if number in numbers and world.datasets[dataset].sealed_at
    }


def drop_copies(world: World, number: int) -> set[UUID]:
    """Remove the copies that are no longer needed, and the number's erasures once no copy is left."""
    stored = stored_in(world, number)
    dropped = descendants_in(world).copies_no_longer_needed(stored, oracle.erasures_of(world, number))
    keep_only(world, number, stored - dropped)
    if dropped == stored:
        world.erased = {key: moment for key, moment in world.erased.items() if key[1] != number}
    return set(dropped)


def descendants_in(world: World) -> Descendants:
    """All datasets, with their holders."""
    return Descendants(
        dag_of(world),
        {dataset: row.holder_id for dataset, row in world.datasets.items()},
        frozenset(dataset for dataset in world.datasets if oracle.is_held(world, dataset)),
        {dataset: oracle.first_made_at(world, dataset) for dataset in world.datasets},
    )


def has_no_account(world: World, dataset: UUID) -> bool:
    """Whether a dataset's holder has no account."""
    return world.organisations[world.datasets[dataset].holder_id].admitted_at is None


def holding_now(world: World, number: int) -> set[UUID]:
    """The datasets that hold a number now."""
    return oracle.datasets_holding(world, number) - oracle.erasures_of(world, number).keys()


def keep_only(world: World, number: int, stored: Iterable[UUID]) -> None:
    """Store a number in these datasets only."""
    world.numbers = {
        dataset: numbers - {number} | ({number} if dataset in stored else set())
        for dataset, numbers in world.numbers.items()
    }


def origins(world: World, number: int) -> dict[UUID, set[UUID]]:
    """The datasets that hold a number, and the collected datasets that it came from."""
    among = oracle.datasets_holding(world, number)
    collected = {dataset for dataset in among if world.datasets[dataset].collection_id is not None}
    return {
        dataset: {origin for origin in collected if oracle.comes_from(world, number, dataset, origin, among)}
        for dataset in holding_now(world, number)
    }


def holders_with_account(world: World) -> list[UUID]:
    """The holders that can erase."""
    return sorted({row.holder_id for dataset, row in world.datasets.items() if not has_no_account(world, dataset)})


@no_deadline
@given(WITH_ERASURES, NUMBERS)
def test_dependents_of_stored_copies_are_the_datasets_that_had_the_number(made: Made, number: int) -> None:
    world, _ = made
    erasures = oracle.erasures_of(world, number)
    found = dependents_of(stored_in(world, number), sharers_in(dag_of(world)), erasures)
    assert {dataset for dataset in found if oracle.is_held(world, dataset)} == oracle.datasets_holding(world, number)


@no_deadline
@given(WITH_ERASURES, NUMBERS, st.data())
def test_drop_copies_as_holders_erase_in_any_order_keeps_the_numbers_and_origins_of_the_others(
    made: Made, number: int, data: st.DataObject
) -> None:
    """Compares a world that drops copies with a world that never does."""
    kept, _ = made
    shrunk = copy.deepcopy(kept)
    for holder in data.draw(st.permutations(holders_with_account(kept))):
        drop_copies(shrunk, number)
        assert origins(shrunk, number) == origins(kept, number)
        assert erase(shrunk, holder, number) == erase(kept, holder, number)
    drop_copies(shrunk, number)
    # Holders without an account cannot erase.
    left = holding_now(kept, number)
    assert all(has_no_account(kept, dataset) for dataset in left)
    assert origins(shrunk, number) == origins(kept, number)
    if not left:
        assert stored_in(shrunk, number) == set()
        assert oracle.erasures_of(shrunk, number) == {}


@no_deadline
@given(WITH_ERASURES, NUMBERS)
def test_drop_copies_removes_a_copy_as_soon_as_its_dependents_erased_and_no_copy_made_of_it_is_left(
    made: Made, number: int
) -> None:
    world, _ = made
    expected = copy.deepcopy(world)
    while free := [dataset for dataset in stored_in(expected, number) if is_free(expected, number, dataset)]:
        keep_only(expected, number, stored_in(expected, number) - {free[0]})
    drop_copies(world, number)
    assert stored_in(world, number) == stored_in(expected, number)


def is_free(world: World, number: int, stored: UUID) -> bool:
    """The rule in words: all that share the copy are excluded, and no uploaded descendant holds the number."""
    alone = copy.deepcopy(world)
    keep_only(alone, number, {stored})
    holding = oracle.datasets_holding(alone, number) & holding_now(world, number)
    having = {dataset for dataset in world.datasets if oracle.has_number(world, dataset, number)}
    copies = stored_in(world, number) - {stored}
    return not holding and not any(oracle.comes_from(world, number, copied, stored, having) for copied in copies)


@no_deadline
@given(WITH_ERASURES)
def test_trace_of_erased_numbers_counts_each_dataset_until_its_erasure(made: Made) -> None:
    """Compares the numbers that each dataset still holds, and those of them that came from each ancestor."""
    world, _ = made
    dag, numbers = dag_of(world), sorted(oracle.all_numbers(world))
    own = {dataset: keys_of(stored) for dataset, stored in world.numbers.items()}
    erasures_by_key = {
        pack_keys(keys_of({number})): erasures for number in numbers if (erasures := oracle.erasures_of(world, number))
    }
    for target in (dataset for dataset in dag if world.datasets[dataset].sealed_at):
        stored = {source: own[source] for source in uploaded_sources_of(dag, [target])}
        keys, by_place = held_keys(dag, [target], stored, erasures_by_key)
        held = [
            number
            for number in numbers
            if oracle.has_number(world, target, number) and (target, number) not in world.erased
        ]
        assert keys.hi.tolist() == held
        uploaded = {
            ancestor: held_bits(keys, own[ancestor]) for ancestor in ancestors_of(dag, [target]) if ancestor in own
        }
        traced = trace_ancestors(dag, [target], keys, uploaded)
        found = apply_erasures(traced, dag, [target], uploaded, by_place)
        having = {number: {dataset for dataset in dag if oracle.has_number(world, dataset, number)} for number in held}
        for ancestor in found.from_ancestor:
            expected = [number for number in held if oracle.comes_from(world, number, target, ancestor, having[number])]
            assert found.count([ancestor]) == len(expected)
            assert keys[~found.orphans([ancestor])].hi.tolist() == expected


def keys_of(numbers: Iterable[int]) -> Keys:
    """Keys that sort as their numbers do."""
    ordered = np.array(sorted(numbers), np.uint64)
    return Keys(ordered, ordered)


def test_drop_copies_after_the_last_descendant_erased_removes_the_ancestors_copy() -> None:
    world = World()
    shop, broker, party = (world.organisation(role) for role in (Role.COLLECTOR, Role.BROKER, Role.PARTY))
    file = world.dataset(shop, {1, 2})
    _, bought = world.transfer(file, broker)
    cut = world.dataset(broker, {1}, [world.dataset(broker, None, [bought])])
    _, received = world.transfer(cut, party)
    for holder in (shop, broker):
        erase(world, holder, 1)
        assert drop_copies(world, 1) == set()
    erase(world, party, 1)
    assert received in oracle.erasures_of(world, 1)
    assert drop_copies(world, 1) == {file, cut}
    assert drop_copies(world, 2) == set()


def test_drop_copies_after_the_recipient_denied_removes_the_senders_copy() -> None:
    world = World()
    broker, party = world.organisation(Role.BROKER), world.organisation(Role.PARTY)
    file = world.dataset(broker, {1})
    transfer, _ = world.transfer(file, party)
    erase(world, broker, 1)
    assert drop_copies(world, 1) == set()
    world.add_statement(transfer, "recipient", "denied")
    assert drop_copies(world, 1) == {file}


def test_drop_copies_of_a_holder_without_account_waits_until_it_has_one_and_erases() -> None:
    world = World()
    broker, party = world.organisation(Role.BROKER), world.organisation(Role.PARTY)
    shop = world.organisation(Role.COLLECTOR, account=False, named_by=broker)
    file = world.dataset(shop, {1}, asserted_by=broker)
    _, bought = world.transfer(file, broker, asserted_by=broker)
    world.transfer(bought, party)
    for holder in (broker, party):
        erase(world, holder, 1)
        assert drop_copies(world, 1) == set()
        assert file in holding_now(world, 1)
    world.admit(shop)
    erase(world, shop, 1)
    assert drop_copies(world, 1) == {file}
    assert oracle.erasures_of(world, 1) == {}


def test_drop_copies_while_a_recipient_without_account_holds_the_number_keeps_what_it_has_it_from() -> None:
    world = World()
    shop = world.organisation(Role.COLLECTOR)
    client = world.organisation(Role.PARTY, account=False, named_by=shop)
    file = world.dataset(shop, {1})
    _, sold = world.transfer(file, client)
    erase(world, shop, 1)
    assert drop_copies(world, 1) == set()
    assert holding_now(world, 1) == {sold}
    assert stored_in(world, 1) == {file}


def test_acknowledge_after_a_denial_takes_over_what_the_sender_still_holds() -> None:
    world = World()
    broker, party, other = (world.organisation(role) for role in (Role.BROKER, Role.PARTY, Role.PARTY))
    file = world.dataset(broker, {1, 2})
    transfer, received = world.transfer(file, party)
    _, sold = world.transfer(file, other)
    world.add_statement(transfer, "recipient", "denied")
    erase(world, broker, 1)
    world.add_statement(transfer, "recipient", "acknowledged")
    found = descendants_in(world)
    assert found.datasets_holding({file}, oracle.erasures_of(world, 1)) == {sold}
    assert found.datasets_holding({file}, {}) == {file, received, sold}
    assert found.datasets_without_copy(set(), oracle.erasures_of(world, 1)) == {sold}
