"""Reads one part, from the bytes of its upload to lines."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from service.intake.cells import Cells
from service.intake.columns.choice import ColumnRules, IgnoredColumn, ReadColumn
from service.intake.columns.states import state_of
from service.intake.dates.order import OrderCounts, Separators
from service.intake.dates.reading import TimeReader
from service.intake.decoding import (
    ENCODING_SAMPLE_BYTES,
    Decompressor,
    Encoding,
    TextDecoder,
    encoding_of,
)
from service.intake.delimited.lines import CsvLines
from service.intake.dialect import Dialect
from service.intake.errors import UnreadablePart
from service.intake.media import Compression, Format
from service.intake.names.meaning import NameMeaning
from service.intake.names.roles import STATE_ROLES, Role, shown_role
from service.intake.names.states import is_objection
from service.intake.ndjson.lines import NdjsonLines
from service.intake.other_formats import refuse_other_format
from service.intake.parquet.lines import ParquetLines
from service.intake.table import CHUNK_BYTES, Misfits, Table
from service.intake.xlsx.lines import XlsxLines

_RAW_LENGTH = 200


@dataclass(frozen=True)
class StateColumn:
    """A column that says whether the person agreed: its cells, and the `State` that each of them states."""

    cells: Cells
    states: NDArray[np.uint8]


@dataclass(frozen=True)
class Lines:
    """Consecutive lines of a part, one per row.

    `line` counts physical lines from 1 (rows in Parquet and XLSX). `consented_at` is in Unix seconds, 0 if unknown, and
    `consent` is its text as sent. The consent columns are None if the part has none, or if they are not read. Digits in
    `country` are calling codes if `has_calling_codes`. `other_country` counts where `country` is empty, and must not
    say anything else unless `country_decides`. Digits in `phone` that begin with no zero are those of E.164 if
    `is_international`. Of the cells of `misfits`, none may be used.
    """

    line: NDArray[np.int64]
    phone: Cells
    consented_at: NDArray[np.uint32] | None
    consent_unreadable: NDArray[np.bool_] | None
    consent: Cells | None
    consent_record_id: Cells | None
    country: Cells | None = None
    other_country: Cells | None = None
    has_calling_codes: bool = False
    country_decides: bool = False
    is_international: bool = False
    consent_states: Sequence[StateColumn] = ()
    misfits: Misfits | None = None

    def raws(self, rows: NDArray[np.intp], beside: Mapping[int, Cells]) -> list[str]:
        """What the holder is shown of rejected rows, ascending: the phone cell and, if that is the reason, another.

        `beside` has that column for the places in `rows` with such a reason. Of a misfit, it is the whole row. At most
        200 characters of each.
        """
        texts = self.phone.texts_of(rows)
        for place, cells in beside.items():
            texts[place] = f"{texts[place]}; {cells[int(rows[place])]}"
        if self.misfits is not None:
            _, places, of_misfits = np.intersect1d(rows, self.misfits.rows, assume_unique=True, return_indices=True)
            for place, text in zip(places.tolist(), self.misfits.text.texts_of(of_misfits), strict=True):
                texts[place] = text
        return [text[:_RAW_LENGTH] for text in texts]

    def field_counts(self, rows: NDArray[np.intp]) -> NDArray[np.uint32]:
        """How many fields each of these rows has, and how many it should have; zeros if it is not a misfit."""
        counts = np.zeros((len(rows), 2), dtype=np.uint32)
        if self.misfits is not None:
            _, places, of_misfits = np.intersect1d(rows, self.misfits.rows, assume_unique=True, return_indices=True)
            counts[places, 0] = self.misfits.fields[of_misfits]
            counts[places, 1] = self.misfits.usual_fields[of_misfits]
        return counts


class PartReader:
    """Reads one part. Feed it bytes as they arrive, then finish it. The lines do not depend on how the bytes are cut.

    The first part of a dataset is read with `dialect=None`; it settles the dialect for all others. Consent columns are
    read if there are `times` to read their times. Of a workbook one `sheet` is read, by name or position. Parquet and
    workbooks are spooled to a file without a name in `folder`, which is opened at once. All methods raise
    UnreadablePart.
    """

    def __init__(
        self,
        *,
        format: Format,  # noqa: A002
        compression: Compression,
        dialect: Dialect | None,
        rules: ColumnRules,
        times: TimeReader | None,
        sheet: str | None = None,
        folder: str | None = None,
        chunk_bytes: int = CHUNK_BYTES,
    ) -> None:
        if dialect is not None and dialect.format is not format:
            raise UnreadablePart(
                "format_differs", f"The first part of this dataset is {dialect.format}. Send this part in that format."
            )
        self._times = times
        self._dialect = dialect
        self._format = format
        self._rules = rules
        self._chunk_bytes = chunk_bytes
        self._decompressor = Decompressor(compression)
        self._has_offset = False
        self._head = bytearray()
        self._decoder: TextDecoder | None = None
        self._parser: CsvLines | NdjsonLines | ParquetLines | XlsxLines | None = None
        if format is Format.PARQUET:
            # It spools to a file, which must be open before anything is fed.
            self._parser = ParquetLines(
                dialect,
                rules,
                self._decompressor.expansion,
                folder,
                takes_integers=times is not None and times.takes_integers,
            )
        elif format is Format.XLSX:
            self._parser = XlsxLines(dialect, rules, sheet, self._decompressor.expansion, folder, chunk_bytes)

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
    def order_counts(self) -> OrderCounts:
        """How many lines so far show in which order the consent times have day and month."""
        return self._times.order_counts if self._times else OrderCounts()

    @property
    def separators(self) -> Separators:
        """The signs between day and month in the consent times so far, by whether a line shows their order."""
        return self._times.separators if self._times else Separators()

    @property
    def read_columns(self) -> list[ReadColumn]:
        """The columns of this part that are read."""
        columns = self._parser.read_columns if self._parser else []
        return [replace(column, role=shown_role(column.role)) for column in columns]

    @property
    def ignored_columns(self) -> list[IgnoredColumn]:
        """The columns of this part that look relevant and are not read."""
        return self._parser.ignored_columns if self._parser else []

    @property
    def has_header(self) -> bool | None:
        """Whether this part begins with a header; None in a format that has none."""
        return self._parser.has_header if isinstance(self._parser, CsvLines | XlsxLines) else None

    @property
    def hidden_rows(self) -> int | None:
        """How many rows so far are hidden in a workbook; None of other formats."""
        return self._parser.hidden_rows if isinstance(self._parser, XlsxLines) else None

    @property
    def ends_open(self) -> bool:
        """Whether text ended without a line end, so that its last line may go on in the next part."""
        return isinstance(self._parser, CsvLines | NdjsonLines) and self._parser.ends_open

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
        if self._times is not None:
            self._times.finish()

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
        refuse_other_format(head, self._format)
        settled = self._dialect.encoding if self._dialect else None
        encoding = encoding_of(head, settled)
        if b"\0" in head and encoding not in (Encoding.UTF_16_LE, Encoding.UTF_16_BE):
            raise UnreadablePart(
                "not_text", "The part is not text. Send UTF-8, Windows-1252, or UTF-16 with a byte order mark."
            )
        self._decoder = TextDecoder(encoding)
        parser = (
            CsvLines(self._dialect, encoding, self._rules, self._chunk_bytes)
            if self._format is Format.CSV
            else NdjsonLines(self._dialect, self._rules, self._chunk_bytes)
        )
        self._parser = parser
        return parser

    def _text(self, data: bytes, *, final: bool = False) -> bytes:
        return self._decoder.feed(data, final=final) if self._decoder else data

    def _lines(self, table: Table) -> Lines:
        table = table.without_misfit_cells()
        meaning = self._parser.meaning if self._parser else NameMeaning()
        consent = table.cells.get(Role.CONSENTED_AT)
        times, unreadable = None, None
        if consent is not None and self._times is not None:
            self._take_offset(self._times, meaning)
            times, unreadable = self._times.read(consent, table.typed_times)
        return Lines(
            line=table.line,
            phone=table.cells[Role.PHONE],
            consented_at=times,
            consent_unreadable=unreadable,
            consent=consent,
            consent_record_id=table.cells.get(Role.CONSENT_RECORD_ID),
            country=table.cells.get(Role.COUNTRY),
            other_country=table.cells.get(Role.OTHER_COUNTRY),
            country_decides=meaning.country_decides,
            is_international=meaning.is_international,
            has_calling_codes=self._parser is not None and self._parser.has_calling_codes,
            consent_states=self._consent_states(table),
            misfits=table.misfits,
        )

    def _consent_states(self, table: Table) -> list[StateColumn]:
        """The columns that say whether the person agreed. Nearly all of their cells are a few texts."""
        found = []
        for role in table.cells.keys() & STATE_ROLES:
            columns = self._parser.read_columns if self._parser else []
            of_objection = any(column.role is role and is_objection(column.name or "") for column in columns)
            texts, places = table.cells[role].distinct()
            states = np.array([state_of(text, is_objection=of_objection) for text in texts], dtype=np.uint8)
            found.append(StateColumn(table.cells[role], states[places]))
        return found

    def _take_offset(self, times: TimeReader, meaning: NameMeaning) -> None:
        """Read times as the name of their column says, such as `Created (UTC)`."""
        if not self._has_offset and meaning.offset.is_stated:
            times.take_offset(meaning.offset.seconds)
        self._has_offset = True
