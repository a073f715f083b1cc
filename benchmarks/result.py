"""The result of a benchmark: rows of the table, and plots."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.comparison import Comparison

Progress = Callable[[str], None]
"""Shows what is being done to the user who waits."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot of named lines, each with its points (x, y)."""

    name: str
    title: str
    x_title: str
    y_title: str
    lines: Mapping[str, Sequence[tuple[float, float]]]


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one benchmark."""

    comparisons: list[Comparison]
    plots: list[Plot] = field(default_factory=list)
