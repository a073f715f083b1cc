"""Parts over HTTP: in every format, sent again, cut short, concurrently, and while their dataset is being sealed."""

import csv
import gzip
import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import polars as pl
import pytest
import zstandard
from httpx2 import Response
from pydantic import SecretStr

from service.core.settings import Settings
from service.main import create_app
from tests.builders import make_notice, number, open_dataset
from tests.callers import Caller, Registry
from tests.conftest import MASTER_SECRET
from tests.inspection import defer, refusal, rows, until
from tests.sockets import on_a_socket

CSV = {"Content-Type": "text/csv"}
TEN = [number(last) for last in range(10)]


def put(caller: Caller, dataset: Any, content: Any, number: int = 1, headers: dict[str, str] = CSV) -> Response:
    path = f"/v1/datasets/{dataset['id']}/parts/{number}"
    return caller.request("PUT", path, content=content, headers=CSV | headers)


def parquet() -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame({"portable": TEN}).write_parquet(buffer)
    return buffer.getvalue()


def text(separator: str = ";") -> str:
    return "\n".join([f"prénom{separator}mobile", *(f"Zoé{separator}{number}" for number in TEN)])


FORMS: list[tuple[str, bytes, dict[str, str]]] = [
    ("comma", text(",").encode(), {}),
    ("semicolon in Windows-1252", text().encode("windows-1252"), {}),
    ("tab with a mark and CRLF", b"\xef\xbb\xbf" + text("\t").replace("\n", "\r\n").encode(), {}),
    ("UTF-16 with its mark", text().encode("utf-16"), {}),
    ("charset in the type", text().encode(), {"Content-Type": "text/csv; charset=utf-8"}),
    ("gzip", gzip.compress(text().encode()), {"Content-Encoding": "gzip"}),
    ("gzip that nobody declares", gzip.compress(text().encode()), {}),
    ("two gzip members", gzip.compress(text().encode()[:50]) + gzip.compress(text().encode()[50:]), {}),
    ("zstd", zstandard.compress(text().encode()), {"Content-Encoding": "zstd"}),
    (
        "NDJSON",
        "\n".join(f'{{"phone": "{number}"}}' for number in TEN).encode(),
        {"Content-Type": "application/x-ndjson"},
    ),
    ("Parquet", parquet(), {"Content-Type": "application/vnd.apache.parquet"}),
]


def test_upload_part_in_every_format_accepts_the_same_numbers(registry: Registry) -> None:
    broker = registry.broker()
    for name, content, headers in FORMS:
        dataset = open_dataset(broker)
        answer = put(broker, dataset, content, headers=headers)
        assert answer.status_code == 200, (name, answer.text)
        part = answer.json()
        assert (part["accepted_count"], part["rejected_count"], part["byte_count"]) == (10, 0, len(content)), name
        assert broker.seal(dataset["id"])["number_count"] == 10, name


REFUSED: list[tuple[bytes, dict[str, str], tuple[int, str]]] = [
    (b"x", {"Content-Type": "application/json"}, (415, "unsupported_media_type")),
    (b"x", {"Content-Encoding": "br"}, (415, "unsupported_content_encoding")),
    (gzip.compress(text().encode())[:-9], {"Content-Encoding": "gzip"}, (422, "truncated")),
    (zstandard.compress(text().encode())[:-9], {"Content-Encoding": "zstd"}, (422, "truncated")),
    (b"plain", {"Content-Encoding": "gzip"}, (422, "corrupt_compression")),
    (b"PK\x03\x04 workbook", {}, (422, "wrong_format")),
    # Refused by its first bytes, while more of it waits to be read than is ever read ahead.
    (b"PK\x03\x04" + bytes(20 << 20), {}, (422, "wrong_format")),
    (parquet(), {}, (422, "wrong_format")),
    (parquet()[:-20], {"Content-Type": "application/vnd.apache.parquet"}, (422, "not_parquet")),
    (bytes(range(256)) * 4, {}, (422, "not_text")),
]


