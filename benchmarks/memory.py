"""The most memory that each process of the service takes while something goes on, read from /proc.

A process of ours counts with all that it has resident. A backend of PostgreSQL counts with what is its own: the shared
buffers, which each of them maps, are one setting and not a cost of the work.
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
class Peak:
    """Mebibytes: of the largest process of the service itself, and of the largest backend."""

    service: float = 0
    backend: float = 0


@contextmanager
def watching(service: Service) -> Iterator[Peak]:
    """The peak from here on; it is complete when the block is left."""
    peak, over = Peak(), threading.Event()
    for process in _processes(service):
        _forget_peak(process)
    watcher = threading.Thread(target=_watch, args=(service, _postmaster(service), peak, over))
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()


def _postmaster(service: Service) -> int:
    with psycopg.connect(service.dsn) as connection:
        parent = _status(connection.info.backend_pid, "PPid")
    assert parent is not None
    return parent


def _watch(service: Service, postmaster: int, peak: Peak, over: threading.Event) -> None:
    while not over.wait(_PAUSE_SECONDS):
        for process in _processes(service):
            peak.service = max(peak.service, _mebibytes(process, "VmHWM"))
        for process in _children(postmaster):
            peak.backend = max(peak.backend, _mebibytes(process, "RssAnon"))


def _processes(service: Service) -> list[int]:
    return [service.process, *_children(service.process)]


def _forget_peak(process: int) -> None:
    """Let the kernel's own memory of a process's peak (VmHWM) begin anew, as proc(5) says."""
    Path(f"/proc/{process}/clear_refs").write_text("5")


def _children(process: int) -> list[int]:
    """The processes that `process` has started, and those that they have."""
    started: list[str] = []
    with suppress(OSError):  # it has ended, or one of its threads
        for thread in Path(f"/proc/{process}/task").iterdir():
            started += (thread / "children").read_text().split()
    return [found for child in map(int, started) for found in (child, *_children(child))]


def _mebibytes(process: int, name: str) -> float:
    return (_status(process, name) or 0) / _MEBIBYTE_IN_KIB


def _status(process: int, name: str) -> int | None:
    """A line of a process's status; None if it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return None
    found = re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE)
    return int(found[1]) if found else None
