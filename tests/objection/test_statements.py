"""How many statements recording objections makes: few, and as many for any number of holders and of numbers."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable

import pytest

from service.core.clock import now
from service.core.db import Database
from service.core.task_queue import open_queue
from service.core.vocabulary import ObjectionKind, Role
from service.objection.operations import create_objection, record_received_objections
from service.objection.recorder import as_holder
from service.objection.reporting import BATCH, Reporting
from service.objection.schemas import ObjectionIn, ObjectionOut, ReceivedObjectionsIn, ReportOutcome
from service.provenance.snapshot import Snapshots
from service.verification.sessions import Person
from tests.builders import FICTION, collected, number
from tests.callers import Caller, Registry
from tests.conftest import settings_of_tests
from tests.inspection import rows
from tests.persons import ring_of_tests
from tests.statements import record_statements

MOST_STATEMENTS = 12


def numbers_with_holders(registry: Registry, dsn: str, counts: list[int]) -> list[Caller]:
    """Give the number with the last four digits 0001 to so many holders, the next to so many, and so on."""
    holders = []
    for place in range(max(counts)):
        holder = registry.organisation(Role.PARTY, Role.COLLECTOR)
        collected(holder, [last for last, count in enumerate(counts, 1) if place < count])
        rows(
            dsn,
            "INSERT INTO webhook_endpoint (id, organisation_id, api_key_id, url, secret_encrypted, recorded_at) "
            "SELECT gen_random_uuid(), organisation_id, id, 'https://127.0.0.1:9', '', now() "
            "FROM api_key WHERE organisation_id = %s",
            holder.id,
        )
        holders.append(holder)
    return holders


def statements_of_objections(monkeypatch: pytest.MonkeyPatch, dsn: str, count: int) -> list[int]:
    """How many statements each of the first so many numbers takes, and that each holder got its relay."""
    ring, executed, found = ring_of_tests(), record_statements(monkeypatch, dsn, of_test=True), []

    async def record(last: int) -> ObjectionOut:
        person = Person(uuid.uuid4(), FICTION + last, ring.pseudonym(FICTION + last), None)
        async with open_queue(dsn) as queue, database.transaction() as session:
            await snapshots.load()
            executed.clear()
            wanted = ObjectionIn(kind=ObjectionKind.ERASURE)
            return await create_objection(session, snapshots, ring, queue, person, wanted)

    async def record_all() -> None:
        for last in range(1, count + 1):
            created = await record(last)
            found.append(len(executed))
            assert {relay.state for relay in created.relays} == {"pending"}

    database = Database(dsn)
    snapshots = Snapshots(database)
    run_and_close(record_all, database)
    return found


def run_and_close(work: Callable[[], Awaitable[None]], database: Database) -> None:
    """Run `work`, and close its database."""

    async def run() -> None:
        try:
            await work()
        finally:
            await database.close()

    asyncio.run(run())


def test_objection_to_a_number_of_many_holders_makes_no_more_statements(
    registry: Registry, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = [5, 1, 2, 5]
    numbers_with_holders(registry, dsn, counts)
    # The first loads the graph.
    _, *found = statements_of_objections(monkeypatch, dsn, len(counts))
    assert len(set(found)) == 1
    assert found[0] <= MOST_STATEMENTS
    assert rows(dsn, "SELECT count(*) FROM webhook_delivery") == [(sum(counts),)]


def test_report_of_many_numbers_makes_no_more_statements_than_of_one_in_each_transaction(
    registry: Registry, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = [1, 2] * (4 + BATCH)
    holder, _ = numbers_with_holders(registry, dsn, counts)
    executed, found = record_statements(monkeypatch, dsn, of_test=True), dict[int, int]()
    database, ring, lasts = Database(dsn), ring_of_tests(), iter(range(1, len(counts) + 1))

    async def record_all() -> None:
        for count in (1, 1, 4, BATCH, 1 + BATCH):
            async with open_queue(dsn) as queue:
                reporting = Reporting(database, snapshots, ring, queue, settings_of_tests())
                said = [{"number": number(next(lasts)), "occurred_at": now()} for _ in range(count)]
                wanted = ReceivedObjectionsIn.model_validate({"kind": "erasure", "numbers": said})
                executed.clear()
                answer = await record_received_objections(reporting, as_holder(holder.id), wanted)
            assert {result.outcome for result in answer.results} == {ReportOutcome.RECORDED}
            # The first loads the graph.
            found[count] = len(executed)

    snapshots = Snapshots(database)
    run_and_close(record_all, database)
    assert found[1] == found[4] == found[BATCH]
    assert found[1 + BATCH] - found[BATCH] <= MOST_STATEMENTS
