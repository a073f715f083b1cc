"""The printed table, the stored results and the plots."""

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
from benchmarks.plot_svg import draw_plot
from benchmarks.record import BEGIN, END, read_results, result_rows, results_section
from benchmarks.result import Plot
from benchmarks.results_table import HEADINGS, format_figure, results_table

SVG = "{http://www.w3.org/2000/svg}"
MET = Comparison("P1", "a file; \\copy", 4_200_000.0, 1_400_000.0, "numbers/s", Target("≥", 3))
MISSED = Comparison("P10", "start", 16.0, None, "s", Target("≤", 15, "s"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder without recorded results."""
    (tmp_path / "results.json").write_text("[]\n")
    (tmp_path / "README.md").write_text(f"Before.\n\n{BEGIN}\n\nnothing\n{END}\n\nAfter.\n")
    return tmp_path


def recorded(folder: Path, comparison: Comparison, scale: str = "short", day: int = 1) -> str:
    """The README after a run of one benchmark."""
    rows = result_rows([comparison], scale, "2 cores", date(2026, 11, day))
    record.record(rows, [], scale, folder)
    return (folder / "README.md").read_text()


def test_format_figure_has_three_significant_digits() -> None:
    texts = {None: "", 0.1371: "0.137", 2.0: "2", 17.123: "17.1", 845_135.4: "845,135", 99.96: "100"}
    assert {value: format_figure(value) for value in texts} == texts


def test_results_table_shows_every_comparison() -> None:
    console = Console(width=150, file=io.StringIO())
    with console.capture() as captured:
        console.print(results_table([MET, MISSED]))
    printed = captured.get()
    assert all(text in printed for text in (*HEADINGS, "4,200,000", "3×", "≥ 3×", "yes", "≤ 15 s", "no"))


def test_record_replaces_an_earlier_run_of_the_same_benchmark(folder: Path) -> None:
    recorded(folder, MISSED)
    recorded(folder, MET)
    faster = Comparison("P1", MET.work, 5_000_000.0, 1_000_000.0, MET.unit, MET.target)
    readme = recorded(folder, faster, day=2)
    assert [(row["id"], row["product"]) for row in read_results(folder)] == [("P1", 5_000_000.0), ("P10", 16.0)]
    assert "5,000,000" in readme
    assert "4,200,000" not in readme
    assert readme.startswith("Before.")
    assert readme.endswith("After.\n")


def test_record_keeps_runs_of_both_scales(folder: Path) -> None:
    recorded(folder, MET)
    readme = recorded(folder, MET, scale="full")
    assert [row["scale"] for row in read_results(folder)] == ["full", "short"]
    assert "`make bench`, 2026-11-01" in readme
    assert "`make bench SCALE=full`, 2026-11-01" in readme


def test_committed_readme_is_generated_from_the_committed_results() -> None:
    readme = (record.FOLDER / "README.md").read_text()
    assert readme == record.replace_section(readme, results_section(read_results()))


def test_committed_results_have_the_keys_of_results_json() -> None:
    for row in read_results():
        assert {"id", "work", "product", "yardstick", "unit", "ratio", "target", "met"} <= row.keys()


points = st.lists(st.tuples(st.floats(1, 1e9), st.floats(1e-3, 1e9)), min_size=1, max_size=6)


@given(st.dictionaries(st.text("ab<&é", min_size=1), points, min_size=1, max_size=4))
def test_draw_plot_is_well_formed_and_contains_every_point(lines: dict[str, list[tuple[float, float]]]) -> None:
    plot = Plot("plot", "Title <&>", "numbers", "ms", lines)
    picture = ElementTree.fromstring(draw_plot(plot))
    width, height = map(float, picture.attrib["viewBox"].split()[2:])
    drawn = [line.attrib["points"].split() for line in picture.iter(f"{SVG}polyline")]
    assert [len(positions) for positions in drawn] == [len(places) for places in lines.values()]
    for position in (position for positions in drawn for position in positions):
        across, down = map(float, position.split(","))
        assert 0 <= across <= width
        assert 0 <= down <= height
    assert draw_plot(plot) == draw_plot(plot)


def test_draw_plot_puts_higher_values_higher_and_larger_ones_further_right() -> None:
    picture = ElementTree.fromstring(draw_plot(Plot("plot", "", "x", "y", {"one": [(10, 1), (1_000, 4)]})))
    (line,) = picture.iter(f"{SVG}polyline")
    (left, low), (right, high) = (map(float, position.split(",")) for position in line.attrib["points"].split())
    assert left < right
    assert high < low
