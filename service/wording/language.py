"""The languages of the service, and how each writes days, times, durations, counts and lists. Pure.

Times are those of Paris unless another zone is given: the persons who ask about their numbers live by that clock,
whatever zone a fact was recorded in. Values that belong together have a no-break space (U+00A0) between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, Generic, TypeVar
from zoneinfo import ZoneInfo

from service.wording.direction import isolated

T = TypeVar("T")


class Language(StrEnum):
    """A language that the service speaks."""

    FR = "fr"
    EN = "en"


@dataclass(frozen=True, slots=True)
class ByLanguage(Generic[T]):
    """A value for each language: mypy names every place that lacks the value for a new language."""

    fr: T
    en: T

    def of(self, language: Language) -> T:
        """The value for a language."""
        match language:
            case Language.FR:
                return self.fr
            case Language.EN:
                return self.en


@dataclass(frozen=True, slots=True, kw_only=True)
class _Style:
    """How a language writes what is not a phrase."""

    months: tuple[str, ...]
    first_of_month: str
    time: str
    moment: str
    span_in_a_day: str
    span: str
    less_than_a_minute: str
    minute: str
    minutes: str
    hours: str
    days: str
    thousands: str
    list: str
    quoted: str


_STYLES: Final = ByLanguage(
    fr=_Style(
        months=(
            *("janvier", "février", "mars", "avril", "mai", "juin"),
            *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
        ),
        first_of_month="1er",
        time="{hour}\u00a0h\u00a0{minute:02}",
        moment="{day} à {time}",
        span_in_a_day="{day}, entre {first} et {last}",
        span="entre le {first} et le {last}",
        less_than_a_minute="moins d’une minute",
        minute="1\u00a0minute",
        minutes="{minutes}\u00a0minutes",
        hours="{hours}\u00a0h\u00a0{minutes:02}",
        days="{days}\u00a0jours",
        thousands="\u202f",
        list="{first} et {last}",
        quoted="«\u00a0{text}\u00a0»",
    ),
    en=_Style(
        months=(
            *("January", "February", "March", "April", "May", "June"),
            *("July", "August", "September", "October", "November", "December"),
        ),
        first_of_month="1",
        time="{hour:02}:{minute:02}",
        moment="{day} at {time}",
        span_in_a_day="{day}, between {first} and {last}",
        span="between {first} and {last}",
        less_than_a_minute="less than a minute",
        minute="1\u00a0minute",
        minutes="{minutes}\u00a0minutes",
        hours="{hours}\u00a0h {minutes:02}\u00a0min",
        days="{days}\u00a0days",
        thousands=",",
        list="{first} and {last}",
        quoted="“{text}”",
    ),
)

PARIS: Final = ZoneInfo("Europe/Paris")

# Shorter times are written in hours: "46 h 20" says more than "two days", but "412 h" says less than "17 days".
_LONGEST_IN_HOURS: Final = timedelta(hours=48)


def paris_day(moment: datetime) -> date:
    """The day in Paris at a moment."""
    return moment.astimezone(PARIS).date()


def write_day(language: Language, day: date) -> str:
    """A day in full: 1er octobre 2023, or 1 October 2023."""
    style = _STYLES.of(language)
    number = style.first_of_month if day.day == 1 else str(day.day)
    return f"{number}\u00a0{style.months[day.month - 1]} {day.year}"


def write_day_of(language: Language, moment: datetime, zone: ZoneInfo = PARIS) -> str:
    """The day of a moment in `zone`."""
    return write_day(language, moment.astimezone(zone).date())


def write_time(language: Language, moment: datetime, zone: ZoneInfo = PARIS) -> str:
    """The time of day in `zone`: 9 h 05, or 09:05."""
    local = moment.astimezone(zone)
    return _STYLES.of(language).time.format(hour=local.hour, minute=local.minute)


def write_moment(language: Language, moment: datetime, zone: ZoneInfo = PARIS) -> str:
    """A day and a time in `zone`: 6 juin 2024 à 10 h 40, or 6 June 2024 at 10:40."""
    day, time_of_day = write_day_of(language, moment, zone), write_time(language, moment, zone)
    return _STYLES.of(language).moment.format(day=day, time=time_of_day)


def write_span(language: Language, began: datetime, ended: datetime, zone: ZoneInfo = PARIS) -> str:
    """From when to when in `zone`; a single day is named once."""
    style = _STYLES.of(language)
    if began == ended:
        return write_moment(language, began, zone)
    if began.astimezone(zone).date() == ended.astimezone(zone).date():
        first, last = write_time(language, began, zone), write_time(language, ended, zone)
        return style.span_in_a_day.format(day=write_day_of(language, began, zone), first=first, last=last)
    first, last = write_moment(language, began, zone), write_moment(language, ended, zone)
    return style.span.format(first=first, last=last)


def write_elapsed(language: Language, earlier: datetime, later: datetime) -> str:
    """The time from `earlier` to `later`: 20 minutes, 7 h 20, or from two days on the calendar days in Paris."""
    style, elapsed = _STYLES.of(language), later - earlier
    if elapsed >= _LONGEST_IN_HOURS:
        return style.days.format(days=(paris_day(later) - paris_day(earlier)).days)
    hours, minutes = divmod(int(elapsed.total_seconds()) // 60, 60)
    if hours:
        return style.hours.format(hours=hours, minutes=minutes)
    if not minutes:
        return style.less_than_a_minute
    return style.minute if minutes == 1 else style.minutes.format(minutes=minutes)


def write_count(language: Language, count: int) -> str:
    """A count with its thousands separated: 12 500, or 12,500."""
    return f"{count:,}".replace(",", _STYLES.of(language).thousands)


def write_list(language: Language, parts: Sequence[str]) -> str:
    """Several things in a sentence: a, b et c, or a, b and c."""
    *first, last = map(isolated, parts)
    return _STYLES.of(language).list.format(first=", ".join(first), last=last) if first else last


def write_quoted(language: Language, text: str) -> str:
    """A text in the quotation marks of the language."""
    return _STYLES.of(language).quoted.format(text=isolated(text))
