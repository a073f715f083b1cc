"""Which numbers of a list must not be used: exact on scope, and quick with many."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import perf_counter

import numpy as np
import psycopg

from service.core.clock import now
from service.core.db import Database
from service.core.vocabulary import Purpose
from service.number.keyring import KEY_BYTES, pack_keys
from service.objection.suppression import suppressed
from tests.builders import FICTION
from tests.callers import Registry
from tests.objection.builders import objects, several_holders
from tests.persons import ring_of_tests


def asked(
    dsn: str, numbers: Sequence[int], organisation_id: uuid.UUID, purpose: Purpose, as_of: datetime
) -> tuple[set[int], float]:
    """Which of these numbers are suppressed, and how many seconds that took."""
    ring = ring_of_tests()
    keys = ring.pseudonyms(np.array(numbers, np.int64))

    async def ask() -> tuple[set[int], float]:
        database = Database(dsn, pool_size=1)
        try:
            async with database.transaction() as session:
                began = perf_counter()
                found = await suppressed(session, ring, keys, organisation_id, purpose, as_of)
                return set(np.array(numbers)[found].tolist()), perf_counter() - began
        finally:
            await database.close()

    return asyncio.run(ask())


def test_each_scope_for_whom_and_what_it_is(registry: Registry, dsn: str) -> None:
    holders = several_holders(registry)
    before = now()
    objects(holders.person(1))
    objects(holders.person(2), kind="erasure")
    objects(holders.person(3), scope="organisation", organisation_id=str(holders.party.id))
    objects(holders.person(4), scope="purpose", purpose="political_canvassing")
    objects(holders.person(4), scope="purpose", purpose="fundraising")
    objects(holders.person(9999))

    def found(organisation_id: uuid.UUID, purpose: Purpose, as_of: datetime | None = None) -> set[int]:
        # In no order, and with one that comes twice.
        numbers = [FICTION + last for last in (9999, 4, 1, 5, 3, 2, 4)]
        return {number - FICTION for number in asked(dsn, numbers, organisation_id, purpose, as_of or now())[0]}

    political, commercial = Purpose.POLITICAL_CANVASSING, Purpose.COMMERCIAL_CANVASSING
    assert found(holders.party.id, political) == {1, 2, 3, 4, 9999}
    assert found(holders.party.id, commercial) == {1, 2, 3, 9999}
    assert found(holders.broker.id, political) == {1, 2, 4, 9999}
    assert found(holders.broker.id, Purpose.FUNDRAISING) == {1, 2, 4, 9999}
    assert found(holders.party.id, political, before) == set()


def test_it_counts_at_once_and_after_everybody_has_completed(registry: Registry, dsn: str) -> None:
    holders = several_holders(registry)
    objects(holders.person(1), kind="erasure")
    for holder in (holders.broker, holders.party):
        (relay,) = holder.get("/v1/objections/relays")["items"]
        holder.post(f"/v1/objections/relays/{relay['id']}/complete")
    found, _ = asked(dsn, [FICTION + 1], holders.party.id, Purpose.POLITICAL_CANVASSING, now())
    assert found == {FICTION + 1}


def test_a_million_numbers_against_a_hundred_thousand_objections(dsn: str) -> None:
    ring, objected = ring_of_tests(), range(FICTION, FICTION + 2_000_000, 20)
    marks = pack_keys(ring.marks(ring.pseudonyms(np.array(objected, np.int64))))
    recorded = datetime(2026, 1, 1, tzinfo=UTC)
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        columns = "id, occurred_at, recorded_at, kind, scope, source, mark"
        with cursor.copy(f"COPY objection ({columns}) FROM STDIN") as copy:
            for at in range(0, len(marks), KEY_BYTES):
                mark = marks[at : at + KEY_BYTES]
                copy.write_row((uuid.uuid4(), recorded, recorded, "objection", "everything", "person", mark))
    numbers = range(FICTION, FICTION + 1_000_000)
    as_of = recorded + timedelta(days=1)
    found, seconds = asked(dsn, numbers, uuid.uuid4(), Purpose.POLITICAL_CANVASSING, as_of)
    assert found == set(range(FICTION, FICTION + 1_000_000, 20))
    # Half a second on an idle machine; a machine that runs other tests besides has more time.
    assert seconds < 5
