"""Transfers of numbers that one of the sides erased: what the other says of them, and which copies are needed then."""

import pytest

from tests.builders import collected, hand_over, number
from tests.callers import Caller, Registry
from tests.dataset.erasing import checked, complete, exclusions
from tests.inspection import refusal
from tests.transfer.test_reconciliation import send, settle, sold


@pytest.fixture
def sides(registry: Registry) -> tuple[Caller, Caller]:
    return registry.collector(), registry.party()


def held(last_four: int, *callers: Caller) -> list[bool]:
    return [one.lookup(number(last_four))["held"] for one in callers]


def test_what_the_sender_erased_since_was_in_it_when_it_was_handed_over(sides: tuple[Caller, Caller], dsn: str) -> None:
    shop, party = sides
    transfer = sold(shop, party, range(10))
    complete(dsn, shop, 1)
    send(party, transfer, range(10))
    assert settle(party, transfer)["status"] == "confirmed"
    assert held(1, shop, party) == [False, True]
    assert [one["number_declared"] for one in party.lookup(number(1))["transfers"]] == [True]
    assert checked(dsn).findings == []


def test_what_the_recipient_erased_is_not_missing_from_its_file(sides: tuple[Caller, Caller], dsn: str) -> None:
    shop, party = sides
    transfer = sold(shop, party, range(10))
    complete(dsn, party, 1)
    send(party, transfer, [0, *range(2, 10)])
    assert settle(party, transfer)["status"] == "confirmed"
    assert held(1, shop, party) == [True, False]
    assert len(exclusions(dsn)) == 1
    assert checked(dsn).findings == []


def test_a_recipients_own_file_says_what_it_holds_whatever_it_erased_before(
    sides: tuple[Caller, Caller], dsn: str
) -> None:
    shop, party = sides
    transfer = sold(shop, party, range(10))
    complete(dsn, party, 1, 2)
    send(party, transfer, [0, 1, *range(3, 10)])
    settled = settle(party, transfer)
    assert settled["status"] == "disputed"
    assert (settled["statements"][-1]["extra_count"], settled["statements"][-1]["missing_count"]) == (1, 0)
    assert party.get(f"/v1/datasets/{transfer['received_dataset_id']}")["number_count"] == 9
    assert (held(1, party), held(2, party)) == ([True], [False])
    assert exclusions(dsn) == []
    assert checked(dsn).findings == []


def test_a_file_without_a_number_that_the_sender_erased_frees_its_copy(sides: tuple[Caller, Caller], dsn: str) -> None:
    shop, party = sides
    transfer = sold(shop, party, range(10))
    complete(dsn, shop, 1, 2)
    send(party, transfer, [0, *range(2, 10)])
    assert settle(party, transfer)["status"] == "disputed"
    assert held(1, shop, party) == [False, False]
    assert held(2, shop, party) == [False, True]
    assert len({row[0] for row in exclusions(dsn)}) == 1
    assert checked(dsn).findings == []


def test_a_denial_frees_the_copies_that_the_recipient_alone_drew_on(sides: tuple[Caller, Caller], dsn: str) -> None:
    shop, party = sides
    dataset = collected(shop, range(10))
    transfer = hand_over(shop, dataset, party)
    complete(dsn, shop, 1, 2)
    assert held(1, shop, party) == [False, True]
    word = {"status": "denied", "occurred_at": "2024-06-01T00:00:00Z"}
    party.post(f"/v1/transfers/{transfer['id']}/statements", word)
    assert held(1, shop, party) == [False, False]
    assert exclusions(dsn) == []
    assert party.lookup(number(1))["transfers"] == []
    assert [one["status"] for one in party.lookup(number(3))["transfers"]] == ["denied"]
    assert checked(dsn).findings == []


def test_to_hand_over_anew_what_was_erased_does_not_bring_it_back(
    sides: tuple[Caller, Caller], registry: Registry, dsn: str
) -> None:
    shop, party = sides
    dataset = collected(shop, range(10))
    earlier = registry.broker()
    hand_over(shop, dataset, earlier)
    complete(dsn, shop, 1)
    transfer = hand_over(shop, dataset, party)
    assert held(1, shop, earlier, party) == [False, True, False]
    assert held(2, shop, party) == [True, True]
    send(party, transfer, [0, *range(2, 10)])
    assert settle(party, transfer)["status"] == "confirmed"
    assert refusal(party.request("POST", f"/v1/transfers/{transfer['id']}/reconciliation")) == (
        409,
        "already_reconciled",
    )
