"""When stored copies go: never while somebody needs them, always once nobody does, in whatever order holders finish."""

import copy
from collections.abc import Iterable
from uuid import UUID

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.core.vocabulary import Content, Role
from service.membership.descent.dag import Dag, Node, ancestors_of, holding, trace, uploaded_sources_of
from service.membership.descent.dependents import contents, corrected, drawing
from service.membership.descent.descendants import Descendants
from service.number.keyring import Keys, pack_keys
from tests.provenance import oracle
from tests.provenance.builders import World
from tests.provenance.strategies import Cast, erase, unhurried, worlds

# Where holders have erased before, and things were made since.
ERASED = worlds(erasing=True)
NUMBERS = st.integers(0, 7)
Made = tuple[World, Cast]


def dag_of(world: World) -> Dag:
    """All datasets, in the order in which they were made."""
    return {
        one: Node(Content(row.content), tuple(oracle.parents_of(world, one)), oracle.made_at(world, one))
        for one, row in world.datasets.items()
    }


def stored_in(world: World, number: int) -> set[UUID]:
    """The sealed datasets that store a number."""
    return {one for one, numbers in world.numbers.items() if number in numbers and world.datasets[one].sealed_at}


def release(world: World, number: int) -> set[UUID]:
    """Remove the copies that serve nobody any more, and what is known of erasures once none is left."""
    stored = stored_in(world, number)
    gone = descendants_in(world).copies_no_longer_needed(stored, oracle.ended(world, number))
    keep_only(world, number, stored - gone)
    if gone == stored:
        world.erased = {key: moment for key, moment in world.erased.items() if key[1] != number}
    return set(gone)


def descendants_in(world: World) -> Descendants:
    """All datasets, in whose hands."""
    return Descendants(
        dag_of(world),
        {one: row.holder_id for one, row in world.datasets.items()},
        {one: row.asserted_by_id for one, row in world.datasets.items() if row.asserted_by_id and is_mute(world, one)},
        frozenset(one for one in world.datasets if oracle.held(world, one)),
    )


def is_mute(world: World, dataset: UUID) -> bool:
    """Whether a dataset's holder has no account."""
    return world.organisations[world.datasets[dataset].holder_id].admitted_at is None


def answered_for(world: World, number: int) -> set[UUID]:
    """The datasets that hold a number now, but for those of whoever cannot speak and for whom nobody does any more."""
    ended = oracle.ended(world, number)
    left = oracle.holders(world, number) - ended.keys()
    gone = {world.datasets[one].holder_id for one in ended} - {world.datasets[one].holder_id for one in left}
    return {one for one in left if not is_mute(world, one) or world.datasets[one].asserted_by_id not in gone}


def keep_only(world: World, number: int, stored: Iterable[UUID]) -> None:
    """A number is stored in these datasets and no others."""
    world.numbers = {
        one: numbers - {number} | ({number} if one in stored else set()) for one, numbers in world.numbers.items()
    }


def origins(world: World, number: int) -> dict[UUID, set[UUID]]:
    """The datasets that hold a number and are answered for, and the collected ones that it came from."""
    among = oracle.holders(world, number)
    collected = {one for one in among if world.datasets[one].collection_id is not None}
    return {
        one: {first for first in collected if oracle.comes_from(world, number, one, first, among)}
        for one in answered_for(world, number)
    }


def everybody(world: World) -> list[UUID]:
    """The holders that can report anything."""
    return sorted({row.holder_id for one, row in world.datasets.items() if not is_mute(world, one)})


@unhurried
@given(ERASED, NUMBERS)
def test_what_draws_on_the_copies_is_what_has_the_number(made: Made, number: int) -> None:
    world, _ = made
    ended = oracle.ended(world, number)
    found = drawing(dag_of(world), stored_in(world, number), ended)
    assert {one for one in found if oracle.held(world, one)} == oracle.holders(world, number)


@unhurried
@given(ERASED, NUMBERS, st.data())
def test_in_whatever_order_holders_finish_the_others_keep_their_numbers_and_origins(
    made: Made, number: int, data: st.DataObject
) -> None:
    """Beside a world in which copies go stands one in which none ever does."""
    kept, _ = made
    shrunk = copy.deepcopy(kept)
    for holder in data.draw(st.permutations(everybody(kept))):
        release(shrunk, number)
        assert origins(shrunk, number) == origins(kept, number)
        assert erase(shrunk, holder, number) == erase(kept, holder, number)
    release(shrunk, number)
    # Whoever only speaks for others has nothing to erase, and they cannot.
    silent = answered_for(kept, number)
    assert all(is_mute(kept, one) for one in silent)
    assert origins(shrunk, number) == origins(kept, number)
    if not silent:
        assert stored_in(shrunk, number) == set()
        assert oracle.ended(shrunk, number) == {}


