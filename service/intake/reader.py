"""Reads one part, from the bytes of its upload to lines."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.intake.cells import Cells
from service.intake.consent import read_times
from service.intake.csv_lines import CsvLines
from service.intake.decoding import (
    ENCODING_SAMPLE_BYTES,
    Decompressor,
    Encoding,
    TextDecoder,
    guess_encoding,
    marked_encoding,
)
from service.intake.dialect import ColumnChoice, Dialect, Role, is_name, role_of
from service.intake.errors import UnreadablePart
from service.intake.media import Compression, Format
from service.intake.ndjson_lines import NdjsonLines
from service.intake.parquet_lines import ParquetLines
from service.intake.table import CHUNK_BYTES, Table
from service.intake.zones import load_zone

_RAW_LENGTH = 200
# Files that are often sent instead of text, by their first bytes, and what to do.
_OTHER_FORMATS = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook. Export the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook. Export the sheet as CSV",
    b"%PDF": "a PDF. Export the list as CSV",
    b"BZh": "bzip2. Compress it with gzip or zstd",
    b"\xfd7zXZ": "xz. Compress it with gzip or zstd",
    b"PAR1": "Parquet. Send it with Content-Type application/vnd.apache.parquet",
}


@dataclass(frozen=True)
class Lines:
    """Consecutive lines of a part, one per row.

    `line` counts physical lines from 1 (rows in Parquet). `consented_at` is in Unix seconds, 0 if unknown, and
    `consent` is its text as sent. The consent columns are None if the part has none, or if they are not read.
    """

    line: NDArray[np.int64]
    phone: Cells
    consented_at: NDArray[np.uint32] | None
    consent_unreadable: NDArray[np.bool_] | None
    consent: Cells | None
    consent_record_id: Cells | None

    def raw(self, row: int, *, with_consent: bool = False) -> str:
        """What the holder is shown of a rejected row: the phone cell and, if it is the reason, the consent cell.

        At most 200 characters.
        """
        cells = [self.phone[row]]
        if with_consent and self.consent is not None:
            cells.append(self.consent[row])
        return "; ".join(cells)[:_RAW_LENGTH]


class PartReader:
    """Reads one part. Feed it bytes as they arrive, then finish it. The lines do not depend on how the bytes are cut.

    The first part of a dataset is read with `dialect=None` and `columns`; it settles the dialect for all others.
    Consent columns are read if `reads_consent` is set, and times without an offset are in `time_zone`. Parquet is
    spooled to a file without a name in `folder`, which is opened at once. All methods raise UnreadablePart.
    """

    def __init__(
        self,
        *,
        format: Format,  # noqa: A002
        compression: Compression,
        dialect: Dialect | None,
        columns: ColumnChoice,
        time_zone: str,
        reads_consent: bool,
        folder: str | None = None,
        chunk_bytes: int = CHUNK_BYTES,
    ) -> None:
        if dialect is not None and dialect.format is not format:
            raise UnreadablePart(
                "format_differs", f"The first part of this dataset is {dialect.format}. Send this part in that format."
            )
        load_zone(time_zone)
        self._dialect = dialect
        self._format = format
        self._columns = columns
        self._time_zone = time_zone
        self._roles = frozenset(Role) if reads_consent else frozenset([Role.PHONE])
        self._chunk_bytes = chunk_bytes
        self._decompressor = Decompressor(compression)
        self._head = bytearray()
        self._decoder: TextDecoder | None = None
        self._parser: CsvLines | NdjsonLines | ParquetLines | None = None
        if format is Format.PARQUET:
            # It spools to a file, which must be open before anything is fed.
            self._parser = ParquetLines(dialect, columns, self._roles, self._decompressor.expansion, folder)

    @property
    def received_bytes(self) -> int:
        """How many bytes have been fed."""
        return self._decompressor.expansion.received

    @property
    def expanded_bytes(self) -> int:
        """How many bytes of text, or cells of Parquet, the bytes have become so far."""
        return self._decompressor.expansion.expanded

    @property
    def dialect(self) -> Dialect | None:
        """The dialect, which is settled by the first lines."""
        return self._parser.dialect if self._parser else self._dialect

    @property
    def ignored_columns(self) -> list[str]:
        """The names of columns whose role is known but which are not read."""
        if self._parser is None or self._parser.dialect is None:
            return []
        read = {column for role, column in self._parser.dialect.columns.items() if role in self._roles}
        return [
            name.strip()
            for at, name in enumerate(self._parser.header)
            if role_of(name) and is_name(name) and at not in read and name not in read
        ]

    def feed(self, data: bytes) -> Iterator[Lines]:
        """The lines completed by the next bytes. Nothing is read until the result is iterated."""
        for piece in self._decompressor.feed(data):
            yield from self._take(piece)

    def finish(self) -> Iterator[Lines]:
        """The remaining lines."""
        for piece in self._decompressor.finish():
            yield from self._take(piece)
        parser = self._parser
        if parser is None:
            parser = self._begin()
            yield from map(self._lines, parser.feed(self._text(bytes(self._head))))
        yield from map(self._lines, parser.feed(self._text(b"", final=True)))
        yield from map(self._lines, parser.finish())

    def _take(self, piece: bytes) -> Iterator[Lines]:
        if self._parser is None:
            self._head += piece
            if len(self._head) < ENCODING_SAMPLE_BYTES:
                return
            piece = bytes(self._head)
        parser = self._parser or self._begin()
        yield from map(self._lines, parser.feed(self._text(piece)))

    def _begin(self) -> CsvLines | NdjsonLines:
        """Choose the parser of text by the first bytes."""
        head = bytes(self._head[:ENCODING_SAMPLE_BYTES])
        for magic, description in _OTHER_FORMATS.items():
            if head.startswith(magic):
                raise UnreadablePart("wrong_format", f"The part is declared as {self._format} but is {description}.")
        settled = self._dialect.encoding if self._dialect else None
        encoding = marked_encoding(head) or settled or guess_encoding(head)
        if b"\0" in head and encoding not in (Encoding.UTF_16_LE, Encoding.UTF_16_BE):
            raise UnreadablePart(
                "not_text", "The part is not text. Send UTF-8, Windows-1252, or UTF-16 with a byte order mark."
            )
        self._decoder = TextDecoder(encoding)
        parser = (
            CsvLines(self._dialect, encoding, self._columns, self._roles, self._chunk_bytes)
            if self._format is Format.CSV
            else NdjsonLines(self._dialect, self._columns, self._roles, self._chunk_bytes)
        )
        self._parser = parser
        return parser

    def _text(self, data: bytes, *, final: bool = False) -> bytes:
        return self._decoder.feed(data, final=final) if self._decoder else data

    def _lines(self, table: Table) -> Lines:
        consent = table.cells.get(Role.CONSENTED_AT)
        times, unreadable = read_times(consent, self._time_zone) if consent is not None else (None, None)
        return Lines(
            line=table.line,
            phone=table.cells[Role.PHONE],
            consented_at=times,
            consent_unreadable=unreadable,
            consent=consent,
            consent_record_id=table.cells.get(Role.CONSENT_RECORD_ID),
        )
