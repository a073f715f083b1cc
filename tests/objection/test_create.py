"""A person objects or requests erasure: relays to holders, how they are followed, and what is stored in the end."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.wording.language import PARIS, paris_day
from tests.builders import collected, filled, number
from tests.callers import Registry
from tests.inspection import refusal, rows
from tests.objection.builders import Holders, create_objection, objections_of, relay_states, relays_to
from tests.persons import prove


def test_create_objection_relays_to_every_holder(holders: Holders) -> None:
    person = holders.person(7)
    filed = create_objection(person)
    assert relay_states(filed) == {
        holders.shop_id: "undeliverable",
        str(holders.broker.id): "pending",
        str(holders.party.id): "pending",
    }
    (shop,) = (relay["holder"] for relay in filed["relays"] if relay["state"] == "undeliverable")
    broker = holders.broker.get(f"/v1/organisations/{holders.broker.id}")
    stated_by = {"id": str(holders.broker.id), "legal_name": broker["legal_name"]}
    contact = {"privacy_contact": "jeux@jeux.example", "has_account": False, "stated_by": stated_by}
    assert shop == {"id": holders.shop_id, "legal_name": "Jeux SARL", "closed_on": None, "succeeded_by": None} | contact
    assert (filed["source"], filed["recorded_by"], filed["closed_at"]) == ("person", None, None)
    assert objections_of(person) == [filed]
    assert person.request("GET", f"/v1/objections/{filed['id']}").json() == filed


def test_relay_is_due_a_month_after_recording_on_a_working_day(holders: Holders) -> None:
    (relay, *_) = create_objection(holders.person(7))["relays"]
    recorded, due = (datetime.fromisoformat(relay[name]) for name in ("recorded_at", "due_at"))
    due_on = date.fromisoformat(relay["due_on"])
    assert 28 <= (due_on - paris_day(recorded)).days <= 36
    assert due_on.weekday() < 5
    assert due == datetime.combine(due_on + timedelta(days=1), time(), PARIS)


@pytest.mark.parametrize("kind", ["objection", "erasure"])
def test_create_objection_to_one_organisation_relays_to_it_only(holders: Holders, kind: str) -> None:
    filed = create_objection(holders.person(7), kind=kind, scope="organisation", organisation_id=str(holders.party.id))
    assert relay_states(filed) == {str(holders.party.id): "pending"}
    assert filed["organisation"] == {"id": str(holders.party.id), "legal_name": "Party 2"}
    assert relays_to(holders.broker) == []


def test_create_objection_to_one_purpose_relays_to_every_holder(holders: Holders) -> None:
    filed = create_objection(holders.person(7), scope="purpose", purpose="political_canvassing")
    assert len(filed["relays"]) == 3
    assert relays_to(holders.party)[0]["purpose"] == "political_canvassing"


def test_create_identical_objection_returns_the_open_one(holders: Holders) -> None:
    person = holders.person(7)
    first = create_objection(person)
    assert create_objection(person)["id"] == first["id"]
    others = [
        create_objection(person, kind="erasure"),
        create_objection(person, scope="purpose", purpose="fundraising"),
    ]
    others += [create_objection(holders.person(8))]
    assert len({first["id"], *(other["id"] for other in others)}) == 4
    for relay in relays_to(holders.broker) + relays_to(holders.party):
        for holder in (holders.broker, holders.party):
            holder.request("POST", f"/v1/objections/relays/{relay['id']}/refuse", json={"reason": "Preuve à garder."})
    again = create_objection(person)
    assert again["id"] != first["id"], "an objection that has ended can be made again"


@pytest.mark.parametrize("kind", ["objection", "erasure"])
def test_create_identical_objection_relays_to_new_holders(registry: Registry, holders: Holders, kind: str) -> None:
    later = registry.broker()
    person = holders.person(7)
    first = create_objection(person, kind=kind)
    filled(later, [7, 8])
    assert relay_states(objections_of(person)[0]) == relay_states(first)
    again = create_objection(person, kind=kind)
    assert again["id"] == first["id"]
    assert relay_states(again) == relay_states(first) | {str(later.id): "pending"}
    (relay,) = relays_to(later)
    assert relay["number"] == number(7)
    assert relay["received_at"] > first["relays"][0]["received_at"], "its month begins with its relay"
    assert len(create_objection(person, kind=kind)["relays"]) == len(again["relays"])
    later.post(f"/v1/objections/relays/{relay['id']}/complete")
    assert objections_of(person)[0]["closed_at"] is None, "others have not ended"


def test_create_identical_erasure_relays_again_to_holder_that_holds_it_again(holders: Holders) -> None:
    person = holders.person(7)
    first = create_objection(person, kind="erasure")
    (relay,) = relays_to(holders.party)
    holders.party.post(f"/v1/objections/relays/{relay['id']}/complete")
    assert len(create_objection(person, kind="erasure")["relays"]) == len(first["relays"]), (
        "it no longer holds the number"
    )
    filled(holders.party, [7])
    again = create_objection(person, kind="erasure")
    assert again["id"] == first["id"]
    found = [relay["state"] for relay in again["relays"] if relay["holder"]["id"] == str(holders.party.id)]
    assert found == ["completed", "pending"]
    (second,) = relays_to(holders.party, after=relay["cursor"])
    holders.party.post(f"/v1/objections/relays/{second['id']}/complete")
    assert holders.party.lookup(number(7))["held"] is False


def test_create_objection_for_number_without_holder_stores_a_mark(
    client: TestClient, registry: Registry, dsn: str
) -> None:
    person = prove(client, dsn, number(9999))
    filed = create_objection(person)
    assert (filed["relays"], filed["closed_at"] is None) == ([], False)
    assert create_objection(person)["id"] == filed["id"]
    ((mark,),) = rows(dsn, "SELECT mark FROM objection")
    assert len(mark) == 16


def test_objection_is_closed_when_the_last_holder_has_ended(holders: Holders, dsn: str) -> None:
    person = holders.person(7)
    create_objection(person)
    for holder, ended in ((holders.broker, False), (holders.party, True)):
        (relay,) = relays_to(holder)
        holder.post(f"/v1/objections/relays/{relay['id']}/complete")
        assert (objections_of(person)[0]["closed_at"] is not None) is ended
    assert sorted(relay_states(objections_of(person)[0]).values()) == ["completed", "completed", "undeliverable"]


def test_get_objection_of_another_person_is_not_found(holders: Holders, unknown_id: object) -> None:
    filed = create_objection(holders.person(7))
    other = holders.person(8)
    assert objections_of(other) == []
    assert refusal(other.request("GET", f"/v1/objections/{filed['id']}")) == (404, "not_found")
    assert refusal(other.request("GET", f"/v1/objections/{unknown_id}")) == (404, "not_found")
    for holder in (holders.broker, holders.party):
        assert holder.request("GET", f"/v1/objections/{filed['id']}").status_code == 401
        assert holder.request("GET", "/v1/objections").status_code == 401


INVALID: list[dict[str, Any]] = [
    {"kind": "anger"},
    {"scope": "organisation"},
    {"scope": "purpose"},
    {"scope": "purpose", "purpose": "spam"},
    {"purpose": "fundraising"},
    {"organisation_id": "01890000-0000-7000-8000-000000000000"},
    {"kind": "erasure", "scope": "purpose", "purpose": "fundraising"},
    {"number": number(8)},
]


def test_create_objection_with_invalid_body_is_refused(client: TestClient, registry: Registry, dsn: str) -> None:
    person = prove(client, dsn, number(7))
    responses = [person.request("POST", "/v1/objections", json={"kind": "objection"} | body) for body in INVALID]
    assert [refusal(response) for response in responses] == [(422, "invalid_request")] * len(INVALID)
    assert objections_of(person) == []


def test_create_objection_to_unknown_organisation_is_not_found(
    client: TestClient, registry: Registry, dsn: str, unknown_id: object
) -> None:
    person = prove(client, dsn, number(7))
    wanted = {"kind": "objection", "scope": "organisation", "organisation_id": str(unknown_id)}
    assert refusal(person.request("POST", "/v1/objections", json=wanted)) == (404, "not_found")


def test_create_objection_leaves_graph_version(client: TestClient, registry: Registry, dsn: str) -> None:
    collected(registry.collector(), [7])
    before = rows(dsn, "SELECT version FROM graph_version")
    create_objection(prove(client, dsn, number(7)))
    assert rows(dsn, "SELECT version FROM graph_version") == before


def test_new_owner_sees_no_objection_of_former_owner_and_can_object(holders: Holders, dsn: str) -> None:
    before = create_objection(holders.person(7))
    rows(dsn, "UPDATE objection SET occurred_at = occurred_at - interval '1 year'")
    person = holders.person(7)
    person.request("PUT", "/v1/session", json={"owned_since": datetime.now(PARIS).date().isoformat()})
    assert objections_of(person) == []
    assert refusal(person.request("GET", f"/v1/objections/{before['id']}")) == (404, "not_found")
    (letter,) = (relay["id"] for relay in before["relays"] if relay["state"] == "undeliverable")
    assert refusal(person.request("GET", f"/v1/disclosures/letters/{letter}")) == (404, "not_found")
    now = create_objection(person)
    assert now["id"] != before["id"]
    assert relay_states(now) == relay_states(before)
    assert create_objection(person) == now
    assert objections_of(person) == [now]


def test_rows_of_one_act_show_each_holder_no_order_and_no_time_of_another(registry: Registry, holders: Holders) -> None:
    for holder in (holders.broker, holders.party):
        holder.post("/v1/webhooks", {"url": "https://93.184.215.14/hook"})
    recorder = registry.party()
    filled(recorder, range(1, 10))
    numbers = [{"number": number(last_four), "occurred_at": "2024-05-20T10:00:00+02:00"} for last_four in range(1, 10)]
    recorder.post("/v1/objections/received", {"kind": "objection", "numbers": numbers})
    found = rows(registry.dsn, "SELECT id, recorded_at FROM objection UNION ALL SELECT id, recorded_at FROM relay")
    found += rows(registry.dsn, "SELECT id, recorded_at FROM webhook_delivery")
    assert len(found) == 9 + 4 * 9 + 2 * 9
    assert len({moment for _, moment in found}) == 1
    assert len({row_id.int >> 80 for row_id, _ in found}) == 1