@unhurried
@given(ERASED, NUMBERS)
def test_a_copy_goes_as_soon_as_all_that_draw_on_it_ended_and_no_copy_that_came_of_it_is_left(
    made: Made, number: int
) -> None:
    world, _ = made
    expected = copy.deepcopy(world)
    while free := [one for one in stored_in(expected, number) if is_free(expected, number, one)]:
        keep_only(expected, number, stored_in(expected, number) - {free[0]})
    release(world, number)
    assert stored_in(world, number) == stored_in(expected, number)


def is_free(world: World, number: int, stored: UUID) -> bool:
    """The rule as it is told: all that resolve to the copy are excluded, no uploaded descendant holds the number."""
    alone = copy.deepcopy(world)
    keep_only(alone, number, {stored})
    left = oracle.holders(alone, number) & answered_for(world, number)
    having = {one for one in world.datasets if oracle.has(world, one, number)}
    copies = stored_in(world, number) - {stored}
    return not left and not any(oracle.comes_from(world, number, one, stored, having) for one in copies)


@unhurried
@given(ERASED)
def test_what_was_erased_is_neither_counted_nor_traced_beyond_its_end(made: Made) -> None:
    """Of each dataset the numbers that it holds still, and those of them that came from each ancestor."""
    world, _ = made
    dag, numbers = dag_of(world), sorted(oracle.all_numbers(world))
    own = {one: keys_of(numbers) for one, numbers in world.numbers.items()}
    ended = {pack_keys(keys_of({n})): where for n in numbers if (where := oracle.ended(world, n))}
    for target in (one for one in dag if world.datasets[one].sealed_at):
        stored = {one: own[one] for one in uploaded_sources_of(dag, [target])}
        keys, places = contents(dag, [target], stored, ended)
        held = [n for n in numbers if oracle.has(world, target, n) and (target, n) not in world.erased]
        assert keys.hi.tolist() == held
        uploaded = {one: holding(keys, own[one]) for one in ancestors_of(dag, [target]) if one in own}
        found = corrected(trace(dag, [target], keys, uploaded), dag, [target], uploaded, places)
        having = {n: {one for one in dag if oracle.has(world, one, n)} for n in held}
        for ancestor in found.from_ancestor:
            expected = [n for n in held if oracle.comes_from(world, n, target, ancestor, having[n])]
            assert found.count([ancestor]) == len(expected)
            assert keys[~found.orphans([ancestor])].hi.tolist() == expected


def keys_of(numbers: Iterable[int]) -> Keys:
    """Keys that sort as their numbers do."""
    ordered = np.array(sorted(numbers), np.uint64)
    return Keys(ordered, ordered)


def test_an_ancestors_copy_goes_with_the_last_that_came_of_it() -> None:
    world = World()
    shop, broker, party = (world.organisation(role) for role in (Role.COLLECTOR, Role.BROKER, Role.PARTY))
    file = world.dataset(shop, {1, 2})
    _, bought = world.transfer(file, broker)
    cut = world.dataset(broker, {1}, [world.dataset(broker, None, [bought])])
    _, received = world.transfer(cut, party)
    for holder in (shop, broker):
        erase(world, holder, 1)
        assert release(world, 1) == set()
    erase(world, party, 1)
    assert received in oracle.ended(world, 1)
    assert release(world, 1) == {file, cut}
    assert release(world, 2) == set()


def test_a_recipient_that_denies_needs_no_copy() -> None:
    world = World()
    broker, party = world.organisation(Role.BROKER), world.organisation(Role.PARTY)
    file = world.dataset(broker, {1})
    transfer, _ = world.transfer(file, party)
    erase(world, broker, 1)
    assert release(world, 1) == set()
    world.say(transfer, "recipient", "denied")
    assert release(world, 1) == {file}


def test_what_is_told_of_a_holder_without_an_account_goes_with_whoever_told_it() -> None:
    world = World()
    broker, party = world.organisation(Role.BROKER), world.organisation(Role.PARTY)
    shop = world.organisation(Role.COLLECTOR, account=False, named_by=broker)
    file = world.dataset(shop, {1}, asserted_by=broker)
    _, bought = world.transfer(file, broker, asserted_by=broker)
    _, sold = world.transfer(bought, party)
    erase(world, broker, 1)
    assert release(world, 1) == set()
    assert oracle.holders(world, 1) - oracle.ended(world, 1).keys() == {file, sold}
    erase(world, party, 1)
    assert release(world, 1) == {file}
    assert oracle.ended(world, 1) == {}
