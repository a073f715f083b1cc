"""Which numbers came from which ancestor, compared with walking every path of every number."""

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
    held_bits,
    trace_ancestors,
    uploaded_sources_of,
)
from service.membership.runs import union
from service.number.keyring import Keys


@dataclass(frozen=True)
class Example:
    """Some datasets, the small numbers that the uploaded ones store, the targets, and a group of ancestors."""

    dag: Dag
    stored: dict[uuid.UUID, set[int]]
    targets: set[uuid.UUID]
    group: set[uuid.UUID]

    def holds(self, dataset: uuid.UUID) -> set[int]:
        node = self.dag[dataset]
        if node.content is Content.UPLOADED:
            return self.stored[dataset]
        return {number for parent in node.parents for number in self.holds(parent)}

    def origins(self, dataset: uuid.UUID, number: int) -> set[uuid.UUID]:
        """Every dataset from which a path leads to `dataset` on which all datasets hold the number."""
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
    """Keys that sort as their numbers do; neighbours agree in their leading half."""
    ordered = sorted(numbers)
    return Keys(
        np.array([number // 3 for number in ordered], np.uint64),
        np.array([number % 3 for number in ordered], np.uint64),
    )


def numbers_of(keys: Keys) -> list[int]:
    return [3 * hi + lo for hi, lo in zip(keys.hi.tolist(), keys.lo.tolist(), strict=True)]


def trace(example: Example) -> NumbersByAncestor:
    """Traced as by `bulk_read`: the numbers of the targets' sources, and which of them each uploaded dataset holds."""
    stored = {dataset: keys_of(numbers) for dataset, numbers in example.stored.items()}
    keys = union([stored[source] for source in uploaded_sources_of(example.dag, example.targets)])
    uploaded = {dataset: held_bits(keys, own_keys) for dataset, own_keys in stored.items()}
    return trace_ancestors(example.dag, example.targets, keys, uploaded)


@st.composite
def examples(draw: st.DrawFn) -> Example:
    ids = [uuid.UUID(int=place) for place in range(draw(st.integers(1, 9)))]
    dag: Dag = {}
    stored: dict[uuid.UUID, set[int]] = {}
    for place, dataset in enumerate(ids):
        content = draw(st.sampled_from(Content)) if place else Content.UPLOADED
        fewest, most = {Content.UPLOADED: (0, 4), Content.SHARED: (1, 1), Content.UNION: (1, 4)}[content]
        earlier = st.sampled_from(ids[:place]) if place else st.nothing()
        parents = draw(st.lists(earlier, unique=True, min_size=fewest, max_size=most)) if place else []
        dag[dataset] = Node(content, tuple(parents))
        if content is Content.UPLOADED:
            stored[dataset] = draw(st.sets(st.integers(0, 20)))
    some = st.sets(st.sampled_from(ids))
    return Example(dag, stored, draw(st.sets(st.sampled_from(ids), min_size=1, max_size=3)), draw(some))


@given(examples())
def test_uploaded_sources_of_targets_store_the_numbers_that_the_targets_hold(example: Example) -> None:
    expected = sorted({number for target in example.targets for number in example.holds(target)})
    assert numbers_of(trace(example).keys) == expected
    sources = uploaded_sources_of(example.dag, example.targets)
    assert sorted({number for source in sources for number in example.stored[source]}) == expected


@given(examples())
def test_counts_by_ancestor_agree_with_walking_each_number(example: Example) -> None:
    origins = example.origins_by_number().values()
    expected = {
        ancestor: sum(ancestor in found for found in origins) for ancestor in ancestors_of(example.dag, example.targets)
    }
    assert trace(example).counts() == expected


@given(examples())
def test_count_of_a_group_of_ancestors_counts_each_number_once(example: Example) -> None:
    origins = example.origins_by_number().values()
    assert trace(example).count(example.group) == sum(bool(found & example.group) for found in origins)


@given(examples())
def test_orphans_are_the_numbers_that_come_from_no_collected_dataset(example: Example) -> None:
    origins = example.origins_by_number()
    traced = trace(example)
    expected = [number for number, found in origins.items() if not found & example.group]
    assert numbers_of(traced.keys[traced.orphans(example.group)]) == expected


def span(first: int, last: int) -> set[int]:
    return set(range(first, last + 1))


D1, D2, D4, R1, R2, R4, D5, X6, D6, X8, D8, X9, D7 = (uuid.UUID(int=place) for place in range(1, 14))
RESALE = Example(
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
    stored={
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


def trace_resale(*targets: uuid.UUID) -> NumbersByAncestor:
    return trace(Example(RESALE.dag, RESALE.stored, set(targets), set()))


def test_counts_of_an_extract_of_a_union_name_only_origins_that_it_took_from() -> None:
    counts = trace_resale(D6).counts()
    assert (counts[D1], counts[D2], counts[D4], counts[D5]) == (0, 500, 3500, 3500)


def test_orphans_include_numbers_that_the_sender_does_not_hold() -> None:
    traced = trace_resale(D7)
    assert numbers_of(traced.keys[traced.orphans([D1, D2, D4])]) == [9000, 9001, 9002, 9003]
    assert traced.counts()[D7] == 3004
    assert traced.counts()[X6] == 3000


def test_count_of_an_origin_over_several_targets_counts_a_number_once() -> None:
    assert trace_resale(D8).count([D1]) == 3000
    assert trace_resale(X9).count([D1]) == 1000
    assert trace_resale(D8, X9).count([D1]) == 3000
    assert trace_resale(D6, D8).count([D2]) == 2500
    assert trace_resale(D6, X9).count([D1, D2]) == 1500
