"""Erasures beside holders without account, which cannot erase: they keep the number, its origin and their names."""

from dataclasses import dataclass
from typing import Any

import pytest

from service.membership.compaction import compact
from tests.builders import FICTION, collected, filled, hand_over, make_collection, make_notice, number, open_dataset
from tests.callers import Caller, Registry
from tests.dataset.builders import (
    RING,
    admitted,
    check_memberships,
    complete_erasure,
    named,
    read_exclusions,
    with_database,
)
from tests.membership.builders import no_pause
from tests.objection.builders import create_objection, relays_to
from tests.persons import PersonCaller, prove
from tests.traces import dump, pseudonym_is_in, table_files

ERASED, KEPT = 1, 2


@dataclass
class People:
    """Who asks about numbers: their owners and the authority."""

    registry: Registry
    authority: Caller

    def owner(self, last_four: int) -> PersonCaller:
        return prove(self.registry.client, self.registry.dsn, number(last_four))

    def seen(self, last_four: int) -> Any:
        """The answer to the authority."""
        return self.authority.lookup(number(last_four), reason="Plainte 12")

    def holders(self, last_four: int) -> set[str]:
        """Who holds a number, according to the authority's answer."""
        return {holding["dataset"]["holder"]["id"] for holding in self.seen(last_four)["holdings"]}

    def erasers(self, last_four: int) -> set[str]:
        return {erasure["dataset"]["holder"]["id"] for erasure in self.seen(last_four)["erasures"]}

    def disclosure(self, last_four: int) -> Any:
        """The answer to the owner."""
        answer = self.owner(last_four).request("POST", "/v1/disclosures", json={"form": "json", "language": "en"})
        assert answer.status_code == 201, answer.text
        return answer.json()


@pytest.fixture
def people(registry: Registry) -> People:
    return People(registry, registry.regulator())


def told_collection(broker: Caller, collector_id: str, numbers: list[int]) -> Any:
    """A dataset that a collector without account collected, as a broker tells."""
    notice = make_notice(broker, collector_id)
    collection = make_collection(broker, collector_id, notice["id"])
    return filled(broker, numbers, holder_id=collector_id, collection_id=collection["id"])


def complete_relay(holder: Caller) -> None:
    """Complete the only relay of a holder."""
    (relay,) = relays_to(holder)
    holder.post(f"/v1/objections/relays/{relay['id']}/complete")


@pytest.mark.parametrize("merged", [False, True])
def test_complete_erasure_by_the_buyer_of_a_collector_without_account_keeps_the_collectors_holding(
    merged: bool, registry: Registry, people: People, dsn: str
) -> None:
    broker, stranger = registry.broker(), registry.collector()
    shop = named(broker)
    told = told_collection(broker, shop, [ERASED, KEPT])
    bought = hand_over(broker, told, broker)
    other = collected(stranger, [ERASED])
    if merged:
        with_database(dsn, lambda database: compact(database, RING, no_pause, thoroughly=True))
    said = {"number": number(ERASED), "occurred_at": "2024-06-01T00:00:00Z"}
    wanted = {"kind": "erasure", "scope": "organisation", "organisation_id": str(broker.id), "numbers": [said]}
    broker.post("/v1/objections/received", wanted)
    complete_relay(broker)

    seen = people.seen(ERASED)
    assert people.holders(ERASED) == {shop, str(stranger.id)}
    assert people.erasers(ERASED) == {str(broker.id)}
    assert {origin["dataset"]["id"] for origin in seen["origins"]} == {told["id"], other["id"]}
    assert (seen["orphans"], seen["contradictions"]) == ([], [])
    assert [row["id"] for row in seen["transfers"]] == [bought["id"]]
    disclosure = people.disclosure(ERASED)
    assert {holder["id"] for holder in disclosure["holders"]} == {shop, str(stranger.id)}
    assert (disclosure["orphans"], disclosure["contradictions"]) == ([], [])
    assert not broker.lookup(number(ERASED))["held"]
    assert check_memberships(dsn).findings == []


