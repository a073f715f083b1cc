"""The sizes of a run: short, for minutes on two cores, or full, as the targets state."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """The sizes of one run."""

    name: str
    rounds: int = 3
    ingest_lines: int = 5_000_000
    base_lines: int = 2_900_000
    list_lines: int = 1_000_000
    peer_numbers: int = 100_000
    row_count: int = 1_000_000
    answer_memberships: int = 1_000_000
    growth_datasets: tuple[int, ...] = (100, 1_000)
    growth_memberships: tuple[int, ...] = (10_000_000,)
    answer_seconds: float = 2.0
    concurrent_seconds: float = 15.0
    timing_means: int = 200


SHORT = Scale("short")
FULL = Scale(
    "full",
    base_lines=29_000_000,
    peer_numbers=1_000_000,
    row_count=10_000_000,
    answer_seconds=5.0,
    concurrent_seconds=60.0,
    timing_means=1_000,
    growth_datasets=(100, 1_000, 10_000),
    growth_memberships=(10_000_000, 100_000_000),
)
SCALES = {scale.name: scale for scale in (SHORT, FULL)}
