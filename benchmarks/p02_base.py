"""P2: the whole base of a broker in one upload: as fast for each number as a smaller file, in bounded memory."""

from functools import partial
from statistics import median

from benchmarks.calling import callers
from benchmarks.comparison import Comparison, Target
from benchmarks.measured import Measured, Say
from benchmarks.measuring import interleaved
from benchmarks.memory import watching
from benchmarks.p01_ingest import UNIT, one_upload, set_stage
from benchmarks.scale import Scale
from benchmarks.service import serving
from service.core.vocabulary import Role

_MOST_MEBIBYTES = 1024


def measure(scale: Scale, say: Say) -> Measured:
    """The base, in turn with the file of P1; and the most memory that any process took meanwhile."""
    with serving() as service, callers(service, Role.COLLECTOR) as (caller,):
        say(f"a file of {scale.base_lines:,} lines and one of {scale.ingest_lines:,}")
        base = set_stage(service, caller, scale.base_lines, 1)
        smaller = base._replace(lines=scale.ingest_lines, files=set_stage(service, caller, scale.ingest_lines, 1).files)
        works = {name: partial(one_upload, stage) for name, stage in (("base", base), ("smaller", smaller))}
        say("registering them in turn")
        with watching(service) as peak:
            taken = {name: median(times) for name, times in interleaved(works, scale.rounds).items()}
    size, most = f"{scale.base_lines:,} numbers", Target("≤", _MOST_MEBIBYTES, "MiB")
    speed, usual = scale.base_lines / taken["base"], scale.ingest_lines / taken["smaller"]
    return Measured(
        [
            Comparison("P2", f"{size} in one upload; {scale.ingest_lines:,}", speed, usual, UNIT, Target("≥", 1)),
            Comparison("P2", f"{size}: peak memory of the largest process", peak.service, None, "MiB", most),
            Comparison("P2", f"{size}: peak memory of the largest backend", peak.backend, None, "MiB", most),
        ]
    )
