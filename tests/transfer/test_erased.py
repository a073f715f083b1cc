"""Transfers of numbers that one side erased: how they are reconciled, and which stored copies stay."""

import pytest

from tests.builders import collected, hand_over, number
from tests.callers import Caller, Registry
from tests.dataset.builders import check_memberships, complete_erasure, read_exclusions
from tests.inspection import refusal
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


def test_reconcile_after_the_recipient_erased_does_not_count_it_as_missing(
    sides: tuple[Caller, Caller], dsn: str
) -> None:
    shop, party = sides
    transfer = transfer_collected(shop, party, range(10))
    complete_erasure(dsn, party, 1)
    send_file(party, transfer, [0, *range(2, 10)])
    assert compare_file(party, transfer)["status"] == "confirmed"
    assert held(1, shop, party) == [True, False]
    assert len(read_exclusions(dsn)) == 1
    assert check_memberships(dsn).findings == []


def test_reconcile_with_a_number_erased_before_holds_it_again(sides: tuple[Caller, Caller], dsn: str) -> None:
    shop, party = sides
    transfer = transfer_collected(shop, party, range(10))
    complete_erasure(dsn, party, 1, 2)
    send_file(party, transfer, [0, 1, *range(3, 10)])
    settled = compare_file(party, transfer)
    assert settled["status"] == "disputed"
    assert (settled["statements"][-1]["extra_count"], settled["statements"][-1]["missing_count"]) == (1, 0)
    assert party.get(f"/v1/datasets/{transfer['received_dataset_id']}")["number_count"] == 9
    assert (held(1, party), held(2, party)) == ([True], [False])
    assert read_exclusions(dsn) == []
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
    assert refusal(party.request("POST", f"/v1/transfers/{transfer['id']}/reconciliation")) == (
        409,
        "already_reconciled",
    )