def test_complete_erasure_by_the_seller_keeps_a_recipient_without_account_as_holder(
    registry: Registry, people: People, dsn: str
) -> None:
    seller = registry.collector()
    client = named(seller, role="party")
    sale = hand_over(seller, collected(seller, [ERASED, KEPT]), seller, recipient_id=client)
    person = people.owner(ERASED)
    create_objection(person, kind="erasure")
    complete_relay(seller)

    disclosure = people.disclosure(ERASED)
    assert [holder["id"] for holder in disclosure["holders"]] == [client]
    (objection,) = disclosure["objections"]
    assert {relay["holder"]["id"]: relay["state"] for relay in objection["relays"]} == {
        str(seller.id): "completed",
        client: "undeliverable",
    }
    assert "no registered organisation holds it" not in str(disclosure["report"])
    assert [transfer["id"] for transfer in disclosure["transfers"]] == [sale["id"]]
    assert (people.holders(ERASED), people.erasers(ERASED)) == ({client}, {str(seller.id)})
    assert check_memberships(dsn).findings == []

    late = admitted(registry, dsn, client)
    assert late.lookup(number(ERASED))["held"]
    complete_relay(late)
    assert people.holders(ERASED) == set()
    assert read_exclusions(dsn) == []
    assert "no registered organisation holds it" in str(people.disclosure(ERASED)["report"])
    text, files = dump(dsn), table_files(dsn)
    for last_four, expected in ((ERASED, False), (KEPT, True)):
        assert pseudonym_is_in(FICTION + last_four, text, files) == expected
    assert check_memberships(dsn).findings == []


def test_complete_erasure_by_the_teller_takes_no_number_from_a_holder_admitted_later(
    registry: Registry, dsn: str
) -> None:
    broker = registry.broker()
    shop = named(broker)
    told = told_collection(broker, shop, list(range(1, 11)))
    hand_over(broker, told, broker)
    complete_erasure(dsn, broker, ERASED)
    late = admitted(registry, dsn, shop)
    union = open_dataset(late, content="union", derived_from=[told["id"]], occurred_at="2024-03-01T00:00:00Z")
    assert late.seal(union["id"])["number_count"] == 10
    assert late.lookup(number(ERASED))["held"]
    complete_erasure(dsn, late, ERASED)
    assert read_exclusions(dsn) == []
    assert check_memberships(dsn).findings == []


def test_complete_erasure_through_a_chain_without_accounts_ends_one_holding_at_a_time(
    registry: Registry, people: People, dsn: str
) -> None:
    """The seller tells two more hops, whose holders are admitted and erase in the order of the hops or against it."""
    seller = registry.broker()
    middle, last = named(seller, role="broker"), named(seller, role="party")
    first = hand_over(seller, collected(seller, [ERASED, KEPT]), seller, recipient_id=middle)
    passed_on = {"id": first["received_dataset_id"]}
    hand_over(seller, passed_on, seller, recipient_id=last, occurred_at="2024-03-01T00:00:00Z")
    complete_erasure(dsn, seller, ERASED, KEPT)
    assert people.holders(ERASED) == people.holders(KEPT) == {middle, last}
    admitted_middle, admitted_last = admitted(registry, dsn, middle), admitted(registry, dsn, last)
    complete_erasure(dsn, admitted_middle, ERASED)
    complete_erasure(dsn, admitted_last, KEPT)
    assert (people.holders(ERASED), people.holders(KEPT)) == ({last}, {middle})
    assert people.erasers(ERASED) == {str(seller.id), middle}
    assert [len(people.seen(last_four)["origins"]) for last_four in (ERASED, KEPT)] == [1, 1]
    assert check_memberships(dsn).findings == []
    complete_erasure(dsn, admitted_last, ERASED)
    complete_erasure(dsn, admitted_middle, KEPT)
    assert read_exclusions(dsn) == []
    assert check_memberships(dsn).findings == []
