"""Formats of consent times that a caller states: an order, a unit of numbers, or a pattern as for strptime."""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final, NamedTuple

from service.intake.dates.forms import (
    AROUND,
    HALF,
    MONTH_NAME,
    OFFSET,
    WEEKDAY_NAME,
    Calendar,
    DateOrder,
    Form,
    find_form,
    form_of,
)
from service.intake.dates.plain_cells import plain_letters
from service.intake.errors import UnreadablePart

LONGEST_FORMAT: Final = 60
"""The longest pattern that can be stated, in characters."""

NUMERIC_ORDERS: Final = {order.value: order for order in (DateOrder.DAY_FIRST, DateOrder.MONTH_FIRST)}
"""The statements of an order, with all forms that are read."""


class _Count(NamedTuple):
    """A number that counts from a moment: its calendar, the day from which it counts, and how many digits are below 1.

    `below` are last digits of the number that are fractions of a second.
    """

    calendar: Calendar
    epoch_day: int = 0
    below: int = 0


_COUNTS: Final = {
    "epoch_seconds": _Count(Calendar.SECONDS_SINCE_1970),
    "epoch_milliseconds": _Count(Calendar.SECONDS_SINCE_1970, below=3),
    "epoch_microseconds": _Count(Calendar.SECONDS_SINCE_1970, below=6),
    "epoch_nanoseconds": _Count(Calendar.SECONDS_SINCE_1970, below=9),
    # 1899-12-30, because the calendar of 1900 has a 29 February 1900; and 1904-01-01. No time before 1970 is read.
    "excel_1900": _Count(Calendar.DAYS_SINCE_1970, epoch_day=-25_569),
    "excel_1904": _Count(Calendar.DAYS_SINCE_1970, epoch_day=-24_107),
}
NAMED_FORMATS: Final = (*NUMERIC_ORDERS, *_COUNTS)
"""The formats that have a name, in the order of their documentation."""

_DIRECTIVES: Final = {
    "Y": r"(?P<year>0000)",
    "y": r"(?P<short_year>00)",
    "m": r"(?P<month>00?)",
    "d": r"(?P<day>00?)",
    "j": r"(?P<day_of_year>000)",
    "H": r"(?P<hour>00?)",
    "I": r"(?P<hour>00?)",
    "M": r"(?P<minute>00?)",
    "S": r"(?P<second>00?)",
    "f": r"(?P<fraction>0{1,9})",
    "p": HALF,
    "b": MONTH_NAME,
    "B": MONTH_NAME,
    "a": WEEKDAY_NAME,
    "A": WEEKDAY_NAME,
    "z": rf"(?:(?P<utc>z)|{OFFSET})",
    "Z": r"(?P<utc>z|utc|gmt)",
    "%": "%",
}
_SHORT: Final = {"F": "%Y-%m-%d", "T": "%H:%M:%S", "R": "%H:%M"}
_OF_DIGITS: Final = frozenset("YymdjHIMSf")
# Written out in a pattern, they state a zone: `%H:%M:%SZ` does not mean a local time.
_UTC_WORDS: Final = re.compile(r"(?<![a-z])(?:utc|gmt|z)(?![a-z])", re.IGNORECASE)
_TOKEN: Final = re.compile(r"%(?P<directive>.)|(?P<spaces> +)|(?P<literal>[^% ]+)")


@dataclass(frozen=True, slots=True)
class DateFormat:
    """How a column is read. `stated` is the text of the statement, None if nothing was stated.

    `order` is the order of day and month if both are numbers and the year comes last; None if the format has no such
    dates.
    """

    stated: str | None
    order: DateOrder | None
    pattern: re.Pattern[str] | None = None
    count: _Count | None = None

    @property
    def reads_every_form(self) -> bool:
        """Whether all forms are read that are read without a statement; otherwise cells in other forms are rejected."""
        return self.pattern is None

    def form(self, shape: bytes) -> Form | None:
        """The form of cells of this shape; None if the format has no such cells."""
        if self.pattern is None:
            assert self.order is not None
            return find_form(shape, self.order)
        return _exact_form(shape, self.pattern, self.count)


@lru_cache(maxsize=4096)
def _exact_form(shape: bytes, pattern: re.Pattern[str], count: _Count | None) -> Form | None:
    text = shape.decode("ascii").lower()
    if not text.strip(" '\""):
        return Form(Calendar.UNKNOWN)
    match = pattern.fullmatch(text)
    if match is None:
        return None
    if count is None:
        calendar = Calendar.DAY_OF_YEAR if "day_of_year" in match.groupdict() else Calendar.MONTH_AND_DAY
        return form_of(calendar, DateOrder.DAY_FIRST, match)
    start, end = match.span("whole")
    places = {"whole": (start, max(end - count.below, start))}
    if match["fraction"]:
        places["fraction"] = match.span("fraction")
    return Form(count.calendar, places, epoch_day=count.epoch_day)


@cache
def _count_pattern(count: _Count) -> re.Pattern[str]:
    return re.compile(rf"{AROUND}(?P<whole>0{{1,{10 + count.below}}})(?:[.,](?P<fraction>0{{1,18}}))?{AROUND}")


