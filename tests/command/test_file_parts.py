"""Parts are the file, cut where records end, and the same each time."""

import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.command.file_parts import digest_of, form_of, parts_of, pieces_of

cells = st.text(st.sampled_from('abé 06;"\n'), max_size=12)
tables = st.lists(st.tuples(cells, cells), min_size=1, max_size=60)


def _contents(path: Path, part_bytes: int) -> list[bytes]:
    form = form_of(path)
    return [b"".join(pieces_of(path, part)) for part in parts_of(path, form, part_bytes)]


def _rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline=""), delimiter=";"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables, st.integers(1, 200), st.sampled_from(["\n", "\r\n"]))
def test_no_record_is_cut_and_none_is_lost(
    tmp_path: Path, table: list[tuple[str, str]], part_bytes: int, end: str
) -> None:
    written = io.StringIO()
    csv.writer(written, delimiter=";", lineterminator=end).writerows(table)
    path = tmp_path / "list.csv"
    path.write_bytes(written.getvalue().encode())
    contents = _contents(path, part_bytes)
    assert b"".join(contents) == path.read_bytes()
    assert [row for content in contents for row in _rows(content)] == _rows(path.read_bytes())


def test_parts_are_about_as_large_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"0639980000\n" * 10_000)
    sizes = [len(content) for content in _contents(path, 4096)]
    assert max(sizes) <= 4096
    assert min(sizes[:-1]) > 4096 - len("0639980000\n")


def test_a_quote_that_is_never_closed_does_not_swallow_the_file(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b'5" tablet;0639980000\n' + b"phone;0639980001\n" * 10_000)
    contents = _contents(path, 4096)
    assert b"".join(contents) == path.read_bytes()
    assert all(content.endswith(b"\n") for content in contents)
    assert max(map(len, contents)) <= 4096


def test_a_line_longer_than_a_part_stays_whole(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"x" * 5000 + b"\n0639980000\n")
    assert _contents(path, 1024) == [b"x" * 5000 + b"\n", b"0639980000\n"]


def test_quotes_mean_nothing_in_ndjson(tmp_path: Path) -> None:
    path = tmp_path / "list.ndjson"
    lines = b'{"mobile": "0639980000", "note": "5\\""}\n' * 100
    path.write_bytes(lines)
    assert all(content.endswith(b"}\n") for content in _contents(path, 1024))


@pytest.mark.parametrize(
    ("name", "content", "media_type", "encoding"),
    [
        ("list.csv", b"0639980000\n", "text/csv", None),
        ("list.txt", b"0639980000\n", "text/csv", None),
        ("list.2024.ndjson", b'{"mobile": 1}\n', "application/x-ndjson", None),
        ("list", b'{"mobile": 1}\n', "application/x-ndjson", None),
        ("list.csv.gz", gzip.compress(b"0639980000\n", mtime=0), "text/csv", "gzip"),
        ("list.jsonl.gz", gzip.compress(b"{}\n", mtime=0), "application/x-ndjson", "gzip"),
        ("list.csv.zst", b"\x28\xb5\x2f\xfd rest", "text/csv", "zstd"),
        ("list.parquet", b"PAR1 rest", "application/vnd.apache.parquet", None),
        ("list", b"PAR1 rest", "application/vnd.apache.parquet", None),
    ],
)
def test_a_file_is_sent_as_what_it_is(
    tmp_path: Path, name: str, content: bytes, media_type: str, encoding: str | None
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    form = form_of(path)
    assert form.headers.get("Content-Type") == media_type
    assert form.headers.get("Content-Encoding") == encoding


@pytest.mark.parametrize(
    "content", [gzip.compress(b"0639980000\n" * 999, mtime=0), "0639980000\n".encode("utf-16") * 99]
)
def test_what_cannot_be_cut_goes_as_one_part(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    assert _contents(path, 16) == [content]


def test_one_other_byte_is_another_file(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"0639980000\n")
    other.write_bytes(b"0639980001\n")
    assert digest_of(one) != digest_of(other)
