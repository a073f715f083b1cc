"""`fsck` at the command line: what it prints, and its status: 0 clean, 1 violations, 2 not checked."""

import json
import re
import threading
from collections.abc import Iterator

import psycopg
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from service.__main__ import app
from service.main import create_app
from tests.builders import collected, filled, hand_over, open_dataset
from tests.callers import Registry
from tests.conftest import MASTER_SECRET, settings_of_tests, temporary_database


def fsck(dsn: str, *arguments: str, secret: str = MASTER_SECRET, terminal: bool = False) -> Result:
    environment = {"DATABASE_URL": dsn, "FILIATION_MASTER_SECRET": secret, "COLUMNS": "300"}
    if terminal:
        environment["FORCE_COLOR"] = "1"
    return CliRunner().invoke(app, ["fsck", *arguments], env=environment)


@pytest.fixture(scope="module")
def filled_dsn(cluster: str) -> Iterator[str]:
    """The address of a database that the service filled: a collection, its buyer, and files of the buyer's own."""
    with temporary_database(cluster) as dsn:
        with TestClient(create_app(settings_of_tests(), dsn)) as client:
            registry = Registry(client, dsn)
            shop, buyer = registry.collector(), registry.broker()
            hand_over(shop, collected(shop, range(2000)), buyer)
            filled(buyer, range(1000, 3000))
            buyer.put_part(open_dataset(buyer)["id"], ["+33639980001"])
        yield dsn


def test_what_the_service_stored_is_clean(filled_dsn: str) -> None:
    result = fsck(filled_dsn)
    assert result.exit_code == 0, result.output
    assert re.fullmatch(
        r"64 blocks with 4,000 memberships in 0\.1 MB checked in \d+\.\d s: no violations\n", result.stdout
    )
    # There is no terminal to draw a bar on.
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


def test_a_terminal_is_shown_how_far_it_is_beside_the_answer(filled_dsn: str) -> None:
    result = fsck(filled_dsn, terminal=True)
    assert "Checking" in result.stderr
    assert "65/65" in result.stderr
    assert len(result.stdout.splitlines()) == 1


def test_the_service_may_be_at_work(cluster: str) -> None:
    with temporary_database(cluster) as dsn, TestClient(create_app(settings_of_tests(), dsn)) as client:
        broker, outcomes = Registry(client, dsn).broker(), []

        def register() -> None:
            for begin in range(0, 4000, 1000):
                filled(broker, range(begin, begin + 2000))

        at_work = threading.Thread(target=register)
        at_work.start()
        while at_work.is_alive():
            outcomes.append(fsck(dsn))
        at_work.join()
        assert [each.stdout for each in outcomes if each.exit_code] == []
        assert len(outcomes) > 1
        assert "128 blocks with 8,000 memberships" in fsck(dsn).stdout


def test_another_secret_checks_nothing(filled_dsn: str) -> None:
    result = fsck(filled_dsn, secret="00" * 32)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "nothing can be checked without it" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_database_of_another_version_or_none_at_all_is_not_checked(empty_dsn: str) -> None:
    behind = fsck(empty_dsn)
    assert (behind.exit_code, behind.stdout) == (2, "")
    assert "filiation migrate" in behind.stderr
    nobody = fsck("postgresql://nobody@127.0.0.1:1/nothing")
    assert (nobody.exit_code, nobody.stdout) == (2, "")
    assert nobody.stderr.startswith("filiation: The database cannot be reached: ")
    assert len(nobody.stderr.splitlines()) == 1
