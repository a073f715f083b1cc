"""Watches the memory of reader processes where the system keeps no limit on it: macOS ignores RLIMIT_DATA."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from service.sandbox.process import ReaderProcess

IS_NEEDED: Final = sys.platform != "linux"
_SECONDS_BETWEEN: Final = 0.25


@asynccontextmanager
async def watched(process: ReaderProcess, memory_bytes: int) -> AsyncIterator[None]:
    """End a reader process that has more memory than this during the block."""
    watching = asyncio.create_task(_watch(process, memory_bytes))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watch(process: ReaderProcess, memory_bytes: int) -> None:
    while True:
        if process.pid is not None and await _resident_bytes(process.pid) > memory_bytes:
            process.end_for_memory()
            return
        await asyncio.sleep(_SECONDS_BETWEEN)


async def _resident_bytes(pid: int) -> int:
    """The memory of a process, as POSIX's ps tells it; 0 if it has ended."""
    asked = await asyncio.create_subprocess_exec(
        "ps", "-o", "rss=", "-p", str(pid), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    answer, _ = await asked.communicate()
    return int(answer or 0) << 10
