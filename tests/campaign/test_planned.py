"""Campaigns that are planned, cancelled or were not sent: in every view, by the registry's clock."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.core.vocabulary import Role
from tests.builders import collected, filled, hand_over, make_collection, make_notice, number
from tests.callers import Caller, Registry
from tests.campaign.builders import beginning_in, body_of, cancel, cancellation
from tests.inspection import refusal, rows, until
from tests.persons import prove

pytestmark = pytest.mark.one_registry


def refused_cancellation(caller: Caller, campaign: Any, **more: Any) -> tuple[int, str]:
    path = f"/v1/campaigns/{campaign['id']}/cancellation"
    return refusal(caller.request("POST", path, json=cancellation(**more)))


def states_in(answer: Any) -> list[tuple[str, str]]:
    return [(campaign["name"], campaign["state"]) for campaign in answer["campaigns"] + answer["campaigns_not_sent"]]


def plain(text: str) -> str:
    """A text with plain spaces."""
    return text.replace("\u202f", " ").replace("\xa0", " ")


def disclosure(client: TestClient, dsn: str, last_four: int, language: str = "fr") -> Any:
    person = prove(client, dsn, number(last_four))
    response = person.request("POST", "/v1/disclosures", json={"form": "json", "language": language})
    assert response.status_code == 201, response.text
    return response.json()


def test_campaign_is_planned_in_every_view_until_it_begins(registry: Registry, dsn: str) -> None:
    shop, party, regulator = registry.collector(), registry.party(), registry.regulator()
    notice = make_notice(shop, shop.id)
    base = filled(shop, [11], collection_id=make_collection(shop, shop.id, notice["id"])["id"])
    received = {"id": hand_over(shop, base, party)["received_dataset_id"]}
    made = party.post("/v1/campaigns", body_of(party, received, **beginning_in(seconds=3)))
    begins = time.monotonic() + 3.1
    impact = f"/v1/notices/{notice['id']}/impact"

    def states() -> set[str]:
        answers = [caller.lookup(number(11), reason="Plainte") for caller in (party, regulator)]
        (recipient,) = (found for found in answers[0]["recipients"] if found["campaigns"])
        return {
            *(campaign["state"] for answer in answers for campaign in answer["campaigns"]),
            *(campaign["state"] for campaign in recipient["campaigns"]),
            *(campaign["state"] for campaign in party.get("/v1/campaigns")["items"]),
            party.get(f"/v1/campaigns/{made['id']}")["state"],
            *(reached["campaign"]["state"] for reached in regulator.get(impact)["campaigns"]),
        }

    assert states() == {"planned"}
    assert "Planned for later" in party.lookup(number(11))["summary"]
    time.sleep(max(0.0, begins - time.monotonic()))
    assert states() == {"sent"}
    assert "Used in the campaign" in party.lookup(number(11))["summary"]


def test_planned_campaign_is_told_to_the_person_as_planned(registry: Registry, client: TestClient, dsn: str) -> None:
    party = registry.organisation(Role.PARTY, name="Parti du Matin")
    sender = registry.organisation(Role.PROCESSOR, acts_for=party)
    party.post("/v1/campaigns", body_of(party, filled(party, [12]), sender_id=str(sender.id), **beginning_in(days=2)))
    for language, planned, sent in (
        ("fr", "Parti du Matin prévoit d’envoyer un SMS à votre numéro", "a envoyé un SMS"),
        ("en", "Parti du Matin plans to send a text message to your number", "sent a text message"),
    ):
        found = disclosure(client, dsn, 12, language)
        assert [campaign["state"] for campaign in found["campaigns"]] == ["planned"]
        told = str(found["report"])
        assert planned in told
        assert sent not in told


def test_cancelled_campaign_counts_nowhere_and_the_person_reads_why(
    registry: Registry, client: TestClient, dsn: str
) -> None:
    party, regulator = registry.organisation(Role.PARTY, name="Parti du Soir"), registry.regulator()
    dataset = filled(party, [13])
    planned = party.post("/v1/campaigns", body_of(party, dataset, name="A", **beginning_in(days=2)))
    past = party.post("/v1/campaigns", body_of(party, dataset, name="B"))
    for campaign, state in ((planned, "cancelled"), (past, "not_sent")):
        made = cancel(party, campaign)
        assert (made["state"], made["cancellation"]["reason"]) == (state, "Le fichier n'a pas été vérifié.")
        assert party.get(f"/v1/campaigns/{campaign['id']}") == made
    assert states_in(party.lookup(number(13))) == []
    assert states_in(regulator.lookup(number(13), reason="Plainte")) == [("B", "not_sent"), ("A", "cancelled")]
    found = disclosure(client, dsn, 13)
    assert states_in(found) == [("B", "not_sent"), ("A", "cancelled")]
    told = plain(json.dumps(found["report"], ensure_ascii=False))
    assert "qu’il n’a pas été envoyé. Motif : « Le fichier n'a pas été vérifié. »" in told
    assert "Aucun message envoyé à votre numéro n’est déclaré ici." in told


def test_cancel_campaign_is_refused_twice_to_others_and_of_a_corrected_one(
    registry: Registry, unknown_id: object
) -> None:
    party, rival = registry.party(), registry.party()
    dataset = filled(party, [14])
    campaign = party.post("/v1/campaigns", body_of(party, dataset))
    assert refused_cancellation(rival, campaign) == (404, "not_found")
    assert refused_cancellation(party, {"id": unknown_id}) == (404, "not_found")
    assert refused_cancellation(registry.regulator(), campaign)[0] == 403
    assert refused_cancellation(party, campaign, reason="06 39 98 00 14 a protesté.") == (422, "invalid_request")
    assert refused_cancellation(party, campaign, occurred_at="2199-01-01T00:00:00Z") == (422, "in_the_future")
    cancel(party, campaign)
    assert refused_cancellation(party, campaign) == (409, "already_cancelled")
    again = party.post("/v1/campaigns", body_of(party, dataset, name="Sent after all", corrects_id=campaign["id"]))
    assert states_in(party.lookup(number(14))) == [("Sent after all", "sent")]
    assert refused_cancellation(party, campaign) == (409, "already_corrected")
    assert cancel(party, again)["state"] == "not_sent"


def test_sender_cancels_the_campaigns_that_it_sends_and_no_other(registry: Registry) -> None:
    party = registry.party()
    sender, other = (registry.organisation(Role.PROCESSOR, acts_for=party) for _ in range(2))
    campaign = sender.post("/v1/campaigns", body_of(party, filled(party, [15]), sender_id=str(sender.id)))
    assert refused_cancellation(other, campaign) == (404, "not_found")
    made = cancel(sender, campaign)["cancellation"]
    assert (made["asserted_by_id"], made["asserted_through_id"]) == (str(party.id), str(sender.id))


def test_correction_and_cancellation_at_once_wait_for_each_other(registry: Registry) -> None:
    party = registry.party()
    dataset = filled(party, [16])
    for _ in range(5):
        campaign = party.post("/v1/campaigns", body_of(party, dataset))
        bodies = [
            ("/v1/campaigns", body_of(party, dataset, corrects_id=campaign["id"])),
            (f"/v1/campaigns/{campaign['id']}/cancellation", cancellation()),
        ]
        with ThreadPoolExecutor() as threads:
            corrected, cancelled = threads.map(lambda it: party.request("POST", it[0], json=it[1]), bodies)
        assert corrected.status_code == 201, corrected.text
        if cancelled.status_code != 201:
            assert refusal(cancelled) == (409, "already_corrected")
            assert corrected.json()["id"] in cancelled.json()["detail"]
        states = {row["id"]: row["state"] for row in party.get("/v1/campaigns")["items"]}
        assert states[corrected.json()["id"]] == "sent"
        cancel(party, corrected.json())


def test_transfer_can_be_denied_once_its_campaign_was_corrected_away_or_cancelled(registry: Registry) -> None:
    shop, party = registry.collector(), registry.party()
    for how in ("correct", "cancel", "planned"):
        transfer = hand_over(shop, collected(shop, [17]), party)
        received, own = {"id": transfer["received_dataset_id"]}, filled(party, [17])
        when = beginning_in(days=2) if how == "planned" else {}
        campaign = party.post("/v1/campaigns", body_of(party, received, **when))
        path, denial = f"/v1/transfers/{transfer['id']}/statements", {"occurred_at": "2024-03-01T00:00:00Z"}
        denial |= {"status": "denied", "comment": "Rien reçu."}
        assert refusal(party.request("POST", path, json=denial)) == (409, "used_in_campaign")
        if how == "correct":
            party.post("/v1/campaigns", body_of(party, own, corrects_id=campaign["id"]))
        else:
            cancel(party, campaign)
        assert party.post(path, denial)["status"] == "denied"


def test_flags_of_cancelled_and_corrected_campaigns_are_gone_and_planned_ones_say_so(
    registry: Registry, client: TestClient, dsn: str
) -> None:
    party = registry.party()
    dataset = filled(party, [18])
    person = prove(client, dsn, number(18))
    assert person.request("POST", "/v1/objections", json={"kind": "objection"}).status_code == 201
    past = party.post("/v1/campaigns", body_of(party, dataset))
    planned = party.post("/v1/campaigns", body_of(party, dataset, **beginning_in(days=2)))

    def flagged() -> dict[str, str | None]:
        return {flag["id"]: flag["campaign_state"] for flag in party.get("/v1/objections/flags")["items"]}

    def flagged_to_person() -> dict[str, str]:
        (objection,) = person.request("GET", "/v1/objections").json()["items"]
        return {flag["campaign"]["id"]: flag["campaign"]["state"] for flag in objection["flags"]}

    expected = {past["id"]: "sent", planned["id"]: "planned"}
    until(lambda: flagged() == expected)
    assert flagged_to_person() == expected
    cancel(party, past)
    again = party.post("/v1/campaigns", body_of(party, dataset, corrects_id=planned["id"], **beginning_in(days=3)))
    until(lambda: flagged() == {again["id"]: "planned"})
    assert flagged_to_person() == flagged()
    assert refusal(party.request("GET", f"/v1/objections/flags/{past['id']}/numbers")) == (404, "not_found")
    assert rows(dsn, "SELECT count(*) FROM objection_flag WHERE campaign_id IS NOT NULL") == [(3,)]


def test_report_stops_to_a_cancelled_campaign_is_refused(registry: Registry) -> None:
    party = registry.party()
    campaign = party.post("/v1/campaigns", body_of(party, filled(party, [19])))
    cancel(party, campaign)
    replies = {"replies": [{"number": number(19), "replied_at": "2024-06-07T10:00:00Z"}]}
    path = f"/v1/campaigns/{campaign['id']}/stops"
    assert refusal(party.request("POST", path, json=replies)) == (409, "campaign_cancelled")
