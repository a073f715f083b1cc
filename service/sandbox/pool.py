"""The reader processes of one service: at most so many read at the same time, and others wait for their turn."""

import asyncio
import os
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Annotated, Final, TypeVar

from fastapi import Depends

from service.core.errors import Overloaded
from service.core.resources import resource
from service.core.settings import Settings
from service.sandbox import watch
from service.sandbox.evidence import EvidenceForm
from service.sandbox.form import PartForm
from service.sandbox.launcher import Launcher, launcher
from service.sandbox.process import ReaderProcess

Result = TypeVar("Result")

# A reader that waits for a slow client takes no processor, so there may be more of them than read at once.
_OPEN_FOR_EACH_TURN: Final = 8
# No organisation keeps all others from uploading, however slowly it sends.
_SHARE_OF_AN_ORGANISATION: Final = 4
_PATIENCE: Final = timedelta(seconds=30)
_MIB = 1 << 20


class ReaderPool:
    """Opens a reader process for each part or piece of evidence.

    It has two threads for each, so that waiting blocks nothing else.
    """

    def __init__(self, settings: Settings, starts: Launcher | None = None) -> None:
        turns = settings.reader_processes or os.cpu_count() or 1
        self._launcher = starts or launcher()
        self._memory_bytes = settings.reader_memory_mib * _MIB
        self._turns = asyncio.Semaphore(turns)
        self._most = turns * _OPEN_FOR_EACH_TURN
        self._open: Counter[uuid.UUID] = Counter()
        self._changed = asyncio.Condition()
        self._threads = ThreadPoolExecutor(2 * self._most, thread_name_prefix="reader")

    @asynccontextmanager
    async def reader(self, organisation_id: uuid.UUID, form: PartForm | EvidenceForm) -> AsyncIterator[ReaderProcess]:
        """A reader process for one part, or one piece of evidence, of an organisation.

        Raises:
            Overloaded: the service has as many as it may.
            ReaderLost: it could not be started.
        """
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._place(organisation_id))
            process = ReaderProcess(self._launcher, form, self._memory_bytes)
            stack.callback(process.close)
            if watch.IS_NEEDED:
                await stack.enter_async_context(watch.watched(process, self._memory_bytes))
            await self.in_thread(process.start)
            yield process

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn to read. Not held while a client is waited for."""
        async with self._turns:
            yield

    async def in_thread(self, work: Callable[[], Result]) -> Result:
        """The result of `work`, in a thread of this pool. Closing a reader ends what waits for it."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    @asynccontextmanager
    async def _place(self, organisation_id: uuid.UUID) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(_PATIENCE.total_seconds()), self._changed:
                await self._changed.wait_for(lambda: self._has_place(organisation_id))
                self._open[organisation_id] += 1
        except TimeoutError:
            raise Overloaded(
                "too_many_uploads",
                "The service reads as many files as it can at the same time. Send this one again in a minute.",
            ) from None
        try:
            yield
        finally:
            async with self._changed:
                self._open[organisation_id] -= 1
                self._open += Counter()
                self._changed.notify_all()

    def _has_place(self, organisation_id: uuid.UUID) -> bool:
        share = max(1, self._most // _SHARE_OF_AN_ORGANISATION)
        return self._open.total() < self._most and self._open[organisation_id] < share

    def close(self) -> None:
        """Take no more work."""
        self._threads.shutdown(wait=False, cancel_futures=True)


ReaderPoolDep = Annotated[ReaderPool, Depends(resource(ReaderPool))]
