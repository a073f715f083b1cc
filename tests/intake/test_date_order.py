"""When a column is refused for the order of its dates, and when lines in another order are single errors."""

from datetime import UTC, date, datetime, timedelta
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.intake.cells import Cells
from service.intake.dates.order import OrderCounts
from service.intake.dates.reading import TimeReader
from service.intake.errors import UnreadablePart

DAY_FIRST, MONTH_FIRST, EITHER, ISO, SAME = "26/03/2023", "03/26/2023", "04/05/2023", "2023-03-26", "05/05/2023"


def verdict(cells: list[str], stated: str | None = None) -> str | int:
    """The slug of the refusal, or how many cells cannot be read."""
    reader = TimeReader("Europe/Paris", stated)
    try:
        _, unreadable = reader.read(Cells.of(cells))
        reader.finish()
    except UnreadablePart as refusal:
        return refusal.slug
    return int(unreadable.sum())


COLUMNS: list[tuple[dict[str, int], str | int]] = [
    # All lines in one order.
    ({DAY_FIRST: 1}, 0),
    ({EITHER: 1}, 0),
    ({SAME: 3}, 0),
    ({MONTH_FIRST: 1}, "dates_month_first"),
    ({MONTH_FIRST: 2, EITHER: 1}, "dates_month_first"),
    ({MONTH_FIRST: 442, EITHER: 288}, "dates_month_first"),
    ({MONTH_FIRST: 1, EITHER: 999}, "dates_month_first"),
    # Errors in a column that is in the right order.
    ({DAY_FIRST: 2, MONTH_FIRST: 1}, 1),
    ({DAY_FIRST: 2, MONTH_FIRST: 1, EITHER: 2}, 1),
    ({DAY_FIRST: 40, MONTH_FIRST: 1, EITHER: 300}, 1),
    # Too few lines to tell, or two files in one.
    ({DAY_FIRST: 1, MONTH_FIRST: 1}, "dates_in_both_orders"),
    ({DAY_FIRST: 1, MONTH_FIRST: 1, EITHER: 1}, "dates_in_both_orders"),
    ({DAY_FIRST: 2, MONTH_FIRST: 1, EITHER: 1000}, "dates_in_both_orders"),
    ({DAY_FIRST: 399, MONTH_FIRST: 20, EITHER: 300}, "dates_in_both_orders"),
    # Errors do not stand together, and a line with another sign between day and month shows nothing.
    ({DAY_FIRST: 600, MONTH_FIRST: 2, EITHER: 397}, "dates_in_both_orders"),
    ({"26.03.2023": 60, MONTH_FIRST: 1, EITHER: 2}, "dates_in_both_orders"),
    ({"26.03.2023": 60, MONTH_FIRST: 1, "04.05.2023": 2}, 1),
    ({"26-03-2023": 60, "03.26.2023": 1, "04.05.2023": 1}, "dates_in_both_orders"),
    ({DAY_FIRST: 100, MONTH_FIRST: 100, EITHER: 80}, "dates_in_both_orders"),
    ({DAY_FIRST: 1, MONTH_FIRST: 100}, "dates_in_both_orders"),
    # No line can be read wrong where none can be read in either order.
    ({ISO: 100, MONTH_FIRST: 5}, 5),
    ({ISO: 2, MONTH_FIRST: 1}, 1),
    ({ISO: 100, MONTH_FIRST: 6}, "dates_month_first"),
    ({ISO: 100, MONTH_FIRST: 5, EITHER: 1}, "dates_month_first"),
    # Years that come first.
    ({"2023-26-03": 1, ISO: 2}, 1),
    ({"2023-26-03": 20, "2023-04-05": 12}, "dates_year_day_month"),
    ({"2023-26-03": 20, "2023-04-05": 12, ISO: 1}, 20),
]


def test_read_column_in_one_or_two_orders_is_refused_or_its_errors_are() -> None:
    found = [(lines, verdict([cell for cell, count in lines.items() for _ in range(count)])) for lines, _ in COLUMNS]
    assert [case for case, expected in zip(found, COLUMNS, strict=True) if case[1] != expected[1]] == []


