"""Splits a file of numbers into parts to upload: the same parts each time, with little of the file in memory."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from service.intake.delimited.records import MOST_LINES_OF_A_RECORD
from service.intake.table import LONGEST_LINE

PIECE_BYTES = 256 * 1024
"""Bytes that are read and sent at a time, so that progress is smooth."""

_SUFFIXES = {
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_WHOLE = (_SUFFIXES[".parquet"], _SUFFIXES[".xlsx"])
_COMPRESSIONS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_PARQUET = b"PAR1"
# A workbook is one, whatever its name ends with.
_ZIP = b"PK\x03\x04"
_LINE_END = re.compile(rb"\r\n?|\n")
# A line end in UTF-16 is two bytes, one of them zero. A cut between them would shift all that follows.
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class Form(NamedTuple):
    """How a file is sent. `splits`: it may be cut at line ends. `quotes`: a line end in quotes is not the record's."""

    headers: dict[str, str]
    splits: bool
    quotes: bool


class Part(NamedTuple):
    """A part: its number, from 1, and the position and size of its bytes in the file."""

    number: int
    begin: int
    size: int


def form_of(path: Path) -> Form:
    """How to send a file, by its name and its first bytes."""
    with path.open("rb") as file:
        head = file.read(4)
    compression = next((name for magic, name in _COMPRESSIONS.items() if head.startswith(magic)), None)
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in (".gz", ".zst", ".zstd")]
    media_type = _SUFFIXES.get(suffixes[-1] if suffixes else "", "text/csv")
    if head == _PARQUET:
        media_type = _SUFFIXES[".parquet"]
    elif head == _ZIP:
        media_type = _SUFFIXES[".xlsx"]
    elif head[:1] == b"{":
        media_type = _SUFFIXES[".ndjson"]
    headers = {"Content-Type": media_type}
    if compression:
        headers["Content-Encoding"] = compression
    is_text = media_type not in _WHOLE and not compression
    return Form(headers, is_text and not head.startswith(_UTF_16_MARKS), media_type == "text/csv")


def digest_of(path: Path) -> bytes:
    """SHA-256 of a file's content. It stays in this process: only a keyed hash of it is sent."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def parts_of(path: Path, form: Form, part_bytes: int) -> Iterator[Part]:
    """The parts of a file, each of about `part_bytes` bytes, cut at line ends outside quotes."""
    size = path.stat().st_size
    if not form.splits:
        yield Part(1, 0, size)
        return
    with path.open("rb") as file:
        number, begin = 1, 0
        while begin < size:
            end = size if size - begin <= part_bytes else _cut(file, begin, part_bytes, form.quotes)
            yield Part(number, begin, end - begin)
            number, begin = number + 1, end


def _cut(file: BinaryIO, begin: int, part_bytes: int, quotes: bool) -> int:
    """The end of the part from `begin`: after a line end outside quotes if there is one nearby, else after any."""
    file.seek(begin)
    text = file.read(part_bytes)
    last = _last_line_end(text)
    return begin + (_last_record_end(text, last, quotes) or _whole_record(file, text, quotes) or last or len(text))


def _last_line_end(text: bytes) -> int:
    """Where the last complete line of `text` ends. A carriage return at its very end may be half of a line end."""
    return max(text.rfind(b"\n"), text.rfind(b"\r", 0, max(len(text) - 1, 0))) + 1


def _last_record_end(text: bytes, last: int, quotes: bool) -> int:
    """The last line end of `text` outside quotes; 0 if the last lines of a record's greatest length have none."""
    end, open_quotes = last, text.count(b'"', 0, last) if quotes else 0
    for _ in range(MOST_LINES_OF_A_RECORD):
        if open_quotes % 2 == 0:
            return end
        before = _last_line_end(text[: end - 1].removesuffix(b"\r") + b" ")
        open_quotes -= text.count(b'"', before, end)
        end = before
    return 0


def _whole_record(file: BinaryIO, text: bytes, quotes: bool) -> int:
    """The end of the record that `text` cuts off; 0 if its quote is never closed.

    The service reads the lines of such a record one by one too, so the file may be cut at any of their ends.
    """
    for _ in range(MOST_LINES_OF_A_RECORD):
        text += _rest_of_line(file)
        if not quotes or text.count(b'"') % 2 == 0:
            return len(text)
    return 0


def _rest_of_line(file: BinaryIO) -> bytes:
    """The bytes up to the next line end, or so many as a line may have."""
    begin, text = file.tell(), file.read(LONGEST_LINE)
    end = _LINE_END.search(text)
    text = text[: end.end()] if end else text
    file.seek(begin + len(text))
    return text


def pieces_of(path: Path, part: Part) -> Iterator[bytes]:
    """The bytes of a part in pieces."""
    with path.open("rb") as file:
        file.seek(part.begin)
        left = part.size
        while left and (piece := file.read(min(PIECE_BYTES, left))):
            left -= len(piece)
            yield piece


def first_line_of(path: Path, part: Part) -> int:
    """The line of the file, from 1, on which a part begins."""
    ends = dict.fromkeys((b"\n", b"\r"), 0)
    for piece in pieces_of(path, Part(part.number, 0, part.begin)):
        for end in ends:
            ends[end] += piece.count(end)
    return 1 + (ends[b"\n"] or ends[b"\r"])
