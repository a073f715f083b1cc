"""How many statements recording an objection makes: few, and as many for any number of holders."""

import asyncio
import uuid

import pytest

from service.core.db import Database
from service.core.task_queue import open_queue
from service.core.vocabulary import ObjectionKind, Role
from service.objection.operations import create_objection
from service.objection.schemas import ObjectionIn, ObjectionOut
from service.provenance.snapshot import Snapshots
from service.verification.sessions import Person
from tests.builders import FICTION, collected
from tests.callers import Registry
from tests.inspection import rows
from tests.persons import ring_of_tests
from tests.statements import record_statements

MOST_STATEMENTS = 12


def numbers_with_holders(registry: Registry, dsn: str, counts: list[int]) -> None:
    """Give the number with the last four digits 0001 to so many holders, the next to so many, and so on."""
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


def statements_of_objections(monkeypatch: pytest.MonkeyPatch, dsn: str, count: int) -> list[int]:
    """How many statements each of the first so many numbers takes, and that each holder got its relay."""
    ring, executed, found = ring_of_tests(), record_statements(monkeypatch, dsn, of_test=True), []

    async def record(last: int) -> ObjectionOut:
        number = FICTION + last
        person = Person(uuid.uuid4(), number, ring.pseudonym(number), None)
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

    async def run() -> None:
        try:
            await record_all()
        finally:
            await database.close()

    asyncio.run(run())
    return found


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
