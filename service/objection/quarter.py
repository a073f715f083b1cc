"""Calendar quarters, and when the figures of each are published. Pure. All days are those of Paris."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from service.wording.language import PARIS, paris_day


class Quarter(NamedTuple):
    """A quarter of a year, from 1 to 4."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year}-Q{self.number}"

    @classmethod
    def parse(cls, text: str) -> "Quarter":
        """The quarter that `str` wrote, such as 2026-Q3.

        Raises:
            ValueError: the text is not a quarter.
        """
        year, _, number = text.partition("-Q")
        quarter = cls(int(year), int(number))
        if str(quarter) != text or not (1 <= quarter.number <= 4 and 1 <= quarter.year < 9999):
            raise ValueError("not a quarter such as 2026-Q3")
        return quarter

    @classmethod
    def of_day(cls, day: date) -> "Quarter":
        """The quarter that a day is in."""
        return cls(day.year, (day.month + 2) // 3)

    @property
    def next(self) -> "Quarter":
        """The quarter after this one."""
        return Quarter(self.year + self.number // 4, self.number % 4 + 1)

    @property
    def first_day(self) -> date:
        """Its first day."""
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def last_day(self) -> date:
        """Its last day."""
        return self.next.first_day - timedelta(days=1)

    @property
    def published_on(self) -> date:
        """The day of its publication, the 15th of the second month after it. Each of its requests was due by then."""
        first = self.next.first_day
        return first.replace(month=first.month + 1, day=15)

    @property
    def span(self) -> tuple[datetime, datetime]:
        """The moments at which it begins and ends."""
        return _midnight(self.first_day), _midnight(self.next.first_day)

    @property
    def as_of(self) -> datetime:
        """The moment at which its day of publication begins. What happens later is in no figure of this quarter."""
        return _midnight(self.published_on)


def due_quarters(first: date, moment: datetime) -> Iterator[Quarter]:
    """The quarters that have been due for publication up to a moment, from the one that contains the day `first`."""
    quarter = Quarter.of_day(first)
    while quarter.published_on <= paris_day(moment):
        yield quarter
        quarter = quarter.next


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), PARIS).astimezone(UTC)
