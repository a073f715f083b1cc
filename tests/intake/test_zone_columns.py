"""Columns of time zones beside the times of consent."""

import json
from io import BytesIO

import polars as pl
import pytest

from service.intake.columns.choice import IgnoredColumn
from service.intake.errors import UnreadablePart
from service.intake.media import Format
from tests.intake.builders import Row, read_part

NAMES = ["tz", "timezone", "time_zone", "Timezone ID", "user_timezone", "Fuseau horaire", "UTC offset", "tzOffset"]
TIME = "2023-07-26 14:05"
FORMATS = [Format.CSV, Format.NDJSON, Format.PARQUET]


def ignored(
    name: str, zones: list[str], times: list[str], part_format: Format
) -> tuple[list[IgnoredColumn], list[Row]]:
    phones = [f"06399800{at:02}" for at in range(len(zones))]
    records = [
        {"phone": phone, "optin_date": time, name: zone} for phone, time, zone in zip(phones, times, zones, strict=True)
    ]
    if part_format is Format.PARQUET:
        file = BytesIO()
        pl.DataFrame(records).write_parquet(file)
        text = file.getvalue()
    elif part_format is Format.NDJSON:
        text = "".join(json.dumps(record) + "\n" for record in records).encode()
    else:
        rows = [";".join(record.values()) for record in records]
        text = "\n".join([f"phone;optin_date;{name}", *rows, ""]).encode()
    reader, rows_read = read_part(text, part_format=part_format)
    return reader.ignored_columns, rows_read


@pytest.mark.parametrize("part_format", FORMATS)
def test_the_same_other_zone_beside_all_times_is_asked_about(part_format: Format) -> None:
    for name in NAMES:
        for zone in ("UTC", "America/New_York", "GMT+5", "Z", "+05:30"):
            with pytest.raises(UnreadablePart) as refused:
                ignored(name, [zone] * 3, [TIME] * 3, part_format)
            assert refused.value.slug == "time_zone_differs"
            assert "open a dataset with it as time_zone" in refused.value.detail


@pytest.mark.parametrize("part_format", FORMATS)
def test_several_zones_beside_times_are_named_and_other_columns_are_not(part_format: Format) -> None:
    for name in NAMES:
        for zones in (["UTC", "Europe/Paris"], ["Romance Standard Time"] * 2, ["+02:00", "+01:00"]):
            found, rows = ignored(name, zones, [TIME] * 2, part_format)
            assert [column.shown for column in found] == [name]
            assert all(row.consented_at for row in rows)
        for zones, time in (
            (["Europe/Paris"] * 2, TIME),
            (["UTC"] * 2, f"{TIME}Z"),
            (["UTC", "+01:00"], f"{TIME}+02:00"),
        ):
            assert ignored(name, zones, [time] * 2, part_format)[0] == []
    for name in ("zone", "time", "offset", "ville"):
        assert ignored(name, ["Nord"] * 2, [TIME] * 2, part_format)[0] == []


def test_a_zone_beside_times_whose_name_has_an_offset_is_not_asked_about() -> None:
    reader, rows = read_part(f"phone;consented_at_utc;tz\n0639980001;{TIME};Asia/Tokyo\n".encode())
    assert (reader.ignored_columns, rows[0].consented_at) == ([], 1690380300)
