"""Transfers of numbers that one side erased: how they are reconciled, and which stored copies stay."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.builders import collected, filled, hand_over, number
from tests.callers import Caller, Registry
from tests.dataset.builders import check_memberships, complete_erasure, read_exclusions
from tests.transfer.builders import compare_file, send_file, transfer_collected


@pytest.fixture
def sides(registry: Registry) -> tuple[Caller, Caller]:
    return registry.collector(), registry.party()


def held(last_four: int, *callers: Caller) -> list[bool]:
    return [caller.lookup(number(last_four))["held"] for caller in callers]


def test_reconcile_after_the_sender_erased_confirms_what_was_handed_over(
    sides: tuple[Caller, Caller], dsn: str
) -> None:
    shop, party = sides
    transfer = transfer_collected(shop, party, range(10))
    complete_erasure(dsn, shop, 1)
    send_file(party, transfer, range(10))
    assert compare_file(party, transfer)["status"] == "confirmed"
    assert held(1, shop, party) == [False, True]
    assert [row["number_declared"] for row in party.lookup(number(1))["transfers"]] == [True]
    assert check_memberships(dsn).findings == []


def settled_counts(settled: Any) -> tuple[str, int, int]:
    """The status of a reconciled transfer, and how many numbers are extra and missing."""
    statement = settled["statements"][-1]
    return settled["status"], statement["extra_count"], statement["missing_count"]


def sides_of(caller: Caller, last_four: int) -> list[tuple[bool | None, bool | None]]:
    """What the sides of each transfer say of a number."""
    transfers = caller.lookup(number(last_four))["transfers"]
    return [(transfer["number_declared"], transfer["number_received"]) for transfer in transfers]


@pytest.mark.parametrize("file", [range(10), [0, *range(2, 10)]])
def test_reconcile_after_the_recipient_erased_confirms_with_and_without_the_number(
    file: Iterable[int], sides: tuple[Caller, Caller], registry: Registry, dsn: str
) -> None:
    shop, party = sides
    authority = registry.regulator()
    transfer = transfer_collected(shop, party, range(10))
    complete_erasure(dsn, party, 1)
    before = read_exclusions(dsn)
    send_file(party, transfer, file)
    assert settled_counts(compare_file(party, transfer)) == ("confirmed", 0, 0)
    assert (held(1, shop, party), held(2, shop, party)) == ([True, False], [True, True])
    assert read_exclusions(dsn) == before
    seen = authority.lookup(number(1), reason="Plainte 12")
    assert [erasure["dataset"]["holder"]["id"] for erasure in seen["erasures"]] == [str(party.id)]
    assert [(row["number_declared"], row["number_received"]) for row in seen["transfers"]] == [(True, True)]
    assert (seen["contradictions"], seen["orphans"]) == ([], [])
    assert check_memberships(dsn).findings == []


@pytest.mark.parametrize("kept", [[], [1]])
def test_reconcile_with_a_differing_file_keeps_erasures_and_counts_without_them(
    kept: list[int], sides: tuple[Caller, Caller], registry: Registry, dsn: str
) -> None:
    """The file differs in 3 and 50. Whether it contains 1, which its sender erased, makes no difference."""
    shop, party = sides
    authority = registry.regulator()
    transfer = transfer_collected(shop, party, range(10))
    complete_erasure(dsn, party, 1)
    before = read_exclusions(dsn)
    send_file(party, transfer, [0, *kept, 2, *range(4, 10), 50])
    assert settled_counts(compare_file(party, transfer)) == ("disputed", 1, 1)
    own = party.get(f"/v1/datasets/{transfer['received_dataset_id']}")
    assert (own["content"], own["number_count"], own["orphan_count"]) == ("uploaded", 9, 1)
    assert [held(last, party) for last in (0, 1, 3, 50)] == [[True], [False], [False], [True]]
    assert read_exclusions(dsn) == before
    assert party.get(f"/v1/datasets/{own['id']}/orphans")["numbers"] == [number(50)]
    for last, expected in ((1, (True, True)), (2, (True, True)), (3, (True, False)), (50, (False, True))):
        seen = authority.lookup(number(last), reason="Plainte 12")
        assert [(row["number_declared"], row["number_received"]) for row in seen["transfers"]] == [expected]
        assert len(seen["contradictions"]) == (expected != (True, True))
    assert check_memberships(dsn).findings == []
    complete_erasure(dsn, shop, 1)
    assert read_exclusions(dsn) == []
    assert check_memberships(dsn).findings == []


def test_reconcile_with_a_number_erased_from_another_dataset_holds_it_as_extra(
    sides: tuple[Caller, Caller], dsn: str
) -> None:
    shop, party = sides
    filled(party, [1, 20])
    complete_erasure(dsn, party, 20)
    assert read_exclusions(dsn) == []
    filled(shop, [20])
    other = filled(party, [20])
    complete_erasure(dsn, party, 20)
    transfer = transfer_collected(shop, party, range(5))
    send_file(party, transfer, [*range(5), 20])
    assert settled_counts(compare_file(party, transfer)) == ("disputed", 1, 0)
    answer = party.lookup(number(20))
    received = transfer["received_dataset_id"]
    assert [holding["dataset"]["id"] for holding in answer["holdings"]] == [received]
    assert [erasure["dataset"]["id"] for erasure in answer["erasures"]] == []
    assert [str(row[1]) for row in read_exclusions(dsn)] == [other["id"]]
    assert check_memberships(dsn).findings == []


@pytest.mark.parametrize("before", [True, False])
def test_reconcile_with_a_number_that_the_sender_erased_counts_it_by_what_was_transferred(
    before: bool, sides: tuple[Caller, Caller], registry: Registry, dsn: str
) -> None:
    """It was handed over, unless the sender had erased it before the transfer."""
    shop, party = sides
    dataset = collected(shop, range(5))
    hand_over(shop, dataset, registry.broker())
    if before:
        complete_erasure(dsn, shop, 1)
    transfer = hand_over(shop, dataset, party)
    if not before:
        complete_erasure(dsn, shop, 1)
    send_file(party, transfer, range(5))
    expected = ("disputed", 1, 0) if before else ("confirmed", 0, 0)
    assert settled_counts(compare_file(party, transfer)) == expected
    assert held(1, shop, party) == [False, True]
    assert (not before, True) in sides_of(party, 1)
    assert check_memberships(dsn).findings == []


def test_reconcile_without_a_number_that_the_sender_erased_drops_its_copy(
    sides: tuple[Caller, Caller], dsn: str
) -> None:
    shop, party = sides
    transfer = transfer_collected(shop, party, range(10))
    complete_erasure(dsn, shop, 1, 2)
    send_file(party, transfer, [0, *range(2, 10)])
    assert compare_file(party, transfer)["status"] == "disputed"
    assert held(1, shop, party) == [False, False]
    assert held(2, shop, party) == [False, True]
    assert len({row[0] for row in read_exclusions(dsn)}) == 1
    assert check_memberships(dsn).findings == []


def test_deny_transfer_drops_the_copies_that_only_the_recipient_needed(sides: tuple[Caller, Caller], dsn: str) -> None:
    shop, party = sides
    dataset = collected(shop, range(10))
    transfer = hand_over(shop, dataset, party)
    complete_erasure(dsn, shop, 1, 2)
    assert held(1, shop, party) == [False, True]
    denial = {"status": "denied", "occurred_at": "2024-06-01T00:00:00Z"}
    party.post(f"/v1/transfers/{transfer['id']}/statements", denial)
    assert held(1, shop, party) == [False, False]
    assert read_exclusions(dsn) == []
    assert party.lookup(number(1))["transfers"] == []
    assert [row["status"] for row in party.lookup(number(3))["transfers"]] == ["denied"]
    assert check_memberships(dsn).findings == []


def test_transfer_dataset_again_after_erasure_does_not_restore_the_number(
    sides: tuple[Caller, Caller], registry: Registry, dsn: str
) -> None:
    shop, party = sides
    dataset = collected(shop, range(10))
    earlier = registry.broker()
    hand_over(shop, dataset, earlier)
    complete_erasure(dsn, shop, 1)
    transfer = hand_over(shop, dataset, party)
    assert held(1, shop, earlier, party) == [False, True, False]
    assert held(2, shop, party) == [True, True]
    send_file(party, transfer, [0, *range(2, 10)])
    assert compare_file(party, transfer)["status"] == "confirmed"


def say(party: Caller, transfer: Any, status: str) -> None:
    """The recipient states something of a transfer."""
    party.post(f"/v1/transfers/{transfer['id']}/statements", {"status": status, "occurred_at": "2024-06-01T00:00:00Z"})


@dataclass
class Late:
    """A recipient that denied a transfer until its sender had erased a number, which a stranger holds too."""

    shop: Caller
    party: Caller
    transfer: Any
    authority: Caller


@pytest.fixture
def late(sides: tuple[Caller, Caller], registry: Registry, dsn: str) -> Late:
    shop, party = sides
    filled(registry.broker(), [1])
    transfer = transfer_collected(shop, party, range(3))
    say(party, transfer, "denied")
    complete_erasure(dsn, shop, 1)
    say(party, transfer, "acknowledged")
    return Late(shop, party, transfer, registry.regulator())


def test_acknowledge_after_a_denial_and_the_senders_erasure_says_nothing_of_the_number(late: Late, dsn: str) -> None:
    seen = late.authority.lookup(number(1), reason="Plainte 12")
    assert [(row["number_declared"], row["number_received"]) for row in seen["transfers"]] == [(True, None)]
    assert seen["contradictions"] == []
    assert (held(1, late.shop, late.party), held(2, late.shop, late.party)) == ([False, False], [True, True])
    assert check_memberships(dsn).findings == []


def test_acknowledge_after_a_denial_does_not_depend_on_copies_for_others(
    sides: tuple[Caller, Caller], registry: Registry, dsn: str
) -> None:
    """The sender's copy stays for another recipient, to which this one's answer is indifferent."""
    shop, party = sides
    other = registry.broker()
    dataset = collected(shop, range(3))
    hand_over(shop, dataset, other)
    transfer = hand_over(shop, dataset, party)
    say(party, transfer, "denied")
    complete_erasure(dsn, shop, 1)
    # The process keeps the graph of this moment, and must learn what the acknowledgement changes.
    assert held(1, shop, party, other) == [False, False, True]
    say(party, transfer, "acknowledged")
    assert held(1, shop, party, other) == [False, False, True]
    assert sides_of(party, 1) == [(True, None)]
    assert check_memberships(dsn).findings == []


@pytest.mark.parametrize(
    ("file", "expected", "received"),
    [(range(3), ("confirmed", 0, 0), True), ([0, 2], ("disputed", 0, 1), False)],
)
def test_reconcile_after_a_late_acknowledgement_keeps_what_only_the_file_still_proves(
    file: Iterable[int], expected: tuple[str, int, int], received: bool, late: Late, dsn: str
) -> None:
    send_file(late.party, late.transfer, file)
    assert settled_counts(compare_file(late.party, late.transfer)) == expected
    assert held(1, late.party) == [received]
    seen = late.authority.lookup(number(1), reason="Plainte 12")
    assert [(row["number_declared"], row["number_received"]) for row in seen["transfers"]] == [(True, received)]
    assert len(seen["contradictions"]) == (not received)
    assert check_memberships(dsn).findings == []


def test_erase_before_a_denial_and_an_acknowledgement_stays_an_erasure(
    sides: tuple[Caller, Caller], registry: Registry, dsn: str
) -> None:
    shop, party = sides
    filled(registry.broker(), [1])
    transfer = transfer_collected(shop, party, range(3))
    complete_erasure(dsn, party, 1)
    say(party, transfer, "denied")
    complete_erasure(dsn, shop, 1)
    say(party, transfer, "acknowledged")
    seen = registry.regulator().lookup(number(1), reason="Plainte 12")
    assert {erasure["dataset"]["holder"]["id"] for erasure in seen["erasures"]} == {str(shop.id), str(party.id)}
    assert [orphan["reason"] for orphan in seen["orphans"]] == ["no_source_declared"]
    assert [(row["number_declared"], row["number_received"]) for row in seen["transfers"]] == [(True, True)]
    assert held(1, shop, party) == [False, False]
    assert check_memberships(dsn).findings == []