def test_read_errors_in_a_long_column_are_single_rejects_and_those_of_a_joined_list_are_not() -> None:
    """Errors that stand apart, up to three and then one in a thousand; not more, and not one below the other."""
    wrong = []
    for lines, errors, apart, expected in (
        (1000, 1, 0, 1),
        (1000, 3, 100, 3),
        (1000, 3, 1, "dates_in_both_orders"),
        (1000, 4, 100, "dates_in_both_orders"),
        (10_000, 5, 500, 5),
        (10_000, 5, 1, "dates_in_both_orders"),
        (10_000, 6, 500, "dates_in_both_orders"),
    ):
        cells = ([DAY_FIRST] * 6 + [EITHER] * 4) * (lines // 10)
        for at in range(errors):
            cells[200 + at * apart] = MONTH_FIRST
        found = verdict(cells)
        if found != expected:
            wrong.append((lines, errors, apart, found))
    assert wrong == []


@given(st.integers(1, 60), st.integers(2, 40), st.randoms(use_true_random=False))
def test_read_list_joined_to_one_with_the_month_first_reads_no_day_in_the_wrong_order(
    others: int, joined: int, random: Random
) -> None:
    """Unless the second has the same sign between day and month, and too few lines to be told from typing errors."""
    days = [date(2022, 1, 1) + timedelta(random.randrange(365)) for _ in range(others * 20 + joined)]
    signs = random.choice("/-."), random.choice("/-.")
    cells = [
        f"{day:%d{signs[0]}%m{signs[0]}%Y}" if at < others * 20 else f"{day:%m{signs[1]}%d{signs[1]}%Y}"
        for at, day in enumerate(days)
    ]
    swapped = sum(day.day > 12 for day in days[others * 20 :])
    if swapped <= 3 and (not swapped or signs[0] == signs[1]):
        return
    if isinstance(found := verdict(cells), str):
        assert found == "dates_in_both_orders"
        return
    times, _ = TimeReader("UTC").read(Cells.of(cells))
    right = [int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) for day in days]
    assert all(time in (0, instant) for time, instant in zip(times.tolist(), right, strict=True))


def test_read_days_that_a_program_exchanged_are_refused_though_they_are_text_again() -> None:
    """Of a list with the day first, pandas writes what another program took for dates in ISO 8601."""
    wrong = []
    for written, days, expected in (
        ("%Y-%d-%m 00:00:00", range(1, 29), "dates_partly_exchanged"),
        ("%Y-%d-%mT00:00:00", (11, 12, 13, 14), "dates_partly_exchanged"),
        ("%Y-%d-%m", range(1, 29), "dates_partly_exchanged"),
        ("%Y-%d-%m", (11, 12, 13, 14), 0),
        ("%Y-%d-%m 14:05:00", (12, 13), 0),
    ):
        for text in ("%d/%m/%Y", "%d.%m.%Y", "%d/%m/%Y 14:05", "%d/%m/%y"):
            cells = [date(2022, 4, day).strftime(written if day <= 12 else text) for day in days]
            found = verdict(cells)
            is_read = "%Y" in text or isinstance(expected, str)
            if found != (expected if is_read else sum(day > 12 for day in days)):
                wrong.append((written, text, found))
    assert wrong == []
    # Dates of every month, or texts of every day, show that nothing was exchanged.
    for others in ("2022-04-13 00:00:00", "05/04/2022"):
        cells = [f"2022-{day:02}-04 00:00:00" for day in range(1, 13)] + ["13/04/2022"] * 12
        assert verdict([*cells, others, others, others]) == 0


NULL_DATES = ["01/01/1970", "1970-01-01", "01/01/1970 00:00:00", "12/31/1969", "01/01/1900", "01/01/2107", "31/12/9999"]


def test_read_column_with_dates_for_nothing_is_judged_as_without_them() -> None:
    """Programs write 1 January 1970 for a time that is unknown. Each is unreadable, and says nothing of the column."""
    wrong = []
    for (lines, expected), null in product([*COLUMNS, ({}, 0)], NULL_DATES):
        found = verdict([cell for cell, count in lines.items() for _ in range(count)] + [null] * 30)
        if found != (expected + 30 if isinstance(expected, int) else expected):
            wrong.append((lines, null, found))
    assert wrong == []
    for stated, null in product(["day_first", "month_first", "%d/%m/%Y", "%a %d/%m/%Y"], NULL_DATES):
        assert verdict([null] * 30, stated) == 30, (stated, null)


