"""What one benchmark gives: lines for the table, and what to draw."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.comparison import Comparison

Say = Callable[[str], None]
"""Tells whoever waits what is being done."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing of lines: for each name its points (x, y). Both axes may be logarithmic."""

    name: str
    title: str
    x_title: str
    y_title: str
    lines: Mapping[str, Sequence[tuple[float, float]]]


@dataclass(frozen=True, slots=True)
class Measured:
    """The outcome of one benchmark."""

    comparisons: list[Comparison]
    plots: list[Plot] = field(default_factory=list)
