"""STOP: replies to campaigns, reported by their senders or received by our own gateway."""

from typing import Any

from fastapi.testclient import TestClient

from service.core.vocabulary import Role
from service.objection.stops import is_stop
from tests.builders import filled, number
from tests.callers import Caller, Registry
from tests.inspection import refusal, rows
from tests.objection.builders import (
    Holders,
    deliver,
    message_from,
    objections_of,
    register_campaign,
    relay_states,
    relays_to,
)

STOPS = [
    "\u200bSTOP", "STOP", "stop", "Stop !", " s t o p ", "S.T.O.P.", "«STOP»", "STOP.", "stop\n", "ＳＴＯＰ",
    "STOP au 38001", "STOP 38001", "stop sms", "Stop, arrêtez !", "ARRET", "arrêt", "Arrêt svp", "a r r ê t",
    "ARRE\u0302T",
]  # fmt: skip
OTHERS = ["", "   ", "!", "38001", "Stopper ?", "Non stop", "Qui êtes-vous ?", "STOPPEZ", "arrêtez", "СТОП"]


def test_is_stop_with_stop_or_arret_at_the_beginning_only() -> None:
    assert [text for text in STOPS if not is_stop(text)] == []
    assert [text for text in OTHERS if is_stop(text)] == []


def reply(last_four: int, **more: Any) -> dict[str, Any]:
    return {"number": number(last_four), "replied_at": "2024-06-06T10:40:00+02:00"} | more


def report(caller: Caller, campaign: Any, *replies: Any, **more: Any) -> Any:
    return caller.post(f"/v1/campaigns/{campaign['id']}/stops", {"replies": list(replies)} | more)["results"]


def outcomes(caller: Caller, campaign: Any, *replies: Any) -> list[str]:
    return [result["outcome"] for result in report(caller, campaign, *replies)]


def test_report_stops_records_an_objection_for_every_holder(holders: Holders) -> None:
    assert outcomes(holders.sender, holders.campaign, reply(6, text="Stop !")) == ["recorded"]
    (seen,) = objections_of(holders.person(6))
    assert (seen["kind"], seen["scope"], seen["source"]) == ("objection", "everything", "stop")
    assert seen["campaign"] == {"id": holders.campaign["id"], "name": "Dernier appel", "state": "sent"}
    assert (seen["occurred_at"], seen["recorded_by"]["id"]) == ("2024-06-06T08:40:00Z", str(holders.party.id))
    assert relay_states(seen) == {
        holders.shop_id: "undeliverable",
        str(holders.broker.id): "pending",
        str(holders.party.id): "acknowledged",
    }
    (relay,) = relays_to(holders.broker)
    assert (relay["number"], relay["kind"]) == (number(6), "objection")
    assert relay["recorded_by"] is None, "the party has not said itself that it received the number"
    assert str(holders.party.id) not in str(relay), "a holder does not learn who else holds it"


def test_complete_stop_erases_nothing(holders: Holders) -> None:
    report(holders.sender, holders.campaign, reply(6))
    for holder in (holders.broker, holders.party):
        holder.post(f"/v1/objections/relays/{relays_to(holder)[0]['id']}/complete")
        assert holder.lookup(number(6))["held"]


def test_report_stops_returns_an_outcome_for_each_reply(holders: Holders, dsn: str) -> None:
    replies = [
        reply(1),
        reply(2, text="arrêt"),
        reply(3, text="Qui êtes-vous ?"),
        reply(4000),
        reply(1, number="Jeanne"),
        reply(4, replied_at="2024-06-05T10:00:00+02:00"),
        reply(1),
    ]
    results = report(holders.party, holders.campaign, *replies)
    expected = ["recorded", "recorded", "not_a_stop", "not_messaged", "unreadable", "not_messaged", "already_recorded"]
    assert [result["outcome"] for result in results] == expected
    assert [result["objection_id"] is not None for result in results] == [True, True, False, False, False, False, True]
    assert results[0]["objection_id"] == results[-1]["objection_id"]
    assert rows(dsn, "SELECT count(*) FROM objection") == [(2,)]


def test_report_stops_for_numbers_of_others_records_nothing(holders: Holders, registry: Registry) -> None:
    rival = registry.party()
    own_campaign = register_campaign(rival, filled(rival, [100])["id"])
    assert outcomes(rival, own_campaign, reply(6), reply(9999)) == ["not_messaged", "not_messaged"]
    assert objections_of(holders.person(6)) == []


