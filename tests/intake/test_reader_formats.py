"""NDJSON, Parquet, media types, and that any bytes raise nothing but UnreadablePart."""

import gzip
import io
import json
from datetime import UTC, date, datetime
from typing import Any

import orjson
import polars as pl
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from service.intake.cells import Cells
from service.intake.columns.choice import ColumnChoice
from service.intake.dialect import Dialect
from service.intake.errors import UnreadablePart
from service.intake.media import (
    CONTENT_ENCODINGS,
    MEDIA_TYPES,
    Compression,
    Format,
    compression_of_content_encoding,
    format_of_content_type,
)
from service.number.normalisation import normalise_column
from service.number.rejection import RejectReason
from tests.examples import examples
from tests.intake.builders import Row, cut, read_part
from tests.intake.files_of_others import INT96_PARQUET
from tests.intake.workbook_writers import by_openpyxl


def ndjson(*objects: Any) -> bytes:
    return b"\n".join(map(orjson.dumps, objects)) + b"\n"


def parquet(**columns: Any) -> bytes:
    file = io.BytesIO()
    pl.DataFrame(columns).write_parquet(file)
    return file.getvalue()


def test_read_ndjson_numbers_as_text_or_integers_gives_text() -> None:
    part = ndjson({"id": 1, "Téléphone": "06 39 98 00 00"}, {"Téléphone": 639980001}, {"Téléphone": 33639980002})
    _, rows = read_part(part, part_format=Format.NDJSON)
    assert normalise_column(Cells.of(row.phone for row in rows), "FR").numbers.tolist() == [
        33639980000,
        33639980001,
        33639980002,
    ]


def test_read_ndjson_number_with_a_fraction_keeps_it() -> None:
    for number in (b"639980000.0", b"6.3998e8", b"33639980000.5", b"3.36E+10"):
        _, rows = read_part(b'{"phone":' + number + b"}\n", part_format=Format.NDJSON)
        reason = normalise_column(Cells.of([rows[0].phone]), "FR").reason(0)
        assert reason in (RejectReason.SPREADSHEET_DECIMAL, RejectReason.SCIENTIFIC_NOTATION), number


def test_read_broken_json_line_rejects_that_line_only() -> None:
    for broken in (b'{"phone":"0639980001', b"[1]", b"null", b'{"phone":0639980001}', b'{"phone":"\xff\xfe"'):
        part = b'{"phone":"0639980000"}\n\n' + broken + b'\n{"phone":"0639980002"}'
        _, rows = read_part(part, part_format=Format.NDJSON)
        assert [row.line for row in rows] == [1, 3, 4], broken
        numbers = normalise_column(Cells.of(row.phone for row in rows), "FR").numbers.tolist()
        assert numbers == [33639980000, 0, 33639980002], broken


def test_read_ndjson_consent_columns_gives_times_and_record_ids() -> None:
    part = ndjson(
        {"phone": "0639980000", "consented_at": "2024-02-05", "consent_record_id": "é"},
        {"phone": "0639980001", "consented_at": None, "consent_record_id": 5},
        {"phone": "0639980002", "consented_at": 5},
    )
    assert read_part(part, part_format=Format.NDJSON)[1] == [
        Row(1, "0639980000", 1707087600, record_id="é"),
        Row(2, "0639980001", 0, record_id="5"),
        Row(3, "0639980002", 0, unreadable=True, record_id=""),
    ]


MEMBERS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=8) | st.lists(st.integers())


@given(st.lists(st.dictionaries(st.sampled_from(["phone", "x"]), MEMBERS), max_size=20), st.integers(1, 90))
def test_read_ndjson_cut_anywhere_gives_the_same_lines(objects: list[dict[str, Any]], feed: int) -> None:
    lines = [b'{"phone":"0639980000"}', *(json.dumps(members).encode() if members else b"{" for members in objects)]
    whole = read_part(b"\n".join(lines), part_format=Format.NDJSON)[1]
    assert [row.line for row in whole] == list(range(1, len(lines) + 1))
    assert read_part(cut(b"\n".join(lines), feed), part_format=Format.NDJSON, chunk_bytes=1)[1] == whole


def test_read_parquet_column_of_text_or_integers_gives_text() -> None:
    columns: list[tuple[list[Any], list[str]]] = [
        (["06 39 98 00 00", None], ["06 39 98 00 00", ""]),
        ([639980000, None], ["639980000", ""]),
        ([33639980000, 0], ["33639980000", "0"]),
        ([639980000.0, None], ["639980000.0", ""]),
        ([b"0639980000", None], ["0639980000", ""]),
    ]
    for column, expected in columns:
        _, rows = read_part(parquet(x=[1, 2], telephone=column), part_format=Format.PARQUET)
        assert [row.phone for row in rows] == expected
        assert [row.line for row in rows] == [1, 2]


