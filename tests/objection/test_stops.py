"""STOP: replies to campaigns, reported by their senders or brought in by our own gateway."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.core.vocabulary import Role
from service.messaging.gateway import Messaging
from service.objection.stops import is_stop
from tests.builders import FICTION, filled, number
from tests.callers import Caller, Registry
from tests.inspection import refusal, resources_of_app, rows
from tests.objection.builders import Holders, campaign_of, feed, own, several_holders, states


@pytest.fixture
def holders(registry: Registry) -> Holders:
    return several_holders(registry)


@pytest.mark.parametrize(
    "text",
    [
        "\u200bSTOP", "STOP", "stop", "Stop !", " s t o p ", "S.T.O.P.", "«STOP»", "STOP.", "stop\n", "ＳＴＯＰ",
        "STOP au 38001", "STOP 38001", "stop sms", "Stop, arrêtez !", "ARRET", "arrêt", "Arrêt svp", "a r r ê t",
        "ARRE\u0302T",
    ],
)  # fmt: skip
def test_what_is_a_stop(text: str) -> None:
    assert is_stop(text)


@pytest.mark.parametrize(
    "text", ["", "   ", "!", "38001", "Stopper ?", "Non stop", "Qui êtes-vous ?", "STOPPEZ", "arrêtez", "СТОП"]
)
def test_what_is_none(text: str) -> None:
    assert not is_stop(text)


def reply(last_four: int, **more: Any) -> dict[str, Any]:
    return {"number": number(last_four), "replied_at": "2024-06-06T10:40:00+02:00"} | more


def report(caller: Caller, campaign: Any, *replies: Any, **more: Any) -> Any:
    return caller.post(f"/v1/campaigns/{campaign['id']}/stops", {"replies": list(replies)} | more)["results"]


def outcomes(caller: Caller, campaign: Any, *replies: Any) -> list[str]:
    return [one["outcome"] for one in report(caller, campaign, *replies)]


def test_a_reply_becomes_an_objection_that_reaches_every_holder(holders: Holders) -> None:
    assert outcomes(holders.sender, holders.campaign, reply(6, text="Stop !")) == ["recorded"]
    (seen,) = own(holders.person(6))
    assert (seen["kind"], seen["scope"], seen["source"]) == ("objection", "everything", "stop")
    assert seen["campaign"] == {"id": holders.campaign["id"], "name": "Dernier appel"}
    assert (seen["occurred_at"], seen["recorded_by"]["id"]) == ("2024-06-06T08:40:00Z", str(holders.party.id))
    assert states(seen) == {
        holders.shop_id: "undeliverable",
        str(holders.broker.id): "pending",
        str(holders.party.id): "acknowledged",
    }
    (relay,) = feed(holders.broker)
    assert (relay["number"], relay["kind"]) == (number(6), "objection")
    assert str(holders.party.id) not in str(relay), "a holder is not told who else holds it"


def test_stop_never_erases(holders: Holders) -> None:
    report(holders.sender, holders.campaign, reply(6))
    for holder in (holders.broker, holders.party):
        holder.post(f"/v1/objections/relays/{feed(holder)[0]['id']}/complete")
        assert holder.lookup(number(6))["held"]


def test_each_reply_has_its_outcome_and_no_number_comes_back(holders: Holders, dsn: str) -> None:
    replies = [
        reply(1),
        reply(2, text="arrêt"),
        reply(3, text="Qui êtes-vous ?"),
        reply(4000),
        reply(1, number="Jeanne"),
        reply(4, replied_at="2024-06-05T10:00:00+02:00"),
        reply(1),
    ]
    told = report(holders.party, holders.campaign, *replies)
    expected = ["recorded", "recorded", "not_a_stop", "not_messaged", "unreadable", "not_messaged", "already_recorded"]
    assert [one["outcome"] for one in told] == expected
    assert [one["objection_id"] is not None for one in told] == [True, True, False, False, False, False, True]
    assert told[0]["objection_id"] == told[-1]["objection_id"]
    assert rows(dsn, "SELECT count(*) FROM objection") == [(2,)]


def test_a_campaign_does_not_tell_what_others_hold(holders: Holders, registry: Registry) -> None:
    rival = registry.party()
    own_campaign = campaign_of(rival, filled(rival, [100])["id"])
    assert outcomes(rival, own_campaign, reply(6), reply(9999)) == ["not_messaged", "not_messaged"]
    assert own(holders.person(6)) == []


def test_only_the_party_and_the_sender_of_a_campaign_report(holders: Holders, registry: Registry) -> None:
    path = f"/v1/campaigns/{holders.campaign['id']}/stops"
    other_sender = registry.organisation(Role.PROCESSOR, acts_for=holders.party)
    for caller in (holders.broker, registry.party(), other_sender):
        assert refusal(caller.request("POST", path, json={"replies": [reply(6)]})) == (404, "not_found")
    for caller in (registry.regulator(), registry.operator()):
        assert refusal(caller.request("POST", path, json={"replies": [reply(6)]}))[0] == 403
    assert own(holders.person(6)) == []


def test_a_party_that_has_erased_the_number_may_still_be_answered(holders: Holders) -> None:
    holders.person(6).request("POST", "/v1/objections", json={"kind": "erasure"})
    holders.party.post(f"/v1/objections/relays/{feed(holders.party)[0]['id']}/complete")
    assert outcomes(holders.party, holders.campaign, reply(6)) == ["recorded"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"replies": []}, (422, "invalid_request")),
        ({"replies": [reply(6)] * 1001}, (422, "invalid_request")),
        ({"replies": [reply(6, replied_at="2199-01-01T00:00:00Z")]}, (422, "in_the_future")),
        ({"replies": [reply(6, text="x" * 1001)]}, (422, "invalid_request")),
        ({"replies": [reply(6)], "region": "ZZ"}, (422, "unknown_region")),
    ],
)
def test_what_is_refused(holders: Holders, body: Any, expected: tuple[int, str]) -> None:
    path = f"/v1/campaigns/{holders.campaign['id']}/stops"
    assert refusal(holders.party.request("POST", path, json=body)) == expected


def test_which_of_many_is_in_the_future_is_told(holders: Holders) -> None:
    said = {"replies": [reply(6), reply(7, replied_at="2199-01-01T00:00:00Z")]}
    problem = holders.party.request("POST", f"/v1/campaigns/{holders.campaign['id']}/stops", json=said).json()
    assert problem["detail"].startswith("`replies.1.replied_at` is in the future")


def inbound(client: TestClient, last_four: int, originator: str, text: str) -> None:
    """A message as our gateway hands it on, once it has proved to be our gateway."""
    messaging = resources_of_app(client.app).get(Messaging)
    assert client.portal is not None
    client.portal.call(messaging.on_inbound, FICTION + last_four, originator, text)


def test_a_stop_to_our_gateway_is_matched_by_originator_holding_and_latest_send(
    holders: Holders, client: TestClient
) -> None:
    received = holders.campaign["dataset_ids"][0]
    window = {"began_at": "2024-06-08T10:00:00+02:00", "ended_at": "2024-06-08T12:00:00+02:00"}
    later = campaign_of(holders.party, received, name="Demain", **window)
    campaign_of(holders.party, received, name="Autre", originator="38009", **window)
    inbound(client, 6, "38001", "Stop")
    (seen,) = own(holders.person(6))
    assert seen["campaign"]["id"] == later["id"]
    assert (seen["source"], seen["recorded_by"], seen["kind"]) == ("stop", None, "objection")
    assert states(seen)[str(holders.party.id)] == "pending"


def test_a_tie_reaches_every_match(holders: Holders, registry: Registry, client: TestClient) -> None:
    rival = registry.party()
    twin = campaign_of(rival, filled(rival, [6])["id"])
    inbound(client, 6, "+38001", "STOP")
    seen = own(holders.person(6))
    assert {one["campaign"]["id"] for one in seen} == {holders.campaign["id"], twin["id"]}


@pytest.mark.parametrize(
    ("last_four", "originator", "text"),
    [(6, "38002", "STOP"), (9999, "38001", "STOP"), (6, "38001", "Qui êtes-vous ?")],
)
def test_what_answers_nothing_leaves_no_trace(
    holders: Holders, client: TestClient, dsn: str, last_four: int, originator: str, text: str
) -> None:
    inbound(client, last_four, originator, text)
    assert rows(dsn, "SELECT count(*) FROM objection") == [(0,)]


def test_a_campaign_to_come_is_not_answered(holders: Holders, client: TestClient) -> None:
    window = {"began_at": "2199-06-06T10:00:00Z", "ended_at": "2199-06-06T12:00:00Z"}
    campaign_of(holders.party, holders.campaign["dataset_ids"][0], **window)
    inbound(client, 6, "38001", "STOP")
    assert own(holders.person(6))[0]["campaign"]["id"] == holders.campaign["id"]


def test_run_twice_it_is_one(holders: Holders, client: TestClient, dsn: str) -> None:
    inbound(client, 6, "38001", "STOP")
    inbound(client, 6, "38001", "STOP")
    assert rows(dsn, "SELECT count(*) FROM objection") == [(1,)]
