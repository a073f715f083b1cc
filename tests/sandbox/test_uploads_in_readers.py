"""What the one who uploads is told: each way in which a part takes too much, and readers that end meanwhile."""

import gzip
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import zstandard
from pydantic import SecretStr

from service.core.settings import Settings
from service.main import create_app
from service.sandbox.launcher import launcher
from tests.builders import number, open_dataset
from tests.callers import Caller, Registry
from tests.conftest import MASTER_SECRET
from tests.inspection import refusal, rows, until
from tests.sandbox.parquet_bombs import dictionary_bomb, incremental_bomb
from tests.sockets import on_a_socket

CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"
SKIPPABLE = b"\x50\x2a\x4d\x18\0\0\0\0"

REFUSED: list[tuple[str, bytes, str]] = [
    # A megabyte used two million times, and 8 kB used 250,000 times.
    (PARQUET, dictionary_bomb(b"6" * 1_000_000, 2_000_000), "expands_too_much"),
    (PARQUET, dictionary_bomb(b"6" * 8000, 250_000), "expands_too_much"),
    (PARQUET, incremental_bomb(b"6" * 1_000_000, 2000), "too_much_memory"),
    (PARQUET, dictionary_bomb(number(1).encode(), 500_000, row_groups=3000), "expands_too_much"),
    (CSV, gzip.compress(b"a;" * 500_000), "too_many_columns"),
    (CSV, zstandard.compress(f"{number(1)}\n".encode() * 2_000_000), "expands_too_much"),
    (CSV, gzip.compress(b"") * 2000, "empty_frames"),
    (CSV, zstandard.compress(b"") * 2000, "empty_frames"),
    (CSV, zstandard.compress(b"06") + SKIPPABLE * 2000, "empty_frames"),
    ("application/x-ndjson", b"{" + b",".join(b'"a%d":1' % at for at in range(1001)) + b"}", "too_many_columns"),
]


def put(caller: Caller, dataset: Any, content: Any, media_type: str = CSV) -> Any:
    headers = {"Content-Type": media_type}
    return caller.request("PUT", f"/v1/datasets/{dataset['id']}/parts/1", content=content, headers=headers)


def test_upload_part_that_takes_too_much_is_refused_and_the_next_is_taken(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    found = [refusal(put(broker, dataset, content, media_type)) for media_type, content, _ in REFUSED]
    assert found == [(422, slug) for _, _, slug in REFUSED]
    assert rows(dsn, "SELECT 1 FROM staged_run UNION ALL SELECT 1 FROM rejected_line") == []
    assert put(broker, dataset, number(1).encode()).json()["accepted_count"] == 1


@pytest.fixture
def few_rejects(dsn: str) -> Iterator[Registry]:
    """The application over TCP. It keeps ten rejected lines of a part, and reads one part at a time."""
    settings = Settings(master_secret=SecretStr(MASTER_SECRET), rejects_kept_per_part=10, reader_processes=1)
    with on_a_socket(create_app(settings, dsn)) as client:
        yield Registry(client, dsn)


@pytest.mark.parametrize("line", ["bonjour", 'x"'])
def test_upload_lines_without_numbers_keeps_some_and_counts_all(few_rejects: Registry, dsn: str, line: str) -> None:
    """A wrong column, or a quote on each line: a careless file of millions of lines filled the disk."""
    broker = few_rejects.broker()
    dataset = open_dataset(broker)
    part = put(broker, dataset, f"{number(1)}\n" + f"{line}\n" * 70_000).json()
    assert (part["line_count"], part["accepted_count"]) == (70_001, 1)
    assert (part["rejected_count"], part["rejects_kept"]) == (70_000, 10)
    assert rows(dsn, "SELECT count(*) FROM rejected_line") == [(10,)]
    downloaded = broker.request("GET", f"/v1/datasets/{dataset['id']}/rejects.csv").text.splitlines()
    assert len(downloaded) == 12
    assert downloaded[-1].startswith("1,,not_kept,,69990 further lines")
    assert broker.seal(dataset["id"])["rejected_count"] == 70_000


class Waiting:
    """A body whose end is only sent once `go` is set."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        yield b"\n".join(f"06{place:08}".encode() for place in range(200_000))
        self.begun.set()
        assert self.go.wait(60)
        yield f"\n{number(1)}".encode()


def readers() -> list[int]:
    """The reader processes that run."""
    template = launcher().template().pid
    return list(map(int, Path(f"/proc/{template}/task/{template}/children").read_text().split()))


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are found in /proc")


@needs_proc
def test_upload_part_whose_reader_is_killed_is_503_and_leaves_nothing(few_rejects: Registry, dsn: str) -> None:
    broker = few_rejects.broker()
    dataset, other, body = open_dataset(broker), open_dataset(broker), Waiting()
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(put, broker, dataset, body)
        assert body.begun.wait(60)
        # Another part is read meanwhile, although only one is read at a time.
        assert put(broker, other, number(1).encode()).status_code == 200
        until(lambda: len(readers()) == 1)
        launcher().template().kill(readers()[0])
        until(lambda: readers() == [])
        body.go.set()
        assert refusal(sent.result()) == (503, "reader_lost")
    assert rows(dsn, "SELECT 1 FROM staged_run WHERE upload NOT IN (SELECT upload FROM dataset_part)") == []
    assert put(broker, dataset, number(2).encode()).status_code == 200


@needs_proc
def test_upload_part_that_breaks_off_ends_its_reader(few_rejects: Registry) -> None:
    broker = few_rejects.broker()
    dataset = open_dataset(broker)

    def broken() -> Iterator[bytes]:
        yield b"\n".join(f"06{place:08}".encode() for place in range(200_000))
        until(lambda: len(readers()) == 1)
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        put(broker, dataset, broken())
    until(lambda: readers() == [])
    assert put(broker, dataset, number(2).encode()).status_code == 200
