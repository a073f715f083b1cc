"""The languages of the service, and how each writes days, times, durations, counts and lists. Pure.

Times are those of Paris unless another zone is given: the persons who ask about their numbers live by that clock,
whatever zone a fact was recorded in. Values that belong together have a no-break space (U+00A0) between them.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo


class Language(StrEnum):
    """A language that the service speaks."""

    FR = "fr"
    EN = "en"


PARIS: Final = ZoneInfo("Europe/Paris")

MONTHS: Final = {
    Language.FR: (
        *("janvier", "février", "mars", "avril", "mai", "juin"),
        *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
    ),
    Language.EN: (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}

# Shorter times are written in hours: "46 h 20" says more than "two days", but "412 h" says less than "17 days".
_LONGEST_IN_HOURS: Final = timedelta(hours=48)


def paris_day(moment: datetime) -> date:
    """The day in Paris at a moment."""
    return moment.astimezone(PARIS).date()


def paris_midnight(moment: datetime) -> datetime:
    """The moment, in UTC, at which the day of `moment` began in Paris."""
    return datetime.combine(paris_day(moment), time(), PARIS).astimezone(UTC)


def write_day(language: Language, day: date) -> str:
    """A day in full: 1er octobre 2023, or 1 October 2023."""
    first = "er" if language is Language.FR and day.day == 1 else ""
    return f"{day.day}{first}\u00a0{MONTHS[language][day.month - 1]} {day.year}"


def write_day_of(language: Language, moment: datetime, zone: ZoneInfo = PARIS) -> str:
    """The day of a moment in `zone`."""
    return write_day(language, moment.astimezone(zone).date())


def write_time(language: Language, moment: datetime, zone: ZoneInfo = PARIS) -> str:
    """The time of day in `zone`: 9 h 05, or 09:05."""
    there = moment.astimezone(zone)
    return f"{there.hour}\u00a0h\u00a0{there:%M}" if language is Language.FR else f"{there:%H:%M}"


def write_moment(language: Language, moment: datetime, zone: ZoneInfo = PARIS) -> str:
    """A day and a time in `zone`: 6 juin 2024 à 10 h 40, or 6 June 2024 at 10:40."""
    between = "à" if language is Language.FR else "at"
    return f"{write_day_of(language, moment, zone)} {between} {write_time(language, moment, zone)}"


def write_span(language: Language, began: datetime, ended: datetime, zone: ZoneInfo = PARIS) -> str:
    """From when to when in `zone`; one day is named once."""
    if began == ended:
        return write_moment(language, began, zone)
    if began.astimezone(zone).date() == ended.astimezone(zone).date():
        day, first, last = (
            write_day_of(language, began, zone),
            write_time(language, began, zone),
            write_time(language, ended, zone),
        )
        return f"{day}, entre {first} et {last}" if language is Language.FR else f"{day}, between {first} and {last}"
    first, last = write_moment(language, began, zone), write_moment(language, ended, zone)
    return f"entre le {first} et le {last}" if language is Language.FR else f"between {first} and {last}"


def write_elapsed(language: Language, earlier: datetime, later: datetime) -> str:
    """The time from `earlier` to `later`: 20 minutes, 7 h 20, or from two days on the calendar days in Paris."""
    elapsed = later - earlier
    if elapsed >= _LONGEST_IN_HOURS:
        days = (paris_day(later) - paris_day(earlier)).days
        return f"{days}\u00a0jours" if language is Language.FR else f"{days}\u00a0days"
    hours, minutes = divmod(int(elapsed.total_seconds()) // 60, 60)
    if hours == minutes == 0:
        return "moins d’une minute" if language is Language.FR else "less than a minute"
    if hours == 0:
        return f"{minutes}\u00a0minute{'s' if minutes != 1 else ''}"
    if language is Language.FR:
        return f"{hours}\u00a0h\u00a0{minutes:02}"
    return f"{hours}\u00a0h {minutes:02}\u00a0min"


def write_count(language: Language, count: int) -> str:
    """A count with its thousands separated: 12 500, or 12,500."""
    return f"{count:,}".replace(",", "\u202f") if language is Language.FR else f"{count:,}"


def write_list(language: Language, parts: Sequence[str]) -> str:
    """Several things in a sentence: a, b et c, or a, b and c."""
    *first, last = parts
    if not first:
        return last
    return f"{', '.join(first)} {'et' if language is Language.FR else 'and'} {last}"


def write_quoted(language: Language, text: str) -> str:
    """A text in the quotation marks of the language."""
    return f"«\u00a0{text}\u00a0»" if language is Language.FR else f"“{text}”"
