"""Parts of a file: together they are the file, and each ends at the end of a record."""

import csv
import gzip
import io
from pathlib import Path

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
@given(tables, st.integers(1, 200), st.sampled_from(["\n", "\r\n", "\r"]))
def test_parts_contain_every_record_whole(
    tmp_path: Path, table: list[tuple[str, str]], part_bytes: int, end: str
) -> None:
    written = io.StringIO()
    csv.writer(written, delimiter=";", lineterminator=end).writerows(table)
    path = tmp_path / "list.csv"
    path.write_bytes(written.getvalue().encode())
    contents = _contents(path, part_bytes)
    assert b"".join(contents) == path.read_bytes()
    assert [row for content in contents for row in _rows(content)] == _rows(path.read_bytes())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(["0639980001", "Zoé", ";", "\n", "\r\n", "\r", "x\ny"]), min_size=1, max_size=60),
    st.integers(1, 40),
)
def test_parts_of_a_file_with_any_line_ends_contain_every_line_whole(
    tmp_path: Path, pieces: list[str], part_bytes: int
) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes("".join(pieces).encode())
    contents = _contents(path, part_bytes)
    assert b"".join(contents) == path.read_bytes()
    assert [line for content in contents for line in content.splitlines()] == path.read_bytes().splitlines()


def test_parts_have_about_the_requested_size(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"0639980000\n" * 10_000)
    sizes = [len(content) for content in _contents(path, 4096)]
    assert max(sizes) <= 4096
    assert min(sizes[:-1]) > 4096 - len("0639980000\n")


def test_parts_of_a_file_with_an_unclosed_quote_end_at_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b'5" tablet;0639980000\n' + b"phone;0639980001\n" * 10_000)
    contents = _contents(path, 4096)
    assert b"".join(contents) == path.read_bytes()
    assert all(content.endswith(b"\n") for content in contents)
    assert max(map(len, contents)) <= 4096


def test_parts_contain_a_line_longer_than_a_part_whole(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"x" * 5000 + b"\n0639980000\n")
    assert _contents(path, 1024) == [b"x" * 5000 + b"\n", b"0639980000\n"]


def test_parts_of_ndjson_ignore_quotes(tmp_path: Path) -> None:
    path = tmp_path / "list.ndjson"
    lines = b'{"mobile": "0639980000", "note": "5\\""}\n' * 100
    path.write_bytes(lines)
    assert all(content.endswith(b"}\n") for content in _contents(path, 1024))


def test_form_of_depends_on_name_and_first_bytes(tmp_path: Path) -> None:
    files: list[tuple[str, bytes, str, str | None]] = [
        ("list.csv", b"0639980000\n", "text/csv", None),
        ("list.txt", b"0639980000\n", "text/csv", None),
        ("list.2024.ndjson", b'{"mobile": 1}\n', "application/x-ndjson", None),
        ("list", b'{"mobile": 1}\n', "application/x-ndjson", None),
        ("list.csv.gz", gzip.compress(b"0639980000\n", mtime=0), "text/csv", "gzip"),
        ("list.jsonl.gz", gzip.compress(b"{}\n", mtime=0), "application/x-ndjson", "gzip"),
        ("list.csv.zst", b"\x28\xb5\x2f\xfd rest", "text/csv", "zstd"),
        ("list.parquet", b"PAR1 rest", "application/vnd.apache.parquet", None),
        ("list", b"PAR1 rest", "application/vnd.apache.parquet", None),
    ]
    wrong = []
    for name, content, media_type, encoding in files:
        path = tmp_path / name
        path.write_bytes(content)
        headers = form_of(path).headers
        if (headers.get("Content-Type"), headers.get("Content-Encoding")) != (media_type, encoding):
            wrong.append((name, headers))
    assert wrong == []


def test_parts_of_compressed_or_utf16_files_are_one_part(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    for content in (gzip.compress(b"0639980000\n" * 999, mtime=0), "0639980000\n".encode("utf-16") * 99):
        path.write_bytes(content)
        assert _contents(path, 16) == [content]


def test_digest_of_depends_on_every_byte(tmp_path: Path) -> None:
    first, other = tmp_path / "first", tmp_path / "other"
    first.write_bytes(b"0639980000\n")
    other.write_bytes(b"0639980001\n")
    assert digest_of(first) != digest_of(other)
