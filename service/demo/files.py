"""The files of the story, as varied as real ones: each has its own spellings, headers, encoding and format."""

import csv
import gzip
import io
import json
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from itertools import chain
from typing import NamedTuple

import polars as pl

from service.demo.story_types import FIRST_NUMBER


class File(NamedTuple):
    """Bytes to upload, with the headers that describe them."""

    content: bytes
    headers: dict[str, str]


class Line(NamedTuple):
    """A number by its last four digits, and the day of its consent if the file contains it."""

    last_digits: int
    consented_on: date | None


def lines_of(numbers: Iterable[range], consented_on: Callable[[int], date] | None) -> list[Line]:
    """The lines of a dataset."""
    return [Line(n, consented_on(n) if consented_on else None) for n in chain.from_iterable(numbers)]


def _pairs(last_digits: int, between: str) -> str:
    digits = f"{FIRST_NUMBER + last_digits}"[3:]
    return between.join(digits[at : at + 2] for at in range(0, 8, 2))


_SPELLINGS: tuple[Callable[[int], str], ...] = (
    lambda n: f"06 {_pairs(n, ' ')}",
    lambda n: f"06.{_pairs(n, '.')}",
    lambda n: f"+33 (0)6 {_pairs(n, ' ')}",
    lambda n: f"06{_pairs(n, '')}",
    lambda n: f"+336{_pairs(n, '')}",
    lambda n: f"00336{_pairs(n, '')}",
    lambda n: f"06-{_pairs(n, '-')}",
)


def _spell(last_digits: int) -> str:
    return _SPELLINGS[last_digits % len(_SPELLINGS)](last_digits)


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str, encoding: str) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue().encode(encoding)


def _csv_file(content: bytes) -> File:
    return File(content, {"Content-Type": "text/csv"})


_DEPARTMENTS = ("Rhône", "Isère", "Hérault", "Côte-d'Or", "Finistère", "Nord")


def contest(lines: Sequence[Line]) -> File:
    """Semicolons and Windows-1252, with people who entered twice and cells without a number."""

    def rows() -> Iterator[Sequence[object]]:
        for n, day in lines:
            yield _DEPARTMENTS[n % len(_DEPARTMENTS)], _spell(n), f"{day:%d/%m/%Y} 12:00"
        for n in range(0, 60, 5):
            yield "Rhône", _spell(n), "31/05/2021 11:30"
        yield "Isère", "6,3998E+08", "02/03/2020 10:15"
        yield "Hérault", "néant", "02/03/2020 10:20"

    return _csv_file(_csv(["Département", "N° de téléphone", "Date d'opt-in"], rows(), ";", "cp1252"))


def quotes(lines: Sequence[Line]) -> File:
    """Semicolons and UTF-8 with a byte order mark, from a spreadsheet that dropped the leading zero."""
    rows = ((f"639{_pairs(n, '')[2:]}", f"{day}T12:00") for n, day in lines)
    return _csv_file(_csv(["Téléphone portable", "Date de consentement"], rows, ";", "utf-8-sig"))


def quotes_2023(lines: Sequence[Line]) -> File:
    """Tabs, and numbers in mixed spellings."""
    rows = ((f"{day:%d/%m/%Y} 12:00", _spell(n)) for n, day in lines)
    return _csv_file(_csv(["Date de consentement", "GSM"], rows, "\t", "utf-8"))


def loyalty(lines: Sequence[Line]) -> File:
    """Commas, and a reference to the shop's own record of each consent."""
    rows = ((f"EM-{day:%Y%m%d}-{n:04}", _spell(n), f"{day} 12:00:00") for n, day in lines)
    return _csv_file(_csv(["id_consentement", "Mobile", "consented_at"], rows, ",", "utf-8"))


def plain_list(lines: Sequence[Line]) -> File:
    """One column of mixed spellings."""
    return _csv_file(_csv(["Portable"], ((_spell(n),) for n, _ in lines), ";", "cp1252"))


def delivered(lines: Sequence[Line]) -> File:
    """The same numbers as their recipient stores them: in another order and another spelling."""
    rows = ((f"{FIRST_NUMBER + n}", "OK") for n, _ in reversed(lines))
    return _csv_file(_csv(["msisdn", "statut"], rows, ",", "utf-8"))


def ndjson(lines: Sequence[Line]) -> File:
    """NDJSON compressed by gzip."""
    text = "".join(json.dumps({"mobile": _spell(n)}) + "\n" for n, _ in lines)
    headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    return File(gzip.compress(text.encode(), mtime=0), headers)


def parquet(lines: Sequence[Line]) -> File:
    """Parquet with numbers as integers."""
    buffer = io.BytesIO()
    pl.DataFrame({"msisdn": [FIRST_NUMBER + n for n, _ in lines]}).write_parquet(buffer)
    return File(buffer.getvalue(), {"Content-Type": "application/vnd.apache.parquet"})


LAYOUTS: dict[str, Callable[[Sequence[Line]], File]] = {
    "contest": contest,
    "quotes": quotes,
    "quotes_2023": quotes_2023,
    "loyalty": loyalty,
    "list": plain_list,
    "delivered": delivered,
    "lines": ndjson,
    "table": parquet,
}


def screenshot() -> bytes:
    """A small grey PNG of a ticked box beside two lines of text, always with the same bytes."""
    width, height = 96, 32
    picture = [bytearray(b"\xff" * width) for _ in range(height)]
    for at in range(6, 26):
        picture[6][at] = picture[25][at] = picture[at][6] = picture[at][25] = 0x33
        picture[at][at] = picture[at][31 - at] = 0x33
    for row in (10, 20):
        picture[row][34:90] = b"\x99" * 56
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    # Stored without compression, so that the bytes do not depend on the version of zlib.
    pixels = zlib.compress(b"".join(b"\0" + row for row in picture), 0)
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
