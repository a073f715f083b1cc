"""A person objects, or asks to be erased: who is told, how it is followed, and what is left of it."""

from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.wording.language import PARIS
from tests.builders import collected, filled, number
from tests.callers import Registry
from tests.inspection import refusal, rows
from tests.objection.builders import feed, objects, own, several_holders, states
from tests.persons import prove


def test_every_holder_is_told_and_one_without_an_account_needs_a_letter(registry: Registry) -> None:
    holders = several_holders(registry)
    person = holders.person(7)
    filed = objects(person)
    assert states(filed) == {
        holders.shop_id: "undeliverable",
        str(holders.broker.id): "pending",
        str(holders.party.id): "pending",
    }
    (shop,) = (hop["holder"] for hop in filed["relays"] if hop["state"] == "undeliverable")
    contact = {"privacy_contact": "jeux@jeux.example", "has_account": False}
    assert shop == {"id": holders.shop_id, "legal_name": "Jeux SARL"} | contact
    assert (filed["source"], filed["recorded_by"], filed["closed_at"]) == ("person", None, None)
    assert own(person) == [filed]
    assert person.request("GET", f"/v1/objections/{filed['id']}").json() == filed


def test_the_deadline_is_one_calendar_month_after_recording(registry: Registry) -> None:
    holders = several_holders(registry)
    (relay, *_) = objects(holders.person(7))["relays"]
    recorded, due = (datetime.fromisoformat(relay[name]) for name in ("recorded_at", "due_at"))
    assert 28 <= (due - recorded).days <= 31
    assert (due.hour, due.minute, due.second) == (recorded.hour, recorded.minute, recorded.second)


@pytest.mark.parametrize("kind", ["objection", "erasure"])
def test_one_organisation_alone(registry: Registry, kind: str) -> None:
    holders = several_holders(registry)
    filed = objects(holders.person(7), kind=kind, scope="organisation", organisation_id=str(holders.party.id))
    assert states(filed) == {str(holders.party.id): "pending"}
    assert filed["organisation"] == {"id": str(holders.party.id), "legal_name": "Party 2"}
    assert feed(holders.broker) == []


def test_one_purpose_is_told_to_every_holder(registry: Registry) -> None:
    holders = several_holders(registry)
    filed = objects(holders.person(7), scope="purpose", purpose="political_canvassing")
    assert len(filed["relays"]) == 3
    assert feed(holders.party)[0]["purpose"] == "political_canvassing"


def test_an_identical_one_under_way_is_the_same(registry: Registry) -> None:
    holders = several_holders(registry)
    person = holders.person(7)
    first = objects(person)
    assert objects(person)["id"] == first["id"]
    others = [objects(person, kind="erasure"), objects(person, scope="purpose", purpose="fundraising")]
    others += [objects(holders.person(8))]
    assert len({first["id"], *(other["id"] for other in others)}) == 4
    for relay in feed(holders.broker) + feed(holders.party):
        for holder in (holders.broker, holders.party):
            holder.request("POST", f"/v1/objections/relays/{relay['id']}/refuse", json={"reason": "Preuve à garder."})
    again = objects(person)
    assert again["id"] != first["id"], "what is ended can be asked anew"


@pytest.mark.parametrize("kind", ["objection", "erasure"])
def test_asked_again_it_reaches_who_has_the_number_since(registry: Registry, kind: str) -> None:
    holders, later = several_holders(registry), registry.broker()
    person = holders.person(7)
    first = objects(person, kind=kind)
    filled(later, [7, 8])
    assert states(own(person)[0]) == states(first)
    again = objects(person, kind=kind)
    assert again["id"] == first["id"]
    assert states(again) == states(first) | {str(later.id): "pending"}
    (relay,) = feed(later)
    assert relay["number"] == number(7)
    assert relay["due_at"] > first["relays"][0]["due_at"], "its month begins when it is told"
    assert len(objects(person, kind=kind)["relays"]) == len(again["relays"])
    later.post(f"/v1/objections/relays/{relay['id']}/complete")
    assert own(person)[0]["closed_at"] is None, "others have not ended"


def test_who_erased_it_and_holds_it_again_is_asked_again(registry: Registry) -> None:
    holders = several_holders(registry)
    person = holders.person(7)
    first = objects(person, kind="erasure")
    (relay,) = feed(holders.party)
    holders.party.post(f"/v1/objections/relays/{relay['id']}/complete")
    assert len(objects(person, kind="erasure")["relays"]) == len(first["relays"]), "it holds it no more"
    filled(holders.party, [7])
    again = objects(person, kind="erasure")
    assert again["id"] == first["id"]
    told = [hop["state"] for hop in again["relays"] if hop["holder"]["id"] == str(holders.party.id)]
    assert told == ["completed", "pending"]
    anew = feed(holders.party, after=relay["cursor"])
    holders.party.post(f"/v1/objections/relays/{anew[0]['id']}/complete")
    assert holders.party.lookup(number(7))["held"] is False


