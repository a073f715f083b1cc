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
from tests.objection.builders import Hands, campaign_of, feed, own, several_hands, states


@pytest.fixture
def hands(registry: Registry) -> Hands:
    return several_hands(registry)


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


def test_a_reply_becomes_an_objection_that_reaches_every_holder(hands: Hands) -> None:
    assert outcomes(hands.sender, hands.campaign, reply(6, text="Stop !")) == ["recorded"]
    (seen,) = own(hands.person(6))
    assert (seen["kind"], seen["scope"], seen["source"]) == ("objection", "everything", "stop")
    assert seen["campaign"] == {"id": hands.campaign["id"], "name": "Dernier appel"}
    assert (seen["occurred_at"], seen["recorded_by"]["id"]) == ("2024-06-06T08:40:00Z", str(hands.party.id))
    assert states(seen) == {
        hands.shop_id: "undeliverable",
        str(hands.broker.id): "pending",
        str(hands.party.id): "acknowledged",
    }
    (relay,) = feed(hands.broker)
    assert (relay["number"], relay["kind"]) == (number(6), "objection")
    assert str(hands.party.id) not in str(relay), "a holder is not told who else holds it"


def test_stop_never_erases(hands: Hands) -> None:
    report(hands.sender, hands.campaign, reply(6))
    for holder in (hands.broker, hands.party):
        holder.post(f"/v1/objections/relays/{feed(holder)[0]['id']}/complete")
        assert holder.lookup(number(6))["held"]


def test_each_reply_has_its_outcome_and_no_number_comes_back(hands: Hands, dsn: str) -> None:
    replies = [
        reply(1),
        reply(2, text="arrêt"),
        reply(3, text="Qui êtes-vous ?"),
        reply(4000),
        reply(1, number="Jeanne"),
        reply(4, replied_at="2024-06-05T10:00:00+02:00"),
        reply(1),
    ]
    told = report(hands.party, hands.campaign, *replies)
    expected = ["recorded", "recorded", "no_stop", "unmatched", "unreadable", "unmatched", "known"]
    assert [one["outcome"] for one in told] == expected
    assert [one["objection_id"] is not None for one in told] == [True, True, False, False, False, False, True]
    assert told[0]["objection_id"] == told[-1]["objection_id"]
    assert rows(dsn, "SELECT count(*) FROM objection") == [(2,)]


def test_a_campaign_does_not_tell_what_others_hold(hands: Hands, registry: Registry) -> None:
    rival = registry.party()
    own_campaign = campaign_of(rival, filled(rival, [100])["id"])
    assert outcomes(rival, own_campaign, reply(6), reply(9999)) == ["unmatched", "unmatched"]
    assert own(hands.person(6)) == []


def test_only_the_party_and_the_sender_of_a_campaign_report(hands: Hands, registry: Registry) -> None:
    path = f"/v1/campaigns/{hands.campaign['id']}/stops"
    other_sender = registry.organisation(Role.PROCESSOR, acts_for=hands.party)
    for caller in (hands.broker, registry.party(), other_sender):
        assert refusal(caller.request("POST", path, json={"replies": [reply(6)]})) == (404, "not_found")
    for caller in (registry.regulator(), registry.operator()):
        assert refusal(caller.request("POST", path, json={"replies": [reply(6)]}))[0] == 403
    assert own(hands.person(6)) == []


def test_a_party_that_has_erased_the_number_may_still_be_answered(hands: Hands) -> None:
    hands.person(6).request("POST", "/v1/objections", json={"kind": "erasure"})
    hands.party.post(f"/v1/objections/relays/{feed(hands.party)[0]['id']}/complete")
    assert outcomes(hands.party, hands.campaign, reply(6)) == ["recorded"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"replies": []}, (422, "invalid_request")),
        ({"replies": [reply(6)] * 1001}, (422, "invalid_request")),
        ({"replies": [reply(6, replied_at="2199-01-01T00:00:00Z")]}, (422, "in_the_future")),
        ({"replies": [reply(6, text="x" * 1001)]}, (422, "invalid_request")),
        ({"replies": [reply(6)], "region": "ZZ"}, (422, "region_unknown")),
    ],
)
def test_what_is_refused(hands: Hands, body: Any, expected: tuple[int, str]) -> None:
    path = f"/v1/campaigns/{hands.campaign['id']}/stops"
    assert refusal(hands.party.request("POST", path, json=body)) == expected


def test_which_of_many_is_in_the_future_is_told(hands: Hands) -> None:
    said = {"replies": [reply(6), reply(7, replied_at="2199-01-01T00:00:00Z")]}
    problem = hands.party.request("POST", f"/v1/campaigns/{hands.campaign['id']}/stops", json=said).json()
    assert problem["detail"].startswith("`replies.1.replied_at` is in the future")


def inbound(client: TestClient, last_four: int, originator: str, text: str) -> None:
    """A message as our gateway hands it on, once it has proved to be our gateway."""
    messaging = resources_of_app(client.app).get(Messaging)
    assert client.portal is not None
    client.portal.call(messaging.on_inbound, FICTION + last_four, originator, text)


def test_a_stop_to_our_gateway_is_matched_by_originator_holding_and_latest_send(
    hands: Hands, client: TestClient
) -> None:
    received = hands.campaign["dataset_ids"][0]
    window = {"began_at": "2024-06-08T10:00:00+02:00", "ended_at": "2024-06-08T12:00:00+02:00"}
    later = campaign_of(hands.party, received, name="Demain", **window)
    campaign_of(hands.party, received, name="Autre", originator="38009", **window)
    inbound(client, 6, "38001", "Stop")
    (seen,) = own(hands.person(6))
    assert seen["campaign"]["id"] == later["id"]
    assert (seen["source"], seen["recorded_by"], seen["kind"]) == ("stop", None, "objection")
    assert states(seen)[str(hands.party.id)] == "pending"


def test_a_tie_reaches_every_match(hands: Hands, registry: Registry, client: TestClient) -> None:
    rival = registry.party()
    twin = campaign_of(rival, filled(rival, [6])["id"])
    inbound(client, 6, "+38001", "STOP")
    seen = own(hands.person(6))
    assert {one["campaign"]["id"] for one in seen} == {hands.campaign["id"], twin["id"]}


@pytest.mark.parametrize(
    ("last_four", "originator", "text"),
    [(6, "38002", "STOP"), (9999, "38001", "STOP"), (6, "38001", "Qui êtes-vous ?")],
)
def test_what_answers_nothing_leaves_no_trace(
    hands: Hands, client: TestClient, dsn: str, last_four: int, originator: str, text: str
) -> None:
    inbound(client, last_four, originator, text)
    assert rows(dsn, "SELECT count(*) FROM objection") == [(0,)]


def test_a_campaign_to_come_is_not_answered(hands: Hands, client: TestClient) -> None:
    window = {"began_at": "2199-06-06T10:00:00Z", "ended_at": "2199-06-06T12:00:00Z"}
    campaign_of(hands.party, hands.campaign["dataset_ids"][0], **window)
    inbound(client, 6, "38001", "STOP")
    assert own(hands.person(6))[0]["campaign"]["id"] == hands.campaign["id"]


def test_run_twice_it_is_one(hands: Hands, client: TestClient, dsn: str) -> None:
    inbound(client, 6, "38001", "STOP")
    inbound(client, 6, "38001", "STOP")
    assert rows(dsn, "SELECT count(*) FROM objection") == [(1,)]
