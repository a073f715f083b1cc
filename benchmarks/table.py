"""A run's results as a table: printed here, and as Markdown in the README."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from benchmarks.comparison import TIMES, Comparison

HEADINGS = ("id", "work; yardstick", "product", "yardstick", "unit", "ratio", "target", "met")
_FIGURES = {"product", "yardstick", "ratio", "target"}
_MET = {True: "yes", False: "no", None: ""}


def figure(value: float | None) -> str:
    """A figure with three significant digits, thousands set apart; nothing for none."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def cells(row: Mapping[str, Any]) -> list[str]:
    """The texts of one line, as it is in `results.json`, under `HEADINGS`."""
    return [
        row["id"],
        row["work"],
        figure(row["product"]),
        figure(row["yardstick"]),
        row["unit"],
        "" if row["ratio"] is None else f"{figure(row['ratio'])}{TIMES}",
        row["target"] or "",
        _MET[row["met"]],
    ]


def table(comparisons: Sequence[Comparison]) -> Table:
    """`comparisons`, one a row."""
    made = Table()
    for name in HEADINGS:
        made.add_column(name, justify="right" if name in _FIGURES else "left", overflow="fold")
    for one in comparisons:
        made.add_row(*cells(one.as_json()), style="red" if one.met is False else None)
    return made
