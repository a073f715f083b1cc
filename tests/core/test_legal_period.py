"""Periods against the examples of the law, and against a specification that counts day by day."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.legal_period import Period, Unit, last_day
from service.core.work_calendar import WorkCalendar

PARIS = WorkCalendar("FR", ZoneInfo("Europe/Paris"))
MONTH = Period(1, Unit.MONTHS)
ONE_DAY = timedelta(days=1)
COUNTRIES = ("FR", "BE", "DE", "IT", "ES", "LU", "IE", "GB", "US", "RE", "NC")


@pytest.mark.parametrize(
    ("event", "period", "due_day"),
    [
        ("2026-01-31T10:00Z", MONTH, "2026-03-02"),  # 28 February is a Saturday.
        ("2026-11-25T10:00Z", MONTH, "2026-12-28"),  # Christmas, then a weekend.
        ("2024-02-29T10:00Z", MONTH, "2024-03-29"),  # Good Friday is no holiday of the whole country.
        ("2026-03-31T22:30Z", MONTH, "2026-05-04"),  # The 1st of April in Paris; then Labour Day and a weekend.
        ("2026-01-31T10:00Z", Period(3, Unit.MONTHS), "2026-04-30"),
        ("2026-12-31T10:00Z", Period(2, Unit.MONTHS), "2027-03-01"),  # A Sunday.
        ("2026-01-31T10:00Z", Period(1, Unit.MONTHS, rolls=False), "2026-02-28"),
        ("2026-03-01T10:00Z", Period(1, Unit.MONTHS, counts_event=True), "2026-03-31"),
        ("2026-11-27T10:00Z", Period(2, Unit.DAYS), "2026-12-01"),  # A weekend, and then two working days.
        ("2026-11-27T10:00Z", Period(1, Unit.DAYS), "2026-11-30"),
        ("2026-11-27T10:00Z", Period(2, Unit.WORKING_DAYS), "2026-12-01"),
        ("2026-12-24T10:00Z", Period(2, Unit.WORKING_DAYS), "2026-12-29"),
        ("2026-11-27T10:00Z", Period(1, Unit.WORKING_DAYS, counts_event=True), "2026-11-27"),
    ],
)
def test_the_law_says_the_last_day(event: str, period: Period, due_day: str) -> None:
    end = period.end(datetime.fromisoformat(event), PARIS)

    assert last_day(end, PARIS.zone) == date.fromisoformat(due_day)
    assert end.astimezone(PARIS.zone).time() == datetime.min.time()


def test_hours_run_from_the_next_full_hour_on_any_day() -> None:
    # From Friday to the Sunday on which the clocks go back.
    friday = datetime(2026, 10, 23, 10, 15, tzinfo=UTC)

    assert Period(48, Unit.HOURS).end(friday, PARIS) == datetime(2026, 10, 25, 11, tzinfo=UTC)
    assert Period(48, Unit.HOURS, counts_event=True).end(friday, PARIS) == datetime(2026, 10, 25, 10, tzinfo=UTC)


def test_holidays_are_those_of_whoever_must_act() -> None:
    event, zone = datetime(2026, 6, 14, 10, tzinfo=UTC), ZoneInfo("Europe/Paris")

    def due(country: str) -> date:
        return last_day(MONTH.end(event, WorkCalendar(country, zone)), zone)

    assert (due("FR"), due("BE")) == (date(2026, 7, 15), date(2026, 7, 14))


def test_a_country_without_known_holidays_has_its_weekends() -> None:
    nowhere = WorkCalendar("XX", ZoneInfo("UTC"))

    assert nowhere.is_working_day(date(2026, 12, 25))
    assert not nowhere.is_working_day(date(2026, 12, 26))


events = st.integers(0, 3_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
calendars = st.builds(
    WorkCalendar, st.sampled_from(COUNTRIES), st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
)


@given(events, calendars, st.integers(1, 40), st.sampled_from(Unit), st.booleans())
def test_a_period_ends_where_counting_day_by_day_ends(
    event: datetime, days: WorkCalendar, count: int, unit: Unit, counts_event: bool
) -> None:
    end = Period(count, unit, counts_event).end(event, days)

    if unit is Unit.HOURS:
        whole = timedelta(hours=count)
        assert whole - timedelta(hours=counts_event) < end - event <= whole + timedelta(hours=not counts_event)
    else:
        event_day = event.astimezone(days.zone).date()
        assert last_day(end, days.zone) == _counted(event_day, days, count, unit, counts_event)
        # The end is the first moment of its day.
        assert (end - timedelta.resolution).astimezone(days.zone).date() < end.astimezone(days.zone).date()


def _counted(event_day: date, days: WorkCalendar, count: int, unit: Unit, counts_event: bool) -> date:
    first = event_day if counts_event else event_day + ONE_DAY
    passed = [first]
    if unit is Unit.WORKING_DAYS:
        while sum(map(days.is_working_day, passed)) < count:
            passed.append(passed[-1] + ONE_DAY)
        return passed[-1]
    if unit is Unit.DAYS:
        least = first + (count - 1) * ONE_DAY
    else:
        least = _same_date(event_day, count) - counts_event * ONE_DAY
    needed = 2 if least > first else 1
    while passed[-1] < least or not days.is_working_day(passed[-1]) or sum(map(days.is_working_day, passed)) < needed:
        passed.append(passed[-1] + ONE_DAY)
    return passed[-1]


def _same_date(day: date, months: int) -> date:
    later = [day + timedelta(days) for days in range(months * 28, months * 31 + 1)]
    target = day.year * 12 + day.month + months
    return max(found for found in later if found.year * 12 + found.month == target and found.day <= day.day)
