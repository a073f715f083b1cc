"""The peak memory of each process of the service during a measurement, read from /proc.

A process of the service counts with all its resident memory. A PostgreSQL backend counts with its private memory:
all backends map the shared buffers, whose size is a setting and not a cost of the work.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.service import Service

_PAUSE_SECONDS = 0.1
_MEBIBYTE_IN_KIB = 1024


@dataclass
class PeakMemory:
    """Mebibytes of the largest process of the service, and of the largest backend."""

    service: float = 0
    backend: float = 0


@contextmanager
def watch_memory(service: Service) -> Iterator[PeakMemory]:
    """The peak during the block; it is complete when the block ends."""
    peak, finished = PeakMemory(), threading.Event()
    # The service keeps its memory private, so that only root can have the kernel forget an earlier peak.
    field = "VmHWM" if all(map(_reset_peak, _processes(service))) else "VmRSS"
    watcher = threading.Thread(target=_watch, args=(service, _postmaster(service), field, peak, finished))
    watcher.start()
    try:
        yield peak
    finally:
        finished.set()
        watcher.join()


def _postmaster(service: Service) -> int:
    with psycopg.connect(service.dsn) as connection:
        parent = _status(connection.info.backend_pid, "PPid")
    assert parent is not None
    return parent


def _watch(service: Service, postmaster: int, field: str, peak: PeakMemory, finished: threading.Event) -> None:
    while not finished.wait(_PAUSE_SECONDS):
        for process in _processes(service):
            peak.service = max(peak.service, _mebibytes(process, field))
        for process in _children(postmaster):
            peak.backend = max(peak.backend, _mebibytes(process, "RssAnon"))


def _processes(service: Service) -> list[int]:
    return [service.process, *_children(service.process)]


def _reset_peak(process: int) -> bool:
    """Reset the peak that the kernel keeps for a process (VmHWM, see proc(5)), if this process may do so."""
    try:
        Path(f"/proc/{process}/clear_refs").write_text("5")
    except PermissionError:
        return False
    return True


def _children(process: int) -> list[int]:
    """The processes that `process` started, and their own children in turn."""
    started: list[str] = []
    # The process, or one of its threads, may have ended.
    with suppress(OSError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            started += (thread / "children").read_text().split()
    return [found for child in map(int, started) for found in (child, *_children(child))]


def _mebibytes(process: int, name: str) -> float:
    return (_status(process, name) or 0) / _MEBIBYTE_IN_KIB


def _status(process: int, name: str) -> int | None:
    """A value of a process's status file; None if the process has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return None
    found = re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE)
    return int(found[1]) if found else None
