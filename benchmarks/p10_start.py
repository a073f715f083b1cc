"""P10: from `make demo`, with everything installed, to the first answer on the screen."""

import subprocess
import sys
import time
from statistics import median

from benchmarks.comparison import Comparison, Target
from benchmarks.measured import Measured, Say
from benchmarks.scale import Scale
from benchmarks.service import ROOT, temporary_folder

_MOST_SECONDS = 15
_ANSWER = "+33"


def measure(scale: Scale, say: Say) -> Measured:
    """The demonstration on a new data folder each time: database made, story told, first number answered."""
    say("the demonstration")
    took = median(_until_first_answer() for _ in range(scale.rounds))
    target = Target("≤", _MOST_SECONDS, "s")
    return Measured([Comparison("P10", "make demo to the first answer, after install", took, None, "s", target)])


def _until_first_answer() -> float:
    with temporary_folder() as folder:
        command = [sys.executable, "-m", "service", "demo", "--exit", "--port", "0", "--data-dir", str(folder / "data")]
        began = time.perf_counter()
        with subprocess.Popen([*command, "--lang", "en"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            took = next((time.perf_counter() - began for line in process.stdout if line.startswith(_ANSWER)), None)
            process.stdout.read()
        if took is None or process.returncode:
            raise RuntimeError(f"the demonstration failed with status {process.returncode}")
    return took
