"""A transfer's status: what the function derives from statements, the views derive from their rows."""

import asyncio
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from random import Random
from typing import Any, NamedTuple

import pytest
from sqlmodel import SQLModel

from service.core.db import Database
from service.core.vocabulary import Content, DatasetState, LawfulBasis, ProcessingRole, Purpose, Side, TransferStatus
from service.dataset.models import Dataset
from service.organisation.models import Organisation
from service.transfer.models import Transfer, TransferStatement
from service.transfer.status import VOID, standing_of
from tests.inspection import rows

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
# In pairs, so that ids have to decide which of two statements is the latest.
MOMENTS = (BEGIN, BEGIN, BEGIN + timedelta(hours=1))
SENDER, RECIPIENT, THIRD = (uuid.UUID(int=place) for place in (1, 2, 3))
SPEAKERS = ((SENDER, Side.SENDER), (RECIPIENT, Side.RECIPIENT), (THIRD, Side.SENDER))


class Stated(NamedTuple):
    """A statement: who makes it, for which side, and what it is."""

    by: uuid.UUID
    side: Side
    status: TransferStatus


STATEMENTS = tuple(Stated(*speaker, status) for speaker, status in product(SPEAKERS, TransferStatus))


def histories() -> Iterator[tuple[uuid.UUID, tuple[Stated, ...]]]:
    """Who registered a transfer, what it stated by that, and each sequence of at most two statements after it."""
    for by, side in SPEAKERS:
        told = Stated(by, side, TransferStatus.ACKNOWLEDGED if side is Side.RECIPIENT else TransferStatus.DECLARED)
        for length in range(len(MOMENTS)):
            for after in product(STATEMENTS, repeat=length):
                yield by, (told, *after)


def made(by: uuid.UUID, history: Sequence[Stated], random: Random, **more: Any) -> tuple[Transfer, Any]:
    """A transfer with its statements."""
    fact: dict[str, Any] = {"occurred_at": BEGIN, "recorded_at": BEGIN}
    transfer = Transfer(
        **fact,
        asserted_by_id=by,
        sender_id=SENDER,
        recipient_id=RECIPIENT,
        purpose=Purpose.TRANSFER,
        lawful_basis=LawfulBasis.CONSENT,
        sender_role=ProcessingRole.CONTROLLER,
        recipient_role=ProcessingRole.CONTROLLER,
        **more,
    )
    return transfer, [
        TransferStatement(
            occurred_at=BEGIN,
            recorded_at=moment,
            id=uuid.UUID(int=random.getrandbits(127)),
            asserted_by_id=stated.by,
            transfer_id=transfer.id,
            side=stated.side,
            status=stated.status,
        )
        for stated, moment in zip(history, MOMENTS, strict=False)
    ]


def store_histories(dsn: str) -> dict[uuid.UUID, TransferStatus]:
    """A transfer for each history, into a sealed dataset of its own; the status of each by the function."""
    random = Random(0)
    fact: dict[str, Any] = {"occurred_at": BEGIN, "recorded_at": BEGIN, "asserted_by_id": None}
    sides = [Organisation(**fact, id=id_, legal_name="X", country="FR", roles=[]) for id_, _ in SPEAKERS]
    given = _dataset(fact, SENDER)
    received, transfers, statements, expected = [], [], [], {}
    for by, history in histories():
        received.append(_dataset(fact, RECIPIENT))
        transfer, stated = made(by, history, random, dataset_id=given.id, received_dataset_id=received[-1].id)
        transfers.append(transfer)
        statements += stated
        expected[transfer.id] = standing_of(transfer, stated).status
    asyncio.run(_store(dsn, sides, [given, *received], transfers, statements))
    return expected


