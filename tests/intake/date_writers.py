"""Writes moments in every form that is read, so that tests know what each cell means."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

MONTHS_FR = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)
MONTHS_EN = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
SHORT_FR = ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")
WEEKDAYS_FR = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")


def _day(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0)


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0)


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0)


def _second(moment: datetime) -> datetime:
    return moment


class Writer(NamedTuple):
    """A form: how it writes a local time, and what of a time it keeps."""

    write: Callable[[datetime], str]
    keep: Callable[[datetime], datetime] = _second


Write = Callable[[datetime], str]


def _by(pattern: str) -> Write:
    return lambda moment: moment.strftime(pattern)


DATES: dict[str, Write] = {
    "2023-03-26": _by("%Y-%m-%d"),
    "20230326": _by("%Y%m%d"),
    "2023-085": _by("%Y-%j"),
    "2023-W12-7": _by("%G-W%V-%u"),
    "2023W127": _by("%GW%V%u"),
    "2023/3/26": lambda moment: f"{moment.year}/{moment.month}/{moment.day}",
    "2023.03.26": _by("%Y.%m.%d"),
    "2023. 03. 26.": _by("%Y. %m. %d."),
    "26 mars 2023": lambda moment: f"{moment.day} {MONTHS_FR[moment.month - 1]} {moment.year}",
    "26 mar. 2023": lambda moment: f"{moment.day:02} {SHORT_FR[moment.month - 1]} {moment.year}",
    "26 Mar 2023": lambda moment: f"{moment.day} {MONTHS_EN[moment.month - 1][:3]} {moment.year}",
    "26-MAR-2023": lambda moment: f"{moment.day:02}-{MONTHS_EN[moment.month - 1][:3].upper()}-{moment.year}",
    "March 26th, 2023": lambda moment: f"{MONTHS_EN[moment.month - 1]} {moment.day}th, {moment.year}",
    "dimanche 26 mars 2023": lambda moment: (
        f"{WEEKDAYS_FR[moment.weekday()]} {moment.day} {MONTHS_FR[moment.month - 1]} {moment.year}"
    ),
    "Sun, 26 Mar 2023": lambda moment: f"{moment:%a}, {moment.day} {MONTHS_EN[moment.month - 1][:3]} {moment.year}",
}
"""Dates that mean one day, whatever else is in their column."""

DAY_FIRST: dict[str, Write] = {
    "26/03/2023": _by("%d/%m/%Y"),
    "26/3/2023": lambda moment: f"{moment.day}/{moment.month}/{moment.year}",
    "26.03.2023": _by("%d.%m.%Y"),
    "26.3.2023.": lambda moment: f"{moment.day}.{moment.month}.{moment.year}.",
    "26. 3. 2023": lambda moment: f"{moment.day}. {moment.month}. {moment.year}",
    "26-3-2023": lambda moment: f"{moment.day}-{moment.month}-{moment.year}",
}
MONTH_FIRST: dict[str, Write] = {
    "03/26/2023": _by("%m/%d/%Y"),
    "3/26/2023": lambda moment: f"{moment.month}/{moment.day}/{moment.year}",
    "03-26-2023": _by("%m-%d-%Y"),
}

CLOCKS: dict[str, Writer] = {
    "": Writer(lambda _: "", _day),
    " 14:05": Writer(_by(" %H:%M"), _minute),
    " 9:05": Writer(lambda moment: f" {moment.hour}:{moment.minute:02}", _minute),
    " 14:05:30": Writer(_by(" %H:%M:%S")),
    "T14:05:30": Writer(_by("T%H:%M:%S")),
    "t14:05:30,123456789": Writer(_by("t%H:%M:%S,123456789")),
    "T140530.5": Writer(_by("T%H%M%S.5")),
    "T1405": Writer(_by("T%H%M"), _minute),
    "T14": Writer(_by("T%H"), _hour),
    ", 2:05:30 PM": Writer(lambda moment: f", {moment.hour % 12 or 12}:{moment:%M:%S %p}"),
    " 02:05 p.m.": Writer(lambda moment: f" {moment:%I:%M} {'ap'[moment.hour // 12]}.m.", _minute),
    " 2:05 p. m.": Writer(
        lambda moment: f" {moment.hour % 12 or 12}:{moment:%M} {'ap'[moment.hour // 12]}. m.", _minute
    ),
    " à 14:05": Writer(_by(" à %H:%M"), _minute),
    " 14h05": Writer(_by(" %Hh%M"), _minute),
    " à 14 h 05": Writer(_by(" à %H h %M"), _minute),
    "T14.25": Writer(
        lambda moment: f"{moment:T%H}.{moment.minute // 15 * 25:02}",
        lambda moment: moment.replace(minute=moment.minute // 15 * 15, second=0),
    ),
    "T14:05,5": Writer(
        lambda moment: f"{moment:T%H:%M},{moment.second // 30 * 5}",
        lambda moment: moment.replace(second=moment.second // 30 * 30),
    ),
}


def _offset(moment: datetime, text: str, minutes: int) -> tuple[str, datetime]:
    return text, moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))


OFFSETS: dict[str, Callable[[datetime], tuple[str, datetime]]] = {
    "Z": lambda moment: ("Z", moment.replace(tzinfo=UTC)),
    " UTC": lambda moment: (" UTC", moment.replace(tzinfo=UTC)),
    "+01": lambda moment: _offset(moment, "+01", 60),
    "-0330": lambda moment: _offset(moment, "-0330", -210),
    "+05:30": lambda moment: _offset(moment, "+05:30", 330),
    " GMT+0200": lambda moment: _offset(moment, " GMT+0200", 120),
}
"""What may follow a time of day, with the moment that it then is."""


class StatedForm(NamedTuple):
    """A form that is only read if it is stated: the statement, and how it writes a local time."""

    stated: str
    write: Callable[[datetime], str]
    keep: Callable[[datetime], datetime] = _second


def _excel(moment: datetime, begin: datetime) -> str:
    since = moment - begin
    return f"{since.days + since.seconds / 86_400:.10f}".rstrip("0").rstrip(".")


STATED = [
    StatedForm("month_first", _by("%m/%d/%Y %H:%M:%S")),
    StatedForm("month_first", lambda moment: f"{moment.month}/{moment.day}/{moment.year}", _day),
    StatedForm("day_first", _by("%d.%m.%Y %H:%M:%S")),
    StatedForm("excel_1900", lambda moment: _excel(moment, datetime(1899, 12, 30))),  # noqa: DTZ001
    StatedForm("excel_1904", lambda moment: _excel(moment, datetime(1904, 1, 1)).replace(".", ",")),  # noqa: DTZ001
    StatedForm("%d/%m/%Y %H:%M", _by("%d/%m/%Y %H:%M"), _minute),
    StatedForm("%m/%d/%y %I:%M:%S %p", lambda moment: moment.strftime("%m/%d/%y %I:%M:%S %p")),
    StatedForm("%Y%m%d%H%M%S", _by("%Y%m%d%H%M%S")),
    StatedForm("%d%m%Y", _by("%d%m%Y"), _day),
    StatedForm("%Y-%d-%m", _by("%Y-%d-%m"), _day),
    StatedForm("le %d %B %Y à %H h %M", lambda moment: moment.strftime("le %d %B %Y à %H h %M"), _minute),
    StatedForm("%F %T.%f", _by("%Y-%m-%d %H:%M:%S.5")),
    StatedForm("%j/%Y", _by("%j/%Y"), _day),
]
"""Forms of local times."""

STATED_INSTANTS = [
    StatedForm("epoch_seconds", lambda moment: str(round(moment.timestamp()))),
    StatedForm("epoch_seconds", lambda moment: f"{round(moment.timestamp())}.75"),
    StatedForm("epoch_milliseconds", lambda moment: f"{round(moment.timestamp())}999"),
    StatedForm("epoch_microseconds", lambda moment: f"{round(moment.timestamp())}000001"),
    StatedForm("epoch_nanoseconds", lambda moment: f"{round(moment.timestamp())}123456789"),
    StatedForm("%Y-%m-%dT%H:%M:%SZ", lambda moment: moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")),
    StatedForm("%m/%d/%Y %H:%M:%S %z", lambda moment: moment.strftime("%m/%d/%Y %H:%M:%S %z")),
]
"""Forms of moments with their offset."""