def test_upload_part_that_is_unreadable_is_refused_and_leaves_nothing(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    found = [refusal(put(broker, dataset, content, headers=headers)) for content, headers, _ in REFUSED]
    assert found == [expected for _, _, expected in REFUSED]
    assert broker.get(f"/v1/datasets/{dataset['id']}/parts") == []
    assert rows(dsn, "SELECT 1 FROM staged_run UNION ALL SELECT 1 FROM rejected_line") == []
    assert put(broker, dataset, text().encode()).status_code == 200


def test_register_dataset_with_an_unknown_region_is_refused(registry: Registry) -> None:
    broker = registry.broker()
    body = {"occurred_at": "2024-01-01T00:00:00Z", "holder_id": str(broker.id), "name": "Base"}
    for region in ("ZZ", "FX", "fr"):
        answer = broker.request("POST", "/v1/datasets", json=body | {"default_region": region})
        assert refusal(answer) == (422, "invalid_request")
    belgian = open_dataset(broker, default_region="BE")
    put(broker, belgian, b"0470 12 34 56")
    assert broker.seal(belgian["id"])["number_count"] == 1


def test_upload_part_again_with_other_bytes_leaves_nothing_of_the_first(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    put(broker, dataset, "\n".join([*TEN, "12"]).encode())
    put(broker, dataset, f"mobile;nom\n{number(20)};Zoé\n13\n".encode())
    put(broker, dataset, f"{number(21)};Éva".encode(), number=2)
    put(broker, dataset, f"{number(22)};Éva".encode(), number=2)
    rejects = broker.get(f"/v1/datasets/{dataset['id']}/rejects")["items"]
    assert [(line["part"], line["line"]) for line in rejects] == [(1, 3)]
    sealed = broker.seal(dataset["id"])
    assert (sealed["number_count"], sealed["rejected_count"]) == (2, 1)
    held = [broker.lookup(number(last))["held"] for last in (0, 20, 21, 22)]
    assert held == [False, True, False, True]
    assert rows(dsn, "SELECT count(*) FROM rejected_line") == [(1,)]


def test_upload_first_part_again_keeps_a_layout_that_is_in_use(registry: Registry) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    put(broker, dataset, f"nom;mobile\nZoé;{number(1)}".encode())
    put(broker, dataset, f"Éva;{number(2)}".encode(), number=2)
    again = put(broker, dataset, f"mobile,nom\n{number(3)},Zoé".encode())
    assert not again.is_success or again.json()["accepted_count"] == 0


def test_upload_parts_concurrently_counts_all(registry: Registry) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    put(broker, dataset, number(0).encode())
    parts = {part: number(part).encode() for part in range(2, 10)}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda part: put(broker, dataset, parts[part], part), parts))
    assert {answer.status_code for answer in answers} == {200}
    assert broker.seal(dataset["id"])["number_count"] == 9


def test_upload_same_part_concurrently_counts_it_once(registry: Registry) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    with ThreadPoolExecutor(8) as pool:
        same = list(pool.map(lambda _: put(broker, dataset, TEN[0].encode()).json()["repeated"], range(4)))
        list(pool.map(lambda line: put(broker, dataset, line.encode()), TEN[:4]))
    assert sorted(same) == [False, True, True, True]
    assert len(broker.get(f"/v1/datasets/{dataset['id']}/parts")) == 1
    assert broker.seal(dataset["id"])["number_count"] == 1


def test_seal_dataset_concurrently_starts_one_job(registry: Registry) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    put(broker, dataset, "\n".join(TEN).encode())
    path = f"/v1/datasets/{dataset['id']}/seal"
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: broker.request("POST", path), range(4)))
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]
    (job,) = (answer.json() for answer in answers if answer.status_code == 202)
    assert broker.finish(job)["state"] == "succeeded"
    assert broker.get(f"/v1/datasets/{dataset['id']}")["number_count"] == 10


