"""Stores results in `results.json`, and generates the section of `README.md` and the plots from them."""

import itertools
import json
from collections.abc import Iterable, Sequence
from datetime import date
from operator import itemgetter
from pathlib import Path
from typing import Any

from benchmarks.comparison import Comparison
from benchmarks.plot_svg import draw_plot
from benchmarks.result import Plot
from benchmarks.results_table import HEADINGS, row_cells

Row = dict[str, Any]

FOLDER = Path(__file__).parent
BEGIN, END = "<!-- generated from results.json -->", "<!-- end of the generated section -->"

_RUN = itemgetter("scale", "measured_on", "machine")


def result_rows(comparisons: Iterable[Comparison], scale: str, machine: str, day: date) -> list[Row]:
    """The rows of one run, as they are stored in `results.json`."""
    run = {"scale": scale, "measured_on": day.isoformat(), "machine": machine}
    return [comparison.as_json() | run for comparison in comparisons]


def record(measured: Sequence[Row], plots: Iterable[Plot], scale: str, folder: Path = FOLDER) -> None:
    """Store the rows of a run. They replace the rows of the same benchmarks at the same scale."""
    for plot in plots:
        (folder / f"{plot.name}-{scale}.svg").write_text(draw_plot(plot))
    ids = {row["id"] for row in measured}
    others = [row for row in read_results(folder) if row["scale"] != scale or row["id"] not in ids]
    rows = sorted([*others, *measured], key=itemgetter("scale", "id"))
    (folder / "results.json").write_text(json.dumps(rows, ensure_ascii=False, indent=2) + "\n")
    readme = folder / "README.md"
    readme.write_text(replace_section(readme.read_text(), results_section(rows, folder)))


def read_results(folder: Path = FOLDER) -> list[Row]:
    """The stored rows."""
    rows: list[Row] = json.loads((folder / "results.json").read_text())
    return rows


def replace_section(text: str, section: str) -> str:
    """`text` with `section` in the place of what stood between the two markers."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{section}\n{END}{after}"


def results_section(rows: Sequence[Row], folder: Path = FOLDER) -> str:
    """The results in Markdown: each run with its day, machine, table and plots."""
    if not rows:
        return "Nothing has been recorded yet.\n"
    # Ids with one digit come before those with two, and the rows of a run stay together.
    in_order = sorted(rows, key=lambda row: (*_RUN(row), len(row["id"]), row["id"]))
    return "\n".join(
        _run_section(run, list(rows_of_run), folder) for run, rows_of_run in itertools.groupby(in_order, _RUN)
    )


def _run_section(run: tuple[str, str, str], rows: Sequence[Row], folder: Path) -> str:
    scale, day, machine = run
    lines = [f"### `{_command(scale)}`, {day}", "", f"{machine}.", ""]
    lines += [_table_row(HEADINGS), _table_row("-" * len(HEADINGS)), *(_table_row(row_cells(row)) for row in rows), ""]
    lines += [f"![{path.stem}]({path.name})\n" for path in sorted(folder.glob(f"*-{scale}.svg"))]
    return "\n".join(lines)


def _command(scale: str) -> str:
    return "make bench" if scale == "short" else f"make bench SCALE={scale}"


def _table_row(texts: Iterable[str]) -> str:
    return f"| {' | '.join(texts)} |"
