"""The same work done by plain PostgreSQL, on the same server."""

from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from benchmarks.service import Service
from service.core.embedded import programs as postgres


def execute(service: Service, *statements: LiteralString | sql.Composed) -> None:
    """Run statements, each in its own transaction."""
    with psycopg.connect(service.dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def copy_in(service: Service, table: str, file: Path) -> None:
    """Load a CSV file with a header into a table, by psql's copy command."""
    programs = postgres.programs_for(service.folder / "data" / "cluster" / "data")
    command = f"\\copy {table} FROM '{file}' (FORMAT csv, HEADER)"
    options = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--command", command, service.dsn)
    outcome = postgres.run(programs, service.folder, "psql", *options)
    if outcome.returncode:
        raise RuntimeError(f"psql failed: {outcome.stdout[-500:]}")
