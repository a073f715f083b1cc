"""What stands for an empty cell: more in a column of times than in one of countries, and never a day of a calendar."""

from datetime import date, timedelta
from itertools import product

from service.core.missing import is_missing, is_missing_time
from service.intake.cells import Cells
from service.intake.dates.reading import TimeReader

WORDS = [
    "",
    " ",
    "NULL",
    "NaT",
    "NA",
    "N/A",
    "n/a",
    "undefined",
    "Invalid date",
    "--/--/----",
    "__/__/____",
    "--.--.----",
]
NO_DAYS = [
    *("0000-00-00", "0000/0/0", "00/00/0000", "0/0/0000", "00.00.0000", "00000000"),
    *("0001-01-01", "01/01/0001", "1/1/0001", "01.01.0001", "00010101"),
]
CLOCKS = ["", " 00:00", "T00:00:00", "T00:00:00Z", "T00:00:00.000+00:00", " 0:00:00", " 12:00:00 AM", " 00:00:00 UTC"]


def test_what_programs_write_for_a_time_that_they_do_not_know_is_missing() -> None:
    cells = [*WORDS, *(day + clock for day, clock in product(NO_DAYS, CLOCKS))]
    assert [cell for cell in cells if not is_missing_time(cell)] == []
    times, unreadable = TimeReader("Europe/Paris").read(Cells.of(cells))
    assert not times.any()
    assert not unreadable.any()
    # Namibia is a country.
    assert [cell for cell in ("NA", "N/A", "undefined", "00/00/0000") if is_missing(cell)] == []


def test_days_of_a_calendar_and_other_words_are_not_missing() -> None:
    days = [date(1, 1, 2) + timedelta(at) for at in range(400)] + [
        date(2000, 1, 1) + timedelta(at) for at in range(400)
    ]
    written = [f"{day.year:04}{day:-%m-%d}" for day in days] + [f"{day:%d/%m/}{day.year:04}" for day in days]
    others = ["inconnu", "nada", "00/00/2023", "01/00/0000", "12:00:00", "0001-01-01 14:05", "0", "0639980000"]
    assert [cell for cell in [*written, *others] if is_missing_time(cell)] == []
