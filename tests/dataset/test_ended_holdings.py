"""A holding ends: its holder had its numbers until then, in every answer, and nothing counts it from then on."""

from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from service.command.answer_tree import draw_answer
from service.provenance.answer.schemas import Answer
from service.wording.language import Language
from tests.builders import collected, filled, hand_over, number, open_dataset
from tests.callers import Caller, Registry
from tests.dataset.builders import check_memberships
from tests.inspection import refusal, rows, until
from tests.persons import prove

pytestmark = pytest.mark.one_registry

SINCE = "2024-06-01T00:00:00Z"


def end(holder: Caller, dataset_id: str, **more: Any) -> Any:
    body = {"occurred_at": SINCE, "end_reason": "retention_over", "reason": "Purge annuelle."}
    return holder.post(f"/v1/datasets/{dataset_id}/end", body | more)


def refused(holder: Caller, path: str, **body: Any) -> tuple[int, str]:
    return refusal(holder.request("POST", path, json=body))


def test_ended_holding_stays_in_every_answer_and_gets_no_relay(registry: Registry, dsn: str) -> None:
    shop, broker, party = registry.collector(), registry.broker(), registry.party()
    base = collected(shop, [101, 102])
    bought = hand_over(shop, base, broker)["received_dataset_id"]
    sold = hand_over(broker, {"id": bought}, party, occurred_at="2024-03-01T00:00:00Z")["received_dataset_id"]
    stated = end(broker, bought)
    assert (stated["kind"], stated["end_reason"], stated["occurred_at"]) == ("ended", "retention_over", SINCE)
    row = broker.get(f"/v1/datasets/{bought}")
    assert (row["held_until"], row["end_reason"], row["number_count"]) == (SINCE, "retention_over", 2)
    # Its holder, its recipient and the authority read until when, and the holder's own words stay its own.
    for reader, words in ((broker, "Purge annuelle."), (party, None)):
        (end_shown,) = [
            each["dataset"]["end"] for each in reader.lookup(number(101))["holdings"] if each["dataset"]["id"] == bought
        ]
        assert (end_shown["held_until"], end_shown["reason"]) == (SINCE, words)
    current = {row["dataset"]["id"]: row["current"] for row in broker.lookup(number(101))["holdings"]}
    assert current == {base["id"]: True, bought: False}
    (upstream,) = [node for node in party.get(f"/v1/datasets/{sold}/lineage")["nodes"] if node["distance"] == -1]
    assert upstream["dataset"]["end"]["held_until"] == SINCE
    assert party.get(f"/v1/datasets/{bought}/statements")["items"][0]["reason"] is None
    person = prove(broker.client, dsn, number(101))
    objected = person.request("POST", "/v1/objections", json={"kind": "objection"}).json()
    assert {relay["holder"]["id"] for relay in objected["relays"]} == {str(shop.id), str(party.id)}
    report = person.request("POST", "/v1/disclosures", json={"form": "json", "language": "fr"}).json()
    assert [row["dataset"]["id"] for row in report["past_holdings"]] == [bought]
    assert "dit ne plus avoir le fichier contenant votre numéro depuis le" in str(report["report"])
    assert check_memberships(dsn).findings == []


