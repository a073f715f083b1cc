"""`python -m benchmarks [P1 …]`: measure, print the table, and record a whole run."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Literal

import typer
from rich.console import Console

from benchmarks import (
    lookup_times,
    machine,
    p01_ingest,
    p02_base,
    p03_size,
    p04_answer,
    p04_peers,
    p04_writer,
    p05_growth,
    p06_screening,
    p07_objection,
    p08_erasure,
    p10_start,
    p11_odd_files,
    p13_neighbours,
    p14_objecting,
    p15_mixed,
)
from benchmarks.record import record, result_rows
from benchmarks.result import Progress, Result
from benchmarks.results_table import results_table
from benchmarks.scale import SCALES, Scale

BENCHMARKS: dict[str, Callable[[Scale, Progress], Result]] = {
    "P1": p01_ingest.measure,
    "P2": p02_base.measure,
    "P3": p03_size.measure,
    "P4": p04_answer.measure,
    "P5": p05_growth.measure,
    "P6": p06_screening.measure,
    "P7": p07_objection.measure,
    "P8": p08_erasure.measure,
    "P10": p10_start.measure,
    "P11": p11_odd_files.measure,
    "P13": p13_neighbours.measure,
    "P14": p14_objecting.measure,
    "P15": p15_mixed.measure,
    "times": lookup_times.measure,
    "writer": p04_writer.measure,
    "peers": p04_peers.measure,
}
FULL_ONLY = {"P2"}


def main(
    choice: Annotated[
        list[str] | None,
        typer.Argument(help=f"Benchmarks to run: {' '.join(BENCHMARKS)}. Default: all (P2 with --scale full only)."),
    ] = None,
    scale: Annotated[
        Literal["short", "full"], typer.Option(help="Sizes that take minutes, or the sizes of the targets.")
    ] = "short",
    keep: Annotated[
        bool | None,
        typer.Option("--record/--no-record", help="Record the results. Default: record a whole run, not a choice."),
    ] = None,
) -> None:
    """Measure Filiation beside its yardsticks."""
    if unknown := set(choice or ()) - BENCHMARKS.keys():
        raise typer.BadParameter(f"No benchmark {', '.join(sorted(unknown))}. Choose from: {', '.join(BENCHMARKS)}.")
    # In a file or a log the table is as wide as it needs to be.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 150)
    machine_text, day = machine.describe_machine(), datetime.now(UTC).date()
    console.print(machine_text)
    for name in choice or [name for name in BENCHMARKS if scale == "full" or name not in FULL_ONLY]:
        result = BENCHMARKS[name](SCALES[scale], partial(_print_progress, console, name))
        console.print(results_table(result.comparisons))
        if keep if keep is not None else not choice:
            record(result_rows(result.comparisons, scale, machine_text, day), result.plots, scale)


def _print_progress(console: Console, name: str, activity: str) -> None:
    console.print(f"{name}: {activity}", style="dim")


if __name__ == "__main__":
    typer.run(main)
