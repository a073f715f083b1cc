"""What a numeric cell of a spreadsheet says: a date, or digits. Its number format decides (ECMA-376-1, 18.8.30).

A spreadsheet stores `06 39 98 00 01` as the number 639980001 and the format `00 00 00 00 00`, and a day as the number
of days since 1900 and a format with letters for day, month and year.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from service.intake.xlsx.number_formats import Sections, read_sections, read_text_format, without_literals

NumberText = Callable[[str], str]
"""Gives the text of a numeric cell, of the number as it stands in the file."""

# The formats that every program knows by their numbers alone. Those from 27 on are the dates of East Asian editions.
_DATES: Final = frozenset([*range(14, 18), 22, *range(27, 32), 36, *range(50, 55), 57, 58])
_DATES_WITH_TIME: Final = frozenset([22])
_MOST_CODE: Final = 255

# Serial 60 is 29 February 1900, a day that never was. Days from March 1900 on are counted from the first epoch.
_EPOCH: Final = datetime(1899, 12, 30)
_EPOCH_1904: Final = datetime(1904, 1, 1)
_FIRST_DAY, _END_OF_DAYS = datetime(1900, 3, 1), datetime(9999, 12, 31)
# Numbers up to here are exact in the binary form that spreadsheets compute with.
_EXACT: Final = 10**15


class CellFormat(NamedTuple):
    """How cells of a number format are read: those with a number, and those with text, unless it is the text alone."""

    number: NumberText
    text: Callable[[str], str] | None = None


class TypedTime(str):
    """The text of a cell that contains a day or a time and no text: written here in ISO 8601."""

    __slots__ = ()


def cell_format(format_id: int, code: str | None, *, since_1904: bool) -> CellFormat:
    """How cells of a number format are read: its number, and its code if the workbook defines it."""
    shown = read_text_format((code or "")[:_MOST_CODE])
    return CellFormat(number_text(format_id, code, since_1904=since_1904), shown.write if shown else None)


def number_text(format_id: int, code: str | None, *, since_1904: bool) -> NumberText:
    """How cells with a number are read by their number format."""
    if code is None:
        is_date, has_time = format_id in _DATES, format_id in _DATES_WITH_TIME
    else:
        shown = without_literals(code[:_MOST_CODE].partition(";")[0]).lower()
        # Without a year or a day it is a time or a month, which is no date to be read.
        is_date, has_time = "y" in shown and "d" in shown, "h" in shown
    if is_date:
        return _DateText(with_time=has_time, epoch=_EPOCH_1904 if since_1904 else _EPOCH)
    return _Digits(read_sections((code or "")[:_MOST_CODE]))


class _Digits:
    """A whole number as its format shows it, as far as it says which number this is. Other numbers stay as they are."""

    def __init__(self, sections: Sections) -> None:
        self._sections = sections

    def __call__(self, number: str) -> str:
        if not (number.isascii() and number.isdigit()):
            value = _finite(number)
            if value is None or value < 0 or value >= _EXACT or value != int(value):
                return number
            number = str(int(value))
        return self._sections.of(int(number)).write(number)


class _DateText:
    """The day of a serial number, with its time if there is one, as ISO 8601. Other numbers stay as they are."""

    def __init__(self, *, with_time: bool, epoch: datetime) -> None:
        self._with_time, self._epoch = with_time, epoch
        self._first, self._end = (_FIRST_DAY - epoch).days, (_END_OF_DAYS - epoch).days

    def __call__(self, number: str) -> str:
        serial = _finite(number)
        if serial is None or not self._first <= serial < self._end:
            return number
        if not self._with_time and serial == int(serial):
            return TypedTime((self._epoch + timedelta(days=serial)).date().isoformat())
        # A time is a binary fraction of a day. No program shows less than a millisecond of it.
        at = self._epoch + timedelta(milliseconds=round(serial * 86_400_000))
        return TypedTime(at.isoformat(timespec="milliseconds" if at.microsecond else "seconds"))


def _finite(number: str) -> float | None:
    try:
        value = float(number)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None