def test_read_parquet_long_value_is_truncated() -> None:
    _, rows = read_part(parquet(telephone=["6" * 300_000] * 3), part_format=Format.PARQUET)
    assert {len(row.phone) for row in rows} == {300}
    assert normalise_column(Cells.of([rows[0].phone]), "FR").reason(0) is RejectReason.TOO_LONG


@pytest.mark.parametrize(
    ("stated", "written"),
    [
        ("%Y%m%d", 20230326),
        ("%Y%m%d%H%M%S", 20230326000000),
        ("epoch_seconds", 1679788800),
        ("epoch_microseconds", 1679788800000000),
        ("excel_1900", 45011),
    ],
)
def test_read_floats_of_a_stated_format_in_every_format(stated: str, written: int) -> None:
    parts = {
        Format.CSV: f"phone;consent_date\n0639980001;{written}.0\n".encode(),
        Format.NDJSON: b'{"phone":"0639980001","consent_date":%d.0}\n' % written,
        Format.PARQUET: parquet(phone=["0639980001"], consent_date=[float(written)]),
    }
    for part_format, part in parts.items():
        _, (row,) = read_part(part, part_format=part_format, date_format=stated)
        assert row.consented_at in (1679788800, 1679788800 - 3600), part_format
        assert not row.unreadable


@pytest.mark.parametrize("name", ["Primary Phone", "Telefon", "Tel.", "Tél. principal", "Mobilnummer"])
def test_read_integers_under_any_name_that_says_telephone(name: str) -> None:
    """They have lost their zeros, so only the name shows what they are."""
    numbers, customers = [639980001, 639980002], [100200301, 100200302]
    parts = {
        Format.PARQUET: parquet(**{"Kd.": customers, name: numbers}),
        Format.XLSX: by_openpyxl([["Kd.", name], *zip(customers, numbers, strict=True)]),
    }
    for part_format, part in parts.items():
        _, rows = read_part(part, part_format=part_format)
        assert [row.phone for row in rows] == [*map(str, numbers)], part_format


def test_read_parquet_floats_are_numbers_only_if_nothing_of_them_is_lost() -> None:
    floats = [639980000.0, 33639980000.0, 33639980000.5, None]
    _, rows = read_part(parquet(phone=pl.Series(floats, dtype=pl.Float64)), part_format=Format.PARQUET)
    result = normalise_column(Cells.of(row.phone for row in rows), "FR")
    assert result.numbers.tolist() == [0, 33639980000, 0, 0]
    assert [result.reason(at) for at in (0, 2)] == [RejectReason.SPREADSHEET_DECIMAL] * 2
    _, rows = read_part(parquet(phone=pl.Series(floats, dtype=pl.Float32)), part_format=Format.PARQUET)
    result = normalise_column(Cells.of(row.phone for row in rows), "FR")
    assert [result.reason(at) for at in range(3)] == [RejectReason.SCIENTIFIC_NOTATION] * 3


def test_read_parquet_dates_and_times_gives_consent_times() -> None:
    for moments in (
        pl.Series([date(2024, 2, 5)]),
        pl.Series([datetime(2024, 2, 5)]),  # noqa: DTZ001
        pl.Series([datetime(2024, 2, 5)]).cast(pl.Datetime("ns")),  # noqa: DTZ001
        pl.Series([datetime(2024, 2, 4, 23)]).dt.replace_time_zone("UTC"),  # noqa: DTZ001
        pl.Series([datetime(2024, 2, 4, 18)]).dt.replace_time_zone("America/New_York"),  # noqa: DTZ001
        pl.Series(["05/02/2024"]),
    ):
        _, rows = read_part(parquet(phone=["06"], consented_at=moments, consent_id=[7]), part_format=Format.PARQUET)
        assert rows == [Row(1, "06", 1707087600, record_id="7")], moments.dtype


def test_read_parquet_int96_is_in_utc() -> None:
    _, rows = read_part(INT96_PARQUET, part_format=Format.PARQUET)
    assert rows == [Row(1, "0639980001", round(datetime(2024, 2, 5, 12, 5, tzinfo=UTC).timestamp()))]


def test_read_parquet_typed_times_are_read_whatever_format_is_stated() -> None:
    for moments in (pl.Series([date(2024, 2, 5)]), pl.Series([datetime(2024, 2, 5)])):  # noqa: DTZ001
        part = parquet(phone=["06"], consented_at=moments)
        _, rows = read_part(part, part_format=Format.PARQUET, date_format="epoch_seconds")
        assert rows == [Row(1, "06", 1707087600)]


