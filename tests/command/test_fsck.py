"""`fsck` on the command line: its output, and its status: 0 without violations, 1 with violations, 2 unchecked."""

import json
import re
import threading
from collections.abc import Iterator

import psycopg
import pytest
from typer.testing import CliRunner, Result

from service.__main__ import app
from service.main import create_app
from tests.builders import collected, filled, hand_over, open_dataset
from tests.callers import Registry
from tests.conftest import MASTER_SECRET, settings_of_tests, temporary_database
from tests.direct_client import DirectClient


def fsck(dsn: str, *arguments: str, secret: str = MASTER_SECRET, terminal: bool = False) -> Result:
    environment = {"DATABASE_URL": dsn, "FILIATION_MASTER_SECRET": secret, "COLUMNS": "300"}
    if terminal:
        environment["FORCE_COLOR"] = "1"
    return CliRunner().invoke(app, ["fsck", *arguments], env=environment)


@pytest.fixture(scope="module")
def filled_dsn(cluster: str) -> Iterator[str]:
    """The address of a database that the service filled: a collection, its buyer, and the buyer's own files."""
    with temporary_database(cluster) as dsn:
        with DirectClient(create_app(settings_of_tests(), dsn)) as client:
            registry = Registry(client, dsn)
            shop, buyer = registry.collector(), registry.broker()
            hand_over(shop, collected(shop, range(2000)), buyer)
            filled(buyer, range(1000, 3000))
            buyer.put_part(open_dataset(buyer)["id"], ["+33639980001"])
        yield dsn


def test_fsck_database_filled_by_the_service_has_no_violations(filled_dsn: str) -> None:
    result = fsck(filled_dsn)
    assert result.exit_code == 0, result.output
    assert re.fullmatch(
        r"64 blocks with 4,000 memberships in 0\.1 MB checked in \d+\.\d s: no violations\n", result.stdout
    )
    # Without a terminal there is no progress bar.
    assert result.stderr == ""


def test_fsck_damaged_database_prints_violations_with_their_place_as_text_and_json(filled_dsn: str) -> None:
    with psycopg.connect(filled_dsn, autocommit=True) as connection:
        query = "UPDATE membership_block SET merged = NOT merged WHERE shard = 3 AND segment_id = %s"
        ((segment_id, dataset_id),) = connection.execute(
            "SELECT segment_id, dataset_id FROM segment_member ORDER BY segment_id LIMIT 1"
        ).fetchall()
        connection.execute(query, (segment_id,))
        text, document = fsck(filled_dsn), fsck(filled_dsn, "--json")
        connection.execute(query, (segment_id,))
    kind = "the row is in the wrong partition: blocks of one dataset are kept apart from blocks of several"
    place = f"segment {segment_id}, dataset {dataset_id}, shard 3, level 5, lead {3 << 25}"
    assert (text.exit_code, document.exit_code) == (1, 1)
    assert text.stdout.splitlines()[0] == f"violation: {kind} ({place})"
    assert text.stdout.endswith(": 1 violation\n")
    output = json.loads(document.stdout)
    assert output["violations"] == [
        {
            "kind": kind,
            "segment_id": segment_id,
            "dataset_id": str(dataset_id),
            "shard": 3,
            "level": 5,
            "lead": 3 << 25,
            "task": None,
        }
    ]
    assert (output["leftovers"], output["blocks"], output["memberships"]) == ([], 64, 4000)


def test_fsck_interrupted_work_prints_leftovers_and_exits_with_0(filled_dsn: str) -> None:
    with psycopg.connect(filled_dsn, autocommit=True) as connection:
        query = "INSERT INTO membership_segment (id, state, created_at) VALUES (77, 'retired', now())"
        connection.execute(query)
        result = fsck(filled_dsn)
        connection.execute("DELETE FROM membership_segment WHERE id = 77")
    assert result.exit_code == 0
    first, last = result.stdout.splitlines()
    assert first == "leftover: a merged segment that is not dropped yet (segment 77)"
    assert last.endswith(": no violations, 1 leftover of interruptions")


def test_fsck_in_a_terminal_shows_progress_on_standard_error(filled_dsn: str) -> None:
    result = fsck(filled_dsn, terminal=True)
    assert "Checking" in result.stderr
    assert "65/65" in result.stderr
    assert len(result.stdout.splitlines()) == 1


def test_fsck_while_the_service_registers_files_finds_no_violations(cluster: str) -> None:
    with temporary_database(cluster) as dsn, DirectClient(create_app(settings_of_tests(), dsn)) as client:
        broker, results, files = Registry(client, dsn).broker(), list[Result](), 0
        done = threading.Event()

        def register() -> None:
            nonlocal files
            while not done.is_set():
                filled(broker, range(1000 * (files % 4), 1000 * (files % 4) + 2000))
                files += 1

        registration = threading.Thread(target=register)
        registration.start()
        try:
            while len(results) < 2 or files < 2:
                assert registration.is_alive()
                results.append(fsck(dsn))
        finally:
            done.set()
            registration.join()
        assert [result.stdout for result in results if result.exit_code] == []
        assert f"{32 * files:,} blocks with {2000 * files:,} memberships" in fsck(dsn).stdout


def test_fsck_with_another_secret_checks_nothing(filled_dsn: str) -> None:
    result = fsck(filled_dsn, secret="00" * 32)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "nothing can be checked without it" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_fsck_without_a_migrated_database_checks_nothing(empty_dsn: str) -> None:
    behind = fsck(empty_dsn)
    assert (behind.exit_code, behind.stdout) == (2, "")
    assert "filiation migrate" in behind.stderr
    nobody = fsck("postgresql://nobody@127.0.0.1:1/nothing")
    assert (nobody.exit_code, nobody.stdout) == (2, "")
    assert nobody.stderr.startswith("filiation: The database cannot be reached: ")
    assert len(nobody.stderr.splitlines()) == 1
