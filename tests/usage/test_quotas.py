"""Quotas by organisation and day, and the operator's alerts about unusual days."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from service.core.settings import Settings
from service.core.vocabulary import Role
from tests.builders import collected, filled, number
from tests.callers import Caller, Registry
from tests.conftest import MASTER_SECRET
from tests.inspection import refusal, rows

RECEIVED = "/v1/objections/received"


@pytest.fixture
def settings() -> Settings:
    """Small limits."""
    return Settings(
        master_secret=SecretStr(MASTER_SECRET),
        verifications_per_address=1000,
        objections_per_day=3,
        organisations_per_day=2,
        usage_jump_factor=5,
        usage_jump_numbers=10,
        usage_jump_objections=2,
    )


def letters(*last_fours: int) -> dict[str, Any]:
    """The body of a request: letters from the owners of these numbers."""
    numbers = [{"number": number(last_four), "occurred_at": "2024-05-20T10:00:00Z"} for last_four in last_fours]
    return {"kind": "objection", "numbers": numbers}


def organisation(name: str) -> dict[str, Any]:
    """The body of a request that names an organisation."""
    return {"legal_name": name, "country": "FR", "roles": ["broker"]}


def assert_refused_until_tomorrow(answer: Any, slug: str) -> None:
    assert refusal(answer) == (429, slug)
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    assert abs((midnight - now).total_seconds() - int(answer.headers["retry-after"])) < 600


@pytest.fixture
def collector(registry: Registry) -> Caller:
    """A collector that holds the numbers 1 to 9."""
    collector = registry.collector()
    collected(collector, range(1, 10))
    return collector


def test_record_received_over_the_limit_is_refused_whole(collector: Caller, dsn: str) -> None:
    assert {result["outcome"] for result in collector.post(RECEIVED, letters(1, 2))["results"]} == {"recorded"}
    headers = {"Idempotency-Key": "letters-of-may"}
    refused = collector.request("POST", RECEIVED, json=letters(3, 4), headers=headers)
    assert_refused_until_tomorrow(refused, "objection_quota")
    assert "3 objections" in refused.json()["detail"]
    assert rows(dsn, "SELECT count(*) FROM objection") == [(2,)]
    assert rows(dsn, "SELECT count FROM daily_usage WHERE kind = 'objections'") == [(2,)]
    assert collector.post(RECEIVED, letters(3))["results"][0]["outcome"] == "recorded"
    rows(dsn, "UPDATE daily_usage SET day = day - 1")
    again = collector.post(RECEIVED, letters(3, 4), headers=headers)
    assert [item["outcome"] for item in again["results"]] == ["already_recorded", "recorded"]


def test_record_received_counts_only_what_it_records(collector: Caller, dsn: str) -> None:
    collector.post(RECEIVED, letters(1))
    outcomes = [item["outcome"] for item in collector.post(RECEIVED, letters(1, 99))["results"]]
    assert outcomes == ["already_recorded", "not_held"]
    unreadable = {"number": "x", "occurred_at": "2024-05-20T10:00:00Z"}
    collector.post(RECEIVED, {"kind": "objection", "numbers": [unreadable] * 9})
    assert rows(dsn, "SELECT count FROM daily_usage WHERE kind = 'objections'") == [(1,)]
    collector.post(RECEIVED, letters(2, 3))


def test_report_stops_counts_for_the_party_whose_sender_reports_them(registry: Registry) -> None:
    party = registry.party()
    sender = registry.organisation(Role.PROCESSOR, acts_for=party)
    dataset = filled(party, range(1, 10))
    window = {"began_at": "2024-06-06T10:00:00+02:00", "ended_at": "2024-06-06T12:00:00+02:00"}
    said = {"name": "Appel", "originator": "38001", "message_text": "Votez.", "dataset_ids": [dataset["id"]]}
    campaign = party.post("/v1/campaigns", {"party_id": str(party.id), "sender_id": str(sender.id)} | window | said)
    path = f"/v1/campaigns/{campaign['id']}/stops"
    replies = [{"number": number(last_four), "replied_at": "2024-06-06T12:00:00Z"} for last_four in range(1, 5)]
    assert len(sender.post(path, {"replies": replies[:3]})["results"]) == 3
    assert_refused_until_tomorrow(sender.request("POST", path, json={"replies": replies[3:]}), "objection_quota")
    assert_refused_until_tomorrow(party.request("POST", RECEIVED, json=letters(5)), "objection_quota")


def test_larger_dataset_raises_the_limit_of_objections_once_it_is_released(registry: Registry, dsn: str) -> None:
    collector = registry.organisation(Role.COLLECTOR, released=False)
    dataset = collected(collector, range(1, 10))
    rows(dsn, "UPDATE dataset SET number_count = 400")
    collector.post(RECEIVED, letters(1, 2, 3))
    assert_refused_until_tomorrow(collector.request("POST", RECEIVED, json=letters(4)), "objection_quota")
    registry.operator().post(f"/v1/datasets/{dataset['id']}/release", {})
    collector.post(RECEIVED, letters(4))
    assert_refused_until_tomorrow(collector.request("POST", RECEIVED, json=letters(5)), "objection_quota")


def test_register_organisation_over_the_limit_is_refused(registry: Registry, dsn: str) -> None:
    broker, other = registry.broker(), registry.broker()
    for name in ("A", "B"):
        broker.post("/v1/organisations", organisation(name))
    assert_refused_until_tomorrow(
        broker.request("POST", "/v1/organisations", json=organisation("C")), "organisation_quota"
    )
    assert rows(dsn, "SELECT legal_name FROM organisation WHERE legal_name = 'C'") == []
    other.post("/v1/organisations", organisation("D"))
    operator = registry.operator()
    for name in ("E", "F", "G"):
        operator.post("/v1/organisations", organisation(name))


def test_unusual_day_becomes_an_alert_for_the_operator_alone(
    collector: Caller, registry: Registry, client: TestClient, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    operator, other = registry.operator(), registry.broker()
    assert operator.get("/v1/usage/alerts")["items"] == []
    rows(dsn, "UPDATE daily_usage SET day = day - 3")
    with caplog.at_level(logging.WARNING):
        filled(collector, range(20, 65))
        assert operator.get("/v1/usage/alerts")["items"] == [], "five times nine are not more than five times usual"
        filled(collector, range(70, 75))
        filled(collector, range(80, 85))
    (alert,) = operator.get("/v1/usage/alerts")["items"]
    assert (alert["organisation_id"], alert["kind"]) == (str(collector.id), "numbers")
    assert (alert["count"], alert["usual_count"]) == (55, 9)
    assert alert["day"] == datetime.now(UTC).date().isoformat()
    warned = [record.getMessage() for record in caplog.records if str(collector.id) in record.getMessage()]
    assert len(warned) == 1
    assert "3998" not in str(warned) + str(alert)
    for caller in (collector, other, registry.regulator()):
        assert refusal(caller.request("GET", "/v1/usage/alerts"))[0] == 403
    assert refusal(client.get("/v1/usage/alerts")) == (401, "key_refused")


def test_alert_names_recorded_objections_and_is_listed_in_pages(collector: Caller, registry: Registry) -> None:
    filled(collector, range(20, 40))
    collector.post(RECEIVED, letters(1, 2, 3))
    operator = registry.operator()
    page = operator.get("/v1/usage/alerts", params={"limit": 1})
    rest = operator.get("/v1/usage/alerts", params={"after": page["next"]})
    found = [(alert["kind"], alert["count"], alert["usual_count"]) for alert in page["items"] + rest["items"]]
    assert found == [("numbers", 29, 0), ("objections", 3, 0)]
    assert rest["next"] is None


def test_habit_leaves_out_days_before_the_last_four_weeks(collector: Caller, registry: Registry, dsn: str) -> None:
    rows(dsn, "UPDATE daily_usage SET day = day - 29, count = 1000")
    filled(collector, range(20, 40))
    (alert,) = registry.operator().get("/v1/usage/alerts")["items"]
    assert alert["usual_count"] == 0


def test_seal_of_few_numbers_is_no_alert_whatever_the_habit(registry: Registry) -> None:
    filled(registry.broker(), range(1, 9))
    assert registry.operator().get("/v1/usage/alerts")["items"] == []