def test_read_parquet_times_that_are_numbers_need_a_stated_format() -> None:
    for values, stated in (
        (pl.Series([1707087600]), "epoch_seconds"),
        (pl.Series([1707087600.25]), "epoch_seconds"),
        (pl.Series([1707087600123], dtype=pl.UInt64), "epoch_milliseconds"),
        (pl.Series([1707087600123456789]), "epoch_nanoseconds"),
        (pl.Series([45327], dtype=pl.Int32), "excel_1900"),
        (pl.Series([45327.0]), "excel_1900"),
        (pl.Series([20240205]), "%Y%m%d"),
    ):
        part = parquet(phone=["06"], consented_at=values)
        for other in (None, "day_first", "month_first"):
            with pytest.raises(UnreadablePart) as refused:
                read_part(part, part_format=Format.PARQUET, date_format=other)
            assert refused.value.slug == "dates_are_numbers"
        _, rows = read_part(part, part_format=Format.PARQUET, date_format=stated)
        assert rows == [Row(1, "06", 1707087600)], stated


def test_read_large_parquet_file_gives_all_rows() -> None:
    numbers = list(range(33639980000, 33639980000 + 600_000))
    _, rows = read_part(parquet(phone=numbers), part_format=Format.PARQUET)
    assert [row.phone for row in rows] == list(map(str, numbers))
    assert [row.line for row in rows] == list(range(1, 600_001))


def test_read_unreadable_parquet_is_refused() -> None:
    for part, slug in (
        (b"", "not_parquet"),
        (b"PAR1 and nothing else", "not_parquet"),
        (parquet(phone=["06"])[:-5], "not_parquet"),
        (parquet(phone=[["06"]]), "unsupported_column_type"),
        (parquet(nom=["x"], ville=["y"]), "phone_column_unclear"),
    ):
        with pytest.raises(UnreadablePart) as problem:
            read_part(part, part_format=Format.PARQUET)
        assert problem.value.slug == slug


@pytest.mark.parametrize("part_format", [Format.NDJSON, Format.PARQUET])
def test_read_later_part_reads_the_columns_of_the_first(part_format: Format) -> None:
    make = parquet if part_format is Format.PARQUET else lambda **columns: ndjson({k: v[0] for k, v in columns.items()})
    first, _ = read_part(make(contact=["06"], tel=["07"]), part_format=part_format, columns=ColumnChoice(phone="1"))
    assert first.dialect is not None
    stored = Dialect.from_json(first.dialect.to_json())
    assert stored == first.dialect
    assert [
        row.phone for row in read_part(make(tel=["08"], contact=["09"]), part_format=part_format, dialect=stored)[1]
    ] == ["09"]
    with pytest.raises(UnreadablePart) as problem:
        read_part(b"tel\n0639980000\n", dialect=stored)
    assert problem.value.slug == "format_differs"


def test_read_later_parquet_part_without_the_column_is_refused() -> None:
    dialect = read_part(parquet(phone=["06"]), part_format=Format.PARQUET)[0].dialect
    with pytest.raises(UnreadablePart) as problem:
        read_part(parquet(tel=["06"]), part_format=Format.PARQUET, dialect=dialect)
    assert problem.value.slug == "columns_differ"


def test_format_of_content_type_ignores_case_and_parameters() -> None:
    found = {declared: format_of_content_type(f" {declared.upper()} ; charset=utf-8") for declared in MEDIA_TYPES}
    assert found == MEDIA_TYPES


def test_format_of_unsupported_content_type_is_refused_with_the_supported_ones() -> None:
    for declared in (None, "", "application/octet-stream", "application/json", "application/zip"):
        with pytest.raises(UnreadablePart, match="text/csv"):
            format_of_content_type(declared)


def test_compression_of_content_encoding_ignores_case() -> None:
    assert compression_of_content_encoding(None) is Compression.NONE
    found = {declared: compression_of_content_encoding(declared.upper()) for declared in CONTENT_ENCODINGS}
    assert found == CONTENT_ENCODINGS
    with pytest.raises(UnreadablePart, match="gzip"):
        compression_of_content_encoding("br")


VALID = {
    Format.CSV: b'nom;tel;consented_at\n"a";06;2024-02-05\n',
    Format.NDJSON: b'{"phone":"06","consented_at":"2024"}\n',
    Format.PARQUET: parquet(phone=["06", "07"], consented_at=["2024", None]),
    Format.XLSX: by_openpyxl([["phone", "consented_at"], ["06", "2024"]]),
}


@settings(max_examples=examples(120, 400))
@given(
    st.sampled_from(list(Format)),
    st.sampled_from(list(Compression)),
    st.booleans(),
    st.binary(max_size=60),
    st.integers(0, 10**6),
    st.integers(0, 40),
)
def test_read_any_bytes_raises_nothing_but_unreadable_part(
    part_format: Format, compression: Compression, is_packed: bool, rubbish: bytes, where: int, overwritten: int
) -> None:
    data = VALID[part_format]
    at = where % (len(data) + 1)
    data = data[:at] + rubbish + data[at + overwritten :]
    if is_packed and compression is not Compression.NONE:
        data = gzip.compress(data) if compression is Compression.GZIP else zstandard.compress(data)
    try:
        _, rows = read_part(cut(data, 13), part_format=part_format, compression=compression)
    except UnreadablePart:
        return
    assert len(normalise_column(Cells.of(row.phone for row in rows), "FR").numbers) == len(rows)
