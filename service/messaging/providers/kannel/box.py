"""A connection to Kannel's bearerbox, as one of its boxes."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from service.messaging.providers.kannel.packets import Ack, Admin, Command, Packet, Sms, length_of, pack, unpack

_CONNECT_SECONDS: Final = 5
# A bearerbox whose machine vanished without a word is noticed after a minute, where the system can do so.
_KEEPALIVE: Final = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
_LENGTH_BYTES: Final = 4


class BoxClosed(ConnectionError):
    """The connection to bearerbox has ended, or bearerbox asked to end it."""


class Box:
    """An open connection. One task reads from it; any may write to it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        # Of the packet that is being read, so that reading can be interrupted and go on.
        self._length: int | None = None

    async def read(self) -> Packet:
        """The next packet. It is not lost if the caller is interrupted.

        Raises:
            BoxClosed: there will be none.
            MalformedPacket: what came is no packet. Nothing can be read after it.
        """
        try:
            if self._length is None:
                self._length = length_of(await self._reader.readexactly(_LENGTH_BYTES))
            body = await self._reader.readexactly(self._length)
        except (asyncio.IncompleteReadError, OSError):
            raise BoxClosed("Kannel closed the connection.") from None
        self._length = None
        packet = unpack(body)
        if isinstance(packet, Admin) and packet.command in (Command.SHUTDOWN, Command.RESTART):
            # It waits for its boxes to go.
            raise BoxClosed("Kannel is stopping.")
        return packet

    async def read_all(self, quiet_seconds: float, most: int) -> list[Packet]:
        """The packets that come until none has come for so many seconds, at least one and at most so many.

        Raises:
            BoxClosed: there will be none. What had come is given again by bearerbox, since nobody acknowledged it.
            MalformedPacket: what came is no packet.
        """
        found = [await self.read()]
        while len(found) < most:
            try:
                async with asyncio.timeout(quiet_seconds):
                    found.append(await self.read())
            except TimeoutError:
                break
        return found

    async def write(self, packet: Admin | Ack | Sms) -> None:
        """Send a packet.

        Raises:
            OSError: the connection has ended.
        """
        self._writer.write(pack(packet))
        await self._writer.drain()

    def close(self) -> None:
        """End the connection."""
        self._writer.close()


async def open_box(address: str, name: bytes | None) -> Box:
    """Connect to the bearerbox at an address, a host and a port.

    What telephones send, and the reports, go to boxes without a name only.

    Raises:
        OSError: it cannot be reached.
    """
    host, _, port = address.rpartition(":")
    async with asyncio.timeout(_CONNECT_SECONDS):
        reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE.items():
        if hasattr(socket, option):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    box = Box(reader, writer)
    await box.write(Admin(Command.IDENTIFY, name))
    return box


@asynccontextmanager
async def opened_box(address: str, name: bytes | None) -> AsyncIterator[Box]:
    """Connect to the bearerbox at an address for as long as the block lasts (see `open_box`)."""
    box = await open_box(address, name)
    try:
        yield box
    finally:
        box.close()
