"""Files of numbers, generated when they are needed and never kept.

The number at each position of a sequence is computed, so no state is stored. No two numbers of the sequence are equal,
and another seed begins at another position.
"""

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

Numbers = NDArray[np.int64]

# French mobile numbers: 6 and eight digits, or 73 to 79 and seven digits.
_SIXES, _SEVENS = 100_000_000, 70_000_000
NUMBER_COUNT = _SIXES + _SEVENS
STRIDE = 123_456_791
"""Coprime to the count of numbers, so that the sequence contains every number before it repeats."""

_FIRST_SIX, _FIRST_SEVEN = 33_600_000_000, 33_730_000_000
_BATCH = 1_000_000
_FIRST_CONSENT, _CONSENTS = 1_609_459_200, 3 * 365 * 86_400  # the years 2021 to 2023

SEED = 20_240_609


def numbers(begin: int, count: int) -> Numbers:
    """`count` distinct numbers (E.164 digits), from position `begin` of the sequence."""
    positions = np.arange(begin + SEED, begin + SEED + count, dtype=np.int64)
    scattered = positions * STRIDE % NUMBER_COUNT
    return np.where(scattered < _SIXES, scattered + _FIRST_SIX, scattered - _SIXES + _FIRST_SEVEN)


def consents(begin: int, count: int) -> NDArray[np.int64]:
    """The times of the consents for `numbers(begin, count)`, in Unix seconds."""
    positions = np.arange(begin, begin + count, dtype=np.int64)
    return _FIRST_CONSENT + positions * STRIDE % _CONSENTS


def write_file(path: Path, begin: int, lines: int, *, with_consents: bool) -> Path:
    """Write a CSV file of `numbers(begin, lines)`, one per line, with the times of their consents on request."""
    with path.open("wb") as file:
        for first in range(0, lines, _BATCH):
            count = min(_BATCH, lines - first)
            columns = {"telephone": pl.Series(numbers(begin + first, count))}
            if with_consents:
                elapsed_seconds = pl.Series(consents(begin + first, count))
                columns["date_consentement"] = pl.from_epoch(elapsed_seconds, "s")
            frame = pl.DataFrame(columns).with_columns(pl.format("+{}", "telephone").alias("telephone"))
            frame.write_csv(file, include_header=first == 0, datetime_format="%Y-%m-%dT%H:%M:%SZ")
    return path