def date_format(stated: str | None) -> DateFormat:
    """The format that a caller states; without a statement, the forms that are read, with the day first.

    Raises UnreadablePart for a format that is not known.
    """
    if stated is None:
        return DateFormat(None, DateOrder.DAY_FIRST)
    if stated in NUMERIC_ORDERS:
        return DateFormat(stated, NUMERIC_ORDERS[stated])
    if stated in _COUNTS:
        return DateFormat(stated, None, _count_pattern(_COUNTS[stated]), _COUNTS[stated])
    if "%" not in stated or len(stated) > LONGEST_FORMAT or not stated.isprintable():
        raise _unknown(f"It must be one of {', '.join(NAMED_FORMATS)}, or a pattern such as %d/%m/%Y %H:%M.")
    pattern = _compile(stated)
    return DateFormat(stated, _order_of(stated), pattern)


@lru_cache(maxsize=256)
def _compile(stated: str) -> re.Pattern[str]:
    tokens = [match.groupdict() for match in _TOKEN.finditer(_spelled_out(stated))]
    directives = [token["directive"] for token in tokens if token["directive"]]
    _check(directives)
    parts = []
    for at, token in enumerate(tokens):
        if token["directive"]:
            between = tokens[at - 1 : at] + tokens[at + 1 : at + 2]
            parts.append(_directive(token["directive"], [neighbour["directive"] for neighbour in between]))
        elif token["spaces"]:
            parts.append(" +")
        else:
            parts.append(_literal(token["literal"]))
    # A tool that took the digits for a quantity writes 20230326.0.
    decimal = r"(?:\.(?P<nothing>0{1,9}))?" if set(stated[::2]) == {"%"} and _OF_DIGITS.issuperset(directives) else ""
    return re.compile(AROUND + "".join(parts) + decimal + AROUND)


def _spelled_out(stated: str) -> str:
    spelled = re.sub(r"%([FTR])", lambda match: _SHORT[match[1]], plain_letters(stated).strip())
    if re.search(r"(?<!%)(?:%%)*%$", spelled):
        raise _unknown("It ends in the middle of a directive.")
    if "%z" in spelled:
        return spelled
    return "".join(
        _UTC_WORDS.sub("%Z", match[0]) if match["literal"] else match[0] for match in _TOKEN.finditer(spelled)
    )


def _directive(directive: str, neighbours: list[str | None]) -> str:
    pattern = _DIRECTIVES[directive]
    # Numbers that touch each other have all their digits: `1112023` would be two dates.
    touches = any(neighbour in _OF_DIGITS for neighbour in neighbours if neighbour)
    return pattern.replace("00?", "00") if touches and directive in _OF_DIGITS else pattern


def _literal(literal: str) -> str:
    if any(map(str.isdigit, literal)):
        raise _unknown("A pattern may not contain digits. Use a directive such as %Y in their place.")
    return re.escape(literal.lower())


def _check(directives: list[str]) -> None:
    known = [directive for directive in directives if directive != "%"]
    unknown = [directive for directive in known if directive not in _DIRECTIVES]
    groups = [group for directive in known for group in re.findall(r"\(\?P<(\w+)>", _DIRECTIVES.get(directive, ""))]
    if unknown:
        raise _unknown(f"Its directives may be {', '.join(f'%{directive}' for directive in (*_DIRECTIVES, *_SHORT))}.")
    if len(set(groups)) < len(groups):
        raise _unknown("It names a part of the time twice. Name each part once.")
    has_month = "month" in groups or "month_name" in groups
    has_day_of_year = "day_of_year" in groups
    if ("year" in groups) == ("short_year" in groups) or not has_month == ("day" in groups) != has_day_of_year:
        raise _unknown(
            "It must have a year (%Y or %y), and a month and a day (%m or %b, %d) or a day of the year (%j)."
        )
    if ("month" in groups) and ("month_name" in groups):
        raise _unknown("It names the month twice. Use %m or %b.")
    if ("I" in known) != ("p" in known) or ("minute" in groups and "hour" not in groups):
        raise _unknown("Its time of day is not whole. Use %H:%M, or %I:%M %p for hours up to twelve.")
    if ("second" in groups and "minute" not in groups) or ("fraction" in groups and "second" not in groups):
        raise _unknown("Its time of day is not whole. Name hours before minutes, and minutes before seconds.")


def _order_of(stated: str) -> DateOrder | None:
    directives = re.findall(r"%(.)", _spelled_out(stated))
    if not {"m", "d"} <= {*directives}:
        return None
    year = min(directives.index(directive) for directive in "Yy" if directive in directives)
    day, month = directives.index("d"), directives.index("m")
    if year < min(day, month):
        return None
    return DateOrder.DAY_FIRST if day < month else DateOrder.MONTH_FIRST


def _unknown(advice: str) -> UnreadablePart:
    return UnreadablePart("invalid_date_format", f"The stated date format cannot be used. {advice}")