def test_download_rejects_after_seven_days_has_no_raw_values(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    put(broker, dataset, f"{number(1)}\n06 12 34\nbonjour".encode())
    download = f"/v1/datasets/{dataset['id']}/rejects.csv"
    assert "06 12 34" in broker.request("GET", download).text
    assert rows(dsn, "SELECT 1 FROM rejected_line WHERE position('06 12 34'::bytea IN raw) > 0") == []
    rows(dsn, "UPDATE rejected_line SET recorded_at = recorded_at - interval '7 days'")
    # Not shown from that moment on, and deleted within the hour.
    raws = [row["raw"] for row in csv.DictReader(broker.request("GET", download).text.splitlines())]
    assert raws == ["", ""]
    defer(dsn, "forget_raw_lines", timestamp=0)
    broker.seal(dataset["id"])
    assert rows(dsn, "SELECT count(*), count(raw) FROM rejected_line") == [(2, 0)]


@pytest.fixture
def scarce(dsn: str) -> Iterator[Registry]:
    """The application over TCP, with as few connections as it can have."""
    settings = Settings(master_secret=SecretStr(MASTER_SECRET), pool_size=1)
    with on_a_socket(create_app(settings, dsn)) as client:
        yield Registry(client, dsn)


class Slow:
    """A body whose end is only sent once `go` is set."""

    def __init__(self, begin: bytes, end: bytes) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self._begin, self._end = begin, end

    def __iter__(self) -> Iterator[bytes]:
        yield self._begin
        self.begun.set()
        assert self.go.wait(30)
        yield self._end


def test_upload_part_by_slow_clients_holds_no_connection(scarce: Registry) -> None:
    broker = scarce.broker()
    datasets = [open_dataset(broker) for _ in range(6)]
    bodies = [Slow(f"{number(1)}\n".encode(), f"{number(2)}\n".encode()) for _ in datasets]
    with ThreadPoolExecutor(len(datasets)) as pool:
        sent = [pool.submit(put, broker, dataset, body) for dataset, body in zip(datasets, bodies, strict=True)]
        assert all(body.begun.wait(30) for body in bodies)
        assert len(broker.get("/v1/datasets", timeout=5)["items"]) == 6
        for body in bodies:
            body.go.set()
        assert [answer.result().json()["accepted_count"] for answer in sent] == [2] * 6


def test_upload_evidence_by_slow_clients_holds_no_connection(scarce: Registry) -> None:
    shop = scarce.collector()
    notice = make_notice(shop, shop.id)
    path, headers = f"/v1/notices/{notice['id']}/evidence", {"Content-Type": "image/png"}
    bodies = [Slow(b"\x89PNG", b"\r\n") for _ in range(6)]
    with ThreadPoolExecutor(len(bodies)) as pool:
        sent = [pool.submit(shop.request, "POST", path, content=body, headers=headers) for body in bodies]
        assert all(body.begun.wait(30) for body in bodies)
        assert len(shop.get("/v1/notices", timeout=5)["items"]) == 1
        for body in bodies:
            body.go.set()
        assert {answer.result().status_code for answer in sent} == {415}


def test_seal_dataset_while_a_part_arrives_refuses_the_part(scarce: Registry, dsn: str) -> None:
    broker = scarce.broker()
    dataset = open_dataset(broker)
    put(broker, dataset, TEN[0].encode())
    # More than one portion, so that the part is being written before its end arrives.
    late = Slow(b"\n".join(f"06{place:08}".encode() for place in range(200_000)), TEN[1].encode())
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(put, broker, dataset, late, 2)
        assert late.begun.wait(30)
        sealed = broker.seal(dataset["id"])
        late.go.set()
        assert refusal(sent.result()) == (409, "dataset_not_open")
    assert sealed["number_count"] == 1
    assert len(broker.get(f"/v1/datasets/{dataset['id']}/parts")) == 1
    assert rows(dsn, "SELECT 1 FROM staged_run UNION ALL SELECT 1 FROM rejected_line") == []


def test_upload_part_while_the_first_is_sent_with_another_layout_is_refused(scarce: Registry, dsn: str) -> None:
    broker = scarce.broker()
    dataset, header = open_dataset(broker), "nom;contact;secours"
    path, first = f"/v1/datasets/{dataset['id']}/parts", f"{header}\nA;0639980001;0639980009\n"

    def put_first(column: str) -> Response:
        return broker.request("PUT", f"{path}/1", content=first, headers=CSV, params={"column": column})

    def begun() -> int:
        ((number,),) = rows(dsn, "SELECT last_value FROM part_upload")
        return int(number)

    assert put_first("secours").status_code == 200
    before = begun()
    late = Slow(f"{header}\nB;0639980002;0639980008\n".encode(), b"B;0639980003;0639980007\n")
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(put, broker, dataset, late, 2)
        until(lambda: begun() > before)
        assert put_first("contact").status_code == 200
        late.go.set()
        assert refusal(sent.result()) == (409, "layout_changed")
    assert [part["number"] for part in broker.get(path)] == [1]
    late = Slow(first.encode(), b"A;0639980004;0639980006\n")
    before = begun()
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(broker.request, "PUT", f"{path}/1", content=late, headers=CSV, params={"column": "secours"})
        until(lambda: begun() > before)
        assert put(broker, dataset, f"{header}\nB;0639980002;0639980008\n", 2).status_code == 200
        late.go.set()
        assert refusal(sent.result()) == (409, "layout_changed")
    assert {part["read_columns"][0]["name"] for part in broker.get(path)} == {"contact"}


def test_upload_part_that_breaks_off_leaves_nothing(scarce: Registry, dsn: str) -> None:
    broker = scarce.broker()
    dataset = open_dataset(broker)

    def broken() -> Iterator[bytes]:
        yield b"\n".join(f"06{place:08}".encode() for place in range(200_000))
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        put(broker, dataset, broken())
    until(lambda: rows(dsn, "SELECT 1 FROM staged_run UNION ALL SELECT 1 FROM rejected_line") == [])
    assert broker.get(f"/v1/datasets/{dataset['id']}/parts") == []
    assert put(broker, dataset, "\n".join(TEN).encode()).json()["accepted_count"] == 10
    assert broker.seal(dataset["id"])["number_count"] == 10
