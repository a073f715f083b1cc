"""P3: bytes per membership of a base and twenty extracts, indexes included, beside a table with a row for each."""

import psycopg
from psycopg import sql
from sqlmodel import SQLModel

from benchmarks.compaction import compact_all, postpone_compaction
from benchmarks.comparison import Comparison, Target
from benchmarks.database import execute
from benchmarks.extracts import DATASETS, register_base_and_extracts
from benchmarks.result import Progress, Result
from benchmarks.scale import Scale
from benchmarks.service import Service, running_service
from service.membership import models

_UNIT = "bytes"


def measure(scale: Scale, progress: Progress) -> Result:
    """The size of the membership tables after sealing, and after compaction."""
    with running_service() as service:
        postpone_compaction(service)
        progress(f"a base of {scale.base_lines:,} numbers, and {DATASETS - 1} extracts of it")
        memberships = register_base_and_extracts(service, scale.base_lines)
        sealed = _store_bytes(service) / memberships
        progress("compaction")
        compact_all(service)
        compacted = _store_bytes(service) / memberships
        progress(f"{scale.row_count:,} rows")
        row = _bytes_per_row(service, scale.row_count)
    work = f"{memberships:,} memberships in {DATASETS} datasets"
    return Result(
        [
            Comparison("P3", f"{work}, as sealed; a row each", sealed, row, _UNIT, Target("≤", 18, _UNIT)),
            Comparison("P3", f"{work}, compacted; a row each", compacted, row, _UNIT, Target("≤", 14, _UNIT)),
        ]
    )


def _store_bytes(service: Service) -> int:
    """The size of all tables of the membership store with their indexes."""
    tables = [
        str(model.__tablename__)
        for model in vars(models).values()
        if isinstance(model, type) and issubclass(model, SQLModel) and hasattr(model, "__table__")
    ]
    # Staged runs that were loaded leave free space, which the server itself reclaims within minutes.
    execute(service, "VACUUM")
    return sum(_total_size(service, results_table) for results_table in tables)


def _bytes_per_row(service: Service, rows: int) -> float:
    """The size of a membership as a row: a key of 16 bytes and an integer for the dataset, in the best case.

    The table is filled first and indexed afterwards, which packs the index as tightly as possible.
    """
    execute(
        service,
        "CREATE TABLE membership (key uuid NOT NULL, dataset_id integer NOT NULL)",
        sql.SQL("INSERT INTO membership SELECT gen_random_uuid(), n % 20 FROM generate_series(1, {}) AS n").format(
            rows
        ),
        "ALTER TABLE membership ADD PRIMARY KEY (key, dataset_id)",
    )
    return _total_size(service, "membership") / rows


# The size of a partitioned table is that of the leaves of its partition tree. Other tables have no tree.
_TOTAL_SIZE = """
    SELECT coalesce(sum(pg_total_relation_size(relid)), pg_total_relation_size(%(table)s::regclass))::bigint
    FROM pg_partition_tree(%(table)s)
"""


def _total_size(service: Service, results_table: str) -> int:
    with psycopg.connect(service.dsn) as connection:
        found = connection.execute(_TOTAL_SIZE, {"table": results_table}).fetchone()
    assert found is not None
    return int(found[0])
