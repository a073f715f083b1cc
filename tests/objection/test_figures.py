"""The public figures of a quarter: nothing withheld can be had from any set of them."""

import csv
import io
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.objection.figures import (
    FEWER,
    OUTCOMES,
    Counts,
    Publication,
    PublicRow,
    make_publication,
    public_row,
    publication_csv,
    round_count,
)
from service.objection.quarter import Quarter, due_quarters
from service.provenance.answer.references import OrganisationRef

ANSWERED = ("in_time", "late", "refused")
QUARTER = Quarter(2026, 3)
NAMES = [OrganisationRef(id=uuid.UUID(int=place), legal_name=f"Organisation {place}") for place in range(4)]

# Small counts, counts near the borders of rounding, and large ones.
counts_of_outcome = st.one_of(st.integers(0, 12), st.integers(10, 60), st.integers(0, 2000))


def counts_with(in_time: int, late: int, refused: int, open_: int, day: float = 5.0) -> Counts:
    """Counts whose answers all took the same number of days."""
    return Counts(
        received=in_time + late + refused + open_,
        in_time=in_time,
        late=late,
        refused=refused,
        withdrawn=0,
        open=open_,
        days={"in_time": [day] * in_time, "late": [day] * late, "refused": [day] * refused},
    )


all_counts = st.builds(counts_with, *(counts_of_outcome,) * 4, st.floats(0, 120))


def published(of_rows: Sequence[Counts], version: int = 1) -> Publication:
    """A publication of these rows."""
    reason = None if version == 1 else "Une erreur de calcul a été réparée."
    return make_publication(QUARTER, version, QUARTER.published_on, reason, list(zip(NAMES, of_rows, strict=False)))


@given(st.lists(st.tuples(all_counts, st.tuples(*(st.integers(0, 9),) * 4), st.floats(0, 900)), max_size=4))
def test_publication_is_the_same_for_every_value_of_its_withheld_counts(
    worlds: list[tuple[Counts, tuple[int, ...], float]],
) -> None:
    """Each set of withheld counts, with any days, gives the same bytes: no attacker can tell them apart."""
    other_world = []
    for counts, values, day in worlds:
        names = [name for name in OUTCOMES if name != "withdrawn"]
        small = {name: value for name, value in zip(names, values, strict=True) if counts.outcome(name) < 10}
        days = dict(counts.days) | {name: [day] * value for name, value in small.items() if name in ANSWERED}
        changed = replace(counts, **small, days=days)
        other_world.append(replace(changed, received=sum(map(changed.outcome, OUTCOMES))))
    here, there = published([counts for counts, _, _ in worlds]), published(other_world)
    assert here.model_dump_json() == there.model_dump_json()
    assert publication_csv(here) == publication_csv(there)


Place = tuple[object, ...]
Bounds = dict[Place, tuple[float, float]]


def bounds_after(publications: Sequence[Publication]) -> Bounds:
    """What an attacker who knows the rules works out of everything public: the least and most of each count."""
    bounds: Bounds = {}
    sums: list[tuple[Place, list[Place]]] = []
    for publication in publications:
        place = (publication.quarter, publication.version)
        for row in publication.organisations:
            for name in (*OUTCOMES, "received"):
                bounds[*place, row.organisation.id, name] = _range_of(getattr(row, name), name)
            parts: list[Place] = [(*place, row.organisation.id, name) for name in OUTCOMES]
            sums.append(((*place, row.organisation.id, "received"), parts))
            if row.in_time_percent is not None:
                _narrow_by_share(bounds, (*place, row.organisation.id), row.in_time_percent)
        for name in (*OUTCOMES, "received"):
            bounds[*place, None, name] = _range_of(getattr(publication.total, name), name)
            members: list[Place] = [(*place, row.organisation.id, name) for row in publication.organisations]
            sums.append(((*place, None, name), members))
    for _ in range(5):
        for whole, summed in sums:
            _narrow_by_sum(bounds, whole, summed)
    return bounds


def _range_of(shown: object, name: str) -> tuple[float, float]:
    if name == "withdrawn":
        return 0, 0
    if shown is None:
        return 0, float("inf")
    if not isinstance(shown, int):
        return 0, 9
    return max(10, shown - 5), shown + 4


def _narrow_by_share(bounds: Bounds, row: Place, percent: int) -> None:
    low, high = bounds[*row, "received"]
    least, most = bounds[*row, "in_time"]
    bounds[*row, "in_time"] = max(least, low * (percent - 0.5) / 100), min(most, high * (percent + 0.5) / 100)


def _narrow_by_sum(bounds: Bounds, whole: Place, parts: Sequence[Place]) -> None:
    least, most = (sum(bounds[part][side] for part in parts) for side in (0, 1))
    low, high = bounds[whole]
    bounds[whole] = low, high = max(low, least), min(high, most)
    for part in parts:
        own_low, own_high = bounds[part]
        others_low = sum(bounds[other][0] for other in parts if other != part)
        others_high = sum(bounds[other][1] for other in parts if other != part)
        bounds[part] = max(own_low, low - others_high), min(own_high, high - others_low)


def withheld(publications: Iterable[Publication]) -> Iterator[Place]:
    """The places of every count that is withheld, except the one that everybody knows to be zero."""
    for publication in publications:
        for row in publication.organisations:
            for name in OUTCOMES:
                if name != "withdrawn" and getattr(row, name) == FEWER:
                    yield publication.quarter, publication.version, row.organisation.id, name