def test_end_is_taken_back_and_objections_since_then_flag_the_dataset(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    registry.operator().post(f"/v1/organisations/{broker.id}/standing-release", {"up_to_count": 1000})
    dataset = filled(broker, [111])["id"]
    end(broker, dataset)
    assert refused(broker, f"/v1/datasets/{dataset}/withdrawal/take-back") == (409, "not_withdrawn")
    person = prove(broker.client, dsn, number(111))
    assert person.request("POST", "/v1/objections", json={"kind": "objection"}).json()["relays"] == []
    broker.post(f"/v1/datasets/{dataset}/end/take-back", {"reason": "Autre fichier."})
    assert refused(broker, f"/v1/datasets/{dataset}/end/take-back") == (409, "not_ended")
    assert broker.lookup(number(111))["held"]
    until(lambda: [flag["id"] for flag in broker.get("/v1/objections/flags")["items"]] == [dataset])
    kinds = [row["kind"] for row in broker.get(f"/v1/datasets/{dataset}/statements")["items"]]
    assert kinds == ["ended", "end_taken_back"]
    other = registry.broker()
    for path in ("end", "end/take-back", "withdrawal", "statements"):
        assert other.request(
            "GET" if path == "statements" else "POST", f"/v1/datasets/{dataset}/{path}"
        ).status_code in (
            404,
            422,
        )


def test_end_agrees_with_what_was_done_with_the_dataset(registry: Registry) -> None:
    shop, party = registry.collector(), registry.party()
    base = collected(shop, [121])
    opened = open_dataset(shop)["id"]
    sold = hand_over(shop, base, party)["received_dataset_id"]
    campaign = {
        "party_id": str(party.id),
        "name": "Appel",
        "originator": "38001",
        "message_text": "Votez.",
        "began_at": "2024-06-06T10:00:00Z",
        "ended_at": "2024-06-06T10:00:00Z",
        "dataset_ids": [sold],
    }
    party.post("/v1/campaigns", campaign)
    body = {"end_reason": "deleted"}
    found = {
        "open": refused(shop, f"/v1/datasets/{opened}/end", occurred_at=SINCE, **body),
        "future": refused(shop, f"/v1/datasets/{base['id']}/end", occurred_at="2090-01-01T00:00:00Z", **body),
        "before": refused(shop, f"/v1/datasets/{base['id']}/end", occurred_at="2023-01-01T00:00:00Z", **body),
        "before a transfer": refused(
            shop, f"/v1/datasets/{base['id']}/end", occurred_at="2024-01-15T00:00:00Z", **body
        ),
        "before a campaign": refused(party, f"/v1/datasets/{sold}/end", occurred_at=SINCE, **body),
        "another's": refused(party, f"/v1/datasets/{base['id']}/end", occurred_at=SINCE, **body),
        "no reason": refused(shop, f"/v1/datasets/{base['id']}/end", occurred_at=SINCE),
    }
    assert found == {
        "open": (409, "dataset_not_sealed"),
        "future": (422, "in_the_future"),
        "before": (422, "end_before_dataset"),
        "before a transfer": (409, "transferred_after_end"),
        "before a campaign": (409, "used_after_end"),
        "another's": (404, "not_found"),
        "no reason": (422, "invalid_request"),
    }
    end(party, sold, occurred_at="2024-07-01T00:00:00Z")
    later = campaign | {"began_at": "2024-07-02T00:00:00Z", "ended_at": "2024-07-02T00:00:00Z"}
    assert refused(party, "/v1/campaigns", **later) == (409, "holding_ended")
    party.post("/v1/campaigns", campaign | {"name": "Rappel"})
    end(shop, base["id"])
    late = {"occurred_at": "2024-06-02T00:00:00Z", "dataset_id": base["id"], "recipient_id": str(party.id)}
    roles = {"sender_role": "controller", "recipient_role": "controller"}
    why = {"purpose": "political_canvassing", "lawful_basis": "consent"}
    assert refused(shop, "/v1/transfers", **late, **roles, **why) == (409, "holding_ended")
    derived = {"occurred_at": late["occurred_at"], "holder_id": str(shop.id), "name": "B", "derived_from": [base["id"]]}
    assert refused(shop, "/v1/datasets", **derived) == (409, "holding_ended")


def test_erasure_by_the_person_reaches_what_holders_no_longer_have(registry: Registry, dsn: str) -> None:
    shop, broker, party = registry.collector(), registry.broker(), registry.party()
    base = collected(shop, [131, 132])
    bought = hand_over(shop, base, broker)["received_dataset_id"]
    other = filled(broker, [131, 132])["id"]
    sold = hand_over(shop, base, party)["received_dataset_id"]
    for holder, dataset in ((broker, bought), (broker, other), (party, sold)):
        end(holder, dataset)
    # What a holder records reaches only its own.
    received = {
        "kind": "erasure",
        "scope": "organisation",
        "organisation_id": str(broker.id),
        "numbers": [{"number": number(131), "occurred_at": "2024-06-10T10:00:00Z"}],
    }
    assert broker.post("/v1/objections/received", received)["results"][0]["outcome"] == "not_held"
    person = prove(broker.client, dsn, number(131))
    asked = person.request("POST", "/v1/objections", json={"kind": "erasure"}).json()
    assert [relay["holder"]["id"] for relay in asked["relays"]] == [str(shop.id)]
    erased = {
        erasure["dataset"]["id"] for erasure in registry.regulator().lookup(number(131), reason="Test")["erasures"]
    }
    assert erased == {bought, other, sold}
    # Another number, and the holding of who has it still, are as before.
    assert shop.lookup(number(131))["held"]
    assert len(broker.lookup(number(132))["holdings"]) == 3
    found = person.request("POST", "/v1/disclosures", json={"form": "json", "language": "en"}).json()
    assert "your number was erased from what is kept here of a file" in str(found["report"])
    assert check_memberships(dsn).violations == []
    assert rows(dsn, "SELECT count(*) FROM relay WHERE holder_id = %s", broker.id) == [(0,)]


def test_open_relay_stays_open_when_the_holding_ends(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    registry.operator().post(f"/v1/organisations/{broker.id}/standing-release", {"up_to_count": 1000})
    dataset = filled(broker, [141])["id"]
    person = prove(broker.client, dsn, number(141))
    person.request("POST", "/v1/objections", json={"kind": "erasure"})
    end(broker, dataset)
    (relay,) = broker.get("/v1/objections/relays")["items"]
    # The person is owed an answer. The number is no longer shown: there is no file to look in.
    assert (relay["state"], relay["number"]) == ("delivered", None)
    assert broker.post(f"/v1/objections/relays/{relay['id']}/complete")["state"] == "completed"
    assert rows(dsn, "SELECT number_count FROM segment_member WHERE dataset_id = %s", dataset) == [(0,)]
    (objection,) = person.request("POST", "/v1/disclosures", json={"form": "json"}).json()["objections"]
    assert (objection["relays"][0]["holder"]["id"], objection["relays"][0]["state"]) == (str(broker.id), "completed")


def test_command_line_shows_until_when_and_why_not(registry: Registry) -> None:
    broker = registry.broker()
    ended, wrong = filled(broker, [151])["id"], filled(broker, [151])["id"]
    end(broker, ended)
    broker.post(f"/v1/datasets/{wrong}/withdrawal", {"reason": "Erreur."})
    answer = Answer.model_validate(registry.regulator().lookup(number(151), reason="Test"))
    console = Console(width=120, record=True, file=StringIO())
    console.print(draw_answer("A number", answer, Language.EN, zone=ZoneInfo("UTC"), width=120, sees_all=True))
    drawn = console.export_text().replace("\xa0", " ")
    assert "held by no registered organisation" in drawn
    assert "no longer has it since 1 June 2024, as it says: retention period over" in drawn
    assert "because “Erreur.”" in drawn
