"""What waits for a release, and what lets it out: a release, a released path, an account. A withdrawal lets it wait."""

from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from service.core.vocabulary import Role
from service.objection.undeliverable import let_out_relays_of_admitted
from tests.builders import collected, filled, hand_over, make_collection, make_notice, number
from tests.callers import Caller, Registry
from tests.inspection import resources_of_app, rows, until, waiting_for_locks
from tests.objection.builders import (
    Holders,
    create_objection,
    deliver,
    message_from,
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
    # Also if it never asks for its relays.
    client = holders.registry.client
    assert isinstance(client, TestClient)
    assert client.portal is not None
    client.portal.call(let_out_relays_of_admitted, resources_of_app(client.app))
    assert relay_to(admitted, person)["state"] == "waiting"
    assert relays_to(admitted) == []
    assert objections_of(person)[0]["closed_at"] is None
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


def test_inbound_stop_does_not_answer_a_strangers_later_campaign(
    holders: Holders, stranger: Caller, client: TestClient
) -> None:
    dataset = collected(stranger, [6, 50])["id"]
    register_campaign(stranger, dataset, began_at="2024-06-07T10:00:00+02:00", ended_at="2024-06-07T11:00:00+02:00")
    deliver(client, message_from(6))
    (seen,) = objections_of(holders.person(6))
    assert seen["campaign"]["id"] == holders.campaign["id"]
    assert relay_states(seen)[str(holders.broker.id)] == "pending"
    deliver(client, message_from(50))
    (own,) = objections_of(holders.person(50))
    assert (own["relayed_at"], relay_states(own)) == (None, {str(stranger.id): "waiting"})
    assert relays_to(stranger) == []


LETTER = {"occurred_at": "2024-05-20T08:00:00Z"}


def receive(holder: Caller, last_four: int, kind: str = "objection") -> Any:
    """Have a holder record what it received by letter; returns the objection's id."""
    body = {"kind": kind, "numbers": [LETTER | {"number": number(last_four)}]}
    (result,) = holder.post("/v1/objections/received", body)["results"]
    assert result["outcome"] == "recorded"
    return result["objection_id"]


def test_objection_received_by_an_unreleased_holder_is_written_alike_for_any_number_of_holders(
    holders: Holders, stranger: Caller, dsn: str
) -> None:
    dataset = collected(stranger, [7, 40])
    held_by_many, held_by_none = receive(stranger, 7), receive(stranger, 40)
    written = "SELECT objection_id::text, holder_id, state FROM relay ORDER BY objection_id = %s"
    assert rows(dsn, written, held_by_many) == [
        (objection_id, stranger.id, "acknowledged") for objection_id in (held_by_none, held_by_many)
    ]
    late = holders.registry.party()
    hand_over(holders.broker, holders.broker.get("/v1/datasets")["items"][-1], late)
    holders.registry.operator().post(f"/v1/datasets/{dataset['id']}/release", {})
    person = holders.person(7)
    expected = dict.fromkeys((str(holders.broker.id), str(holders.party.id), str(late.id)), "pending")
    expected |= {holders.shop_id: "undeliverable", str(stranger.id): "acknowledged"}
    until(lambda: relay_states(objections_of(person)[0]) == expected)
    (relay,) = relays_to(late)
    assert relay["occurred_at"] == LETTER["occurred_at"]
    assert objections_of(person)[0]["check"] is None


def test_objection_completed_by_its_receiver_stays_open_until_it_is_relayed(holders: Holders, stranger: Caller) -> None:
    """Its receiver has erased the number by then."""
    dataset, person = collected(stranger, [7]), holders.person(7)
    receive(stranger, 7, "erasure")
    (own,) = relays_to(stranger)
    stranger.post(f"/v1/objections/relays/{own['id']}/complete")
    (seen,) = objections_of(person)
    assert (seen["closed_at"], seen["relayed_at"]) == (None, None)
    holders.registry.operator().post(f"/v1/datasets/{dataset['id']}/release", {})
    until(lambda: [relay["number"] for relay in relays_to(holders.party)] == [number(7)])


def test_stop_reported_after_the_party_erased_the_number_reaches_the_other_holders(holders: Holders) -> None:
    receive(holders.party, 7, "erasure")
    (own,) = relays_to(holders.party)
    holders.party.post(f"/v1/objections/relays/{own['id']}/complete")
    reply = {"number": number(7), "replied_at": "2024-06-06T10:40:00+02:00"}
    holders.party.post(f"/v1/campaigns/{holders.campaign['id']}/stops", {"replies": [reply]})
    stop = next(seen for seen in objections_of(holders.person(7)) if seen["source"] == "stop")
    assert stop["relayed_at"] is not None
    assert relay_states(stop)[str(holders.broker.id)] == "pending"


def test_closed_objection_opens_again_for_a_relay_that_is_held_back(
    holders: Holders, stranger: Caller, dsn: str
) -> None:
    """An organisation without account alone holds the number, so that the objection was closed at once."""
    named = {"legal_name": "Inventé SARL", "country": "FR", "roles": ["collector"]}
    invented = stranger.post("/v1/organisations", named)["id"]
    collection = make_collection(stranger, invented, make_notice(stranger, invented)["id"])
    dataset = filled(stranger, [40], holder_id=invented, collection_id=collection["id"])
    person, operator = holders.person(40), holders.registry.operator()
    assert create_objection(person)["closed_at"] is not None
    issued = operator.post("/v1/keys", {"organisation_id": invented, "scopes": ["numbers:read", "numbers:write"]})
    admitted = Caller(holders.registry.client, invented, issued["key"])
    assert relays_to(admitted) == []
    assert (relay_to(admitted, person)["state"], objections_of(person)[0]["closed_at"]) == ("waiting", None)
    operator.post(f"/v1/datasets/{dataset['id']}/release", {})
    until(lambda: [relay["number"] for relay in relays_to(admitted)] == [number(40)])
    (relay,) = relays_to(admitted)
    admitted.post(f"/v1/objections/relays/{relay['id']}/complete")
    assert objections_of(person)[0]["closed_at"] is not None


def test_relay_ends_that_waits_for_a_holder_that_denies_the_transfer(holders: Holders, stranger: Caller) -> None:
    accomplice = holders.registry.organisation(Role.PARTY, Role.BROKER, Role.COLLECTOR, released=False)
    transfer = hand_over(accomplice, collected(accomplice, [40]), stranger)
    person = holders.person(40)
    create_objection(person)
    assert relay_to(stranger, person)["state"] == "waiting"
    denial = {"status": "denied", "occurred_at": "2024-06-01T00:00:00Z"}
    stranger.post(f"/v1/transfers/{transfer['id']}/statements", denial)
    until(lambda: set(relay_states(objections_of(person)[0])) == {str(accomplice.id)})
    assert relays_to(stranger) == []


def test_relay_is_held_back_between_the_withdrawal_and_its_task(holders: Holders, stranger: Caller, dsn: str) -> None:
    operator, person = holders.registry.operator(), holders.person(7)
    dataset = collected(stranger, [7])
    path = f"/v1/datasets/{dataset['id']}/release"
    operator.post(path, {})
    create_objection(person)
    # The withdrawal as it is recorded, without the task that follows it.
    rows(
        dsn,
        "INSERT INTO dataset_release (id, dataset_id, recorded_at, withdrawn, operator_id) "
        "SELECT gen_random_uuid(), dataset_id, now(), true, operator_id FROM dataset_release WHERE dataset_id = %s",
        dataset["id"],
    )
    assert relays_to(stranger) == []
    assert relay_to(stranger, person)["state"] == "waiting"
    operator.post(path, {})
    until(lambda: [relay["number"] for relay in relays_to(stranger)] == [number(7)])
