"""A database with every kind of stored membership, which tests damage and restore."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from service.access.actor import Scope
from service.access.operations import issue_key
from service.access.schemas import KeyIn
from service.core.db import Database, connection_of
from service.core.pending_tasks import add_pending
from service.dataset.models import Dataset
from service.job.models import Job, JobKind
from service.membership.compaction import compact
from service.membership.fsck.check import Report, check
from service.number.app_keyring import require_same_secret
from service.number.keyring import KeyRing
from tests.conftest import temporary_database
from tests.membership.builders import consecutive_run, load_shards, no_pause, run_with_database, seal_run, stage_run

_TABLES = (
    "dataset",
    "membership_segment",
    "segment_member",
    "membership_block",
    "staged_run",
    "pseudonym_key",
    "exclusion",
)


@dataclass(frozen=True)
class Sample:
    """The database's address, its datasets and their segments, by name."""

    dsn: str
    datasets: dict[str, uuid.UUID]
    segments: dict[str, int]


async def _fill(database: Database, ring: KeyRing) -> dict[str, uuid.UUID]:
    await require_same_secret(database, ring)
    datasets = {
        f"small {place}": await seal_run(database, ring, consecutive_run(ring, 400, 100 * place, consents=place > 0))
        for place in range(3)
    }
    await compact(database, ring, no_pause, thoroughly=True)
    datasets["large"] = await seal_run(database, ring, consecutive_run(ring, 9000))
    datasets["consented"] = await seal_run(database, ring, consecutive_run(ring, 2000, 500, consents=True))
    staged = consecutive_run(ring, 300, consents=True)
    datasets["open"] = await stage_run(database, ring, staged)
    datasets["empty"] = await stage_run(database, ring, consecutive_run(ring, 0))
    datasets["sealing"] = await stage_run(database, ring, staged, state="sealing")
    await load_shards(database, ring, datasets["sealing"], shards=16)
    await _request_sealing(database, datasets["sealing"])
    datasets["received"] = await stage_run(database, ring, consecutive_run(ring, 300), state="sealed")
    async with database.transaction() as session:
        query = "UPDATE dataset SET content = 'shared', reconciling = true WHERE id = %s"
        await (await connection_of(session)).execute(query, (datasets["received"],))
    return datasets


async def _request_sealing(database: Database, dataset_id: uuid.UUID) -> None:
    """A job that will go on with the sealing, as a request makes it."""
    async with database.transaction() as session:
        holder_id = (await session.get_one(Dataset, dataset_id)).holder_id
        issued = await issue_key(session, KeyIn(organisation_id=holder_id, scopes=[Scope.NUMBERS_WRITE]))
        job = Job(organisation_id=holder_id, api_key_id=issued.id, kind=JobKind.SEAL_DATASET, subject_id=dataset_id)
        session.add(job)
        await session.flush()
        await add_pending(session, job.kind, {"job_id": str(job.id)})


@contextmanager
def sample_database(cluster: str, ring: KeyRing) -> Iterator[Sample]:
    """A sample, with a copy of all its rows."""
    with temporary_database(cluster) as dsn:
        datasets = run_with_database(dsn, lambda database: _fill(database, ring))
        with psycopg.connect(dsn) as connection:
            connection.execute("CREATE SCHEMA undamaged")
            for table in _TABLES:
                connection.execute(sql.SQL("CREATE TABLE undamaged.{0} AS TABLE {0}").format(sql.Identifier(table)))
            query = "SELECT dataset_id, segment_id FROM segment_member"
            segments: dict[uuid.UUID, int] = dict(connection.execute(query).fetchall())
        yield Sample(
            dsn,
            datasets,
            {name: segments[dataset_id] for name, dataset_id in datasets.items() if dataset_id in segments},
        )


@contextmanager
def restored_afterwards(sample: Sample) -> Iterator[Sample]:
    """The sample, whose rows are restored at the end of the block."""
    yield sample
    with psycopg.connect(sample.dsn) as connection:
        connection.execute("SET session_replication_role = replica")
        for table in _TABLES:
            restore = "DELETE FROM {0}; INSERT INTO {0} SELECT * FROM undamaged.{0}"
            connection.execute(sql.SQL(restore).format(sql.Identifier(table)))


def execute(sample: Sample, statement: LiteralString, parameters: Any = None) -> list[tuple[Any, ...]]:
    """Run statements without checks of foreign keys, and return the rows of the last one."""
    with psycopg.connect(sample.dsn, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute("SET session_replication_role = replica")
        cursor = connection.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def check_sample(sample: Sample, ring: KeyRing) -> Report:
    """The report of fsck on a sample."""
    return check(sample.dsn, ring, lambda _rows, _total: None)


def case_name(case: object) -> str:
    """The name of a parametrised case: short, and the same in every process, in whatever order a set is iterated."""
    if isinstance(case, set):
        return ",".join(sorted({case_name(element) for element in case}))
    if isinstance(case, tuple):
        return case_name(case[0])
    return case.name if isinstance(case, Enum) else str(case)[:60]