@given(st.lists(st.tuples(all_counts, all_counts), max_size=4))
def test_withheld_counts_keep_their_whole_range_against_subtraction(rows: list[tuple[Counts, Counts]]) -> None:
    publications = [published([first for first, _ in rows]), published([second for _, second in rows], 2)]
    bounds = bounds_after(publications)
    narrowed = {place: bounds[place] for place in withheld(publications) if bounds[place] != (0, 9)}
    assert narrowed == {}


def test_subtraction_succeeds_where_a_sum_is_published_beside_withheld_counts() -> None:
    """Looser rules fail against the attacker of these tests, so the test above means something."""
    publication = published([counts_with(10, 1, 1, 1), counts_with(9, 9, 9, 9)])
    for row, received in zip(publication.organisations, (10, 40), strict=True):
        row.received = received
    bounds = bounds_after([publication])
    assert [bounds["2026-Q3", 1, organisation.id, "late"] for organisation in NAMES[:2]] == [(0, 4), (8, 9)]


@given(all_counts)
def test_public_row_rounds_each_count_by_itself(counts: Counts) -> None:
    row = public_row(NAMES[0], counts)
    for name in OUTCOMES:
        exact, shown = counts.outcome(name), getattr(row, name)
        assert shown == round_count(exact)
        assert (shown == FEWER) == (exact < 10)
        assert exact < 10 or (shown % 10 == 0 and -5 <= exact - shown <= 4)
    assert row.received is None or abs(row.received - counts.received) <= 5
    assert row.in_time_percent is None or counts.received >= 50
    answered = sum(map(counts.outcome, ANSWERED))
    assert row.median_days is None or answered >= 20
    assert row.mean_days is None or answered >= 50


def test_public_row_shows_sums_shares_and_days_from_enough_published_cases() -> None:
    def figures(row: PublicRow) -> list[object]:
        return [row.received, row.in_time_percent, row.median_days, row.mean_days]

    assert figures(public_row(NAMES[0], counts_with(60, 20, 10, 10))) == [100, 60, 5, 5]
    assert figures(public_row(NAMES[0], counts_with(10, 10, 10, 10))) == [40, None, 5, None]
    assert figures(public_row(NAMES[0], counts_with(60, 20, 10, 9))) == [None, None, 5, 5]
    assert figures(public_row(NAMES[0], counts_with(25, 9, 9, 9))) == [None, None, 5, None]
    assert figures(public_row(NAMES[0], counts_with(24, 9, 9, 9))) == [None, None, None, None]
    assert figures(public_row(NAMES[0], counts_with(0, 0, 0, 0))) == [None, None, None, None]


def test_total_is_left_out_where_a_row_withholds_its_count() -> None:
    total = published([counts_with(60, 20, 10, 10), counts_with(14, 9, 30, 10)]).total
    assert total.model_dump() == {
        "in_time": 70,
        "late": None,
        "refused": 40,
        "withdrawn": None,
        "open": 20,
        "received": None,
    }
    assert published([]).total.received is None


def test_row_that_does_not_add_up_is_not_published() -> None:
    sound, broken = counts_with(60, 20, 10, 10), replace(counts_with(60, 20, 10, 10), received=101)
    rows = published([broken, sound]).organisations
    assert [row.organisation for row in rows] == [NAMES[1]]
    without_days = replace(sound, days={"in_time": []})
    assert published([without_days]).organisations == []


@given(st.lists(all_counts, max_size=4))
def test_publication_csv_has_the_values_of_the_json(rows: list[Counts]) -> None:
    publication = published(rows)
    *lines, total = csv.DictReader(io.StringIO(publication_csv(publication)))
    document = publication.model_dump(mode="json")
    for line, row in zip(lines, document["organisations"], strict=True):
        names = {"organisation_id": row["organisation"]["id"], "legal_name": row["organisation"]["legal_name"]}
        expected = names | {name: value for name, value in row.items() if name != "organisation"}
        assert {name: line[name] for name in expected} == {
            name: "" if value is None else str(value) for name, value in expected.items()
        }
    assert {name: total[name] for name in document["total"]} == {
        name: "" if value is None else str(value) for name, value in document["total"].items()
    }


def test_publication_csv_contains_no_formula() -> None:
    named = OrganisationRef(id=uuid.UUID(int=9), legal_name="=HYPERLINK(1)")
    publication = make_publication(QUARTER, 1, QUARTER.published_on, None, [(named, counts_with(0, 0, 0, 0))])
    assert ",'=HYPERLINK(1)," in publication_csv(publication)


@given(st.dates(date(2020, 1, 1), date(2090, 12, 31)))
def test_quarter_contains_its_days_and_is_published_in_the_second_month_after(day: date) -> None:
    quarter = Quarter.of_day(day)
    assert quarter.first_day <= day <= quarter.last_day
    assert Quarter.parse(str(quarter)) == quarter
    assert Quarter.of_day(quarter.last_day + timedelta(days=1)) == quarter.next
    assert quarter.published_on.day == 15
    assert 44 <= (quarter.published_on - quarter.last_day).days <= 46
    begins, ends = quarter.span
    assert begins < ends < quarter.as_of


def test_due_quarters_are_those_published_by_the_paris_day() -> None:
    before_midnight = datetime(2026, 11, 14, 22, 59, tzinfo=UTC)
    due = [str(quarter) for quarter in due_quarters(date(2025, 12, 31), before_midnight)]
    assert due == ["2025-Q4", "2026-Q1", "2026-Q2"]
    due = [str(quarter) for quarter in due_quarters(date(2025, 12, 31), before_midnight + timedelta(minutes=1))]
    assert due == ["2025-Q4", "2026-Q1", "2026-Q2", "2026-Q3"]
