"""The table that a run prints."""

from collections.abc import Sequence

from rich.table import Table

from benchmarks.comparison import Comparison

_MET = {True: "[green]yes[/]", False: "[red]no[/]", None: ""}


def figure(value: float | None) -> str:
    """A figure with three significant digits, thousands set apart; nothing for none."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(comparisons: Sequence[Comparison]) -> Table:
    """`comparisons`, one a row."""
    made = Table("id", "work; yardstick", highlight=False)
    for name in ("product", "yardstick"):
        made.add_column(name, justify="right")
    made.add_column("unit")
    for name in ("ratio", "target"):
        made.add_column(name, justify="right")
    made.add_column("met")
    for one in comparisons:
        ratio = "" if one.ratio is None else f"{one.ratio:.2f}×"
        target = str(one.target) if one.target else ""
        made.add_row(
            one.id, one.work, figure(one.product), figure(one.yardstick), one.unit, ratio, target, _MET[one.met]
        )
    return made
