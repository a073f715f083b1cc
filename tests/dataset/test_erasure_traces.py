"""After every holder erased a number: nothing of it in a dump of the database, nor in the files of its tables."""

from pathlib import Path

import psycopg
import pytest

from service.core import programs
from service.membership.compaction import compact
from tests.chain import FICTION, collected, filled, hand_over
from tests.dataset.erasing import RING, checked, complete, key_of, on
from tests.membership.world import no_pause
from tests.registry import Registry
from tests.transfer.test_receipts import send, settle

ERASED, KEPT = 7, 8
# Of the beginning of a key a block keeps no more than its place tells, at most 30 bits.
STORED_FROM = 3


@pytest.fixture
def data(dsn: str) -> Path:
    """The folder of the server."""
    with psycopg.connect(dsn) as connection:
        ((folder,),) = connection.execute("SHOW data_directory").fetchall()
    return Path(folder)


def dump(dsn: str, data: Path) -> str:
    """All that `pg_dump` writes of a database."""
    done = programs.run(programs.programs_for(data), data, "pg_dump", f"--dbname={dsn}")
    assert done.returncode == 0, done.stdout
    return done.stdout


def table_files(dsn: str, data: Path) -> bytes:
    """The files of a database's tables and indexes, after its server wrote them anew without what was deleted."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM (FULL)")
        connection.execute("CHECKPOINT")
        ((oid,),) = connection.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchall()
    return b"".join(path.read_bytes() for path in (data / "base" / str(oid)).iterdir())


@pytest.mark.parametrize("merged", [False, True])
def test_nothing_is_left_of_a_number_that_all_erased(merged: bool, registry: Registry, dsn: str, data: Path) -> None:
    shop, broker, party = registry.collector(), registry.broker(), registry.party()
    bought = hand_over(shop, collected(shop, range(40)), broker)
    more = {"derived_from": [bought["received_dataset_id"]], "occurred_at": "2024-03-01T00:00:00Z"}
    sold = hand_over(broker, filled(broker, range(20), **more), party, occurred_at="2024-04-01T00:00:00Z")
    filled(party, range(5, 10))
    send(party, sold, [*range(20), 50])
    settle(party, sold)
    if merged:
        on(dsn, lambda database: compact(database, RING, no_pause, thoroughly=True))
    for holder in (broker, shop, party):
        complete(dsn, holder, ERASED)
    assert checked(dsn).findings == []
    text, files = dump(dsn, data), table_files(dsn, data)
    for last_four, expected in ((ERASED, False), (KEPT, True)):
        assert (key_of(last_four)[STORED_FROM:].hex() in text) == expected
        assert (key_of(last_four)[STORED_FROM:] in files) == expected
        number = FICTION + last_four
        assert str(number)[2:] not in text
        assert str(number)[2:].encode() not in files
        assert number.to_bytes(8) not in files