STATED: list[tuple[str, dict[str, int], str | int]] = [
    ("month_first", {MONTH_FIRST: 442, EITHER: 288}, 0),
    ("month_first", {MONTH_FIRST: 2, DAY_FIRST: 2, EITHER: 1}, 2),
    ("month_first", {DAY_FIRST: 19, EITHER: 9}, 19),
    ("month_first", {DAY_FIRST: 20, EITHER: 9}, "date_format_contradicted"),
    ("month_first", {DAY_FIRST: 21, MONTH_FIRST: 1, EITHER: 9}, "date_format_contradicted"),
    ("month_first", {DAY_FIRST: 40, MONTH_FIRST: 2, EITHER: 9}, 40),
    ("month_first", {MONTH_FIRST: 1, ISO: 1}, 0),
    ("day_first", {MONTH_FIRST: 1, EITHER: 999}, 1),
    ("day_first", {MONTH_FIRST: 20, EITHER: 999}, "date_format_contradicted"),
    ("%m/%d/%Y", {DAY_FIRST: 20, EITHER: 9}, "date_format_contradicted"),
    ("%m/%d/%Y", {MONTH_FIRST: 3, EITHER: 2, ISO: 2}, 2),
    ("epoch_seconds", {"1679839530": 2, ISO: 1, DAY_FIRST: 1}, 2),
]


def test_read_column_with_a_stated_format_rejects_other_forms_or_refuses_the_statement() -> None:
    wrong = [
        (stated, lines, found)
        for stated, lines, expected in STATED
        if (found := verdict([cell for cell, count in lines.items() for _ in range(count)], stated)) != expected
    ]
    assert wrong == []


def test_read_column_in_many_chunks_is_refused_before_its_end() -> None:
    reader = TimeReader("Europe/Paris")
    with pytest.raises(UnreadablePart) as refused:
        reader.read(Cells.of([MONTH_FIRST] * 300 + [EITHER] * 200))
    assert refused.value.slug == "dates_month_first"
    assert "300 lines" in refused.value.detail
    assert "200 either way" in refused.value.detail


@pytest.mark.parametrize(("errors", "others"), [*product([1, 2, 19, 20, 199], [0, 1, 30, 999])])
def test_read_column_with_the_month_first_advises_day_first_only_where_it_is_read_so(errors: int, others: int) -> None:
    """In the last, short part of a list, one typing error is all that decides."""
    cells = [MONTH_FIRST] * errors + [EITHER] * others
    reader = TimeReader("Europe/Paris")
    reader.read(Cells.of(cells))
    with pytest.raises(UnreadablePart) as refused:
        reader.finish()
    assert refused.value.slug == "dates_month_first"
    as_errors = verdict(cells, "day_first")
    assert as_errors == (errors if "date_format=day_first" in refused.value.detail else "date_format_contradicted")
    assert verdict(cells, "month_first") == 0


def test_order_counts_of_a_column_count_each_line_once() -> None:
    reader = TimeReader("Europe/Paris")
    reader.read(
        Cells.of([DAY_FIRST] * 3 + [EITHER] * 2 + [MONTH_FIRST, ISO, SAME, "31/04/2023", "13/13/2023", "x", ""])
    )
    assert reader.order_counts == OrderCounts(day_first=3, month_first=1, either=2)


BAD_FORMATS = [
    *(
        "",
        "us",
        "mm/dd/yyyy",
        "%d/%m",
        "%Y-%m",
        "%Y %j %d",
        "%Q %Y %m %d",
        "%d/%m/%Y %",
        "%d/%m/%Y %%%",
        "2023-%m-%d %Y",
    ),
    *("%Y-%m-%d %I:%M", "%Y-%m-%d %H:%M %p", "%Y-%m-%d %M", "%Y-%m-%d %H:%S", "%Y-%m-%d %H:%M.%f", "%Y %y-%m-%d"),
    *("%d/%m/%Y %d", "%d %m %B %Y", "%Y-%m-%d\x00", "%d/%m/%Y" + " " * 60),
]


def test_state_a_format_that_does_not_name_a_day_is_refused() -> None:
    for stated in BAD_FORMATS:
        with pytest.raises(UnreadablePart) as refused:
            TimeReader("Europe/Paris", stated)
        assert refused.value.slug == "invalid_date_format", stated
