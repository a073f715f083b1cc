"""Cells are grouped by shape and their digits are read, in any text."""

import re
from typing import Any

import numpy as np
import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.intake.cells import LONGEST_GROUPED, Cells
from tests.examples import examples

SIGNS = st.text("0123456789+- /:\u00e9\u00a0\uff10\0", max_size=70)
TEXTS = st.lists(SIGNS | st.text(max_size=50) | st.integers(10**8, 10**11).map("+{}".format), max_size=30)


def rows_of(column: Cells, group: Any) -> list[int]:
    rows: list[int] = np.arange(len(column))[group.rows].tolist()
    return rows


def spread(texts: list[str], gaps: list[str]) -> Cells:
    """The cells within a longer text, as in a file."""
    parts = [part.encode() for gap, text in zip(gaps, texts, strict=True) for part in (gap, text)]
    lengths = np.array([len(part) for part in parts], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    return Cells(b"".join(parts), starts[1::2], lengths[1::2])


@settings(max_examples=examples(80, 200))
@given(
    TEXTS.flatmap(lambda texts: st.tuples(st.just(texts), st.lists(SIGNS, min_size=len(texts), max_size=len(texts))))
)
def test_by_shape_puts_each_cell_in_the_group_of_its_shape(given_cells: tuple[list[str], list[str]]) -> None:
    texts, gaps = given_cells
    cells = spread(texts, gaps)
    assert cells.texts() == [cells[row] for row in range(len(cells))] == texts
    grouped: list[int] = []
    shapes = []
    for group in cells.by_shape():
        rows = rows_of(cells, group)
        grouped += rows
        shapes.append(group.shape)
        assert {re.sub(rb"[0-9]", b"0", texts[row].encode()) for row in rows} == {group.shape}
        if group.shape.count(b"0") <= 18:
            assert group.number().tolist() == [int(re.sub("[^0-9]", "", texts[row]) or 0) for row in rows]
    assert sorted(grouped) == [row for row, text in enumerate(texts) if 0 < len(text.encode()) <= LONGEST_GROUPED]
    assert len(shapes) == len(set(shapes))


@given(st.text("0123456789:.", min_size=1, max_size=LONGEST_GROUPED), st.integers(0, 70), st.integers(0, 70))
@example("99999999.9999", 0, 13)
def test_number_of_some_places_is_written_by_their_digits(text: str, start: int, end: int) -> None:
    end = min(end, start + 18)
    (group,) = Cells.of([text, text]).by_shape()
    assert group.number(start, end).tolist() == [int(re.sub("[^0-9]", "", text[start:end]) or 0)] * 2


@given(st.text("0123456789;+", min_size=1, max_size=LONGEST_GROUPED), st.data())
def test_part_of_cells_has_one_shape_too(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, min(start + 18, len(text))))
    (group,) = Cells.of([text, text]).by_shape()
    group.number(0, 18)
    part = group.part(start, end)
    assert part.shape == re.sub(rb"[0-9]", b"0", text[start:end].encode())
    assert part.number().tolist() == [int(re.sub("[^0-9]", "", text[start:end]) or 0)] * 2


def test_number_of_cells_at_even_and_uneven_distances_is_read() -> None:
    text = b"".join(b"+%d," % number for number in range(33639980000, 33639980100)) + b";"
    for step in (13, 14):
        starts = np.arange(100) * step % 1300
        cells = Cells(text, starts - starts % 13, np.full(100, 12))
        (group,) = cells.by_shape()
        assert group.number().tolist() == [int(cell) for cell in cells.texts()], step


def test_by_shape_byte_next_to_the_digits_is_another_shape() -> None:
    numbers = [f"{before}6399800{after}" for before in "/0129:\x7f" for after in "/0129:\x7f"]
    groups = {group.shape: rows_of(Cells.of(numbers), group) for group in Cells.of(numbers).by_shape()}
    assert len(groups[b"000000000"]) == 16
    assert len(groups) == 16


@given(TEXTS)
def test_of_series_gives_the_same_column(texts: list[str]) -> None:
    assert Cells.of_series(pl.Series(texts, dtype=pl.String)).texts() == Cells.of(texts).texts() == texts
