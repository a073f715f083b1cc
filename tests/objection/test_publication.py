"""The public figures on deadlines as the API gives them: frozen, alike everywhere, and silent about a person's day."""

import asyncio
import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from service.__main__ import app
from service.core.clock import now
from service.core.db import Database
from service.objection.publication import publish_due
from service.objection.quarter import Quarter
from service.wording.language import paris_day
from tests.builders import number
from tests.callers import Caller, Registry
from tests.conftest import MASTER_SECRET
from tests.inspection import refusal, rows
from tests.objection.builders import Holders, create_objection, relays_to
from tests.objection.publication_builders import (
    admit_in,
    last_due_quarter,
    public_bytes,
    publish,
    receive_requests,
)
from tests.web.reading import text_of

QUARTER = last_due_quarter()
PATH = f"/v1/objections/deadlines/{QUARTER}"


def publish_at(dsn: str, moment: Any) -> list[str]:
    """Publish as the worker would at a moment."""

    async def run() -> list[str]:
        database = Database(dsn, pool_size=1)
        async with database.transaction() as session:
            published = await publish_due(session, moment)
        await database.close()
        return published

    return asyncio.run(run())


@pytest.fixture
def party(registry: Registry, dsn: str) -> Caller:
    """A party that received 46 requests in a closed quarter, which is not published yet."""
    party = registry.party()
    admit_in(dsn, QUARTER)
    receive_requests(dsn, party.id, QUARTER, in_time=26, late=14, open_=6)
    return party


def rows_of(publication: Any) -> dict[str, Any]:
    """The published rows, by the organisation's name."""
    return {row["organisation"]["legal_name"]: row for row in publication["organisations"]}


def test_objection_changes_no_public_byte_until_the_day_of_its_quarter(
    holders: Holders, client: TestClient, dsn: str
) -> None:
    admit_in(dsn, QUARTER)
    receive_requests(dsn, holders.party.id, QUARTER, in_time=12)
    publish(dsn)
    before = public_bytes(client, [str(QUARTER)])
    create_objection(holders.person(1))
    (relay,) = (relay for relay in relays_to(holders.party) if relay["state"] != "completed")
    holders.party.post(f"/v1/objections/relays/{relay['id']}/complete")
    assert publish_at(dsn, now()) == []
    assert publish_at(dsn, QUARTER.next.as_of - timedelta(seconds=1)) == []
    assert public_bytes(client, [str(QUARTER)]) == before

    current = Quarter.of_day(paris_day(now()))
    assert publish_at(dsn, current.as_of)[-1] == str(current)
    assert client.get(PATH).content == before[PATH]
    (row,) = holders.party.get(f"/v1/objections/deadlines/{current}/exact")["items"]
    assert (row["received"], row["in_time"]) == (1, 1)
    shown = rows_of(client.get(f"/v1/objections/deadlines/{current}").json())
    assert {name: shown[name]["in_time"] for name in shown} == dict.fromkeys(shown, "fewer than 10")
    assert len(shown) == 3


def test_publication_rounds_counts_and_withholds_small_ones(party: Caller, client: TestClient, dsn: str) -> None:
    publish(dsn)
    publication = client.get(PATH).json()
    (row,) = publication["organisations"]
    few = dict.fromkeys(("refused", "withdrawn", "open"), "fewer than 10")
    left_out = dict.fromkeys(("received", "in_time_percent", "mean_days"))
    named = {"organisation": {"id": str(party.id), "legal_name": "Party 1"}}
    assert row == named | {"in_time": 30, "late": 10} | few | left_out | {"median_days": 5}
    assert publication["total"]["in_time"] == 30
    assert publication["published_on"] == QUARTER.published_on.isoformat()
    listed = client.get("/v1/objections/deadlines").json()["items"]
    assert [(item["quarter"], item["version"], item["reason"]) for item in listed] == [(str(QUARTER), 1, None)]


def test_publication_after_a_downtime_has_the_same_bytes(
    party: Caller, registry: Registry, client: TestClient, dsn: str
) -> None:
    publish_at(dsn, QUARTER.as_of)
    in_time = client.get(PATH).content
    rows(dsn, "DELETE FROM deadline_count")
    rows(dsn, "DELETE FROM deadline_publication")
    registry.broker()
    rows(dsn, "UPDATE relay SET state = 'refused', ended_at = %s WHERE ended_at IS NULL", QUARTER.as_of)
    receive_requests(dsn, party.id, QUARTER.next, in_time=12)
    publish(dsn)
    assert client.get(PATH).content == in_time


