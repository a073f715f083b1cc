import uuid
from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.core.vocabulary import Content
from service.membership.descent.dag import (
    Dag,
    Node,
    NumbersByAncestor,
    ancestors_of,
    holding,
    trace,
    uploaded_sources_of,
)
from service.membership.runs import union
from service.number.keyring import Keys


@dataclass(frozen=True)
class World:
    """Datasets with their own numbers, small ones; and what is asked about them."""

    dag: Dag
    own: dict[uuid.UUID, set[int]]
    targets: set[uuid.UUID]
    group: set[uuid.UUID]

    def holds(self, dataset: uuid.UUID) -> set[int]:
        node = self.dag[dataset]
        if node.content is Content.UPLOADED:
            return self.own[dataset]
        return {number for parent in node.parents for number in self.holds(parent)}

    def origins(self, dataset: uuid.UUID, number: int) -> set[uuid.UUID]:
        """Every dataset from which a path leads here on which all hold the number."""
        if number not in self.holds(dataset):
            return set()
        found = {dataset}
        for parent in self.dag[dataset].parents:
            found |= self.origins(parent, number)
        return found

    def origins_by_number(self) -> dict[int, set[uuid.UUID]]:
        numbers = {number for target in self.targets for number in self.holds(target)}
        return {
            number: set().union(*(self.origins(target, number) for target in self.targets))
            for number in sorted(numbers)
        }


def keys_of(numbers: set[int]) -> Keys:
    """Keys that sort as their numbers do, neighbours agreeing in their leading half."""
    ordered = sorted(numbers)
    return Keys(np.array([n // 3 for n in ordered], np.uint64), np.array([n % 3 for n in ordered], np.uint64))


def numbers_of(keys: Keys) -> list[int]:
    return [3 * hi + lo for hi, lo in zip(keys.hi.tolist(), keys.lo.tolist(), strict=True)]


def traced(world: World) -> NumbersByAncestor:
    """As the store does it: the numbers of the targets' sources, and which of them each uploaded dataset holds."""
    own = {name: keys_of(numbers) for name, numbers in world.own.items()}
    keys = union([own[source] for source in uploaded_sources_of(world.dag, world.targets)])
    return trace(world.dag, world.targets, keys, {name: holding(keys, held) for name, held in own.items()})


@st.composite
def worlds(draw: st.DrawFn) -> World:
    ids = [uuid.UUID(int=place) for place in range(draw(st.integers(1, 9)))]
    dag: Dag = {}
    own: dict[uuid.UUID, set[int]] = {}
    for place, dataset in enumerate(ids):
        content = draw(st.sampled_from(Content)) if place else Content.UPLOADED
        fewest, most = {Content.UPLOADED: (0, 4), Content.SHARED: (1, 1), Content.UNION: (1, 4)}[content]
        earlier = st.sampled_from(ids[:place]) if place else st.nothing()
        parents = draw(st.lists(earlier, unique=True, min_size=fewest, max_size=most)) if place else []
        dag[dataset] = Node(content, tuple(parents))
        if content is Content.UPLOADED:
            own[dataset] = draw(st.sets(st.integers(0, 20)))
    some = st.sets(st.sampled_from(ids))
    return World(dag, own, draw(st.sets(st.sampled_from(ids), min_size=1, max_size=3)), draw(some))


@given(worlds())
def test_the_numbers_of_the_targets_are_those_that_they_hold(world: World) -> None:
    expected = sorted({number for target in world.targets for number in world.holds(target)})
    assert numbers_of(traced(world).keys) == expected
    stored = {number for source in uploaded_sources_of(world.dag, world.targets) for number in world.own[source]}
    assert sorted(stored) == expected


@given(worlds())
def test_counts_by_ancestor_agree_with_walking_each_number(world: World) -> None:
    origins = world.origins_by_number().values()
    expected = {
        ancestor: sum(ancestor in found for found in origins) for ancestor in ancestors_of(world.dag, world.targets)
    }
    assert traced(world).counts() == expected


@given(worlds())
def test_a_group_of_ancestors_counts_each_number_once(world: World) -> None:
    origins = world.origins_by_number().values()
    assert traced(world).count(world.group) == sum(bool(found & world.group) for found in origins)


@given(worlds())
def test_orphans_are_the_numbers_that_come_from_no_collected_dataset(world: World) -> None:
    origins = world.origins_by_number()
    ancestry = traced(world)
    expected = [number for number, found in origins.items() if not found & world.group]
    assert numbers_of(ancestry.keys[ancestry.orphans(world.group)]) == expected


def span(first: int, last: int) -> set[int]:
    return set(range(first, last + 1))


D1, D2, D4, R1, R2, R4, D5, X6, D6, X8, D8, X9, D7 = (uuid.UUID(int=n) for n in range(1, 14))
RESALE = World(
    dag={
        D1: Node(Content.UPLOADED),
        D2: Node(Content.UPLOADED),
        D4: Node(Content.UPLOADED),
        R1: Node(Content.SHARED, (D1,)),
        R2: Node(Content.SHARED, (D2,)),
        R4: Node(Content.SHARED, (D4,)),
        D5: Node(Content.UNION, (R1, R2, R4)),
        X6: Node(Content.UPLOADED, (D5,)),
        D6: Node(Content.SHARED, (X6,)),
        X8: Node(Content.UPLOADED, (R1, R2)),
        D8: Node(Content.SHARED, (X8,)),
        X9: Node(Content.UPLOADED, (D8,)),
        D7: Node(Content.UPLOADED, (X6,)),
    },
    own={
        D1: span(0, 2999),
        D2: span(2000, 4999),
        D4: span(4000, 8499),
        X6: span(4500, 7999),
        X8: span(0, 3999),
        X9: span(1000, 1999),
        D7: span(5000, 7999) | span(9000, 9003),
    },
    targets=set(),
    group=set(),
)


def resale(*targets: uuid.UUID) -> NumbersByAncestor:
    return traced(World(RESALE.dag, RESALE.own, set(targets), set()))


def test_a_cut_of_a_union_comes_only_from_the_origins_that_it_took_from() -> None:
    counts = resale(D6).counts()
    assert (counts[D1], counts[D2], counts[D4], counts[D5]) == (0, 500, 3500, 3500)


def test_a_number_that_the_seller_does_not_hold_has_no_origin() -> None:
    ancestry = resale(D7)
    assert numbers_of(ancestry.keys[ancestry.orphans([D1, D2, D4])]) == [9000, 9001, 9002, 9003]
    assert ancestry.counts()[D7] == 3004
    assert ancestry.counts()[X6] == 3000


def test_the_reach_of_an_origin_over_several_datasets_counts_a_number_once() -> None:
    assert resale(D8).count([D1]) == 3000
    assert resale(X9).count([D1]) == 1000
    assert resale(D8, X9).count([D1]) == 3000
    assert resale(D6, D8).count([D2]) == 2500
    assert resale(D6, X9).count([D1, D2]) == 1500
