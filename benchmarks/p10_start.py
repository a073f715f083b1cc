"""P10: the time from `make demo`, with everything installed, to the first answer on the screen."""

import subprocess
import sys
import time
from statistics import median

from benchmarks.comparison import Comparison, Target
from benchmarks.result import Progress, Result
from benchmarks.scale import Scale
from benchmarks.service import ROOT, temporary_folder

_MOST_SECONDS = 15
_FIRST_ANSWER = "+33"


def measure(scale: Scale, progress: Progress) -> Result:
    """The demonstration on a new data folder each time: it makes a database, loads the story and prints answers."""
    progress("the demonstration")
    elapsed = median(_until_first_answer() for _ in range(scale.rounds))
    target = Target("≤", _MOST_SECONDS, "s")
    return Result([Comparison("P10", "make demo to the first answer, after install", elapsed, None, "s", target)])


def _until_first_answer() -> float:
    with temporary_folder() as folder:
        command = [sys.executable, "-m", "service", "demo", "--exit", "--port", "0", "--data-dir", str(folder / "data")]
        began = time.perf_counter()
        with subprocess.Popen([*command, "--lang", "en"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            elapsed = next(
                (time.perf_counter() - began for line in process.stdout if line.startswith(_FIRST_ANSWER)), None
            )
            process.stdout.read()
        if elapsed is None or process.returncode:
            raise RuntimeError(f"The demonstration failed with status {process.returncode}.")
    return elapsed
