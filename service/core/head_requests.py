"""HEAD: answered wherever GET is, with the same head and without a body, and nothing is recorded (RFC 9110, 9.3.2)."""

import asyncio
from typing import Final

from starlette.types import Message, Receive, Scope, Send

_KEY: Final = "filiation.is_head"


def as_get(scope: Scope) -> Scope:
    """The scope of the GET that a HEAD asks about.

    The scope itself stays as it is: the server reads in it that the response has no body.
    """
    return {**scope, "method": "GET", _KEY: True}


def is_head(scope: Scope) -> bool:
    """Whether the request is a HEAD. What its route records is undone: whoever sends one has not read anything."""
    return _KEY in scope


def without_body(send: Send) -> tuple[Receive, Send]:
    """What the route receives and sends: the response ends after its head, also one that would go on for ever."""
    has_ended = asyncio.Event()

    async def receive_end() -> Message:
        await has_ended.wait()
        return {"type": "http.disconnect"}

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
        elif not has_ended.is_set():
            has_ended.set()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return receive_end, send_head
