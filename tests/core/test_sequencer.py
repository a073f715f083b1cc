"""The one order of all changes: without a gap, without a loss, and in the order of the commits for each object."""

import asyncio
import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import LiteralString

import psycopg
import pytest

from service.core import changes
from service.core.changes import Change, changes_after, number_changes
from service.core.db import Database
from tests.callers import Registry
from tests.inspection import rows, until

WRITERS, TRANSACTIONS = 4, 15

_INSERT: LiteralString = (
    "INSERT INTO organisation (id, occurred_at, recorded_at, legal_name, country, roles) "
    "VALUES (%s, now(), now(), 'N', 'FR', '{broker}')"
)
_UPDATE: LiteralString = "UPDATE organisation SET legal_name = legal_name || '.' WHERE id = %s"
_SEQUENCE: LiteralString = "SELECT position, serial, object_id FROM change ORDER BY position NULLS LAST, serial"


def number_all(dsn: str, *stop: Event) -> None:
    """Number changes until nothing waits, or again and again until `stop` is set."""

    async def work() -> None:
        database = Database(dsn, pool_size=2)
        while await number_changes(database) or not all(event.is_set() for event in stop):
            pass
        await database.close()

    asyncio.run(work())


def write(dsn: str, seed: int, shared: uuid.UUID) -> None:
    """Transactions that change an object which others change too, one of their own, and make new ones."""
    chosen, own = random.Random(seed), uuid.uuid4()
    with psycopg.connect(dsn) as connection:
        connection.execute(_INSERT, (own,))
        connection.commit()
        for _ in range(TRANSACTIONS):
            for object_id in chosen.choice(([shared], [own], [own, shared], [])):
                connection.execute(_UPDATE, (object_id,))
            connection.execute(_INSERT, (uuid.uuid4(),))
            if chosen.random() < 0.2:
                connection.rollback()
            connection.commit()


@pytest.mark.parametrize("batch", [3, 10_000])
def test_number_changes_beside_writers_makes_one_sequence_in_the_order_of_each_object(
    dsn: str, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(changes, "_BATCH", batch)
    shared, written = uuid.uuid4(), Event()
    rows(dsn, _INSERT, shared)
    with ThreadPoolExecutor(WRITERS + 2) as pool:
        numbering = [pool.submit(number_all, dsn, written) for _ in range(2)]
        for writing in [pool.submit(write, dsn, seed, shared) for seed in range(WRITERS)]:
            writing.result()
        written.set()
        for running in numbering:
            running.result()
    number_all(dsn)
    found = rows(dsn, _SEQUENCE)
    assert [position for position, _, _ in found] == list(range(1, len(found) + 1))
    assert len(found) > WRITERS * TRANSACTIONS / 2
    of_object: dict[uuid.UUID, list[int]] = {}
    for _, serial, object_id in found:
        of_object.setdefault(object_id, []).append(serial)
    assert len(of_object[shared]) > WRITERS
    assert all(serials == sorted(serials) for serials in of_object.values())
    # What makes a version of the graph has it in the order of the commits too.
    versions = [version for (version,) in rows(dsn, "SELECT version FROM change WHERE version > 0 ORDER BY position")]
    assert versions == sorted(versions)
    assert set(versions) == set(range(1, max(versions) + 1))


def test_change_committed_late_gets_a_later_position_and_is_not_lost(dsn: str) -> None:
    late, early = uuid.uuid4(), uuid.uuid4()
    with psycopg.connect(dsn) as connection:
        connection.execute(_INSERT, (late,))
        rows(dsn, _INSERT, early)
        number_all(dsn)
        assert [(position, object_id) for position, _, object_id in rows(dsn, _SEQUENCE)] == [(1, early)]
        connection.commit()
    number_all(dsn)
    found = rows(dsn, _SEQUENCE)
    assert [(position, object_id) for position, _, object_id in found] == [(1, early), (2, late)]
    assert found[0][1] > found[1][1]


def test_changes_after_a_position_are_read_in_pages_once_the_worker_has_numbered_them(
    registry: Registry, dsn: str
) -> None:
    made = [registry.broker().id for _ in range(3)]
    until(lambda: not rows(dsn, "SELECT FROM change WHERE position IS NULL"))

    async def read() -> list[tuple[int | None, uuid.UUID]]:
        database = Database(dsn, pool_size=1)
        found: list[Change] = []
        async with database.snapshot() as session:
            while page := await changes_after(session, found[-1].position or 0 if found else 0, 2):
                assert len(page) <= 2
                found += page
        await database.close()
        return [(row.position, row.object_id) for row in found if row.kind == "organisation"]

    found = asyncio.run(read())
    assert [position for position, _ in found] == sorted(position or 0 for position, _ in found)
    assert list(dict.fromkeys(object_id for _, object_id in found)) == made
