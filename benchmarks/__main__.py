"""`python -m benchmarks [P1 …]`: measure, print the table, and record a whole run."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import p01_ingest, p04_answer
from benchmarks.measured import Measured, Say
from benchmarks.scale import SCALES, Scale
from benchmarks.table import table

BENCHMARKS: dict[str, Callable[[Scale, Say], Measured]] = {
    "P1": p01_ingest.measure,
    "P4": p04_answer.measure,
}


def main(
    choice: Annotated[list[str] | None, typer.Argument(help="Which ones: P1 P4. All, unless given.")] = None,
    scale: Annotated[str, typer.Option(help="`short` fits five minutes; `full` is the size of the targets.")] = "short",
) -> None:
    """Measure Filiation beside its yardsticks."""
    # Piped into a file or a log, the table is as wide as it needs to be.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 150)
    for name in choice or BENCHMARKS:

        def say(doing: str, name: str = name) -> None:
            console.print(f"{name}: {doing}", style="dim")

        measured = BENCHMARKS[name](SCALES[scale], say)
        console.print(table(measured.comparisons))


if __name__ == "__main__":
    typer.run(main)
