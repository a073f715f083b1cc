"""Where results are kept: `results.json`, and what is made from it, a section of `README.md` and the plots."""

import itertools
import json
from collections.abc import Iterable, Sequence
from datetime import date
from operator import itemgetter
from pathlib import Path
from typing import Any

from benchmarks.comparison import Comparison
from benchmarks.drawing import draw
from benchmarks.measured import Plot
from benchmarks.table import HEADINGS, cells

Row = dict[str, Any]

FOLDER = Path(__file__).parent
BEGIN, END = "<!-- made from results.json -->", "<!-- end of what is made -->"

_RUN = itemgetter("scale", "measured_on", "machine")


def rows_of(comparisons: Iterable[Comparison], scale: str, machine: str, day: date) -> list[Row]:
    """What `results.json` holds of one run."""
    run = {"scale": scale, "measured_on": day.isoformat(), "machine": machine}
    return [one.as_json() | run for one in comparisons]


def record(measured: Sequence[Row], plots: Iterable[Plot], scale: str, folder: Path = FOLDER) -> None:
    """Keep what a run measured, in the place of what an earlier one of that scale measured of the same benchmarks."""
    for plot in plots:
        (folder / f"{plot.name}-{scale}.svg").write_text(draw(plot))
    ids = {row["id"] for row in measured}
    others = [row for row in read(folder) if row["scale"] != scale or row["id"] not in ids]
    rows = sorted([*others, *measured], key=itemgetter("scale", "id"))
    (folder / "results.json").write_text(json.dumps(rows, ensure_ascii=False, indent=2) + "\n")
    readme = folder / "README.md"
    readme.write_text(with_section(readme.read_text(), section(rows, folder)))


def read(folder: Path = FOLDER) -> list[Row]:
    """The results that are kept."""
    rows: list[Row] = json.loads((folder / "results.json").read_text())
    return rows


def with_section(text: str, made: str) -> str:
    """`text` with what stands between the markers replaced."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{made}\n{END}{after}"


def section(rows: Sequence[Row], folder: Path = FOLDER) -> str:
    """The results in Markdown: for each run its day, its machine, its table and its plots."""
    if not rows:
        return "Nothing was recorded yet.\n"
    # Ids of one digit come before those of two, and what belongs to a run stands together.
    in_order = sorted(rows, key=lambda row: (*_RUN(row), len(row["id"]), row["id"]))
    return "\n".join(_told(run, list(those), folder) for run, those in itertools.groupby(in_order, _RUN))


def _told(run: tuple[str, str, str], rows: Sequence[Row], folder: Path) -> str:
    scale, day, machine = run
    lines = [f"### `{_command(scale)}`, {day}", "", f"{machine}.", ""]
    lines += [_line(HEADINGS), _line("-" * len(HEADINGS)), *(_line(cells(row)) for row in rows), ""]
    lines += [f"![{path.stem}]({path.name})\n" for path in sorted(folder.glob(f"*-{scale}.svg"))]
    return "\n".join(lines)


def _command(scale: str) -> str:
    return "make bench" if scale == "short" else f"make bench SCALE={scale}"


def _line(texts: Iterable[str]) -> str:
    return f"| {' | '.join(texts)} |"
