"""What waits for a release, and what lets it out: a release, a released path, an account. A withdrawal lets it wait."""

from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from service.core.vocabulary import Role
from service.messaging.gateway import Messaging
from tests.builders import FICTION, collected, filled, hand_over, make_collection, make_notice, number
from tests.callers import Caller, Registry
from tests.inspection import resources_of_app, rows, until, waiting_for_locks
from tests.objection.builders import (
    Holders,
    create_objection,
    objections_of,
    register_campaign,
    relay_states,
    relays_to,
)
from tests.persons import PersonCaller


@pytest.fixture
def stranger(registry: Registry) -> Caller:
    """An organisation whose files nobody has released."""
    return registry.organisation(Role.PARTY, Role.BROKER, Role.COLLECTOR, released=False)


def relay_to(holder: Caller, person: PersonCaller) -> Any:
    """The relay of a person's only objection to a holder."""
    (relay,) = (seen for seen in objections_of(person)[0]["relays"] if seen["holder"]["id"] == str(holder.id))
    return relay


def test_withdrawn_release_lets_unread_relays_wait_again(holders: Holders, stranger: Caller) -> None:
    operator, person = holders.registry.operator(), holders.person(7)
    path = f"/v1/datasets/{collected(stranger, [7])['id']}/release"
    operator.post(path, {})
    create_objection(person)
    assert relay_to(stranger, person)["state"] == "pending"
    operator.post(f"{path}/withdraw", {})
    until(lambda: relay_to(stranger, person)["state"] == "waiting")
    assert relay_to(stranger, person)["due_at"] is None
    assert relays_to(stranger) == []
    operator.post(path, {})
    until(lambda: relay_to(stranger, person)["state"] == "pending")
    assert [relay["number"] for relay in relays_to(stranger)] == [number(7)]


def test_relay_that_was_read_stays_after_a_withdrawal_without_its_number(holders: Holders, stranger: Caller) -> None:
    operator, person = holders.registry.operator(), holders.person(7)
    path = f"/v1/datasets/{collected(stranger, [7])['id']}/release"
    operator.post(path, {})
    create_objection(person)
    assert [relay["number"] for relay in relays_to(stranger)] == [number(7)]
    operator.post(f"{path}/withdraw", {})
    until(lambda: [relay["number"] for relay in relays_to(stranger)] == [None])
    assert relay_to(stranger, person)["state"] == "delivered"


def test_number_that_arrives_by_a_released_path_lets_its_relay_out(holders: Holders, stranger: Caller) -> None:
    collected(stranger, [7, 40])
    persons = [holders.person(7), holders.person(40)]
    for person in persons:
        create_objection(person)
    assert relays_to(stranger) == []
    base = next(item for item in holders.broker.get("/v1/datasets")["items"] if item["received_by_transfer_id"])
    hand_over(holders.broker, base, stranger)
    until(lambda: relay_to(stranger, persons[0])["state"] == "pending")
    assert [relay["number"] for relay in relays_to(stranger)] == [number(7)]
    assert relay_to(stranger, persons[1])["state"] == "waiting"


def test_check_is_overdue_after_five_days_as_the_person_reads(holders: Holders, stranger: Caller, dsn: str) -> None:
    collected(stranger, [7])
    person = holders.person(7)
    create_objection(person)
    assert not relay_to(stranger, person)["check"]["overdue"]
    rows(dsn, "UPDATE relay SET recorded_at = recorded_at - interval '5 days 1 minute'")
    check = relay_to(stranger, person)["check"]
    assert (check["overdue"], check["organisation"]["id"]) == (True, str(stranger.id))


def test_organisation_that_obtains_an_account_waits_for_its_release(holders: Holders, stranger: Caller) -> None:
    """A stranger names an organisation, asserts guessed numbers for it, and has it admitted."""
    named = {"legal_name": "Inventé SARL", "country": "FR", "roles": ["collector"]}
    invented = stranger.post("/v1/organisations", named)["id"]
    collection = make_collection(stranger, invented, make_notice(stranger, invented)["id"])
    dataset = filled(stranger, [7], holder_id=invented, collection_id=collection["id"])
    person, operator = holders.person(7), holders.registry.operator()
    assert relay_states(create_objection(person))[invented] == "undeliverable"
    scopes = ["numbers:read", "numbers:write"]
    issued = operator.post("/v1/keys", {"organisation_id": invented, "scopes": scopes})
    admitted = Caller(holders.registry.client, invented, issued["key"])
    assert relays_to(admitted) == []
    assert relay_to(admitted, person)["state"] == "waiting"
    operator.post(f"/v1/datasets/{dataset['id']}/release", {})
    until(lambda: relay_to(admitted, person)["state"] == "pending")
    assert [relay["number"] for relay in relays_to(admitted)] == [number(7)]


