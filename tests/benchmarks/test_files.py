"""Generated files of numbers."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import files
from service.intake.cells import Cells
from service.number.normalisation import normalise_column


def as_e164(numbers: files.Numbers) -> list[str]:
    """Numbers as a file contains them."""
    return [f"+{number}" for number in numbers.tolist()]


positions = st.integers(0, 150_000_000)


@given(positions)
def test_numbers_are_distinct_and_valid(begin: int) -> None:
    numbers = files.numbers(begin, 2_000)
    assert len(np.unique(numbers)) == 2_000
    found = normalise_column(Cells.of(as_e164(numbers)), "FR")
    assert found.numbers.tolist() == numbers.tolist()


@given(positions, st.integers(0, 500), st.integers(1, 500))
def test_number_depends_on_its_position_alone(begin: int, skipped: int, count: int) -> None:
    assert files.numbers(begin, skipped + count)[skipped:].tolist() == files.numbers(begin + skipped, count).tolist()


def test_sequence_contains_each_number_once() -> None:
    # A stride that shares a factor with the count of numbers would repeat early.
    assert np.gcd(files.STRIDE, files.NUMBER_COUNT) == 1


def test_write_file_with_consents_has_numbers_and_times_in_order(tmp_path: Path) -> None:
    file = files.write_file(tmp_path / "made.csv", 5, 1_000, with_consents=True)
    frame = pl.read_csv(file)
    assert frame["telephone"].to_list() == as_e164(files.numbers(5, 1_000))
    first, last = sorted(frame["date_consentement"])[:: len(frame) - 1]
    assert "2021-01-01T00:00:00Z" <= first <= last <= "2023-12-31T23:59:59Z"
    moment = datetime.fromtimestamp(int(files.consents(5, 1)[0]), UTC)
    assert frame["date_consentement"][0] == moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_write_file_in_several_batches_has_one_header(tmp_path: Path) -> None:
    file = files.write_file(tmp_path / "made.csv", 0, 1_000_003, with_consents=False)
    assert pl.read_csv(file)["telephone"].to_list() == as_e164(files.numbers(0, 1_000_003))
