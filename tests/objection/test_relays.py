"""Relays: how holders learn of objections, and how they answer them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from fastapi.testclient import TestClient

from service.access.actor import Scope
from service.core.vocabulary import Role
from service.objection.answer_period import answer_due_at
from tests.builders import collected, filled, number
from tests.callers import Caller, Registry
from tests.inspection import refusal, rows
from tests.objection.builders import Holders, In, create_objection, objections_of, relay_states, relays_to
from tests.persons import prove

REASON = {"reason": "La preuve du consentement doit être gardée."}


def answer(holder: Caller, relay: Any, action: str, body: Any = None) -> Any:
    """Acknowledge, complete or refuse a relay, which must succeed."""
    return holder.post(f"/v1/objections/relays/{relay['id']}/{action}", body)


def refused(holder: Caller, relay: Any, action: str, body: Any = None) -> tuple[int, str]:
    """The problem with acknowledging, completing or refusing a relay."""
    return refusal(holder.request("POST", f"/v1/objections/relays/{relay['id']}/{action}", json=body))


def test_list_relays_shows_number_and_marks_relay_delivered(holders: Holders) -> None:
    person = holders.person(7)
    create_objection(person)
    (relay,) = relays_to(holders.party)
    assert (relay["number"], relay["kind"], relay["scope"]) == (number(7), "objection", "everything")
    assert relay["state"] == "delivered"
    assert relays_to(holders.party) == [relay], "listing it again changes nothing"
    found = relay_states(objections_of(person)[0])
    assert (found[str(holders.party.id)], found[str(holders.broker.id)]) == ("delivered", "pending")


def test_head_of_relays_delivers_none(holders: Holders) -> None:
    person = holders.person(7)
    create_objection(person)
    asked = holders.party.request("HEAD", "/v1/objections/relays")
    assert (asked.status_code, asked.content) == (200, b"")
    found = relay_states(objections_of(person)[0])
    assert found[str(holders.party.id)] == "pending"


def test_list_relays_shows_each_holder_its_own(holders: Holders, registry: Registry) -> None:
    create_objection(holders.person(7))
    assert {relay["id"] for relay in relays_to(holders.party)}.isdisjoint(
        relay["id"] for relay in relays_to(holders.broker)
    )
    rival = registry.party()
    for stranger in (rival, registry.broker(), registry.organisation(Role.PROCESSOR, acts_for=rival)):
        assert relays_to(stranger) == []
    assert refusal(registry.regulator().request("GET", "/v1/objections/relays")) == (403, "role_missing")


def test_complete_relay_with_processor_key_acts_for_its_party(holders: Holders) -> None:
    person = holders.person(7)
    create_objection(person)
    (relay,) = relays_to(holders.sender)
    answer(holders.sender, relay, "complete")
    assert relay_states(objections_of(person)[0])[str(holders.party.id)] == "completed"


def test_relay_state_only_moves_forward(holders: Holders) -> None:
    person = holders.person(7)
    create_objection(person)
    (relay,) = relays_to(holders.party)
    acknowledged = answer(holders.party, relay, "acknowledge")
    assert acknowledged["state"] == "acknowledged"
    assert answer(holders.party, relay, "acknowledge") == acknowledged
    completed = answer(holders.party, relay, "complete")
    assert (completed["state"], completed["acknowledged_at"]) == ("completed", acknowledged["acknowledged_at"])
    assert answer(holders.party, relay, "complete") == completed
    assert answer(holders.party, relay, "acknowledge") == completed
    assert refused(holders.party, relay, "refuse", REASON) == (409, "relay_ended")
    relays = objections_of(person)[0]["relays"]
    (seen,) = (relay for relay in relays if relay["holder"]["id"] == str(holders.party.id))
    assert (seen["state"], seen["ended_at"]) == ("completed", completed["ended_at"])
    assert seen["delivered_at"] < seen["acknowledged_at"] < seen["ended_at"]


def test_refuse_relay_shows_the_reason_to_the_person(holders: Holders) -> None:
    person = holders.person(7)
    create_objection(person)
    (relay,) = relays_to(holders.party)
    refusing = answer(holders.party, relay, "refuse", REASON)
    assert (refusing["state"], refusing["refusal"]) == ("refused", REASON["reason"])
    assert answer(holders.party, relay, "refuse", REASON) == refusing
    assert refused(holders.party, relay, "refuse", {"reason": "Une tout autre raison."}) == (409, "already_refused")
    assert refused(holders.party, relay, "complete") == (409, "relay_ended")
    assert [hop["refusal"] for hop in objections_of(person)[0]["relays"] if hop["state"] == "refused"] == [
        REASON["reason"]
    ]


def test_extend_relay_gives_two_more_months_with_reasons_for_the_person(holders: Holders, dsn: str) -> None:
    person = holders.person(7)
    create_objection(person)
    (relay,) = relays_to(holders.party)
    extended = answer(holders.party, relay, "extend", REASON)
    received_at = datetime.fromisoformat(relay["received_at"])
    due_at = answer_due_at(received_at, In("FR"), extended=True)
    assert datetime.fromisoformat(extended["due_at"]) == due_at > datetime.fromisoformat(relay["due_at"])
    assert (extended["state"], extended["delay"]) == ("acknowledged", REASON["reason"])
    assert extended["extended_at"] == extended["acknowledged_at"]
    assert answer(holders.party, relay, "extend", REASON) == extended
    assert refused(holders.party, relay, "extend", {"reason": "Une tout autre raison."}) == (409, "already_extended")
    (seen,) = (hop for hop in objections_of(person)[0]["relays"] if hop["delay"])
    assert (seen["delay"], seen["due_at"]) == (REASON["reason"], extended["due_at"])
    # What is extended is in time until the third month ends, and late after it.
    rows(dsn, "UPDATE relay SET due_at = now() - interval '1 day'")
    assert next(hop for hop in objections_of(person)[0]["relays"] if hop["delay"])["overdue"]
    answer(holders.party, relay, "complete")
    assert refused(holders.party, relay, "extend", REASON) == (409, "relay_ended")


def test_extend_relay_after_the_month_is_refused(holders: Holders, dsn: str) -> None:
    create_objection(holders.person(7))
    (relay,) = relays_to(holders.party)
    rows(dsn, "UPDATE relay SET due_at = now()")
    assert refused(holders.party, relay, "extend", REASON) == (409, "month_over")
    assert relays_to(holders.party)[0]["extended_at"] is None


INVALID_REASONS = [
    ("Le 06 39 98 00 07 est client.", "invalid_request"),
    ("Non.", "invalid_request"),
    ("x" * 301, "invalid_request"),
    (None, "invalid_request"),
    ("A character that no text contains: \x00", "invalid_request"),
    ("What follows is read backwards: \u202e", "invalid_request"),
]


def test_reasons_that_are_none_or_hold_a_number_are_refused(holders: Holders) -> None:
    create_objection(holders.person(7))
    (relay,) = relays_to(holders.party)
    for action in ("refuse", "extend"):
        found = [(reason, refused(holders.party, relay, action, {"reason": reason})) for reason, _ in INVALID_REASONS]
        assert found == [(reason, (422, slug)) for reason, slug in INVALID_REASONS]
    assert relays_to(holders.party)[0]["state"] == "delivered"


def test_answer_relay_of_another_organisation_is_not_found(
    holders: Holders, registry: Registry, unknown_id: object
) -> None:
    create_objection(holders.person(7))
    (relay,) = relays_to(holders.party)
    rival = registry.party()
    strangers = (holders.broker, rival, registry.organisation(Role.PROCESSOR, acts_for=rival))
    for action, body in (("acknowledge", None), ("complete", None), ("refuse", REASON), ("extend", REASON)):
        for stranger in strangers:
            assert refused(stranger, relay, action, body) == (404, "not_found")
        assert refused(holders.party, {"id": unknown_id}, action, body) == (404, "not_found")
    assert relays_to(holders.party)[0]["state"] == "delivered"


def test_list_relays_hides_the_number_of_an_ended_relay(holders: Holders, dsn: str) -> None:
    create_objection(holders.person(7))
    (relay,) = relays_to(holders.party)
    completed = answer(holders.party, relay, "complete")
    assert "number" not in completed, "responses are stored to answer repeated requests"
    (listed,) = relays_to(holders.party)
    assert (listed["number"], listed["state"]) == (None, "completed")


def test_list_relays_hides_a_number_that_is_no_longer_held(holders: Holders, registry: Registry) -> None:
    shop, party = registry.collector(), registry.party()
    delivered = collected(shop, [42])
    body = {"occurred_at": "2024-02-01T00:00:00Z", "dataset_id": delivered["id"], "recipient_id": str(party.id)}
    body |= {"purpose": "transfer", "lawful_basis": "consent"}
    body |= {"sender_role": "controller", "recipient_role": "controller"}
    transfer = shop.post("/v1/transfers", body)
    create_objection(holders.person(42))
    denied = {"status": "denied", "occurred_at": "2024-03-01T00:00:00Z"}
    party.post(f"/v1/transfers/{transfer['id']}/statements", denied)
    (relay,) = relays_to(party)
    assert (relay["number"], relay["state"]) == (None, "delivered")


def test_list_relays_continues_from_its_cursor(holders: Holders) -> None:
    for last_four in range(1, 6):
        create_objection(holders.person(last_four))
    numbers: list[str] = []
    after = 0
    while (page := holders.party.get("/v1/objections/relays", params={"after": after, "limit": 2}))["items"]:
        numbers += [relay["number"] for relay in page["items"]]
        after = page["next"]
    assert numbers == [number(last_four) for last_four in range(1, 6)]
    assert (after, page["next"]) == (5, None)
    create_objection(holders.person(9))
    assert [relay["number"] for relay in relays_to(holders.party, after)] == [number(9)]


def test_list_relays_has_cursors_that_tell_nothing_of_other_holders(holders: Holders) -> None:
    """Each holder's list counts from 1 without gaps, however many other holders each number has."""
    only = holders.registry.party()
    filled(only, [7, 100, 101])
    written_at = "2024-05-20T10:00:00+02:00"
    numbers = [{"number": number(last_four), "occurred_at": written_at} for last_four in (7, 100, 101)]
    only.post("/v1/objections/received", {"kind": "objection", "numbers": numbers})
    relays = relays_to(only)
    assert [relay["cursor"] for relay in relays] == [1, 2, 3]
    assert len({relay["recorded_at"] for relay in relays}) == 1
    assert [relay["cursor"] for relay in relays_to(holders.broker)] == [1]
    create_objection(holders.person(8))
    create_objection(holders.person(100))
    assert [relay["cursor"] for relay in relays_to(only)] == [1, 2, 3, 4]


