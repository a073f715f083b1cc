"""Reads the body of a part by a reader process: bytes in as they arrive, batches of lines out."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from service.dataset.body import portions_of, read_ahead
from service.dataset.chunks import LINES_AT_ONCE
from service.sandbox.batch import Batch
from service.sandbox.form import PartForm
from service.sandbox.pool import ReaderPool
from service.sandbox.process import ReaderProcess

Seen = Callable[[bytes], None]
"""Called in a thread for each portion of a body, in their order, before it is read."""


@asynccontextmanager
async def reading(
    pool: ReaderPool, organisation_id: uuid.UUID, form: PartForm, body: AsyncIterator[bytes], seen: Seen
) -> AsyncIterator[ReaderProcess]:
    """A reader process that is sent a body during the block, which takes the batches. Its `end` is known afterwards.

    Raises what the body raises, if its client goes away.
    """
    async with read_ahead(portions_of(body)) as portions:
        # A reader is taken once there is something to read, so that no client holds it that sends nothing.
        first = await anext(portions, b"")
        async with (
            pool.reader(organisation_id, form) as reader,
            _beside(_send(pool, reader, _with_first(first, portions), seen), reader),
        ):
            yield reader


async def batches_of(pool: ReaderPool, reader: ReaderProcess) -> AsyncGenerator[list[Batch]]:
    """The batches of the lines, some at a time. The next are received while these are used."""
    receiving = asyncio.create_task(pool.in_thread(partial(_receive, reader)))
    try:
        while batches := await receiving:
            receiving = asyncio.create_task(pool.in_thread(partial(_receive, reader)))
            yield batches
    finally:
        reader.answered.set()
        if not receiving.done():
            reader.close()
            await asyncio.gather(receiving, return_exceptions=True)


def _receive(reader: ReaderProcess) -> list[Batch]:
    """The batches of the next lines; none after the last line."""
    batches: list[Batch] = []
    lines = 0
    while lines < LINES_AT_ONCE and (batch := reader.receive()) is not None:
        batches.append(batch)
        lines += batch.lines
    return batches


async def _with_first(first: bytes, portions: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for portion in portions:
        yield portion


async def _send(pool: ReaderPool, reader: ReaderProcess, portions: AsyncIterator[bytes], seen: Seen) -> None:
    """Send the portions to the reader, each in its turn. While a client is waited for, others read."""
    async for portion in portions:
        if portion:
            async with pool.turn():
                if not await pool.in_thread(partial(_see_and_send, reader, portion, seen)):
                    return
    async with pool.turn():
        await pool.in_thread(reader.finish)
        await reader.answered.wait()


def _see_and_send(reader: ReaderProcess, portion: bytes, seen: Seen) -> bool:
    seen(portion)
    return reader.send(portion)


@asynccontextmanager
async def _beside(sending: Coroutine[Any, Any, None], reader: ReaderProcess) -> AsyncIterator[None]:
    """Send beside the block. If sending fails, because the client is gone, the block fails of the same cause."""

    async def send() -> None:
        try:
            await sending
        except BaseException:
            # Whatever waits for the reader ends with it.
            reader.close()
            raise

    task = asyncio.create_task(send())
    try:
        yield
        await task
    except Exception:
        if task.done() and not task.cancelled() and (cause := task.exception()) is not None:
            raise cause from None
        raise
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