def test_report_stops_by_others_is_refused(holders: Holders, registry: Registry) -> None:
    path = f"/v1/campaigns/{holders.campaign['id']}/stops"
    other_sender = registry.organisation(Role.PROCESSOR, acts_for=holders.party)
    for caller in (holders.broker, registry.party(), other_sender):
        assert refusal(caller.request("POST", path, json={"replies": [reply(6)]})) == (404, "not_found")
    for caller in (registry.regulator(), registry.operator()):
        assert refusal(caller.request("POST", path, json={"replies": [reply(6)]}))[0] == 403
    assert objections_of(holders.person(6)) == []


def test_report_stops_after_erasure_by_the_party_is_recorded(holders: Holders) -> None:
    holders.person(6).request("POST", "/v1/objections", json={"kind": "erasure"})
    holders.party.post(f"/v1/objections/relays/{relays_to(holders.party)[0]['id']}/complete")
    assert outcomes(holders.party, holders.campaign, reply(6)) == ["recorded"]


INVALID: list[tuple[dict[str, Any], tuple[int, str]]] = [
    ({"replies": []}, (422, "invalid_request")),
    ({"replies": [reply(6)] * 1001}, (422, "invalid_request")),
    ({"replies": [reply(6, replied_at="2199-01-01T00:00:00Z")]}, (422, "in_the_future")),
    ({"replies": [reply(6, text="x" * 1001)]}, (422, "invalid_request")),
    ({"replies": [reply(6)], "region": "ZZ"}, (422, "unknown_region")),
]


def test_report_stops_with_invalid_body_is_refused(holders: Holders) -> None:
    path = f"/v1/campaigns/{holders.campaign['id']}/stops"
    assert [(body, refusal(holders.party.request("POST", path, json=body))) for body, _ in INVALID] == INVALID


def test_report_stops_in_the_future_names_the_reply_by_its_place(holders: Holders) -> None:
    said = {"replies": [reply(6), reply(7, replied_at="2199-01-01T00:00:00Z")]}
    problem = holders.party.request("POST", f"/v1/campaigns/{holders.campaign['id']}/stops", json=said).json()
    assert problem["detail"].startswith("`replies.1.replied_at` is in the future")


def test_inbound_stop_answers_the_latest_campaign_of_its_originator(holders: Holders, client: TestClient) -> None:
    received = holders.campaign["dataset_ids"][0]
    window = {"began_at": "2024-06-08T10:00:00+02:00", "ended_at": "2024-06-08T12:00:00+02:00"}
    later = register_campaign(holders.party, received, name="Demain", **window)
    register_campaign(holders.party, received, name="Autre", originator="38009", **window)
    deliver(client, message_from(6, "38001", "Stop"))
    (seen,) = objections_of(holders.person(6))
    assert seen["campaign"]["id"] == later["id"]
    assert (seen["source"], seen["recorded_by"], seen["kind"]) == ("stop", None, "objection")
    assert relay_states(seen)[str(holders.party.id)] == "pending"


def test_inbound_stop_answers_all_campaigns_that_began_together(
    holders: Holders, registry: Registry, client: TestClient
) -> None:
    rival = registry.party()
    twin = register_campaign(rival, filled(rival, [6])["id"])
    deliver(client, message_from(6, "+38001", "STOP"))
    seen = objections_of(holders.person(6))
    assert {objection["campaign"]["id"] for objection in seen} == {holders.campaign["id"], twin["id"]}


def test_inbound_message_that_answers_no_campaign_leaves_no_trace(
    holders: Holders, client: TestClient, dsn: str
) -> None:
    for last_four, originator, text in ((6, "38002", "STOP"), (9999, "38001", "STOP"), (6, "38001", "Qui êtes-vous ?")):
        deliver(client, message_from(last_four, originator, text))
        assert rows(dsn, "SELECT count(*) FROM objection") == [(0,)], (originator, text)


def test_inbound_stop_ignores_future_campaigns(holders: Holders, client: TestClient) -> None:
    window = {"began_at": "2199-06-06T10:00:00Z", "ended_at": "2199-06-06T12:00:00Z"}
    register_campaign(holders.party, holders.campaign["dataset_ids"][0], **window)
    deliver(client, message_from(6, "38001", "STOP"))
    assert objections_of(holders.person(6))[0]["campaign"]["id"] == holders.campaign["id"]


def test_inbound_stop_twice_records_one_objection(holders: Holders, client: TestClient, dsn: str) -> None:
    deliver(client, message_from(6, "38001", "STOP"))
    deliver(client, message_from(6, "38001", "STOP"))
    assert rows(dsn, "SELECT count(*) FROM objection") == [(1,)]
