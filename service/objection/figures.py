"""What everybody may read of a quarter: how exact counts become public figures. Pure.

The figures must not tell which organisation holds a person's number, to somebody who knows when that person objected.
Four rules see to it, and no figure depends on anything else:

1. A count under 10, zero too, is withheld: it reads "fewer than 10". Any other count is rounded to the nearest 10.
2. A sum (`received`, a total) or a share is published only if all counts that it is made of are.
3. The median, the mean and the share are taken over published counts only. Whether there are enough cases is judged by
   the least that the published counts can stand for, so that the presence of a figure adds nothing to them.
4. Who is listed does not depend on the counts.

So every public figure is a function of counts that are published themselves. A withheld count can have each value from
0 to 9, whatever else is published: in its row, in other rows, in totals, quarters and versions. A published count n
stands for n - 5 to n + 4, and 10 for 10 to 14. What remains: a sum and a share narrow the ranges of the published
counts that they are made of, in rare cases to one or two values. Each of those counts is at least 10.

A looser rule for sums would not do. Two counts of at most 9, of which the sum reads 20, are both at least 6.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import fmean, median
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, Field

from service.core.csv_download import csv_table
from service.objection.quarter import Quarter
from service.provenance.answer.references import OrganisationRef

FEWER: Final = "fewer than 10"
"""What stands in the place of a withheld count, in JSON and CSV."""

_LEAST: Final = 10
_CASES_FOR_MEDIAN: Final = 20
_CASES_FOR_MEAN: Final = 50
_CASES_FOR_SHARE: Final = 50

OUTCOMES: Final = ("in_time", "late", "refused", "withdrawn", "open")
"""The counts that add up to `received`: each request is in exactly one of them."""

# An objection cannot be withdrawn yet. Everybody knows this zero, so that no sum gives it away.
_KNOWN_ZERO: Final = frozenset({"withdrawn"})

PublicCount = Annotated[
    int | Literal["fewer than 10"],
    Field(description="Rounded to the nearest 10. A count under 10, zero too, is withheld.", examples=[120]),
]
_LEFT_OUT: Final = "Null if a count that it is made of is withheld."
PublicSum = Annotated[int | None, Field(description=f"Rounded to the nearest 10. {_LEFT_OUT}", examples=[1240])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The exact counts of an organisation's requests in a quarter, and how many days it took for those it answered.

    `days` are those from the beginning of the organisation's month to its answer, for each answered outcome.
    """

    received: int
    in_time: int
    late: int
    refused: int
    withdrawn: int
    open: int
    days: Mapping[str, Sequence[float]]

    def outcome(self, name: str) -> int:
        """The count of an outcome."""
        count: int = getattr(self, name)
        return count

    @property
    def is_consistent(self) -> bool:
        """Whether the outcomes add up to the requests received, and each answer has its days."""
        return self.received == sum(map(self.outcome, OUTCOMES)) and all(
            len(days) == self.outcome(name) for name, days in self.days.items()
        )


class PublicRow(BaseModel):
    """The requests that an organisation received in a quarter, as everybody may read of them."""

    organisation: OrganisationRef
    in_time: PublicCount
    late: PublicCount
    refused: PublicCount
    withdrawn: PublicCount
    open: PublicCount
    received: PublicSum
    in_time_percent: int | None = Field(
        examples=[88],
        description="Share of the requests received that were completed in time, in whole per cent, from 50 requests. "
        + _LEFT_OUT,
    )
    median_days: int | None = Field(
        examples=[6], description="Median days to the answer, from 20 answers, over the answers with a published count."
    )
    mean_days: int | None = Field(
        examples=[8], description="Mean days to the answer, from 50 answers, over the answers with a published count."
    )


class PublicTotal(BaseModel):
    """The sum of all rows. A count is left out if one of its rows withholds it."""

    in_time: PublicSum
    late: PublicSum
    refused: PublicSum
    withdrawn: PublicSum
    open: PublicSum
    received: PublicSum