def test_publication_reads_alike_on_page_and_in_both_files(party: Caller, client: TestClient, dsn: str) -> None:
    publish(dsn)
    document = client.get(PATH).json()
    columns = [name for name in document["organisations"][0] if name != "organisation"]
    answer = client.get(f"{PATH}/counts.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    *lines, total = csv.DictReader(io.StringIO(answer.text))
    expected = [["" if row[name] is None else str(row[name]) for name in columns] for row in document["organisations"]]
    assert [[line[name] for name in columns] for line in lines] == expected
    assert total["in_time"] == str(document["total"]["in_time"])
    words = {"/en/deadlines": ("fewer than 10", " d"), f"/en/deadlines/{QUARTER}": ("fewer than 10", " d")}
    words |= {"/delais": ("moins de 10", " j"), f"/delais/{QUARTER}": ("moins de 10", " j")}
    for path, (few, days) in words.items():
        page = text_of(client.get(path).text)
        cells = [cell.replace("fewer than 10", few) or "–" for cell in expected[0]]
        cells[columns.index("median_days")] += days
        shown = page.partition("Party 1 ")[2].replace("– not published", "–").replace("– non publié", "–")
        assert shown.startswith(" ".join(cells)), (path, shown[:200])


def test_publication_counts_no_objections_recorded_by_organisations(
    registry: Registry, holders: Holders, client: TestClient, dsn: str
) -> None:
    body = {"kind": "objection", "numbers": [{"number": number(7), "occurred_at": "2024-05-20T08:00:00Z"}]}
    assert holders.party.post("/v1/objections/received", body)["results"][0]["outcome"] == "recorded"
    create_objection(holders.person(8))
    admit_in(dsn, QUARTER)
    begins = QUARTER.span[0]
    rows(dsn, "UPDATE relay SET received_at = %s WHERE received_at IS NOT NULL", begins)
    publish(dsn)
    exact = holders.registry.regulator().get(f"{PATH}/exact")["items"]
    received = {row["organisation"]["id"]: row["received"] for row in exact}
    assert received == {str(holders.broker.id): 1, str(holders.party.id): 1, str(holders.sender.id): 0}


def test_list_exact_counts_shows_an_organisation_its_own_and_a_regulator_all(
    party: Caller, registry: Registry, client: TestClient, dsn: str
) -> None:
    other = registry.broker()
    admit_in(dsn, QUARTER)
    receive_requests(dsn, other.id, QUARTER, in_time=3)
    assert refusal(party.request("GET", f"{PATH}/exact")) == (404, "not_found")
    publish(dsn)
    (own,) = party.get(f"{PATH}/exact")["items"]
    own_counts = {"received": 46, "in_time": 26, "late": 14, "refused": 0, "withdrawn": 0, "open": 6}
    assert own_counts.items() <= own.items()
    assert (own["median_days"], own["mean_days"]) == (5.0, pytest.approx((26 * 5 + 14 * 40) / 40))
    (others,) = other.get(f"{PATH}/exact")["items"]
    assert (others["organisation"]["id"], others["received"]) == (str(other.id), 3)
    regulator = registry.regulator()
    assert {row["received"] for row in regulator.get(f"{PATH}/exact")["items"]} == {46, 3}
    looks = [look["operation"] for look in regulator.get("/v1/inspections")["items"]]
    assert looks.count("list_exact_counts") == 1
    assert refusal(registry.operator().request("GET", f"{PATH}/exact")) == (403, "role_missing")
    assert refusal(client.get(f"{PATH}/exact")) == (401, "key_refused")


def correct(dsn: str, *arguments: str) -> Any:
    environment = {"DATABASE_URL": dsn, "FILIATION_MASTER_SECRET": MASTER_SECRET, "COLUMNS": "300"}
    return CliRunner().invoke(app, ["deadlines", "correct", *arguments], env=environment)


def test_correct_makes_a_new_version_with_its_reason_and_keeps_the_first(
    party: Caller, client: TestClient, dsn: str
) -> None:
    reason = "Vingt demandes manquaient."
    publish(dsn)
    first = client.get(PATH).content
    unchanged = correct(dsn, str(QUARTER), "--reason", reason)
    assert (unchanged.exit_code, getattr(unchanged.exception, "slug", None)) == (1, "nothing_to_correct")
    receive_requests(dsn, party.id, QUARTER, in_time=20)
    assert correct(dsn, str(QUARTER), "--reason", "Demandes du 06 39 98 00 01.").exit_code == 2
    done = correct(dsn, str(QUARTER), "--reason", reason)
    assert (done.exit_code, done.stdout) == (0, f"{QUARTER}, version 2\n"), done.output
    newest = client.get(PATH).json()
    assert (newest["version"], newest["reason"], newest["published_on"]) == (2, reason, paris_day(now()).isoformat())
    assert rows_of(newest)["Party 1"]["in_time"] == 50
    assert client.get(PATH, params={"version": 1}).content == first
    assert client.get(PATH, params={"version": 3}).status_code == 404
    page = text_of(client.get("/delais").text)
    assert reason in page
    assert page.index("version n° 2") < page.index("version n° 1")
    assert [item["version"] for item in client.get("/v1/objections/deadlines").json()["items"]] == [2, 1]
    publish(dsn)
    assert client.get(PATH).json()["version"] == 2


def test_get_publication_of_a_quarter_that_is_not_published_is_refused(client: TestClient) -> None:
    assert client.get("/v1/objections/deadlines").json() == {"items": []}
    assert refusal(client.get(PATH)) == (404, "not_found")
    assert refusal(client.get(f"{PATH}/counts.csv")) == (404, "not_found")
    assert refusal(client.get("/v1/objections/deadlines/2026-Q5")) == (422, "invalid_request")
    assert client.get(f"/delais/{QUARTER}", headers={"Accept": "text/html"}).status_code == 404
    assert "Aucun trimestre" in text_of(client.get("/delais").text)
