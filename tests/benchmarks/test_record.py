"""What is printed, kept and drawn."""

import io
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from benchmarks import record
from benchmarks.comparison import Comparison, Target
from benchmarks.drawing import draw
from benchmarks.measured import Plot
from benchmarks.record import BEGIN, END, read, rows_of, section
from benchmarks.table import HEADINGS, figure, table

SVG = "{http://www.w3.org/2000/svg}"
MET = Comparison("P1", "a file; \\copy", 4_200_000.0, 1_400_000.0, "numbers/s", Target("≥", 3))
MISSED = Comparison("P10", "start", 16.0, None, "s", Target("≤", 15, "s"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which nothing was recorded yet."""
    (tmp_path / "results.json").write_text("[]\n")
    (tmp_path / "README.md").write_text(f"Before.\n\n{BEGIN}\n\nnothing\n{END}\n\nAfter.\n")
    return tmp_path


def kept(folder: Path, comparison: Comparison, scale: str = "short", day: int = 1) -> str:
    """What the README says after a run of one benchmark."""
    rows = rows_of([comparison], scale, "2 cores", date(2026, 11, day))
    record.record(rows, [], scale, folder)
    return (folder / "README.md").read_text()


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0.1371, "0.137"), (2.0, "2"), (17.123, "17.1"), (845_135.4, "845,135"), (99.96, "100")],
)
def test_figures_have_three_digits(value: float | None, text: str) -> None:
    assert figure(value) == text


def test_the_table_tells_every_line() -> None:
    console = Console(width=150, file=io.StringIO())
    with console.capture() as captured:
        console.print(table([MET, MISSED]))
    told = captured.get()
    assert all(text in told for text in (*HEADINGS, "4,200,000", "3×", "≥ 3×", "yes", "≤ 15 s", "no"))


def test_a_later_run_takes_the_place_of_the_one_before(folder: Path) -> None:
    kept(folder, MISSED)
    kept(folder, MET)
    faster = Comparison("P1", MET.work, 5_000_000.0, 1_000_000.0, MET.unit, MET.target)
    told = kept(folder, faster, day=2)
    assert [(row["id"], row["product"]) for row in read(folder)] == [("P1", 5_000_000.0), ("P10", 16.0)]
    assert "5,000,000" in told
    assert "4,200,000" not in told
    assert told.startswith("Before.")
    assert told.endswith("After.\n")


def test_runs_of_both_sizes_stand_beside_each_other(folder: Path) -> None:
    kept(folder, MET)
    told = kept(folder, MET, scale="full")
    assert [row["scale"] for row in read(folder)] == ["full", "short"]
    assert "`make bench`, 2026-11-01" in told
    assert "`make bench SCALE=full`, 2026-11-01" in told


def test_the_committed_readme_is_made_from_the_committed_results() -> None:
    readme = (record.FOLDER / "README.md").read_text()
    assert readme == record.with_section(readme, section(read()))


def test_the_committed_results_have_the_keys_that_readers_expect() -> None:
    for row in read():
        assert {"id", "work", "product", "yardstick", "unit", "ratio", "target", "met"} <= row.keys()


points = st.lists(st.tuples(st.floats(1, 1e9), st.floats(1e-3, 1e9)), min_size=1, max_size=6)


@given(st.dictionaries(st.text("ab<&é", min_size=1), points, min_size=1, max_size=4))
def test_a_drawing_is_well_formed_and_holds_every_point(lines: dict[str, list[tuple[float, float]]]) -> None:
    plot = Plot("plot", "Title <&>", "numbers", "ms", lines)
    picture = ElementTree.fromstring(draw(plot))
    width, height = map(float, picture.attrib["viewBox"].split()[2:])
    drawn = [line.attrib["points"].split() for line in picture.iter(f"{SVG}polyline")]
    assert [len(places) for places in drawn] == [len(places) for places in lines.values()]
    for place in (place for places in drawn for place in places):
        across, down = map(float, place.split(","))
        assert 0 <= across <= width
        assert 0 <= down <= height
    assert draw(plot) == draw(plot)


def test_higher_figures_are_drawn_higher_and_larger_ones_further_right() -> None:
    picture = ElementTree.fromstring(draw(Plot("plot", "", "x", "y", {"one": [(10, 1), (1_000, 4)]})))
    (line,) = picture.iter(f"{SVG}polyline")
    (left, low), (right, high) = (map(float, place.split(",")) for place in line.attrib["points"].split())
    assert left < right
    assert high < low
