"""The body of an upload as it arrives: in portions, some of them ahead of what is read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

_PORTIONS_AHEAD: Final = 4
_PORTION_BYTES: Final = 1024 * 1024


async def portions_of(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The bytes of a body, in portions that need few hops to a thread and little memory."""
    held = bytearray()
    async for chunk in body:
        held += chunk
        if len(held) >= _PORTION_BYTES:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


@asynccontextmanager
async def read_ahead(portions: AsyncIterator[bytes]) -> AsyncIterator[AsyncIterator[bytes]]:
    """The portions; a few more are received while one is being read."""
    arrived: asyncio.Queue[bytes | None] = asyncio.Queue(_PORTIONS_AHEAD)

    async def receive() -> None:
        try:
            async for portion in portions:
                await arrived.put(portion)
        except Exception:
            await arrived.put(None)
            raise
        await arrived.put(None)

    async def received() -> AsyncIterator[bytes]:
        while (portion := await arrived.get()) is not None:
            yield portion
        # Raises here if the client went away.
        await receiving

    receiving = asyncio.create_task(receive())
    try:
        yield received()
    finally:
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)
