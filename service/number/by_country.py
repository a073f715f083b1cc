"""Normalises a column of numbers beside a column of their countries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from service.number.countries import country_of_line, country_of_two
from service.number.normalisation import Column, Normalised, normalise_column
from service.number.rejection import CODES, RejectReason


class Numbers(Column, Protocol):
    """A column of numbers from which rows can be taken."""

    def take(self, rows: NDArray[np.intp]) -> Column:
        """The column of these rows."""


@dataclass(frozen=True)
class OtherColumn:
    """A second column of countries: row i is in the country named in `countries[places[i]]`, or in none if it is empty.

    `first_decides` is whether it counts only where the first column is empty, and may otherwise say something else.
    """

    countries: Sequence[str]
    places: NDArray[np.intp]
    first_decides: bool


def normalise_by_country(
    cells: Numbers,
    countries: Sequence[str],
    places: NDArray[np.intp],
    default_region: str,
    *,
    calling_codes: bool = False,
    other: OtherColumn | None = None,
) -> Normalised:
    """Normalise a column. Row i is a number of the country that is named in `countries[places[i]]`.

    An empty country stands for `default_region`. Where a country cannot be read, a number is accepted only if it is the
    same in any country, because it has a country code of its own. `calling_codes` is whether digits without a plus are
    calling codes for certain. `other` is a second column of countries.
    """
    if other is None:
        regions = [country_of_line(country, default_region, calling_codes=calling_codes) for country in countries]
    else:
        pairs, places = np.unique(places * len(other.countries) + other.places, return_inverse=True)
        regions = [
            country_of_two(
                countries[pair // len(other.countries)],
                other.countries[pair % len(other.countries)],
                default_region,
                calling_codes=calling_codes,
                decides=other.first_decides,
            )
            for pair in pairs.tolist()
        ]
    known = sorted({region for region in regions if region is not None})
    if len(known) == 1 and None not in regions:
        return normalise_column(cells, known[0])
    numbers = np.zeros(len(cells), dtype=np.int64)
    reasons = np.zeros(len(cells), dtype=np.uint8)
    unallocated = np.zeros(len(cells), dtype=np.bool_)
    of_country = np.array([len(known) if region is None else known.index(region) for region in regions], dtype=np.intp)
    of_row = of_country[places]
    for index, region in enumerate([*known, None]):
        rows = np.flatnonzero(of_row == index)
        if rows.size:
            part = cells.take(rows)
            found = _normalise_anywhere(part, default_region) if region is None else normalise_column(part, region)
            numbers[rows], reasons[rows], unallocated[rows] = found.numbers, found.reasons, found.unallocated
    return Normalised(numbers, reasons, unallocated)


def _normalise_anywhere(cells: Column, default_region: str) -> Normalised:
    """Normalise numbers of an unknown country: those that two regions with nothing in common read alike."""
    found = normalise_column(cells, default_region)
    others = normalise_column(cells, "US" if default_region != "US" else "FR")
    differs = (found.reasons == 0) & (found.numbers != others.numbers)
    reasons = np.where(differs, CODES[RejectReason.COUNTRY_UNKNOWN], found.reasons).astype(np.uint8)
    return Normalised(np.where(differs, 0, found.numbers), reasons, found.unallocated & ~differs)
