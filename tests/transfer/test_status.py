"""A transfer's status: what the function derives from statements, the views derive from their rows."""

import asyncio
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from random import Random
from typing import Any

from sqlmodel import SQLModel

from service.core.db import Database
from service.core.vocabulary import Content, DatasetState, LawfulBasis, ProcessingRole, Purpose, Side, TransferStatus
from service.dataset.models import Dataset
from service.organisation.models import Organisation
from service.transfer.models import Transfer, TransferStatement
from service.transfer.status import status_of
from tests.inspection import rows

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
STATEMENTS = tuple(product(Side, TransferStatus))
# In pairs, so that ids have to decide which of two statements is the latest.
MOMENTS = (BEGIN, BEGIN, BEGIN + timedelta(hours=1))


def every_history() -> Iterator[tuple[tuple[Side, TransferStatus], ...]]:
    """Each sequence of at most three statements."""
    for length in range(len(MOMENTS) + 1):
        yield from product(STATEMENTS, repeat=length)


def store_histories(dsn: str) -> dict[uuid.UUID, list[TransferStatement]]:
    """A transfer for each history, into a sealed dataset of its own; the statements of each transfer."""
    random, histories = Random(0), {}
    fact: dict[str, Any] = {"occurred_at": BEGIN, "recorded_at": BEGIN, "asserted_by_id": None}
    sides = [Organisation(**fact, legal_name=side, country="FR", roles=[]) for side in Side]
    given = _dataset(fact, sides[0])
    received, transfers, statements = [], [], []
    for history in every_history():
        received.append(_dataset(fact, sides[1]))
        transfers.append(
            Transfer(
                **fact,
                sender_id=sides[0].id,
                recipient_id=sides[1].id,
                dataset_id=given.id,
                received_dataset_id=received[-1].id,
                purpose=Purpose.TRANSFER,
                lawful_basis=LawfulBasis.CONSENT,
                sender_role=ProcessingRole.CONTROLLER,
                recipient_role=ProcessingRole.CONTROLLER,
            )
        )
        histories[transfers[-1].id] = [
            TransferStatement(
                **fact | {"recorded_at": moment},
                id=uuid.UUID(int=random.getrandbits(128)),
                transfer_id=transfers[-1].id,
                side=side,
                status=status,
            )
            for (side, status), moment in zip(history, MOMENTS, strict=False)
        ]
        statements += histories[transfers[-1].id]
    asyncio.run(_store(dsn, sides, [given, *received], transfers, statements))
    return histories


def _dataset(fact: dict[str, Any], holder: Organisation) -> Dataset:
    return Dataset(**fact, holder_id=holder.id, name="Base", content=Content.SHARED, state=DatasetState.SEALED)


async def _store(dsn: str, *tables: Sequence[SQLModel]) -> None:
    database = Database(dsn, pool_size=1)
    try:
        async with database.transaction() as session:
            for table in tables:
                session.add_all(table)
                await session.flush()
    finally:
        await database.close()


def test_views_derive_the_status_of_every_history_as_the_function_does(dsn: str) -> None:
    histories = store_histories(dsn)
    expected = {transfer_id: status_of(statements) for transfer_id, statements in histories.items()}
    assert dict(rows(dsn, "SELECT transfer_id, status FROM transfer_status")) == expected
    assert set(expected.values()) == set(TransferStatus)
    denied = {transfer_id for transfer_id, status in expected.items() if status is TransferStatus.DENIED}
    assert {transfer_id for (transfer_id,) in rows(dsn, "SELECT transfer_id FROM denied_transfer")} == denied
    held = rows(dsn, "SELECT id FROM transfer WHERE received_dataset_id IN (SELECT dataset_id FROM held_dataset)")
    assert {transfer_id for (transfer_id,) in held} == set(expected) - denied
