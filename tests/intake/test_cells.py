"""Cells are grouped by their shapes and their digits are read, whatever text they are in."""

import re
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.intake.cells import LONGEST_ALIKE, Cells

SIGNS = st.text("0123456789+- /:\u00e9\u00a0\uff10\0", max_size=70)
TEXTS = st.lists(SIGNS | st.text(max_size=50) | st.integers(10**8, 10**11).map("+{}".format), max_size=30)


def rows_of(column: Cells, alike: Any) -> list[int]:
    rows: list[int] = np.arange(len(column))[alike.rows].tolist()
    return rows


def spread(texts: list[str], gaps: list[str]) -> Cells:
    """The cells somewhere in a longer text, as they are in a file."""
    parts = [part.encode() for gap, text in zip(gaps, texts, strict=True) for part in (gap, text)]
    lengths = np.array([len(part) for part in parts], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    return Cells(b"".join(parts), starts[1::2], lengths[1::2])


@settings(max_examples=200, deadline=None)
@given(
    TEXTS.flatmap(lambda texts: st.tuples(st.just(texts), st.lists(SIGNS, min_size=len(texts), max_size=len(texts))))
)
def test_each_cell_is_in_the_group_of_its_shape(given_cells: tuple[list[str], list[str]]) -> None:
    texts, gaps = given_cells
    cells = spread(texts, gaps)
    assert cells.texts() == [cells[row] for row in range(len(cells))] == texts
    grouped: list[int] = []
    shapes = []
    for alike in cells.by_shape():
        rows = rows_of(cells, alike)
        grouped += rows
        shapes.append(alike.shape)
        assert {re.sub(rb"[0-9]", b"0", texts[row].encode()) for row in rows} == {alike.shape}
        if alike.shape.count(b"0") <= 18:
            assert alike.number().tolist() == [int(re.sub("[^0-9]", "", texts[row]) or 0) for row in rows]
    assert sorted(grouped) == [row for row, text in enumerate(texts) if 0 < len(text.encode()) <= LONGEST_ALIKE]
    assert len(shapes) == len(set(shapes))


@given(st.text("0123456789:.", min_size=1, max_size=LONGEST_ALIKE), st.integers(0, 70), st.integers(0, 70))
@example("99999999.9999", 0, 13)
def test_a_number_is_what_the_digits_in_its_places_spell(text: str, start: int, end: int) -> None:
    end = min(end, start + 18)
    (alike,) = Cells.of([text, text]).by_shape()
    assert alike.number(start, end).tolist() == [int(re.sub("[^0-9]", "", text[start:end]) or 0)] * 2


@given(st.text("0123456789;+", min_size=1, max_size=LONGEST_ALIKE), st.data())
def test_parts_of_cells_are_alike_too(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, min(start + 18, len(text))))
    (alike,) = Cells.of([text, text]).by_shape()
    alike.number(0, 18)
    part = alike.part(start, end)
    assert part.shape == re.sub(rb"[0-9]", b"0", text[start:end].encode())
    assert part.number().tolist() == [int(re.sub("[^0-9]", "", text[start:end]) or 0)] * 2


@pytest.mark.parametrize("step", [13, 14])
def test_cells_at_even_distances_are_read_like_others(step: int) -> None:
    text = b"".join(b"+%d," % number for number in range(33639980000, 33639980100)) + b";"
    starts = np.arange(100) * step % 1300
    cells = Cells(text, starts - starts % 13, np.full(100, 12))
    (alike,) = cells.by_shape()
    assert alike.number().tolist() == [int(cell) for cell in cells.texts()]


def test_one_byte_off_the_digits_is_another_shape() -> None:
    numbers = [f"{before}6399800{after}" for before in "/0129:\x7f" for after in "/0129:\x7f"]
    groups = {alike.shape: rows_of(Cells.of(numbers), alike) for alike in Cells.of(numbers).by_shape()}
    assert len(groups[b"000000000"]) == 16
    assert len(groups) == 16


@given(TEXTS)
def test_a_series_gives_the_same_column(texts: list[str]) -> None:
    assert Cells.of_series(pl.Series(texts, dtype=pl.String)).texts() == Cells.of(texts).texts() == texts
