"""Consent times, compared with the standard library for every spelling, zone and change of clocks."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.intake.cells import Cells
from service.intake.dates.reading import TimeReader
from service.intake.dates.zones import load_zone
from service.intake.errors import UnreadablePart

ZONES = ["Europe/Paris", "UTC", "America/Martinique", "Indian/Reunion", "Australia/Lord_Howe", "America/New_York"]


def read_times(cells: Cells, time_zone: str) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    return TimeReader(time_zone).read(cells)


def read_time(cell: str, time_zone: str = "Europe/Paris") -> int | None:
    times, unreadable = read_times(Cells.of([cell]), time_zone)
    return None if unreadable[0] else int(times[0])


TIMES = [
    ("2024-02-05", "2024-02-04T23:00:00+00:00"),
    ("2024-07-05", "2024-07-04T22:00:00+00:00"),
    ("2024-02-05T12:00", "2024-02-05T11:00:00+00:00"),
    ("2024-02-05 12:00:30", "2024-02-05T11:00:30+00:00"),
    ("2024-02-05T12:00:30.999", "2024-02-05T11:00:30+00:00"),
    ("2023/03/26 2:05:30 PM GMT+2", "2023-03-26T12:05:30+00:00"),
    ("2023-03-26 14:05 UTC-3", "2023-03-26T17:05:00+00:00"),
    ("2023-03-26 14:05 GMT+5:30", "2023-03-26T08:35:00+00:00"),
    ("2024-02-05T12:00:30Z", "2024-02-05T12:00:30+00:00"),
    ("2024-02-05t12:00:30z", "2024-02-05T12:00:30+00:00"),
    ("2024-02-05T12:00:30.5+02:00", "2024-02-05T10:00:30+00:00"),
    ("2024-02-05T12:00:30-0330", "2024-02-05T15:30:30+00:00"),
    ("2024-02-05 12:00:30 +02", "2024-02-05T10:00:30+00:00"),
    ("05/02/2024", "2024-02-04T23:00:00+00:00"),
    ("05/02/2024 12:00", "2024-02-05T11:00:00+00:00"),
    ("31/12/2024 23:59:59", "2024-12-31T22:59:59+00:00"),
    (" 2024-02-05 ", "2024-02-04T23:00:00+00:00"),
    ('"2024-02-05"', "2024-02-04T23:00:00+00:00"),
    ("2024-03-31T02:30:00", "2024-03-31T01:30:00+00:00"),
    ("2024-10-27T02:30:00", "2024-10-27T00:30:00+00:00"),
    ("2024-02-29", "2024-02-28T23:00:00+00:00"),
    ("2024-02-05T24:00:00", "2024-02-05T23:00:00+00:00"),
    ("20240205T2400", "2024-02-05T23:00:00+00:00"),
    ("2024-W01-1", "2023-12-31T23:00:00+00:00"),
    ("2026-W53-7", "2027-01-02T23:00:00+00:00"),
    ("2024-366", "2024-12-30T23:00:00+00:00"),
    ("5/2/2024 12:05 AM", "2024-02-04T23:05:00+00:00"),
    ("5/2/2024 12:05 PM", "2024-02-05T11:05:00+00:00"),
    ("1er février 2024 à 14 h", "2024-02-01T13:00:00+00:00"),
    ("lun. 5 févr. 2024", "2024-02-04T23:00:00+00:00"),
    ("mercredi 28 avril 1993 24:00", "1993-04-28T22:00:00+00:00"),
    ("2106-02-07T06:28:15Z", "2106-02-07T06:28:15+00:00"),
    ("20240205.0", "2024-02-04T23:00:00+00:00"),
    ("2024036.00", "2024-02-04T23:00:00+00:00"),
    ("2024-02-05T12:00:30.999000000", "2024-02-05T11:00:30+00:00"),
]


def test_read_times_in_every_spelling_gives_the_time() -> None:
    expected = {cell: datetime.fromisoformat(moment).timestamp() for cell, moment in TIMES}
    assert {cell: read_time(cell) for cell, _ in TIMES} == expected


NOT_TIMES = [
    *("demain", "2024-02-30", "2023-02-29", "2024-13-01", "2024-00-10", "2024-01-00", "31/04/2024", "12/31/2024"),
    *("2024-02-05T24:00:01", "2024-02-05T25:00", "2024-02-05T12:60", "2024-02-05T12:00:60", "2024-02-05T24:00:00,5"),
    *("1970-01-01T00:00:00Z", "1969-12-31", "2106-02-07T06:28:16Z", "0000-00-01 00:00:00", "9999-12-31"),
    *("2024-02-05T12:00+25:00", "1707087600", "2024-02-05T", "é024-02-05", "x" * 100_000, "€", "26/03/23", "2024"),
    *("2024-02", "2024-W06", "2024-366T25", "2023-366", "2024-000", "2023-W53-1", "2024-W06-0", "2024-W06-8"),
    *(
        "5/2-2024",
        "2024-02-05T12:00+2",
        "2024-02-05T12:00 GMT+200",
        "2024-02/05",
        "13:05 PM",
        "05/02/2024 13:05 PM",
        "05/02/2024 0:05 AM",
        "05/02/2024 CET",
    ),
    *(
        "Mon, 26 Mar 2023",
        "jeudi 28 avril 1993 24:00",
        "26 marz 2023",
        "mar 2023",
        "26 mars",
        "2012023",
        "45011",
        "05 02 2024",
        "20240205120000",
        "20240205.5",
        "2024036.1",
        "20240205,5",
        "2012023.0",
        "1707087600.0",
        "45011.0",
    ),
]


def test_read_times_of_anything_else_is_unreadable() -> None:
    assert {cell: seconds for cell in NOT_TIMES if (seconds := read_time(cell)) is not None} == {}


def test_read_times_empty_cell_is_unknown_and_not_unreadable() -> None:
    assert read_time("") == 0
    assert read_time("  ") == 0


def test_read_times_of_mixed_spellings_reads_each() -> None:
    cells = ["2024-02-05", "05/02/2024", "", "x", "2024-02-05T00:00:00+01:00", "2024-02-04T23:00:00Z", "05.02.24"]
    times, unreadable = read_times(Cells.of(cells * 3), "Europe/Paris")
    assert times.tolist() == [1707087600, 1707087600, 0, 0, 1707087600, 1707087600, 0] * 3
    assert unreadable.tolist() == [False, False, False, True, False, False, True] * 3


def test_read_times_of_many_spellings_of_one_length_reads_each() -> None:
    cells = ["2024-02-05", "xx24-02-05", "2024-xx-05", "2024-02-xx", "05/02/2024", "2x24-02-05"]
    times, _ = read_times(Cells.of(cells), "Europe/Paris")
    assert times.tolist() == [1707087600, 0, 0, 0, 1707087600, 0]


def test_load_zone_unknown_name_is_refused() -> None:
    for name in ("Europe/Pariss", "", "Europe", "../etc/passwd"):
        with pytest.raises(UnreadablePart) as problem:
            load_zone(name)
        assert problem.value.slug == "unknown_time_zone"


NAIVE = st.datetimes(datetime(1971, 1, 1), datetime(2105, 12, 31)).map(lambda moment: moment.replace(microsecond=0))  # noqa: DTZ001


@given(st.lists(NAIVE, max_size=20), st.sampled_from(ZONES), st.sampled_from(["iso", "fr"]))
@example([datetime(2024, 3, 31, 2, 59, 59), datetime(2024, 3, 31, 3)], "Europe/Paris", "iso")  # noqa: DTZ001
@example([datetime(2024, 10, 27, 2), datetime(2024, 10, 27, 3)], "Europe/Paris", "fr")  # noqa: DTZ001
def test_read_times_without_offset_agrees_with_the_standard_library(
    moments: list[datetime], zone: str, spelling: str
) -> None:
    form = "%Y-%m-%dT%H:%M:%S" if spelling == "iso" else "%d/%m/%Y %H:%M:%S"
    written = [moment.strftime(form) for moment in moments]
    times, unreadable = read_times(Cells.of(written), zone)
    assert times.tolist() == [
        # The text does not tell which one of two equal hours it means.
        round(moment.replace(tzinfo=ZoneInfo(zone), fold=0).timestamp())
        for moment in moments
    ]
    assert not unreadable.any()


def test_read_times_around_changes_of_clocks_takes_the_earlier_time() -> None:
    """Every quarter of an hour, and the second before it, from two hours before each change to two hours after."""
    quarters = range(-7200, 7201, 900)
    wrong = []
    for name in ZONES:
        moments = [
            datetime(1970, 1, 1) + timedelta(seconds=int(change) + near)  # noqa: DTZ001
            for change in load_zone(name).changes[:-1]
            for quarter in quarters
            for near in (quarter - 1, quarter)
        ]
        times, unreadable = read_times(Cells.of(moment.isoformat() for moment in moments), name)
        expected = [round(moment.replace(tzinfo=ZoneInfo(name)).timestamp()) for moment in moments]
        found = zip(moments, times.tolist(), expected, strict=True)
        wrong += [(name, moment) for moment, seconds, right in found if seconds != right]
        assert not unreadable.any(), name
    assert wrong == []


@given(NAIVE, st.integers(-23 * 60 - 59, 23 * 60 + 59))
def test_read_times_with_offset_ignores_the_zone(moment: datetime, minutes: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert read_time(aware.isoformat()) == round(aware.astimezone(UTC).timestamp())


@given(st.lists(st.text(max_size=40) | st.text("0123456789-/:TZ+. ", max_size=25), max_size=20))
def test_read_times_of_any_text_never_fails(cells: list[str]) -> None:
    times, unreadable = read_times(Cells.of(cells), "Europe/Paris")
    assert len(times) == len(unreadable) == len(cells)
    assert all(time == 0 for time, wrong in zip(times.tolist(), unreadable.tolist(), strict=True) if wrong)
