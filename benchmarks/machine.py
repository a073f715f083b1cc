"""The machine on which the figures were measured."""

import os
import platform
import re
from pathlib import Path

from service.core.embedded import programs as postgres

_GIBIBYTE = 1 << 30


def describe_machine() -> str:
    """Cores, processor, memory and versions, in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIBIBYTE
    cores = len(os.sched_getaffinity(0))
    return (
        f"{cores} cores of {_processor()}, {memory:.0f} GiB; {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, {_postgres()}"
    )


def _processor() -> str:
    found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return found[1].strip() if found else platform.machine()


def _postgres() -> str:
    version = postgres.run(postgres.programs_for(Path.cwd()), Path("/"), "postgres", "--version").stdout
    return version.strip().replace("postgres (PostgreSQL)", "PostgreSQL")
