"""What holders are told of objections, and what they report."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.access.actor import Scope
from service.core.vocabulary import Role
from tests.builders import collected, number
from tests.callers import Caller, Registry
from tests.inspection import refusal, rows
from tests.objection.builders import Holders, feed, objects, own, several_holders, states
from tests.persons import prove

REASON = {"reason": "La preuve du consentement doit être gardée."}


@pytest.fixture
def holders(registry: Registry) -> Holders:
    return several_holders(registry)


def report(holder: Caller, relay: Any, word: str, body: Any = None) -> Any:
    return holder.post(f"/v1/objections/relays/{relay['id']}/{word}", body)


def refused(holder: Caller, relay: Any, word: str, body: Any = None) -> tuple[int, str]:
    return refusal(holder.request("POST", f"/v1/objections/relays/{relay['id']}/{word}", json=body))


def test_a_relay_names_the_number_and_is_delivered_by_being_read(holders: Holders) -> None:
    person = holders.person(7)
    objects(person)
    (relay,) = feed(holders.party)
    assert (relay["number"], relay["kind"], relay["scope"]) == (number(7), "objection", "everything")
    assert relay["state"] == "delivered"
    assert feed(holders.party) == [relay], "to read it again changes nothing"
    told = states(own(person)[0])
    assert (told[str(holders.party.id)], told[str(holders.broker.id)]) == ("delivered", "pending")


def test_each_holder_reads_its_own(holders: Holders, registry: Registry) -> None:
    objects(holders.person(7))
    assert {relay["id"] for relay in feed(holders.party)}.isdisjoint(relay["id"] for relay in feed(holders.broker))
    rival = registry.party()
    for stranger in (rival, registry.broker(), registry.organisation(Role.PROCESSOR, acts_for=rival)):
        assert feed(stranger) == []
    assert refusal(registry.regulator().request("GET", "/v1/objections/relays")) == (403, "role_missing")


def test_a_processor_acts_for_its_party(holders: Holders) -> None:
    person = holders.person(7)
    objects(person)
    (relay,) = feed(holders.sender)
    report(holders.sender, relay, "complete")
    assert states(own(person)[0])[str(holders.party.id)] == "completed"


def test_a_relay_goes_from_hop_to_hop_and_never_back(holders: Holders) -> None:
    person = holders.person(7)
    objects(person)
    (relay,) = feed(holders.party)
    acknowledged = report(holders.party, relay, "acknowledge")
    assert acknowledged["state"] == "acknowledged"
    assert report(holders.party, relay, "acknowledge") == acknowledged
    completed = report(holders.party, relay, "complete")
    assert (completed["state"], completed["acknowledged_at"]) == ("completed", acknowledged["acknowledged_at"])
    assert report(holders.party, relay, "complete") == completed
    assert report(holders.party, relay, "acknowledge") == completed
    assert refused(holders.party, relay, "refuse", REASON) == (409, "relay_ended")
    (hop,) = (hop for hop in own(person)[0]["relays"] if hop["holder"]["id"] == str(holders.party.id))
    assert (hop["state"], hop["ended_at"]) == ("completed", completed["ended_at"])
    assert hop["delivered_at"] < hop["acknowledged_at"] < hop["ended_at"]


def test_a_refusal_is_reasoned_and_the_person_reads_it(holders: Holders) -> None:
    person = holders.person(7)
    objects(person)
    (relay,) = feed(holders.party)
    refusing = report(holders.party, relay, "refuse", REASON)
    assert (refusing["state"], refusing["refusal"]) == ("refused", REASON["reason"])
    assert report(holders.party, relay, "refuse", REASON) == refusing
    assert refused(holders.party, relay, "refuse", {"reason": "Une tout autre raison."}) == (409, "already_refused")
    assert refused(holders.party, relay, "complete") == (409, "relay_ended")
    assert [hop["refusal"] for hop in own(person)[0]["relays"] if hop["state"] == "refused"] == [REASON["reason"]]


@pytest.mark.parametrize(
    ("reason", "slug"),
    [
        ("Le 06 39 98 00 07 est client.", "reason_holds_a_number"),
        ("Non.", "invalid_request"),
        ("x" * 301, "invalid_request"),
        (None, "invalid_request"),
        ("A sign that no text has: \x00", "invalid_request"),
        ("What comes after is read backwards: \u202e", "invalid_request"),
    ],
)
def test_a_refusal_without_a_reason_or_with_a_number_in_it(holders: Holders, reason: str | None, slug: str) -> None:
    objects(holders.person(7))
    (relay,) = feed(holders.party)
    assert refused(holders.party, relay, "refuse", {"reason": reason}) == (422, slug)
    assert feed(holders.party)[0]["state"] == "delivered"


@pytest.mark.parametrize("word", ["acknowledge", "complete", "refuse"])
def test_another_organisation_finds_no_such_relay(
    holders: Holders, registry: Registry, unknown_id: object, word: str
) -> None:
    objects(holders.person(7))
    (relay,) = feed(holders.party)
    body = REASON if word == "refuse" else None
    rival = registry.party()
    for stranger in (holders.broker, rival, registry.organisation(Role.PROCESSOR, acts_for=rival)):
        assert refused(stranger, relay, word, body) == (404, "not_found")
    assert refused(holders.party, {"id": unknown_id}, word, body) == (404, "not_found")
    assert feed(holders.party)[0]["state"] == "delivered"


def test_the_number_is_told_only_while_there_is_something_to_do(holders: Holders, dsn: str) -> None:
    objects(holders.person(7))
    (relay,) = feed(holders.party)
    answer = report(holders.party, relay, "complete")
    assert "number" not in answer, "what is answered to a repeated request is kept for a month"
    (read,) = feed(holders.party)
    assert (read["number"], read["state"]) == (None, "completed")


def test_the_number_is_not_told_to_who_holds_it_no_more(holders: Holders, registry: Registry) -> None:
    shop, party = registry.collector(), registry.party()
    delivered = collected(shop, [42])
    body = {"occurred_at": "2024-02-01T00:00:00Z", "dataset_id": delivered["id"], "recipient_id": str(party.id)}
    body |= {"purpose": "transfer", "lawful_basis": "consent"}
    body |= {"sender_role": "controller", "recipient_role": "controller"}
    transfer = shop.post("/v1/transfers", body)
    objects(holders.person(42))
    denied = {"status": "denied", "occurred_at": "2024-03-01T00:00:00Z"}
    party.post(f"/v1/transfers/{transfer['id']}/statements", denied)
    (relay,) = feed(party)
    assert (relay["number"], relay["state"]) == (None, "delivered")


def test_the_feed_goes_on_from_its_cursor(holders: Holders) -> None:
    for last_four in range(1, 6):
        objects(holders.person(last_four))
    numbers: list[str] = []
    after = 0
    while (page := holders.party.get("/v1/objections/relays", params={"after": after, "limit": 2}))["items"]:
        numbers += [relay["number"] for relay in page["items"]]
        after = page["next"]
    assert numbers == [number(last_four) for last_four in range(1, 6)]
    assert page["next"] is None
    objects(holders.person(9))
    assert [relay["number"] for relay in feed(holders.party, after)] == [number(9)]


@pytest.mark.parametrize("after", ["-1", "x", "9" * 30, number(7)])
def test_a_cursor_that_is_none(holders: Holders, after: str) -> None:
    answer = holders.party.request("GET", "/v1/objections/relays", params={"after": after})
    assert answer.status_code == (200 if after == number(7) else 422)
    assert number(7)[1:] not in answer.text


def test_a_key_without_numbers_reads_no_feed(holders: Holders, registry: Registry) -> None:
    caller = registry.organisation(Role.PARTY, scopes=(Scope.FACTS_READ, Scope.FACTS_WRITE))
    assert refusal(caller.request("GET", "/v1/objections/relays")) == (403, "scope_missing")


def test_who_has_an_account_by_now_is_told_after_all(registry: Registry, dsn: str) -> None:
    holders = several_holders(registry)
    person = holders.person(7)
    objects(person, scope="organisation", organisation_id=holders.shop_id)
    assert own(person)[0]["closed_at"] is not None
    scopes = ["numbers:read", "numbers:write"]
    issued = registry.operator().post("/v1/keys", {"organisation_id": holders.shop_id, "scopes": scopes})
    shop = Caller(registry.client, holders.broker.id, issued["key"])
    (relay,) = feed(shop)
    assert (relay["number"], relay["state"]) == (number(7), "delivered")
    assert own(person)[0]["closed_at"] is None
    report(shop, relay, "complete")
    assert own(person)[0]["closed_at"] is not None
    assert rows(dsn, "SELECT key FROM objection") == [(None,)]


def test_a_reader_never_passes_a_relay_by(client: TestClient, registry: Registry, dsn: str) -> None:
    """Persons object at once, some held up in the midst, while the holder reads on from its cursor."""
    party = registry.party()
    count = 12
    collected(party, range(count))
    persons = [prove(client, dsn, number(last_four)) for last_four in range(count)]
    # Whoever files later commits earlier, if nothing prevents it.
    rows(
        dsn,
        """CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
           'BEGIN PERFORM pg_sleep(0.1 * random()); RETURN NULL; END'""",
    )
    rows(
        dsn,
        """CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON relay
           DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dawdle()""",
    )
    found: list[str] = []
    done = threading.Event()

    def read() -> None:
        after, last_round = 0, False
        while not last_round:
            last_round = done.is_set()
            for relay in feed(party, after):
                found.append(relay["number"])
                after = relay["cursor"]

    with ThreadPoolExecutor(count + 1) as threads:
        reading = threads.submit(read)
        for filing in [threads.submit(objects, person) for person in persons]:
            filing.result()
        done.set()
        reading.result()
    assert sorted(found) == [number(last_four) for last_four in range(count)]


def test_identical_objections_at_once_are_one(holders: Holders, dsn: str) -> None:
    person = holders.person(7)
    with ThreadPoolExecutor(6) as threads:
        filed = list(threads.map(lambda _: objects(person), range(6)))
    assert len({one["id"] for one in filed}) == 1
    assert rows(dsn, "SELECT count(*) FROM relay") == [(3,)]


def test_of_holders_that_end_at_once_one_ends_last(registry: Registry, dsn: str) -> None:
    holders = [registry.party() for _ in range(5)]
    for holder in holders:
        collected(holder, [7])
    objects(prove(registry.client, dsn, number(7)))
    told = [(holder, feed(holder)[0]) for holder in holders]
    with ThreadPoolExecutor(len(holders)) as threads:
        list(threads.map(lambda one: report(one[0], one[1], "complete"), told))
    assert rows(dsn, "SELECT key, closed_at IS NOT NULL FROM objection") == [(None, True)]


def test_after_an_erasure_the_holder_holds_it_no_more_and_others_do(holders: Holders) -> None:
    person = holders.person(7)
    objects(person, kind="erasure")
    (relay,) = feed(holders.party)
    assert (relay["kind"], relay["number"]) == ("erasure", number(7))
    report(holders.party, relay, "complete")
    assert not holders.party.lookup(number(7))["held"]
    assert holders.party.lookup(number(8))["held"]
    assert holders.broker.lookup(number(7))["held"]
    assert objects(person, scope="purpose", purpose="fundraising")["relays"][-1]["holder"]["id"] != str(
        holders.party.id
    )
    assert len(own(person)[0]["relays"]) == 2


def test_an_objection_alone_erases_nothing(holders: Holders) -> None:
    objects(holders.person(7))
    for holder in (holders.party, holders.broker):
        report(holder, feed(holder)[0], "complete")
        assert holder.lookup(number(7))["held"]
