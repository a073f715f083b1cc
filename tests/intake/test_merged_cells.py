"""Merged cells of a sheet: how they are found in its XML, and what each row then says."""

from array import array

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from service.intake.decoding import Expansion
from service.intake.xlsx.merged_cells import Beneath, MergedCells, find_merged_cells
from service.intake.xlsx.sheet_rows import Row

_ROWS, _COLUMNS = 7, 5
_Range = tuple[int, int, int, int]


@st.composite
def _ranges(draw: st.DrawFn) -> list[_Range]:
    """First and last rows, and first and last columns, of ranges that share no cell."""
    ranges, taken = list[_Range](), set[tuple[int, int]]()
    for _ in range(draw(st.integers(0, 6))):
        first_row, last_row = sorted(draw(st.tuples(*[st.integers(1, _ROWS)] * 2)))
        first_column, last_column = sorted(draw(st.tuples(*[st.integers(1, _COLUMNS)] * 2)))
        cells = {
            (row, column) for row in range(first_row, last_row + 1) for column in range(first_column, last_column + 1)
        }
        if not cells & taken:
            taken |= cells
            ranges.append((first_row, last_row, first_column, last_column))
    return ranges


def _up_to_last_filled(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells = cells[:-1]
    return cells


@settings(max_examples=60)
@given(ranges=_ranges(), sheet=st.dictionaries(st.integers(1, _ROWS), st.lists(st.sampled_from(["", "a", "b"]))))
def test_spread_values_of_ranges_gives_each_row_what_a_sheet_shows(
    ranges: list[_Range], sheet: dict[int, list[str]]
) -> None:
    expansion = Expansion()
    merged = MergedCells(array("i", [edge for edges in ranges for edge in edges]))
    rows = [Row(number, _up_to_last_filled(sheet[number][:_COLUMNS])) for number in sorted(sheet)]
    cells = {row.number: [*row.cells, *[""] * (_COLUMNS - len(row.cells))] for row in rows}
    found = {row.number: row.cells for row in merged.spread((Row(row.number, [*row.cells]) for row in rows), expansion)}
    for number, row_cells in cells.items():
        for column in range(1, _COLUMNS + 1):
            own = row_cells[column - 1]
            wanted, is_beneath, is_across = own, False, False
            for first_row, last_row, first_column, last_column in ranges:
                if first_row <= number <= last_row and first_column <= column <= last_column:
                    value = cells.get(first_row, [""] * _COLUMNS)[first_column - 1]
                    is_across = column > first_column
                    is_beneath = own != "" and (is_across or own != value)
                    if any(row_cells) and not (is_across or own):
                        wanted = value
            read = ([*found[number], *[""] * _COLUMNS])[column - 1]
            assert (read, isinstance(read, Beneath)) == (wanted, is_beneath)
            assert merged.across(np.array([number]), column).tolist() == [is_across]


@settings(max_examples=40)
@given(cut=st.integers(1, 60), prefix=st.sampled_from([b"", b"x:"]), count=st.integers(0, 3))
def test_find_merged_cells_in_pieces_of_any_size_finds_each_once(cut: int, prefix: bytes, count: int) -> None:
    ranges = b"".join(b'<%bmergeCell  xr:uid="1" ref="B%d:A1" />' % (prefix, row) for row in range(2, count + 2))
    text = b'<row r="1"><c><t>mergeCell</t></c></row><%bmergeCells count="3">%b<mergeCell ref="C9"/>' % (prefix, ranges)
    merged = find_merged_cells(text[at : at + cut] for at in range(0, len(text), cut))
    assert len(merged) == count + 1
    assert [merged.across(np.array([row]), 2).tolist() for row in (1, count + 1, count + 2)] == [
        [count > 0],
        [count > 0],
        [False],
    ]
