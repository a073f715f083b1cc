"""Erasure per holder: what one erased the others keep, with its origin; what all erased is nowhere."""

import asyncio
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import pytest

from service.core.db import Database
from service.membership.compaction import compact
from tests.builders import collected, filled, hand_over, number, open_dataset
from tests.callers import Caller, Registry
from tests.dataset.erasing import RING, checked, complete, completed, exclusions, on
from tests.membership.builders import no_pause


@dataclass
class Trade:
    """A collector whose file a broker put into its base, and sold a cut of to a party; by what it is called."""

    shop: Caller
    broker: Caller
    party: Caller
    authority: Caller
    facts: dict[str, Any]

    @property
    def holders(self) -> list[Caller]:
        return [self.shop, self.broker, self.party]

    def held(self, last_four: int) -> list[bool]:
        return [one.lookup(number(last_four))["held"] for one in self.holders]


@pytest.fixture
def trade(registry: Registry) -> Trade:
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


def test_who_erased_holds_it_no_more_and_the_others_keep_number_and_origin(trade: Trade, dsn: str) -> None:
    before = trade.party.lookup(number(1))
    (erased,) = complete(dsn, trade.broker, 1)
    own = {trade.facts["bought"]["received_dataset_id"], trade.facts["base"]["id"], trade.facts["cut"]["id"]}
    assert {str(one) for one in erased.excluded} == own
    assert erased.dropped == frozenset()
    assert trade.held(1) == [True, False, True]
    assert trade.held(2) == [True, True, True]
    after = trade.party.lookup(number(1))
    for part in ("origins", "chains", "transfers", "recipients", "campaigns", "orphans", "contradictions"):
        assert after[part] == before[part]
    assert {one["dataset"]["id"] for one in after["erasures"]} == own
    seen = trade.authority.lookup(number(1), reason="Plainte 12")
    assert {one["dataset"]["id"] for one in seen["erasures"]} == own
    assert len(seen["chains"][0]["hops"]) == 4
    assert checked(dsn).findings == []


def test_to_complete_again_changes_nothing(trade: Trade, dsn: str) -> None:
    complete(dsn, trade.broker, 1)
    before = exclusions(dsn)
    (again,) = complete(dsn, trade.broker, 1)
    assert (again.excluded, exclusions(dsn)) == (frozenset(), before)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_after_all_completed_in_whatever_order_nothing_is_left(order: tuple[int, ...], trade: Trade, dsn: str) -> None:
    for count, place in enumerate(order, 1):
        complete(dsn, trade.holders[place], 1, 15)
        left = [holder not in order[:count] for holder in range(3)]
        assert trade.held(1) == left
        assert trade.held(15) == [left[0], left[1], False]
        assert all(not one.lookup(number(1))["orphans"] for one in trade.holders)
        assert checked(dsn).findings == []
    assert exclusions(dsn) == []
    assert trade.authority.lookup(number(1), reason="Plainte 12")["chains"] == []
    assert trade.held(2) == [True, True, True]


def test_of_holders_that_complete_at_once_one_sees_what_the_other_did(trade: Trade, dsn: str) -> None:
    async def all_at_once(database: Database) -> None:
        await asyncio.gather(*(completed(database, one.id, last) for last in range(5) for one in trade.holders))

    on(dsn, all_at_once)
    assert exclusions(dsn) == []
    assert [trade.held(last) for last in (0, 4, 5)] == [[False] * 3, [False] * 3, [True] * 3]
    assert checked(dsn).findings == []


def test_what_is_made_of_a_dataset_afterwards_does_not_have_the_number(trade: Trade, dsn: str) -> None:
    complete(dsn, trade.broker, 1)
    other = {"derived_from": [trade.facts["base"]["id"]], "occurred_at": "2024-05-01T00:00:00Z"}
    union = trade.broker.seal(open_dataset(trade.broker, content="union", **other)["id"])
    hand_over(trade.broker, union, trade.party, occurred_at="2024-06-01T00:00:00Z")
    assert trade.held(1) == [True, False, True]
    complete(dsn, trade.party, 1)
    assert trade.held(1) == [True, False, False]
    assert trade.held(2) == [True, True, True]


def test_counts_at_sealing_leave_out_what_was_erased_before(trade: Trade, dsn: str) -> None:
    broker, derived = trade.broker, {"derived_from": [trade.facts["base"]["id"]], "occurred_at": "2024-05-01T00:00:00Z"}
    complete(dsn, broker, 1, 15)
    union = broker.seal(open_dataset(broker, content="union", **derived)["id"])
    assert (union["number_count"], union["orphan_count"]) == (18, 0)
    cut = filled(broker, [1, 2, 3], **derived)
    assert (cut["number_count"], cut["orphan_count"]) == (3, 1)
    orphans = f"/v1/datasets/{cut['id']}/orphans"
    assert broker.get(orphans)["numbers"] == [number(1)]
    assert [one["dataset"]["id"] for one in broker.lookup(number(1))["orphans"]] == [cut["id"]]
    complete(dsn, broker, 1)
    assert broker.get(orphans)["numbers"] == []
    assert broker.get(f"/v1/datasets/{trade.facts['base']['id']}")["number_count"] == 20
    assert checked(dsn).findings == []


def test_no_removal_is_lost_to_a_sealing_or_a_merge_at_the_same_time(trade: Trade, dsn: str) -> None:
    """While datasets are sealed and merged, all complete; what was sealed too late still holds what was sent."""
    broker, derived = trade.broker, {"derived_from": [trade.facts["base"]["id"]], "occurred_at": "2024-05-01T00:00:00Z"}
    unions = [open_dataset(broker, content="union", **derived)["id"] for _ in range(3)]
    files = [open_dataset(broker, **derived)["id"] for _ in range(3)]
    for file in files:
        broker.put_part(file, [number(last) for last in range(10, 30)])
    jobs = [broker.post(f"/v1/datasets/{dataset}/seal") for dataset in (*unions, *files)]

    async def complete_all(database: Database) -> None:
        erasing = [completed(database, one.id, last) for last in range(10) for one in trade.holders]
        await asyncio.gather(*erasing, *(compact(database, RING, no_pause, thoroughly=True) for _ in range(3)))

    on(dsn, complete_all)
    assert [broker.finish(job)["state"] for job in jobs] == ["succeeded"] * 6
    on(dsn, lambda database: compact(database, RING, no_pause, thoroughly=True))
    assert [trade.held(last) for last in range(10)] == [[False] * 3] * 10
    assert trade.held(10) == [True, True, False]
    assert exclusions(dsn) == []
    assert checked(dsn).findings == []
