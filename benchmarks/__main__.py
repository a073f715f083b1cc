"""`python -m benchmarks [P1 …]`: measure, print the table, and record a whole run."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Literal

import typer
from rich.console import Console

from benchmarks import (
    machine,
    p01_ingest,
    p02_base,
    p03_size,
    p04_answer,
    p04_peers,
    p05_growth,
    p06_screening,
    p07_objection,
    p08_erasure,
    p10_start,
)
from benchmarks.measured import Measured, Say
from benchmarks.record import record, rows_of
from benchmarks.scale import SCALES, Scale
from benchmarks.table import table

BENCHMARKS: dict[str, Callable[[Scale, Say], Measured]] = {
    "P1": p01_ingest.measure,
    "P2": p02_base.measure,
    "P3": p03_size.measure,
    "P4": p04_answer.measure,
    "P5": p05_growth.measure,
    "P6": p06_screening.measure,
    "P7": p07_objection.measure,
    "P8": p08_erasure.measure,
    "P10": p10_start.measure,
    "peers": p04_peers.measure,
}
FULL_ONLY = {"P2"}


def main(
    choice: Annotated[
        list[str] | None, typer.Argument(help=f"Which: {' '.join(BENCHMARKS)}. All unless given.")
    ] = None,
    scale: Annotated[
        Literal["short", "full"], typer.Option(help="Sizes that fit five minutes, or those of the targets.")
    ] = "short",
    keep: Annotated[
        bool | None, typer.Option("--record/--no-record", help="Keep the results. All are kept, a choice is not.")
    ] = None,
) -> None:
    """Measure Filiation beside its yardsticks."""
    if unknown := set(choice or ()) - BENCHMARKS.keys():
        raise typer.BadParameter(f"there is no {', '.join(sorted(unknown))}, only {', '.join(BENCHMARKS)}")
    # Piped into a file or a log, the table is as wide as it needs to be.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 150)
    where, day = machine.describe(), datetime.now(UTC).date()
    console.print(where)
    for name in choice or [name for name in BENCHMARKS if scale == "full" or name not in FULL_ONLY]:
        measured = BENCHMARKS[name](SCALES[scale], partial(_say, console, name))
        console.print(table(measured.comparisons))
        if keep if keep is not None else not choice:
            record(rows_of(measured.comparisons, scale, where, day), measured.plots, scale)


def _say(console: Console, name: str, doing: str) -> None:
    console.print(f"{name}: {doing}", style="dim")


if __name__ == "__main__":
    typer.run(main)
