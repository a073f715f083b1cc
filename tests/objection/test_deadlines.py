"""Deadlines, and the relays that are past theirs, as the regulator sees them."""

from datetime import UTC, date, datetime
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from service.core.legal_period import Period, Unit, last_day
from service.core.time_zone import read_zones
from service.core.work_calendar import WorkCalendar
from service.objection.answer_period import answer_due_at, answer_due_on
from tests.builders import number
from tests.inspection import refusal, rows
from tests.objection.builders import Holders, In, create_objection, relays_to

MONTH = Period(1, Unit.MONTHS)


@pytest.mark.parametrize(
    ("received_at", "country", "due_on"),
    [
        ("2026-01-31T10:00Z", "FR", "2026-03-02"),
        ("2026-11-25T10:00Z", "FR", "2026-12-28"),
        ("2024-02-29T10:00Z", "FR", "2024-03-29"),
        ("2026-03-31T22:30Z", "FR", "2026-05-04"),
        ("2026-03-31T22:30Z", "GB", "2026-04-30"),
        ("2026-06-14T10:00Z", "FR", "2026-07-15"),
        ("2026-06-14T10:00Z", "BE", "2026-07-14"),
        # It is the 15th in New York, and still the 14th in Honolulu.
        ("2026-09-15T09:00Z", "US", "2026-10-15"),
    ],
)
def test_the_month_ends_by_the_days_of_the_holders_country(received_at: str, country: str, due_on: str) -> None:
    due_at = answer_due_at(datetime.fromisoformat(received_at), In(country))
    assert answer_due_on(due_at, In(country)) == date.fromisoformat(due_on)


def test_an_extended_answer_is_due_three_months_after_the_request() -> None:
    due_at = answer_due_at(datetime.fromisoformat("2026-01-31T10:00Z"), In("FR"), extended=True)
    assert answer_due_on(due_at, In("FR")) == date(2026, 4, 30)


def test_who_is_in_time_in_one_zone_of_a_country_is_in_time() -> None:
    for hour, (country, zones) in product(range(24), read_zones().items()):
        received_at = datetime(2026, 6, 11, hour, tzinfo=UTC)
        ends = {zone: MONTH.end(received_at, WorkCalendar(country, ZoneInfo(zone))) for zone in zones}
        due_at = answer_due_at(received_at, In(country))
        assert due_at == max(ends.values()), country
        days = {last_day(due_at, ZoneInfo(zone)) for zone in zones if ends[zone] == due_at}
        assert answer_due_on(due_at, In(country)) in days, country


def test_the_month_ends_in_the_time_zone_that_is_stated_of_the_holder() -> None:
    for country, zones in read_zones().items():
        received_at = datetime(2026, 6, 11, 9, tzinfo=UTC)
        for zone in zones:
            due_at = answer_due_at(received_at, In(country, zone))
            assert due_at == MONTH.end(received_at, WorkCalendar(country, ZoneInfo(zone)))
            # It was counted in this zone, and keeps its day when another is stated or none.
            days = {answer_due_on(due_at, In(country, other)) for other in (zone, None)}
            assert last_day(due_at, ZoneInfo(zone)) in days
            assert answer_due_on(due_at, In(country, zone)) == last_day(due_at, ZoneInfo(zone))


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
    elapsed(dsn, 45)
    assert len(holders.registry.regulator().get("/v1/objections/overdue")["items"]) == 2


def test_list_overdue_relays_by_regulator_is_recorded(holders: Holders, dsn: str) -> None:
    regulator = holders.registry.regulator()
    create_objection(holders.person(1))
    assert regulator.get("/v1/objections/overdue")["items"] == []
    elapsed(dsn, 45)
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
    elapsed(dsn, 45)
    assert holders.registry.regulator().get("/v1/objections/overdue")["items"] == []


def test_list_overdue_relays_by_others_is_refused(holders: Holders) -> None:
    for caller in (holders.broker, holders.party, holders.registry.operator()):
        assert refusal(caller.request("GET", "/v1/objections/overdue")) == (403, "role_missing")
