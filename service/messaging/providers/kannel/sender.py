"""Hands messages to Kannel, and knows its codes for what became of them."""

import asyncio
import logging
import uuid
from datetime import datetime
from typing import Final

from service.core.clock import now
from service.core.db import Database
from service.core.errors import Unreachable
from service.core.settings import Settings
from service.messaging.messages import record_message, record_state
from service.messaging.models import MessageState
from service.messaging.providers.kannel.box import Box, BoxClosed, open_box
from service.messaging.providers.kannel.packets import Ack, MalformedPacket, Sms, Taken, Way
from service.number.normalisation import e164

log = logging.getLogger(__name__)

_TIMEOUT_SECONDS: Final = 10
# A box with a name is given nothing that telephones send.
_NAME: Final = b"filiation"

# Kannel's codes for what became of a message in the end (user's guide, "Delivery reports"). Their sum is the mask that
# asks for these reports. The other codes, that the message is at the message centre or waits there, say nothing final.
_DELIVERED, _UNDELIVERABLE, _REFUSED_BY_CENTRE = 1, 2, 16
_MASK: Final = _DELIVERED | _UNDELIVERABLE | _REFUSED_BY_CENTRE
_STATE_OF_CODE: Final = {
    _DELIVERED: MessageState.DELIVERED,
    _UNDELIVERABLE: MessageState.FAILED,
    _REFUSED_BY_CENTRE: MessageState.FAILED,
}


def state_of_code(code: int) -> MessageState | None:
    """The final state that a code in a delivery report means; None for any other code."""
    return _STATE_OF_CODE.get(code)


class _NotAccepted(Exception):
    """Kannel did not say that it took a message. Unless that `is_certain`, it may have taken it nevertheless."""

    def __init__(self, reason: str, *, is_certain: bool) -> None:
        super().__init__(reason)
        self.is_certain = is_certain


class Kannel:
    """A `Gateway` that hands messages to a Kannel's bearerbox, over a connection that it opens when it needs one."""

    def __init__(self, settings: Settings, database: Database) -> None:
        assert settings.kannel_address is not None
        self._address, self._originator = settings.kannel_address, settings.kannel_originator.encode()
        self._database = database
        self._line: _Line | None = None
        self._connecting = asyncio.Lock()

    async def send(self, message_id: uuid.UUID, number: int, text: str, *, until: datetime) -> None:
        """Hand over a message. It is recorded first, because its report may arrive before the answer."""
        await record_message(self._database, message_id)
        message = Sms(
            id=message_id,
            way=Way.TO_TELEPHONE,
            sender=self._originator,
            receiver=e164(number).encode(),
            text=text.encode(),
            time=int(now().timestamp()),
            valid_until=int(until.timestamp()),
            report_mask=_MASK,
            report_name=str(message_id).encode(),
        )
        try:
            await self._hand_over(message)
        except _NotAccepted as problem:
            log.error("Kannel did not accept a message: %s", problem)
            if problem.is_certain:
                await record_state(self._database, message_id, MessageState.FAILED)
            raise Unreachable(
                "message_not_sent", "The message could not be sent. Try again in a few minutes."
            ) from None

    async def close(self) -> None:
        """Close the connection."""
        if self._line is not None:
            await self._line.close()

    async def _hand_over(self, message: Sms) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                line = await self._open_line()
        except OSError as problem:
            raise _NotAccepted(type(problem).__name__, is_certain=True) from None
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                taken = await line.hand_over(message)
        except OSError as problem:
            raise _NotAccepted(type(problem).__name__, is_certain=False) from None
        if taken not in (Taken.ACCEPTED, Taken.WAITING):
            raise _NotAccepted(f"answer {taken}", is_certain=True)

    async def _open_line(self) -> "_Line":
        async with self._connecting:
            if self._line is None or self._line.ended:
                self._line = _Line(await open_box(self._address, _NAME))
            return self._line


class _Line:
    """An open connection, and the messages on it that wait for their answers."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._waiting: dict[uuid.UUID, asyncio.Future[int]] = {}
        self._listening = asyncio.create_task(self._listen())

    @property
    def ended(self) -> bool:
        """Whether nothing can be sent any longer."""
        return self._listening.done()

    async def hand_over(self, message: Sms) -> int:
        """Send a message, and return Kannel's answer.

        Raises:
            OSError: the connection ended before the answer. Nobody can say whether Kannel has the message.
        """
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting[message.id] = answer
        try:
            await self._box.write(message)
            return await answer
        finally:
            self._waiting.pop(message.id, None)

    async def close(self) -> None:
        """End the connection."""
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)

    async def _listen(self) -> None:
        try:
            while True:
                packet = await self._box.read()
                if not isinstance(packet, Ack):
                    continue
                answer = self._waiting.get(packet.id)
                if answer is not None and not answer.done():
                    answer.set_result(packet.taken)
        except (BoxClosed, MalformedPacket) as problem:
            log.info("The connection to Kannel ended: %s", problem)
        finally:
            self._box.close()
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(BoxClosed("Kannel closed the connection."))
