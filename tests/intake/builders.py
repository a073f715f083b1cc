"""Reads whole parts, cut into feeds by a test."""

from collections.abc import Iterable
from typing import NamedTuple

from service.intake.columns.choice import ColumnChoice, ColumnRules
from service.intake.dates.reading import TimeReader
from service.intake.dialect import Dialect
from service.intake.media import Compression, Format
from service.intake.reader import Lines, PartReader
from service.number.looks import CountryTest, telephone_test


class Row(NamedTuple):
    line: int
    phone: str
    consented_at: int | None = None
    unreadable: bool = False
    record_id: str | None = None


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def rows_of(batches: Iterable[Lines]) -> list[Row]:
    return [
        Row(
            int(lines.line[at]),
            lines.phone[at],
            None if lines.consented_at is None else int(lines.consented_at[at]),
            lines.consent_unreadable is not None and bool(lines.consent_unreadable[at]),
            None if lines.consent_record_id is None else lines.consent_record_id[at],
        )
        for lines in batches
        for at in range(len(lines.line))
    ]


def reader_of(
    *,
    dialect: Dialect | None = None,
    region: str = "FR",
    part_format: Format = Format.CSV,
    columns: ColumnChoice | None = None,
    reads_consent: bool = True,
) -> PartReader:
    """A reader of a part, by default in CSV, which reads consents."""
    return PartReader(
        format=part_format,
        compression=Compression.NONE,
        dialect=dialect,
        rules=ColumnRules(
            columns or ColumnChoice(), telephone_test(region), CountryTest(region), reads_consent=reads_consent
        ),
        times=TimeReader("Europe/Paris") if reads_consent else None,
    )


def read_part(
    feeds: bytes | list[bytes],
    *,
    part_format: Format = Format.CSV,
    compression: Compression = Compression.NONE,
    dialect: Dialect | None = None,
    columns: ColumnChoice | None = None,
    reads_consent: bool = True,
    date_format: str | None = None,
    region: str = "FR",
    chunk_bytes: int = 4 << 20,
) -> tuple[PartReader, list[Row]]:
    reader = PartReader(
        format=part_format,
        compression=compression,
        dialect=dialect,
        rules=ColumnRules(
            columns or ColumnChoice(),
            telephone_test(region),
            CountryTest(region),
            reads_consent,
            date_format,
            time_zone="Europe/Paris",
        ),
        times=TimeReader("Europe/Paris", date_format) if reads_consent else None,
        chunk_bytes=chunk_bytes,
    )
    batches = [lines for data in ([feeds] if isinstance(feeds, bytes) else feeds) for lines in reader.feed(data)]
    batches += reader.finish()
    return reader, rows_of(batches)


def phones(feeds: bytes | list[bytes], *, columns: ColumnChoice | None = None) -> list[str]:
    return [row.phone for row in read_part(feeds, columns=columns)[1]]