def test_person_sees_relays_in_the_order_of_their_holders(holders: Holders) -> None:
    others = [holders.registry.party() for _ in range(3)]
    for other in others:
        filled(other, [7])
    objection = create_objection(holders.person(7))
    ids = [relay["holder"]["id"] for relay in objection["relays"]]
    assert ids == sorted(ids)
    assert len(ids) == 6


def test_list_relays_with_invalid_cursor_is_refused_without_repeating_it(holders: Holders) -> None:
    """A phone number passes as a cursor, since it is an integer."""
    statuses = {"-1": 422, "x": 422, "9" * 30: 422, number(7): 200}
    responses = {
        after: holders.party.request("GET", "/v1/objections/relays", params={"after": after}) for after in statuses
    }
    assert {after: response.status_code for after, response in responses.items()} == statuses
    assert [after for after, response in responses.items() if number(7)[1:] in response.text] == []


def test_list_relays_without_number_scope_is_refused(holders: Holders, registry: Registry) -> None:
    caller = registry.organisation(Role.PARTY, scopes=(Scope.FACTS_READ, Scope.FACTS_WRITE))
    assert refusal(caller.request("GET", "/v1/objections/relays")) == (403, "scope_missing")


def test_undeliverable_relay_is_delivered_once_the_holder_has_an_account(
    registry: Registry, holders: Holders, dsn: str
) -> None:
    person = holders.person(7)
    create_objection(person, scope="organisation", organisation_id=holders.shop_id)
    assert objections_of(person)[0]["closed_at"] is not None
    scopes = ["numbers:read", "numbers:write"]
    issued = registry.operator().post("/v1/keys", {"organisation_id": holders.shop_id, "scopes": scopes})
    shop = Caller(registry.client, holders.broker.id, issued["key"])
    (relay,) = relays_to(shop)
    assert (relay["number"], relay["state"]) == (number(7), "delivered")
    assert objections_of(person)[0]["closed_at"] is None
    answer(shop, relay, "complete")
    assert objections_of(person)[0]["closed_at"] is not None


