"""Deadlines, and the relays that are past theirs, as the regulator sees them."""

from datetime import UTC, datetime

from service.objection.create import one_month_after
from tests.builders import number
from tests.inspection import refusal, rows
from tests.objection.builders import Holders, create_objection, relays_to


def test_one_month_after_is_the_same_day_or_the_months_last() -> None:
    due_days = {
        (2026, 1, 15): (2026, 2, 15),
        (2026, 1, 31): (2026, 2, 28),
        (2028, 1, 31): (2028, 2, 29),
        (2026, 12, 31): (2027, 1, 31),
        (2026, 10, 31): (2026, 11, 30),
    }
    found = {recorded: one_month_after(datetime(*recorded, 10, 30, tzinfo=UTC)) for recorded in due_days}
    assert found == {recorded: datetime(*due, 10, 30, tzinfo=UTC) for recorded, due in due_days.items()}


def elapsed(dsn: str, days: int) -> None:
    """Let some days pass since every relay was recorded and ended."""
    rows(
        dsn,
        """UPDATE relay SET recorded_at = recorded_at - age, due_at = due_at - age, ended_at = ended_at - age
           FROM make_interval(days => %s) AS age""",
        days,
    )


def test_list_overdue_relays_counts_objections_recorded_by_organisations(holders: Holders, dsn: str) -> None:
    body = {"kind": "objection", "numbers": [{"number": number(7), "occurred_at": "2024-05-20T08:00:00Z"}]}
    assert holders.party.post("/v1/objections/received", body)["results"][0]["outcome"] == "recorded"
    elapsed(dsn, 35)
    assert len(holders.registry.regulator().get("/v1/objections/overdue")["items"]) == 2


def test_list_overdue_relays_by_regulator_is_recorded(holders: Holders, dsn: str) -> None:
    regulator = holders.registry.regulator()
    create_objection(holders.person(1))
    assert regulator.get("/v1/objections/overdue")["items"] == []
    elapsed(dsn, 35)
    found = regulator.get("/v1/objections/overdue")
    assert {relay["holder"]["id"] for relay in found["items"]} == {str(holders.broker.id), str(holders.party.id)}
    assert "+33" not in str(found)
    page = regulator.get("/v1/objections/overdue", params={"limit": 1})
    rest = regulator.get("/v1/objections/overdue", params={"limit": 1, "after": page["next"]})
    assert page["items"] + rest["items"] == found["items"]
    looks = [look["operation"] for look in regulator.get("/v1/inspections")["items"]]
    assert looks.count("list_overdue_relays") == 4


def test_list_overdue_relays_leaves_out_ended_ones(holders: Holders, dsn: str) -> None:
    create_objection(holders.person(1))
    for holder in (holders.party, holders.broker):
        body = {"reason": "La preuve du consentement doit être gardée."}
        holder.post(f"/v1/objections/relays/{relays_to(holder)[0]['id']}/refuse", body)
    elapsed(dsn, 35)
    assert holders.registry.regulator().get("/v1/objections/overdue")["items"] == []


def test_list_overdue_relays_by_others_is_refused(holders: Holders) -> None:
    for caller in (holders.broker, holders.party, holders.registry.operator()):
        assert refusal(caller.request("GET", "/v1/objections/overdue")) == (403, "role_missing")
