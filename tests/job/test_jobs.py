"""Jobs as their organisation sees them: progress, the end, and the reason of a failure."""

import asyncio
import json
import uuid
from contextlib import ExitStack
from typing import Any

from pydantic import SecretStr

from service.core.db import Database
from service.core.errors import Conflict
from service.core.settings import Settings
from service.core.vocabulary import Role
from service.job.models import Job
from service.job.operations import ReportProgress, run_job
from service.main import create_app
from tests.builders import number, open_dataset
from tests.callers import Caller, Registry
from tests.conftest import MASTER_SECRET, settings_of_tests
from tests.inspection import refusal, rows
from tests.sockets import on_a_socket


def sealing(broker: Caller, **more: Any) -> Any:
    """The job that seals a small dataset."""
    dataset = open_dataset(broker, **more)
    broker.put_part(dataset["id"], [number(last) for last in range(50)])
    return broker.post(f"/v1/datasets/{dataset['id']}/seal")


def events(caller: Caller, job: Any) -> list[tuple[str, Any]]:
    """Names and data of a job's event stream, read to its end."""
    answer = caller.request("GET", f"/v1/jobs/{job['id']}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = []
    for block in answer.text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def test_follow_job_streams_progress_and_ends_with_finished(registry: Registry) -> None:
    broker = registry.broker()
    job = sealing(broker)
    streamed = events(broker, job)
    assert {name for name, _ in streamed[:-1]} <= {"progress"}
    name, last = streamed[-1]
    assert (name, last["state"], last["problem"]) == ("finished", "succeeded", None)
    assert last["done"] == last["total"] > 0
    assert last == broker.get(f"/v1/jobs/{job['id']}")
    assert events(broker, job) == [("finished", last)]


def test_get_job_of_another_organisation_is_not_found(registry: Registry, unknown_id: object) -> None:
    broker = registry.broker()
    job = sealing(broker)
    broker.finish(job)
    for caller in (registry.broker(), registry.party(), registry.collector()):
        for path in (f"/v1/jobs/{job['id']}", f"/v1/jobs/{job['id']}/events", f"/v1/jobs/{unknown_id}/events"):
            assert refusal(caller.request("GET", path)) == (404, "not_found")
    assert registry.regulator().get(f"/v1/jobs/{job['id']}")["state"] == "succeeded"
    assert refusal(registry.operator().request("GET", f"/v1/jobs/{job['id']}")) == (403, "role_missing")


def test_job_with_unexpected_error_shows_no_text_and_can_be_repeated(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    broker.put_part(dataset["id"], [number(last) for last in range(50)])
    rows(dsn, "UPDATE staged_run SET content = content || '\\x00'")
    failed = broker.finish(broker.post(f"/v1/datasets/{dataset['id']}/seal"))
    assert failed["state"] == "failed"
    assert failed["problem"] == {
        "type": "urn:filiation:problem:internal_error",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "An unexpected error occurred. Try again. If it persists, report its time to the operator.",
    }
    assert events(broker, failed) == [("finished", failed)]
    assert broker.get(f"/v1/datasets/{dataset['id']}")["state"] == "open"
    rows(dsn, "UPDATE staged_run SET content = substr(content, 1, octet_length(content) - 1)")
    assert broker.seal(dataset["id"])["number_count"] == 50


def test_job_with_problem_stores_it(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    job = sealing(broker)
    broker.finish(job)
    rows(dsn, "UPDATE job SET state = 'waiting', finished_at = NULL")

    async def work(job: Job, report: ReportProgress) -> None:
        await report(3, 7)
        raise Conflict("used_since", "It was used since.")

    async def run() -> None:
        database = Database(dsn, pool_size=1)
        await run_job(database, uuid.UUID(job["id"]), work)
        await database.close()

    asyncio.run(run())
    found = broker.get(f"/v1/jobs/{job['id']}")
    assert (found["state"], found["done"], found["total"]) == ("failed", 3, 7)
    assert found["problem"]["type"] == "urn:filiation:problem:used_since"
    assert found["problem"]["status"] == 409


def test_follow_job_holds_no_connection_while_it_waits(dsn: str) -> None:
    """More streams than the pool has connections wait for the same job, and other requests are still answered."""
    settings = Settings(master_secret=SecretStr(MASTER_SECRET), pool_size=1)
    with on_a_socket(create_app(settings, dsn, with_worker=False)) as client, ExitStack() as stack:
        broker = Registry(client, dsn).broker()
        job = sealing(broker)
        headers = {"Authorization": f"Bearer {broker.key}"}
        streams = [
            stack.enter_context(client.stream("GET", f"/v1/jobs/{job['id']}/events", headers=headers)).iter_lines()
            for _ in range(6)
        ]
        assert [next(lines) for lines in streams] == ["event: progress"] * 6
        assert broker.get(f"/v1/jobs/{job['id']}")["state"] == "waiting"
        rows(dsn, "UPDATE job SET state = 'succeeded', finished_at = now()")
        names = [[line for line in lines if line.startswith("event: ")] for lines in streams]
    assert names == [["event: finished"]] * 6


def test_list_jobs_shows_the_key_and_the_processor_that_started_them(registry: Registry) -> None:
    party = registry.party()
    sender = registry.organisation(Role.PROCESSOR, acts_for=party)
    own, through = sealing(party), sealing(sender, holder_id=str(party.id))
    listed = {job["id"]: job for job in party.get("/v1/jobs")["items"]}
    assert (listed[own["id"]]["through_id"], listed[through["id"]]["through_id"]) == (None, through["through_id"])
    assert own["api_key_id"] != through["api_key_id"]
    assert through["through_id"] is not None
    page = party.get("/v1/jobs", params={"limit": 1})
    assert [page["items"][0]["id"], page["next"]] == [own["id"], own["id"]]
    assert registry.party().get("/v1/jobs")["items"] == []


def test_follow_job_ends_with_its_key_on_another_process(dsn: str) -> None:
    """Three streams: of a key that is revoked elsewhere, of one that was rotated and expires, and of another."""
    with ExitStack() as stack:
        apps = [create_app(settings_of_tests(), dsn, with_worker=False) for _ in range(2)]
        client, elsewhere = (stack.enter_context(on_a_socket(app)) for app in apps)
        registry = Registry(client, dsn)
        operator, broker = Registry(elsewhere, dsn).operator(), registry.broker()
        issued = [
            operator.post("/v1/keys", {"organisation_id": str(broker.id), "scopes": ["facts:read", "accounts"]})
            for _ in range(2)
        ]
        revoked, rotated = (Caller(client, broker.id, key["key"]) for key in issued)
        job = sealing(broker)
        renewed = rotated.post(f"/v1/keys/{issued[1]['id']}/rotate")
        streams = []
        for caller in (revoked, rotated, broker):
            headers = {"Authorization": f"Bearer {caller.key}"}
            stream = client.stream("GET", f"/v1/jobs/{job['id']}/events", headers=headers)
            streams.append(stack.enter_context(stream).iter_lines())
        assert [next(lines) for lines in streams] == ["event: progress"] * 3
        operator.request("DELETE", f"/v1/keys/{issued[0]['id']}").raise_for_status()
        assert "event: finished" not in list(streams[0]), "it ends although its job does not"
        assert refusal(revoked.request("GET", f"/v1/jobs/{job['id']}")) == (401, "key_refused")
        rows(dsn, "UPDATE api_key SET expires_at = now() WHERE id = %s", issued[1]["id"])
        assert refusal(rotated.request("GET", f"/v1/jobs/{job['id']}")) == (401, "key_refused")
        assert broker.get(f"/v1/jobs/{job['id']}")["state"] == "waiting", "a job runs to its end"
        rows(dsn, "UPDATE job SET done = 1")
        assert "event: progress" in [next(streams[1]) for _ in range(4)], "the stream is the new key's"
        operator.request("DELETE", f"/v1/keys/{renewed['id']}").raise_for_status()
        assert "event: finished" not in list(streams[1])
        rows(dsn, "UPDATE job SET state = 'succeeded', finished_at = now()")
        assert "event: finished" in list(streams[2])