def test_list_relays_while_persons_object_misses_none(client: TestClient, registry: Registry, dsn: str) -> None:
    """Persons object at once, and their transactions are delayed at random while the holder lists relays."""
    party = registry.party()
    count = 12
    collected(party, range(count))
    persons = [prove(client, dsn, number(last_four)) for last_four in range(count)]
    # Without the lock, later objections would often be committed earlier.
    rows(
        dsn,
        """CREATE FUNCTION delay() RETURNS trigger LANGUAGE plpgsql AS
           'BEGIN PERFORM pg_sleep(0.1 * random()); RETURN NULL; END'""",
    )
    rows(
        dsn,
        """CREATE CONSTRAINT TRIGGER delay AFTER INSERT ON relay
           DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION delay()""",
    )
    found: list[str] = []
    done = threading.Event()

    def read() -> None:
        after, last_round = 0, False
        while not last_round:
            last_round = done.is_set()
            for relay in relays_to(party, after):
                found.append(relay["number"])
                after = relay["cursor"]

    with ThreadPoolExecutor(count + 1) as threads:
        reading = threads.submit(read)
        for filing in [threads.submit(create_objection, person) for person in persons]:
            filing.result()
        done.set()
        reading.result()
    assert sorted(found) == [number(last_four) for last_four in range(count)]


