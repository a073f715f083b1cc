"""How large everything is: what fits five minutes on two cores, and what the targets speak of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """The sizes of one run."""

    name: str
    rounds: int = 3
    ingest_lines: int = 5_000_000
    answer_memberships: int = 1_000_000
    answer_seconds: float = 2.0


SHORT = Scale("short")
FULL = Scale("full", answer_seconds=5.0)
SCALES = {scale.name: scale for scale in (SHORT, FULL)}
