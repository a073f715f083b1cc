"""After the whole story, with lookups and refusals, numbers are nowhere but in requests and their responses."""

import re
from pathlib import Path

import numpy as np
import psycopg
import pytest
from psycopg import sql

from tests.builders import FICTION, number
from tests.scenario.conftest import Scenario

# Any spelling of a number from the range for fiction, which begins with 06 39 98.
SPELLING = re.compile(r"(?:\+|00)?(?:33|0)?[\s.]*(?:\(0\))?[\s.]*6[\s.]*39[\s.]*98(?:[\s.-]*\d){4}(?!\d)")
SPELLING_BYTES = re.compile(rb"6[ .]?39[ .]?98(?:[ .-]?\d){4}")

REFUSED = [
    ("POST", "/v1/lookups", {"number": "0639980001", "region": "ZZ"}),
    ("POST", "/v1/lookups", {"number": "+33 6 39 98 00 01 77"}),
    ("POST", "/v1/lookups", {"number": 33639980001}),
    ("POST", "/v1/lookups", {"number": "0639980001", "+33639980001": "x"}),
    ("POST", "/v1/lookups", {"number": "0639980001", "reason": "à propos du 06 39 98 00 01"}),
    ("POST", "/v1/organisations", {"legal_name": "x", "country": "+33639980001", "roles": ["0639980001"]}),
    ("GET", "/v1/datasets/0639980001", None),
    ("GET", "/v1/organisations?country=0639980001", None),
    ("GET", "/v1/0639980001", None),
    ("DELETE", "/v1/lookups/0639980001", None),
]


@pytest.fixture(scope="module")
def used(scenario: Scenario) -> Scenario:
    """The story after lookups by every organisation and refusals of all kinds."""
    for who in ("cnil", "contact-direct", "aube", "rivage", "revente-data", "enseigne-maison"):
        for last_four in (4600, 5200, 9001, 9999):
            scenario.answer(who, last_four)
    broker = scenario.caller("contact-direct")
    for method, path, body in REFUSED:
        assert not broker.request(method, path, json=body).is_success
    dataset = broker.post(
        "/v1/datasets", {"occurred_at": "2024-06-01T00:00:00Z", "holder_id": broker.id, "name": "Fichier abîmé"}
    )
    lines = ["telephone", "0639980001 / 0639980002", "6,39980001E+08", "0639980001 poste 3", "0639980003"]
    assert broker.put_part(dataset["id"], lines)["rejected_count"] == 3
    return scenario


def test_log_contains_no_number(used: Scenario) -> None:
    assert len(used.log) > 100
    assert [line for line in used.log if SPELLING.search(line) and not line.startswith(("httpx2", "httpcore2"))] == []


def test_urls_of_our_own_clients_contain_no_number(used: Scenario) -> None:
    refused = {path for _, path, _ in REFUSED}
    called = [request.url.raw_path.decode() for request in used.requests]
    assert len(called) > 100
    assert [path for path in called if SPELLING.search(path) and path not in refused] == []


def test_problems_contain_no_number(used: Scenario) -> None:
    problems = [response for response in used.responses if response.status_code >= 400]
    assert len(problems) >= len(REFUSED)
    assert [response.text for response in problems if SPELLING.search(response.text)] == []


def test_rows_of_database_contain_no_number(used: Scenario) -> None:
    with psycopg.connect(used.dsn) as connection:
        tables = [name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        for table in tables:
            for row in connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))):
                assert not any(_contains_number(value) for value in row), table
        (blocks,) = connection.execute("SELECT count(*) FROM membership_block").fetchone() or (0,)
    assert blocks > 100


def _contains_number(value: object) -> bool:
    if not isinstance(value, bytes):
        return SPELLING.search(str(value)) is not None
    words = [np.frombuffer(value[: len(value) // 8 * 8], order) for order in (">u8", "<u8")]
    as_integers = any(bool(np.any((word >= FICTION) & (word < FICTION + 10_000))) for word in words)
    return as_integers or SPELLING_BYTES.search(value) is not None


def test_contains_number_finds_numbers() -> None:
    assert _contains_number("rappel au 06 39 98 00 01")
    assert _contains_number(number(1).encode())
    assert _contains_number((FICTION + 1).to_bytes(8) * 2)


def test_files_of_database_contain_no_number(used: Scenario) -> None:
    with psycopg.connect(used.dsn, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        (folder,) = connection.execute("SHOW data_directory").fetchone() or ("",)
        (oid,) = connection.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone() or (0,)
    files = [path for path in Path(folder, "base", str(oid)).iterdir() if path.is_file()]
    files += [path for path in Path(folder, "pg_wal").iterdir() if path.is_file()]
    assert len(files) > 50
    for path in files:
        content = path.read_bytes()
        assert not re.search(rb"(?:336|06)3998\d{4}", content), path.name
    # The pattern does find a number.
    assert re.search(rb"(?:336|06)3998\d{4}", number(1).encode())
