"""After the whole story, with lookups and refusals, numbers are nowhere but in requests and their responses."""

import base64
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psycopg
import pytest

from tests.builders import FICTION, number
from tests.callers import Caller
from tests.persons import prove
from tests.scenario.conftest import Scenario, loaded_scenario
from tests.scenario.dump import (
    SPELLING,
    Column,
    columns_of,
    consents_in,
    contains_number,
    moments_among,
    number_prefixes,
    share_of_seconds,
)

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


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture(scope="module")
def log() -> Iterator[list[str]]:
    """Everything that the service and its libraries log."""
    handler, root = _Lines(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield handler.lines
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


@pytest.fixture(scope="module")
def used(cluster: str, log: list[str]) -> Iterator[Scenario]:
    """The story after lookups by every organisation and refusals of all kinds, all of it logged."""
    with loaded_scenario(cluster) as scenario:
        _use(scenario)
        yield scenario


def _use(scenario: Scenario) -> None:
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
    _send_consents(scenario.caller("enseigne-maison"))
    _send_evidence(scenario.caller("enseigne-maison"))
    prove(scenario.client, scenario.dsn, number(8005))


def _send_evidence(collector: Caller) -> None:
    """A document of several pieces that shows numbers."""
    (notice, *_) = [row for row in collector.get("/v1/notices")["items"] if row["collector_id"] == str(collector.id)]
    shown = b"(06 39 98 00 01) Tj (+33639980002) Tj\n" * 20_000
    file = {"content": b"%PDF-1.4\n" + shown + b"%%EOF\n", "headers": {"Content-Type": "application/pdf"}}
    path = f"/v1/notices/{notice['id']}/evidence"
    kept = collector.request("POST", path, **file).json()
    # A copy of the database shows less than the service.
    assert collector.request("GET", f"{path}/{kept['id']}").content == file["content"]


def _send_consents(collector: Caller) -> None:
    """Two files with a consent for each number, at any second of a day: one is sealed, one stays as it was uploaded."""
    (collection, *_) = [
        row for row in collector.get("/v1/collections")["items"] if row["collector_id"] == str(collector.id)
    ]
    noon = datetime.fromisoformat(f"{collection['began_on']}T12:00:00+00:00")
    for name, first in (("Cartes, scellé", 8000), ("Cartes, ouvert", 8300)):
        body = {"holder_id": collector.id, "name": name, "collection_id": collection["id"]}
        dataset = collector.post("/v1/datasets", body | {"occurred_at": (noon + timedelta(days=1)).isoformat()})
        lines = [
            f"EM-{place:012},{number(first + place)},{noon + timedelta(seconds=37 * place + 1):%Y-%m-%d %H:%M:%S}"
            for place in range(300)
        ]
        part = collector.put_part(dataset["id"], ["id_consentement,Mobile,consented_at", *lines])
        assert part["rejected_count"] == 0
        if "scellé" in name:
            collector.seal(dataset["id"])


@pytest.mark.usefixtures("used")
def test_log_contains_no_number(log: list[str]) -> None:
    assert len(log) > 100
    assert [line for line in log if SPELLING.search(line) and not line.startswith(("httpx2", "httpcore2"))] == []


def test_urls_of_our_own_clients_contain_no_number(used: Scenario) -> None:
    refused = {path for _, path, _ in REFUSED}
    called = [request.url.raw_path.decode() for request in used.requests]
    assert len(called) > 100
    assert [path for path in called if SPELLING.search(path) and path not in refused] == []


def test_problems_contain_no_number(used: Scenario) -> None:
    problems = [response for response in used.responses if response.status_code >= 400]
    assert len(problems) >= len(REFUSED)
    assert [response.text for response in problems if SPELLING.search(response.text)] == []


@pytest.fixture(scope="module")
def stolen(used: Scenario) -> list[Column]:
    """Every column of the database, as a thief has it."""
    columns = columns_of(used.dsn)
    assert len({column.table for column in columns}) > 40
    filled = {column.table for column in columns if column.values}
    # Each place where numbers or consents are stored has rows.
    assert filled >= {"staged_run", "rejected_line", "objection", "verification", "person_session", "evidence_content"}
    assert filled & {"membership_block_own", "membership_block_merged"}
    return columns


def test_stolen_dump_contains_no_number_in_any_form(stolen: list[Column]) -> None:
    found = {(column.table, column.name) for column in stolen if any(map(contains_number, column.values))}
    assert found == set()


def test_stolen_dump_contains_no_part_of_a_number(stolen: list[Column]) -> None:
    found = [(column.table, column.name, prefix) for column in stolen for prefix in number_prefixes(column)]
    assert found == []


def test_stolen_dump_contains_no_consent_of_a_line(used: Scenario, stolen: list[Column]) -> None:
    consents = consents_in(used.dsn)
    assert len(consents.seconds) > 500
    readable = [(column.table, column.name) for column in stolen if share_of_seconds(column, consents.seconds)]
    assert readable == []
    printed = [(column.table, column.name, moments_among(column, consents.seconds)) for column in stolen]
    assert [entry for entry in printed if entry[2]] == []


def test_stolen_dump_contains_no_record_id_of_a_line(used: Scenario, stolen: list[Column]) -> None:
    record_ids = consents_in(used.dsn).record_ids
    assert len(record_ids) > 100
    starts = {record_id[:5] for record_id in record_ids}
    found = [
        (column.table, column.name)
        for column in stolen
        if any(start in text for text in column.texts for start in starts)
        or any(start.encode() in value for value in column.contents for start in starts)
    ]
    assert found == []


def test_readers_of_a_dump_find_what_is_in_clear() -> None:
    assert contains_number("rappel au 06 39 98 00 01")
    assert contains_number(number(1).encode())
    assert contains_number((FICTION + 1).to_bytes(8) * 2)
    assert contains_number(b"xyz" + (FICTION + 1).to_bytes(8, "little"))
    for skipped in range(3):
        assert contains_number(base64.b64encode(b"x" * skipped + number(1).encode()).decode())
    assert number_prefixes(Column("verification", "prefix", "text", ["3363998"])) == ["3363998"]
    assert number_prefixes(Column("verification", "prefix", "bytea", [b"3363998"])) == ["3363998"]
    seconds = frozenset({1_700_000_001, 1_700_000_002, 1_700_000_003})
    clear = np.array(sorted(seconds), ">u4").tobytes()
    for value in (clear, b"x" * 17 + clear, np.array(sorted(seconds), "<u4").tobytes()):
        assert share_of_seconds(Column("block", "times", "bytea", [value]), seconds) > 0
    assert share_of_seconds(Column("block", "time", "bigint", [1_700_000_001]), seconds) > 0
    moment = datetime.fromtimestamp(1_700_000_001, UTC)
    for text in (moment, {"first": moment.isoformat()}, str(moment)):
        assert moments_among(Column("dataset", "first", "jsonb", [text]), seconds)


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
