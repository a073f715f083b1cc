"""P3: bytes per membership, all in, of a base and twenty datasets cut from it; beside a table with a row for each."""

import psycopg
from psycopg import sql
from sqlmodel import SQLModel

from benchmarks.compacting import compact_all, postpone
from benchmarks.comparison import Comparison, Target
from benchmarks.cuts import DATASETS, register_base_and_cuts
from benchmarks.database import execute
from benchmarks.measured import Measured, Say
from benchmarks.scale import Scale
from benchmarks.service import Service, serving
from service.membership import models

_UNIT = "bytes"


def measure(scale: Scale, say: Say) -> Measured:
    """What the tables of memberships take after sealing, and after compaction."""
    with serving() as service:
        postpone(service)
        say(f"a base of {scale.base_lines:,} numbers, and {DATASETS - 1} datasets cut from it")
        memberships = register_base_and_cuts(service, scale.base_lines)
        before = _bytes(service) / memberships
        say("compaction")
        compact_all(service)
        after = _bytes(service) / memberships
        say(f"{scale.row_count:,} rows")
        row = _bytes_of_row(service, scale.row_count)
    what = f"{memberships:,} memberships in {DATASETS} datasets"
    return Measured(
        [
            Comparison("P3", f"{what}, as sealed; a row each", before, row, _UNIT, Target("≤", 18, _UNIT)),
            Comparison("P3", f"{what}, compacted; a row each", after, row, _UNIT, Target("≤", 14, _UNIT)),
        ]
    )


def _bytes(service: Service) -> int:
    """What all tables of the membership store take, with their indexes."""
    tables = [
        str(model.__tablename__)
        for model in vars(models).values()
        if isinstance(model, type) and issubclass(model, SQLModel) and hasattr(model, "__table__")
    ]
    # The server does so by itself within minutes: staged lines that were loaded leave their room.
    execute(service, "VACUUM")
    return sum(_total_size(service, table) for table in tables)


def _bytes_of_row(service: Service, rows: int) -> float:
    """What a membership takes as a row of a key of 16 bytes and a number for the dataset, at its best.

    The table is filled first and indexed afterwards, which packs the index as tightly as it goes.
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


# A partitioned table has no room of its own: it is in the leaves of its tree. Other tables have no tree.
_TOTAL_SIZE = """
    SELECT coalesce(sum(pg_total_relation_size(relid)), pg_total_relation_size(%(table)s::regclass))::bigint
    FROM pg_partition_tree(%(table)s)
"""


def _total_size(service: Service, table: str) -> int:
    with psycopg.connect(service.dsn) as connection:
        found = connection.execute(_TOTAL_SIZE, {"table": table}).fetchone()
    assert found is not None
    return int(found[0])
