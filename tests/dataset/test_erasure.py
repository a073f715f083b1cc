"""Erasure per holder: the others keep the number with its origin, until all holders have erased it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import pytest

from service.core.db import Database
from service.membership.compaction import compact
from tests.builders import collected, filled, hand_over, number, open_dataset
from tests.callers import Caller, Registry, called_through
from tests.conftest import made_once, temporary_database
from tests.dataset.builders import (
    RING,
    check_memberships,
    complete_erasure,
    complete_in,
    read_exclusions,
    with_database,
)
from tests.membership.builders import no_pause


@dataclass
class Trade:
    """A collector, a broker that put its file into a base, and a party that bought a cut of that; the facts by name."""

    shop: Caller
    broker: Caller
    party: Caller
    authority: Caller
    facts: dict[str, Any]

    @property
    def holders(self) -> list[Caller]:
        return [self.shop, self.broker, self.party]

    def held(self, last_four: int) -> list[bool]:
        return [holder.lookup(number(last_four))["held"] for holder in self.holders]


def make_trade(registry: Registry) -> Trade:
    shop, broker, party = registry.collector(), registry.broker(), registry.party()
    facts: dict[str, Any] = {"file": collected(shop, range(20))}
    facts["bought"] = hand_over(shop, facts["file"], broker)
    more = {"derived_from": [facts["bought"]["received_dataset_id"]], "occurred_at": "2024-03-01T00:00:00Z"}
    base = open_dataset(broker, content="union", **more)
    facts["base"] = broker.seal(base["id"])
    more = {"derived_from": [base["id"]], "occurred_at": "2024-03-02T00:00:00Z"}
    facts["cut"] = filled(broker, range(10), **more)
    facts["sold"] = hand_over(broker, facts["cut"], party, occurred_at="2024-04-01T00:00:00Z")
    return Trade(shop, broker, party, registry.regulator(), facts)


@pytest.fixture(scope="module")
def made_trade(cluster: str) -> Iterator[tuple[str, Trade]]:
    with made_once(cluster, make_trade) as made:
        yield made


@pytest.fixture
def dsn(cluster: str, made_trade: tuple[str, Trade]) -> Iterator[str]:
    with temporary_database(cluster, made_trade[0]) as dsn:
        yield dsn


@pytest.fixture
def trade(registry: Registry, made_trade: tuple[str, Trade]) -> Trade:
    return called_through(registry.client, made_trade[1])


def test_complete_erasure_ends_own_holdings_and_keeps_those_of_others(trade: Trade, dsn: str) -> None:
    before = trade.party.lookup(number(1))
    (erased,) = complete_erasure(dsn, trade.broker, 1)
    own = {trade.facts["bought"]["received_dataset_id"], trade.facts["base"]["id"], trade.facts["cut"]["id"]}
    assert {str(dataset_id) for dataset_id in erased.excluded} == own
    assert erased.dropped == frozenset()
    assert trade.held(1) == [True, False, True]
    assert trade.held(2) == [True, True, True]
    after = trade.party.lookup(number(1))
    for part in ("origins", "chains", "transfers", "recipients", "campaigns", "orphans", "contradictions"):
        assert after[part] == before[part]
    assert {erasure["dataset"]["id"] for erasure in after["erasures"]} == own
    seen = trade.authority.lookup(number(1), reason="Plainte 12")
    assert {erasure["dataset"]["id"] for erasure in seen["erasures"]} == own
    assert len(seen["chains"][0]["hops"]) == 4
    assert check_memberships(dsn).findings == []


def test_complete_erasure_again_changes_nothing(trade: Trade, dsn: str) -> None:
    complete_erasure(dsn, trade.broker, 1)
    before = read_exclusions(dsn)
    (again,) = complete_erasure(dsn, trade.broker, 1)
    assert (again.excluded, read_exclusions(dsn)) == (frozenset(), before)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_complete_erasure_by_every_holder_in_any_order_leaves_nothing(
    order: tuple[int, ...], trade: Trade, dsn: str
) -> None:
    for count, place in enumerate(order, 1):
        complete_erasure(dsn, trade.holders[place], 1, 15)
        left = [holder not in order[:count] for holder in range(3)]
        assert trade.held(1) == left
        assert trade.held(15) == [left[0], left[1], False]
        assert [holder.lookup(number(1))["orphans"] for holder in trade.holders] == [[], [], []]
        assert check_memberships(dsn).findings == []
    assert read_exclusions(dsn) == []
    assert trade.authority.lookup(number(1), reason="Plainte 12")["chains"] == []
    assert trade.held(2) == [True, True, True]


def test_complete_erasure_concurrently_leaves_nothing(trade: Trade, dsn: str) -> None:
    async def all_at_once(database: Database) -> None:
        pairs = [(last, holder) for last in range(5) for holder in trade.holders]
        await asyncio.gather(*(complete_in(database, holder.id, last) for last, holder in pairs))

    with_database(dsn, all_at_once)
    assert read_exclusions(dsn) == []
    assert [trade.held(last) for last in (0, 4, 5)] == [[False] * 3, [False] * 3, [True] * 3]
    assert check_memberships(dsn).findings == []


def test_derive_dataset_after_erasure_does_not_contain_the_number(trade: Trade, dsn: str) -> None:
    complete_erasure(dsn, trade.broker, 1)
    other = {"derived_from": [trade.facts["base"]["id"]], "occurred_at": "2024-05-01T00:00:00Z"}
    union = trade.broker.seal(open_dataset(trade.broker, content="union", **other)["id"])
    hand_over(trade.broker, union, trade.party, occurred_at="2024-06-01T00:00:00Z")
    assert trade.held(1) == [True, False, True]
    complete_erasure(dsn, trade.party, 1)
    assert trade.held(1) == [True, False, False]
    assert trade.held(2) == [True, True, True]


def test_seal_dataset_after_erasure_counts_without_the_number(trade: Trade, dsn: str) -> None:
    broker, derived = trade.broker, {"derived_from": [trade.facts["base"]["id"]], "occurred_at": "2024-05-01T00:00:00Z"}
    complete_erasure(dsn, broker, 1, 15)
    union = broker.seal(open_dataset(broker, content="union", **derived)["id"])
    assert (union["number_count"], union["orphan_count"]) == (18, 0)
    cut = filled(broker, [1, 2, 3], **derived)
    assert (cut["number_count"], cut["orphan_count"]) == (3, 1)
    orphans = f"/v1/datasets/{cut['id']}/orphans"
    assert broker.get(orphans)["numbers"] == [number(1)]
    assert [orphan["dataset"]["id"] for orphan in broker.lookup(number(1))["orphans"]] == [cut["id"]]
    complete_erasure(dsn, broker, 1)
    assert broker.get(orphans)["numbers"] == []
    assert broker.get(f"/v1/datasets/{trade.facts['base']['id']}")["number_count"] == 20
    assert check_memberships(dsn).findings == []


def test_complete_erasure_during_sealing_and_compaction_loses_nothing(trade: Trade, dsn: str) -> None:
    """A file that is sealed after the erasure still contains the numbers that were uploaded to it."""
    broker, derived = trade.broker, {"derived_from": [trade.facts["base"]["id"]], "occurred_at": "2024-05-01T00:00:00Z"}
    unions = [open_dataset(broker, content="union", **derived)["id"] for _ in range(3)]
    files = [open_dataset(broker, **derived)["id"] for _ in range(3)]
    for file in files:
        broker.put_part(file, [number(last) for last in range(10, 30)])
    jobs = [broker.post(f"/v1/datasets/{dataset}/seal") for dataset in (*unions, *files)]

    async def complete_all(database: Database) -> None:
        erasing = [complete_in(database, holder.id, last) for last in range(10) for holder in trade.holders]
        await asyncio.gather(*erasing, *(compact(database, RING, no_pause, thoroughly=True) for _ in range(3)))

    with_database(dsn, complete_all)
    assert [broker.finish(job)["state"] for job in jobs] == ["succeeded"] * 6
    with_database(dsn, lambda database: compact(database, RING, no_pause, thoroughly=True))
    assert [trade.held(last) for last in range(10)] == [[False] * 3] * 10
    assert trade.held(10) == [True, True, False]
    assert read_exclusions(dsn) == []
    assert check_memberships(dsn).findings == []
