"""Days, times and durations as people write them."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.wording.language import (
    PARIS,
    Language,
    paris_day,
    write_count,
    write_day,
    write_elapsed,
    write_list,
    write_moment,
    write_quoted,
    write_span,
    write_time,
)

FR, EN = Language.FR, Language.EN
STOP = datetime(2024, 6, 6, 8, 40, tzinfo=UTC)


def test_write_day_names_the_month_in_full() -> None:
    assert write_day(FR, date(2023, 10, 2)) == "2\u00a0octobre 2023"
    assert write_day(FR, date(2023, 8, 1)) == "1er\u00a0août 2023"
    assert write_day(EN, date(2023, 8, 1)) == "1\u00a0August 2023"


def test_write_moment_uses_the_clock_of_paris() -> None:
    assert write_time(FR, STOP) == "10\u00a0h\u00a040"
    assert write_moment(FR, STOP) == "6\u00a0juin 2024 à 10\u00a0h\u00a040"
    assert write_moment(EN, STOP) == "6\u00a0June 2024 at 10:40"
    assert paris_day(datetime(2024, 6, 6, 22, 30, tzinfo=UTC)) == date(2024, 6, 7)


def test_write_span_within_one_day_names_it_once() -> None:
    assert write_span(EN, STOP, STOP + timedelta(hours=2)) == "6\u00a0June 2024, between 10:40 and 12:40"
    assert write_span(FR, STOP, STOP) == "6\u00a0juin 2024 à 10\u00a0h\u00a040"
    overnight = write_span(FR, STOP, STOP + timedelta(hours=20))
    assert overnight == "entre le 6\u00a0juin 2024 à 10\u00a0h\u00a040 et le 7\u00a0juin 2024 à 6\u00a0h\u00a040"


ELAPSED = [
    (timedelta(seconds=59), "moins d’une minute", "less than a minute"),
    (timedelta(minutes=1), "1 minute", "1 minute"),
    (timedelta(minutes=20), "20 minutes", "20 minutes"),
    (timedelta(hours=7, minutes=20), "7 h 20", "7 h 20 min"),
    (timedelta(hours=46, minutes=5), "46 h 05", "46 h 05 min"),
    (timedelta(days=17), "17 jours", "17 days"),
]


def test_write_elapsed_uses_minutes_hours_or_days() -> None:
    written = [
        (elapsed, *(write_elapsed(language, STOP, STOP + elapsed).replace("\u00a0", " ") for language in (FR, EN)))
        for elapsed, _, _ in ELAPSED
    ]
    assert written == ELAPSED


def test_write_elapsed_counts_days_of_the_calendar() -> None:
    evening, morning = datetime(2024, 5, 20, 23, tzinfo=PARIS), datetime(2024, 6, 6, 9, tzinfo=PARIS)
    assert write_elapsed(FR, evening, morning) == "17\u00a0jours"


@given(st.timedeltas(timedelta(hours=1), timedelta(hours=47)))
def test_write_elapsed_in_hours_rounds_down_to_the_minute(elapsed: timedelta) -> None:
    hours, minutes = write_elapsed(FR, STOP, STOP + elapsed).split("\u00a0h\u00a0")
    written = timedelta(hours=int(hours), minutes=int(minutes))
    assert written <= elapsed < written + timedelta(minutes=1)


def test_write_counts_lists_and_quotations_in_each_language() -> None:
    assert write_count(FR, 12500) == "12\u202f500"
    assert write_count(EN, 12500) == "12,500"
    assert write_list(FR, ["a"]) == "a"
    assert write_list(FR, ["a", "b", "c"]) == "a, b et c"
    assert write_list(EN, ["a", "b"]) == "a and b"
    assert write_quoted(FR, "Oui") == "«\u00a0Oui\u00a0»"
    assert write_quoted(EN, "Yes") == "“Yes”"