def test_relays_that_wait_leave_no_gap_among_the_cursors_of_a_new_account(holders: Holders, stranger: Caller) -> None:
    """Otherwise the cursor after them would count the objections to guessed numbers."""
    named = {"legal_name": "Inventé SARL", "country": "FR", "roles": ["collector", "party"]}
    invented = stranger.post("/v1/organisations", named)["id"]
    collection = make_collection(stranger, invented, make_notice(stranger, invented)["id"])
    filled(stranger, [6, 7], holder_id=invented, collection_id=collection["id"])
    first, second = holders.person(6), holders.person(7)
    create_objection(first)
    create_objection(second)
    scopes = ["numbers:read", "numbers:write", "facts:read", "facts:write"]
    issued = holders.registry.operator().post("/v1/keys", {"organisation_id": invented, "scopes": scopes})
    admitted = Caller(holders.registry.client, invented, issued["key"])
    assert relays_to(admitted) == []
    body = {"kind": "erasure", "numbers": [{"number": number(7), "occurred_at": "2024-05-20T08:00:00Z"}]}
    admitted.post("/v1/objections/received", body)
    assert [relay["cursor"] for relay in relays_to(admitted)] == [1]


def test_release_after_an_erasure_lets_out_what_waited_for_it(holders: Holders, stranger: Caller) -> None:
    dataset, person = collected(stranger, [7]), holders.person(7)
    create_objection(person)
    body = {"kind": "erasure", "numbers": [{"number": number(7), "occurred_at": "2024-05-20T08:00:00Z"}]}
    stranger.post("/v1/objections/received", body)
    (own,) = relays_to(stranger)
    stranger.post(f"/v1/objections/relays/{own['id']}/complete")
    assert len(relays_to(stranger)) == 1
    holders.registry.operator().post(f"/v1/datasets/{dataset['id']}/release", {})
    until(lambda: len(relays_to(stranger)) == 2)
    assert [relay["number"] for relay in relays_to(stranger)] == [None, None]


def test_release_locks_relays_before_their_objection_like_a_holder_that_ends_its_relay(
    holders: Holders, stranger: Caller, dsn: str
) -> None:
    person, operator = holders.person(7), holders.registry.operator()
    path = f"/v1/datasets/{collected(stranger, [7])['id']}/release"
    operator.post(path, {})
    create_objection(person)
    with psycopg.connect(dsn) as ending:
        relay = ending.execute(
            "SELECT id FROM relay WHERE state = 'pending' AND holder_id = %s FOR UPDATE", [stranger.id]
        )
        assert relay.fetchone() is not None
        operator.post(f"{path}/withdraw", {})
        until(lambda: waiting_for_locks(dsn))
        ending.execute("SELECT id FROM objection FOR NO KEY UPDATE NOWAIT")
    until(lambda: relay_to(stranger, person)["state"] == "waiting")


def inbound(client: TestClient, last_four: int) -> None:
    """A person answers STOP to 38001, and the registry's own gateway receives it."""
    messaging = resources_of_app(client.app).get(Messaging)
    assert client.portal is not None
    client.portal.call(messaging.on_inbound, FICTION + last_four, "38001", "STOP")


def test_inbound_stop_does_not_answer_a_strangers_later_campaign(
    holders: Holders, stranger: Caller, client: TestClient
) -> None:
    dataset = collected(stranger, [6, 50])["id"]
    register_campaign(stranger, dataset, began_at="2024-06-07T10:00:00+02:00", ended_at="2024-06-07T11:00:00+02:00")
    inbound(client, 6)
    (seen,) = objections_of(holders.person(6))
    assert seen["campaign"]["id"] == holders.campaign["id"]
    assert relay_states(seen)[str(holders.broker.id)] == "pending"
    inbound(client, 50)
    (own,) = objections_of(holders.person(50))
    assert (own["relayed_at"], relay_states(own)) == (None, {str(stranger.id): "waiting"})
    assert relays_to(stranger) == []
