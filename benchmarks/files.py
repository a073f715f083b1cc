"""Files of numbers, made when they are needed and never kept.

No drawing of random numbers is remembered: the number at each place of an endless sequence is computed, no two
of it are equal, and another seed begins elsewhere in it.
"""

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

Numbers = NDArray[np.int64]

# French mobile numbers are 6 and eight digits, and 73 to 79 and seven digits.
_SIXES, _SEVENS = 100_000_000, 70_000_000
NUMBERS = _SIXES + _SEVENS
STRIDE = 123_456_791
"""Coprime to the count of numbers, so that the sequence meets every one before it begins anew."""

_FIRST_SIX, _FIRST_SEVEN = 33_600_000_000, 33_730_000_000
_PIECE = 1_000_000
_FIRST_CONSENT, _CONSENTS = 1_609_459_200, 3 * 365 * 86_400  # the years 2021 to 2023

SEED = 20_240_609


def numbers(begin: int, count: int) -> Numbers:
    """`count` distinct numbers (E.164 digits) from place `begin` of the sequence on."""
    places = np.arange(begin + SEED, begin + SEED + count, dtype=np.int64)
    scattered = places * STRIDE % NUMBERS
    return np.where(scattered < _SIXES, scattered + _FIRST_SIX, scattered - _SIXES + _FIRST_SEVEN)


def consents(begin: int, count: int) -> NDArray[np.int64]:
    """The Unix seconds of consents given for `numbers(begin, count)`."""
    places = np.arange(begin, begin + count, dtype=np.int64)
    return _FIRST_CONSENT + places * STRIDE % _CONSENTS


def write(path: Path, begin: int, lines: int, *, with_consents: bool) -> Path:
    """Write a CSV file of `numbers(begin, lines)`, one a line, each with the time of its consent if wanted."""
    with path.open("wb") as file:
        for first in range(0, lines, _PIECE):
            count = min(_PIECE, lines - first)
            columns = {"telephone": pl.Series(numbers(begin + first, count))}
            if with_consents:
                seconds = pl.Series(consents(begin + first, count))
                columns["date_consentement"] = pl.from_epoch(seconds, "s")
            frame = pl.DataFrame(columns).with_columns(pl.format("+{}", "telephone").alias("telephone"))
            frame.write_csv(file, include_header=first == 0, datetime_format="%Y-%m-%dT%H:%M:%SZ")
    return path
