"""The results of a run as a table: printed, and as Markdown in the README."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from benchmarks.comparison import TIMES, Comparison

HEADINGS = ("id", "work; yardstick", "product", "yardstick", "unit", "ratio", "target", "met")
_FIGURES = {"product", "yardstick", "ratio", "target"}
_MET = {True: "yes", False: "no", None: ""}


def format_figure(value: float | None) -> str:
    """A figure with three significant digits and thousands separators; empty for None."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def row_cells(row: Mapping[str, Any]) -> list[str]:
    """The cells of a row of `results.json`, under `HEADINGS`."""
    return [
        row["id"],
        row["work"],
        format_figure(row["product"]),
        format_figure(row["yardstick"]),
        row["unit"],
        "" if row["ratio"] is None else f"{format_figure(row['ratio'])}{TIMES}",
        row["target"] or "",
        _MET[row["met"]],
    ]


def results_table(comparisons: Sequence[Comparison]) -> Table:
    """A table with a row for each of `comparisons`."""
    table = Table()
    for heading in HEADINGS:
        table.add_column(heading, justify="right" if heading in _FIGURES else "left", overflow="fold")
    for comparison in comparisons:
        table.add_row(*row_cells(comparison.as_json()), style="red" if comparison.met is False else None)
    return table