def test_create_identical_objections_at_once_records_one(holders: Holders, dsn: str) -> None:
    person = holders.person(7)
    with ThreadPoolExecutor(6) as threads:
        created = list(threads.map(lambda _: create_objection(person), range(6)))
    assert len({objection["id"] for objection in created}) == 1
    assert rows(dsn, "SELECT count(*) FROM relay") == [(3,)]


def test_complete_relays_at_once_closes_the_objection(registry: Registry, dsn: str) -> None:
    holders = [registry.party() for _ in range(5)]
    for holder in holders:
        collected(holder, [7])
    create_objection(prove(registry.client, dsn, number(7)))
    open_relays = [(holder, relays_to(holder)[0]) for holder in holders]
    with ThreadPoolExecutor(len(holders)) as threads:
        list(threads.map(lambda pair: answer(pair[0], pair[1], "complete"), open_relays))
    assert rows(dsn, "SELECT closed_at IS NOT NULL FROM objection") == [(True,)]


def test_complete_erasure_removes_the_number_from_that_holder_only(holders: Holders) -> None:
    person = holders.person(7)
    create_objection(person, kind="erasure")
    (relay,) = relays_to(holders.party)
    assert (relay["kind"], relay["number"]) == ("erasure", number(7))
    answer(holders.party, relay, "complete")
    assert not holders.party.lookup(number(7))["held"]
    assert holders.party.lookup(number(8))["held"]
    assert holders.broker.lookup(number(7))["held"]
    assert create_objection(person, scope="purpose", purpose="fundraising")["relays"][-1]["holder"]["id"] != str(
        holders.party.id
    )
    assert len(objections_of(person)[0]["relays"]) == 2


def test_complete_objection_erases_nothing(holders: Holders) -> None:
    create_objection(holders.person(7))
    for holder in (holders.party, holders.broker):
        answer(holder, relays_to(holder)[0], "complete")
        assert holder.lookup(number(7))["held"]