def test_a_number_that_nobody_holds_is_kept_as_a_mark(client: TestClient, registry: Registry, dsn: str) -> None:
    person = prove(client, dsn, number(9999))
    filed = objects(person)
    assert (filed["relays"], filed["closed_at"] is None) == ([], False)
    assert objects(person)["id"] == filed["id"]
    ((mark, key),) = rows(dsn, "SELECT mark, key FROM objection")
    assert len(mark) == 16
    assert key is None


def test_the_pseudonym_goes_when_the_last_holder_has_ended(registry: Registry, dsn: str) -> None:
    holders = several_holders(registry)
    person = holders.person(7)
    objects(person)
    for holder, ended in ((holders.broker, False), (holders.party, True)):
        ((key,),) = rows(dsn, "SELECT key FROM objection")
        assert key is not None
        (relay,) = feed(holder)
        holder.post(f"/v1/objections/relays/{relay['id']}/complete")
        assert (own(person)[0]["closed_at"] is not None) is ended
    assert rows(dsn, "SELECT key FROM objection") == [(None,)]
    assert sorted(states(own(person)[0]).values()) == ["completed", "completed", "undeliverable"]


def test_nobody_else_sees_it(registry: Registry, unknown_id: object) -> None:
    holders = several_holders(registry)
    filed = objects(holders.person(7))
    other = holders.person(8)
    assert own(other) == []
    assert refusal(other.request("GET", f"/v1/objections/{filed['id']}")) == (404, "not_found")
    assert refusal(other.request("GET", f"/v1/objections/{unknown_id}")) == (404, "not_found")
    for holder in (holders.broker, holders.party):
        assert holder.request("GET", f"/v1/objections/{filed['id']}").status_code == 401
        assert holder.request("GET", "/v1/objections").status_code == 401


@pytest.mark.parametrize(
    "wanted",
    [
        {"kind": "anger"},
        {"scope": "organisation"},
        {"scope": "purpose"},
        {"scope": "purpose", "purpose": "spam"},
        {"purpose": "fundraising"},
        {"organisation_id": "01890000-0000-7000-8000-000000000000"},
        {"kind": "erasure", "scope": "purpose", "purpose": "fundraising"},
        {"number": number(8)},
    ],
)
def test_what_is_refused(client: TestClient, registry: Registry, dsn: str, wanted: dict[str, Any]) -> None:
    person = prove(client, dsn, number(7))
    answer = person.request("POST", "/v1/objections", json={"kind": "objection"} | wanted)
    assert refusal(answer) == (422, "invalid_request")
    assert own(person) == []


def test_an_unknown_organisation(client: TestClient, registry: Registry, dsn: str, unknown_id: object) -> None:
    person = prove(client, dsn, number(7))
    wanted = {"kind": "objection", "scope": "organisation", "organisation_id": str(unknown_id)}
    assert refusal(person.request("POST", "/v1/objections", json=wanted)) == (404, "not_found")


def test_objections_do_not_make_the_graph_be_read_anew(client: TestClient, registry: Registry, dsn: str) -> None:
    collected(registry.collector(), [7])
    before = rows(dsn, "SELECT version FROM graph_version")
    objects(prove(client, dsn, number(7)))
    assert rows(dsn, "SELECT version FROM graph_version") == before


def test_who_has_the_number_now_sees_nothing_of_who_had_it_and_objects_anew(registry: Registry, dsn: str) -> None:
    holders = several_holders(registry)
    before = objects(holders.person(7))
    rows(dsn, "UPDATE objection SET occurred_at = occurred_at - interval '1 year'")
    person = holders.person(7)
    person.request("PUT", "/v1/session", json={"owned_since": datetime.now(PARIS).date().isoformat()})
    assert own(person) == []
    assert refusal(person.request("GET", f"/v1/objections/{before['id']}")) == (404, "not_found")
    (letter,) = (hop["id"] for hop in before["relays"] if hop["state"] == "undeliverable")
    assert refusal(person.request("GET", f"/v1/disclosures/letters/{letter}")) == (404, "not_found")
    now = objects(person)
    assert now["id"] != before["id"]
    assert states(now) == states(before)
    assert objects(person) == now
    assert own(person) == [now]
