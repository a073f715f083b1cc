"""Traces of a number in the database: in a dump, and in the files of its tables."""

import re
from pathlib import Path

import psycopg

from service.core.embedded import programs
from tests.kannel import wait_until
from tests.persons import ring_of_tests

# A block stores a key without its first bits, at most 30, which follow from the block's place.
_STORED_FROM = 3

# What VACUUM (FULL, VERBOSE) reports of each table.
_KEPT = re.compile(r"(\d+) dead row versions cannot be removed yet")


def _folder(dsn: str) -> Path:
    """The data folder of the server."""
    with psycopg.connect(dsn) as connection:
        ((folder,),) = connection.execute("SHOW data_directory").fetchall()
    return Path(folder)


def dump(dsn: str) -> str:
    """Everything that `pg_dump` writes about a database."""
    data = _folder(dsn)
    done = programs.run(programs.programs_for(data), data, "pg_dump", f"--dbname={dsn}")
    assert done.returncode == 0, done.stdout
    return done.stdout


def table_files(dsn: str) -> bytes:
    """The files of a database's tables and indexes, after its server rewrote them without deleted rows."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        kept: list[str] = []
        connection.add_notice_handler(lambda notice: kept.extend(_KEPT.findall(notice.message_detail or "")))

        def rewritten() -> bool:
            kept.clear()
            connection.execute("VACUUM (FULL, VERBOSE)")
            return set(kept) == {"0"}

        # As long as another session, be it the worker for a moment, may still see deleted rows, they stay.
        wait_until(rewritten, "another session always sees deleted rows", 60)
        connection.execute("CHECKPOINT")
        ((oid,),) = connection.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchall()
    return b"".join(path.read_bytes() for path in (_folder(dsn) / "base" / str(oid)).iterdir())


def pseudonym_is_in(number: int, text: str, files: bytes) -> bool:
    """Whether a dump or files hold the pseudonym of a number; both or neither do."""
    key = ring_of_tests().pseudonym(number)[_STORED_FROM:]
    in_dump, in_files = key.hex() in text, key in files
    assert in_dump == in_files
    return in_files


def number_is_in(number: int, text: str, files: bytes) -> bool:
    """Whether a dump or files hold the number itself, in digits or as an integer."""
    digits = str(number)[2:]
    return digits in text or digits.encode() in files or number.to_bytes(8) in files
