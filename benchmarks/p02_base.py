"""P2: a broker's whole base in one upload: as many numbers per second as a smaller file, in bounded memory."""

from functools import partial
from statistics import median

from benchmarks.callers import admit_callers
from benchmarks.comparison import Comparison, Target
from benchmarks.memory import watch_memory
from benchmarks.p01_ingest import UNIT, one_upload, prepare_ingest
from benchmarks.result import Progress, Result
from benchmarks.scale import Scale
from benchmarks.service import running_service
from benchmarks.timing import run_in_turn
from service.core.vocabulary import Role

_MOST_MEBIBYTES = 1024


def measure(scale: Scale, progress: Progress) -> Result:
    """The base in turn with the file of P1, and the peak memory of the processes meanwhile."""
    with running_service() as service, admit_callers(service, Role.COLLECTOR) as (caller,):
        progress(f"a file of {scale.base_lines:,} lines and one of {scale.ingest_lines:,}")
        base = prepare_ingest(service, caller, scale.base_lines, 1)
        smaller_file = prepare_ingest(service, caller, scale.ingest_lines, 1).files
        smaller = base._replace(lines=scale.ingest_lines, files=smaller_file)
        tasks = {name: partial(one_upload, setup) for name, setup in (("base", base), ("smaller", smaller))}
        progress("registering them in turn")
        with watch_memory(service) as peak:
            medians = {name: median(times) for name, times in run_in_turn(tasks, scale.rounds).items()}
    size, most = f"{scale.base_lines:,} numbers", Target("≤", _MOST_MEBIBYTES, "MiB")
    base_speed, smaller_speed = scale.base_lines / medians["base"], scale.ingest_lines / medians["smaller"]
    work = f"{size} in one upload; {scale.ingest_lines:,}"
    return Result(
        [
            Comparison("P2", work, base_speed, smaller_speed, UNIT, Target("≥", 1)),
            Comparison("P2", f"{size}: peak memory of the largest process", peak.service, None, "MiB", most),
            Comparison("P2", f"{size}: peak memory of the largest backend", peak.backend, None, "MiB", most),
        ]
    )