def _dataset(fact: dict[str, Any], holder_id: uuid.UUID) -> Dataset:
    return Dataset(**fact, holder_id=holder_id, name="Base", content=Content.SHARED, state=DatasetState.SEALED)


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
    expected = store_histories(dsn)
    assert dict(rows(dsn, "SELECT transfer_id, status FROM transfer_status")) == expected
    assert set(expected.values()) == set(TransferStatus)
    void = {transfer_id for transfer_id, status in expected.items() if status in VOID}
    found = [transfer_id for (transfer_id,) in rows(dsn, "SELECT transfer_id FROM void_transfer")]
    assert sorted(found) == sorted(void)
    held = rows(dsn, "SELECT id FROM transfer WHERE received_dataset_id IN (SELECT dataset_id FROM held_dataset)")
    assert {transfer_id for (transfer_id,) in held} == set(expected) - void


D, A, C, X, N, R = (
    TransferStatus.DECLARED,
    TransferStatus.ACKNOWLEDGED,
    TransferStatus.CONFIRMED,
    TransferStatus.DISPUTED,
    TransferStatus.DENIED,
    TransferStatus.RETRACTED,
)


@pytest.mark.parametrize(
    ("by", "history", "status", "vouching"),
    [
        (SENDER, [(SENDER, D)], D, {Side.SENDER}),
        (SENDER, [(SENDER, D), (SENDER, R)], R, set()),
        (SENDER, [(SENDER, D), (SENDER, R), (SENDER, D)], D, {Side.SENDER}),
        (SENDER, [(SENDER, D), (RECIPIENT, A), (SENDER, R)], A, {Side.RECIPIENT}),
        (SENDER, [(SENDER, D), (RECIPIENT, X), (SENDER, R)], X, {Side.RECIPIENT}),
        (SENDER, [(SENDER, D), (RECIPIENT, N), (SENDER, R)], R, set()),
        (SENDER, [(SENDER, D), (RECIPIENT, N)], N, {Side.SENDER}),
        (RECIPIENT, [(RECIPIENT, A), (RECIPIENT, R)], R, set()),
        (RECIPIENT, [(RECIPIENT, A), (SENDER, A), (RECIPIENT, R)], D, {Side.SENDER}),
        (RECIPIENT, [(RECIPIENT, A), (SENDER, N), (RECIPIENT, R)], R, set()),
        (RECIPIENT, [(RECIPIENT, A), (RECIPIENT, C), (RECIPIENT, R)], R, set()),
        (THIRD, [(THIRD, D), (THIRD, R)], R, set()),
        (THIRD, [(THIRD, D), (SENDER, A), (THIRD, R)], D, {Side.SENDER}),
        (THIRD, [(THIRD, D), (RECIPIENT, A), (THIRD, R)], A, {Side.RECIPIENT}),
        (THIRD, [(THIRD, D), (SENDER, N), (THIRD, R)], R, set()),
    ],
)
def test_standing_of_statements_counts_what_is_not_retracted(
    by: uuid.UUID, history: list[tuple[uuid.UUID, TransferStatus]], status: TransferStatus, vouching: set[Side]
) -> None:
    stated = [Stated(who, dict(SPEAKERS)[who], what) for who, what in history]
    transfer, statements = made(by, stated, Random(0), dataset_id=SENDER, received_dataset_id=RECIPIENT)
    for place, statement in enumerate(statements):
        statement.id = uuid.UUID(int=place)
    standing = standing_of(transfer, list(reversed(statements)))
    assert standing.status is status
    assert standing.vouching(transfer) == vouching


def test_retract_statements_makes_a_transfer_rest_on_others_alone() -> None:
    random = Random(0)
    for by, history in histories():
        transfer, statements = made(by, history, random, dataset_id=SENDER, received_dataset_id=RECIPIENT)
        retraction = TransferStatement(
            occurred_at=BEGIN,
            recorded_at=BEGIN + timedelta(days=1),
            asserted_by_id=by,
            transfer_id=transfer.id,
            side=Side.SENDER,
            status=TransferStatus.RETRACTED,
        )
        others = [statement for statement in statements if statement.asserted_by_id != by]
        standing = standing_of(transfer, [*statements, retraction])
        assert standing.retraction is retraction
        assert all(word is None or word in others for word in (standing.sender, standing.recipient))