class Publication(BaseModel):
    """The figures of a closed quarter. They never change; a correction is a new version.

    They count the requests that persons made themselves, by the quarter in which the organisation's month began:
    completed within that month (`in_time`), completed after it (`late`), refused, withdrawn by the person, and not
    answered before the day of publication (`open`).
    """

    quarter: str = Field(examples=["2026-Q3"])
    version: int = Field(ge=1, examples=[1])
    published_on: date
    reason: str | None = Field(description="Why the figures were corrected. Null in version 1.")
    first_day: date
    last_day: date
    as_of: AwareDatetime = Field(description="What happened from this moment on is not counted.")
    organisations: list[PublicRow] = Field(
        description="Every organisation that had an account by the end of the quarter and may hold numbers."
    )
    total: PublicTotal


def round_count(count: int) -> PublicCount:
    """A count as everybody may read it."""
    return FEWER if count < _LEAST else _rounded(count)


def public_row(organisation: OrganisationRef, counts: Counts) -> PublicRow:
    """The public figures of an organisation."""
    shown = {name: round_count(counts.outcome(name)) for name in OUTCOMES}
    answers = [days for name in counts.days if shown[name] != FEWER for days in counts.days[name]]
    answered = _least_of(shown[name] for name in counts.days)
    is_complete = all(shown[name] != FEWER for name in OUTCOMES if name not in _KNOWN_ZERO)
    has_share = is_complete and _least_of(shown.values()) >= _CASES_FOR_SHARE
    return PublicRow(
        organisation=organisation,
        **shown,
        received=_rounded(counts.received) if is_complete else None,
        in_time_percent=round(100 * counts.in_time / counts.received) if has_share else None,
        median_days=round(median(answers)) if answered >= _CASES_FOR_MEDIAN else None,
        mean_days=round(fmean(answers)) if answered >= _CASES_FOR_MEAN else None,
    )


def _least_of(shown: Iterable[PublicCount]) -> int:
    """The fewest cases that published counts can stand for. A withheld count can stand for none."""
    return sum(max(_LEAST, count - 5) for count in shown if isinstance(count, int))


def _rounded(count: int) -> int:
    return (count + 5) // 10 * 10


def public_total(counts: Sequence[Counts], rows: Sequence[PublicRow]) -> PublicTotal:
    """The sums over all organisations, where none of them withholds its count."""

    def total(name: str) -> int | None:
        is_complete = bool(rows) and all(isinstance(getattr(row, name), int) for row in rows)
        return _rounded(sum(getattr(of_row, name) for of_row in counts)) if is_complete else None

    return PublicTotal(**{name: total(name) for name in PublicTotal.model_fields})


def make_publication(
    quarter: Quarter,
    version: int,
    published_on: date,
    reason: str | None,
    counted: Sequence[tuple[OrganisationRef, Counts]],
) -> Publication:
    """The publication of a quarter. A row that does not add up is not published."""
    sound = [(organisation, counts) for organisation, counts in counted if counts.is_consistent]
    rows = [public_row(organisation, counts) for organisation, counts in sound]
    return Publication(
        quarter=str(quarter),
        version=version,
        published_on=published_on,
        reason=reason,
        first_day=quarter.first_day,
        last_day=quarter.last_day,
        as_of=quarter.as_of,
        organisations=rows,
        total=public_total([counts for _, counts in sound], rows),
    )


_COLUMNS: Final = (*OUTCOMES, "received", "in_time_percent", "median_days", "mean_days")


def publication_csv(publication: Publication) -> str:
    """A publication as CSV (RFC 4180), with the values of the JSON. The last line is the total, without an id."""
    head = (publication.quarter, publication.version, publication.published_on, publication.reason)
    lines: list[tuple[object, ...]] = [
        ("quarter", "version", "published_on", "reason", "organisation_id", "legal_name", *_COLUMNS)
    ]
    for row in publication.organisations:
        names = row.organisation.id, row.organisation.legal_name
        lines.append((*head, *names, *(getattr(row, column) for column in _COLUMNS)))
    total = publication.total
    lines.append((*head, "", "total", *(getattr(total, column, None) for column in _COLUMNS)))
    return csv_table(lines)
