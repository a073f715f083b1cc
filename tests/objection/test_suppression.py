"""Which numbers of a list must not be used: exact by scope, and with constant work for the database."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
import pytest

from service.core.clock import now
from service.core.db import Database
from service.core.vocabulary import Purpose
from service.number.keyring import KEY_BYTES, pack_keys
from service.objection.suppression import suppressed
from tests.builders import FICTION
from tests.objection.builders import Holders, create_objection
from tests.persons import ring_of_tests
from tests.statements import record_statements


def suppressed_numbers(
    dsn: str, numbers: Sequence[int], organisation_id: uuid.UUID, purpose: Purpose, as_of: datetime
) -> set[int]:
    """Those of these numbers that are suppressed."""
    ring = ring_of_tests()
    keys = ring.pseudonyms(np.array(numbers, np.int64))

    async def find() -> set[int]:
        database = Database(dsn, pool_size=1)
        try:
            async with database.transaction() as session:
                found = await suppressed(session, ring, keys, organisation_id, purpose, as_of)
                return set(np.array(numbers)[found].tolist())
        finally:
            await database.close()

    return asyncio.run(find())


def test_suppressed_depends_on_scope_organisation_purpose_and_time(holders: Holders, dsn: str) -> None:
    before = now()
    create_objection(holders.person(1))
    create_objection(holders.person(2), kind="erasure")
    create_objection(holders.person(3), scope="organisation", organisation_id=str(holders.party.id))
    create_objection(holders.person(4), scope="purpose", purpose="political_canvassing")
    create_objection(holders.person(4), scope="purpose", purpose="fundraising")
    create_objection(holders.person(9999))

    def found(organisation_id: uuid.UUID, purpose: Purpose, as_of: datetime | None = None) -> set[int]:
        # In no order, and one of them twice.
        numbers = [FICTION + last for last in (9999, 4, 1, 5, 3, 2, 4)]
        return {
            number - FICTION for number in suppressed_numbers(dsn, numbers, organisation_id, purpose, as_of or now())
        }

    political, commercial = Purpose.POLITICAL_CANVASSING, Purpose.COMMERCIAL_CANVASSING
    assert found(holders.party.id, political) == {1, 2, 3, 4, 9999}
    assert found(holders.party.id, commercial) == {1, 2, 3, 9999}
    assert found(holders.broker.id, political) == {1, 2, 4, 9999}
    assert found(holders.broker.id, Purpose.FUNDRAISING) == {1, 2, 4, 9999}
    assert found(holders.party.id, political, before) == set()


def test_suppressed_after_all_holders_completed_still_counts(holders: Holders, dsn: str) -> None:
    create_objection(holders.person(1), kind="erasure")
    for holder in (holders.broker, holders.party):
        (relay,) = holder.get("/v1/objections/relays")["items"]
        holder.post(f"/v1/objections/relays/{relay['id']}/complete")
    found = suppressed_numbers(dsn, [FICTION + 1], holders.party.id, Purpose.POLITICAL_CANVASSING, now())
    assert found == {FICTION + 1}


def test_suppressed_among_a_million_numbers_reads_one_row(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred thousand objections come as one value: as rows they would take longer than all the rest."""
    ring, objected = ring_of_tests(), range(FICTION, FICTION + 2_000_000, 20)
    marks = pack_keys(ring.marks(ring.pseudonyms(np.array(objected, np.int64))))
    recorded = datetime(2026, 1, 1, tzinfo=UTC)
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        columns = "id, occurred_at, recorded_at, relayed_at, kind, scope, source, mark"
        with cursor.copy(f"COPY objection ({columns}) FROM STDIN") as copy:
            for offset in range(0, len(marks), KEY_BYTES):
                mark = marks[offset : offset + KEY_BYTES]
                copy.write_row((uuid.uuid4(), recorded, recorded, recorded, "objection", "everything", "person", mark))
    numbers = range(FICTION, FICTION + 1_000_000)
    as_of = recorded + timedelta(days=1)
    statements = record_statements(monkeypatch, dsn)
    found = suppressed_numbers(dsn, numbers, uuid.uuid4(), Purpose.POLITICAL_CANVASSING, as_of)
    assert found == set(range(FICTION, FICTION + 1_000_000, 20))
    assert max(statement.row_count for statement in statements) == 1
