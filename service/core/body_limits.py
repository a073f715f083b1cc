"""How many bytes of a request's body the framework may collect in memory."""

from typing import Final, NamedTuple

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from service.core.errors import TooLarge

_EVIDENCE_TYPES: Final = ("image/", "application/pdf")


class BodyLimits(NamedTuple):
    """The largest bodies, in bytes: of evidence by its media type, and of JSON."""

    json: int
    evidence: int

    def of(self, scope: Scope) -> int | None:
        """The limit for a request. A PUT has none: it is a part of a dataset, which is streamed."""
        media_type = Headers(scope=scope).get("content-type", "")
        if scope["method"] == "PUT":
            return None
        return self.evidence if media_type.startswith(_EVIDENCE_TYPES) else self.json


def limited(receive: Receive, limit: int | None) -> Receive:
    """`receive`, which raises TooLarge once it has received more than `limit` bytes."""
    read = 0

    async def receive_limited() -> Message:
        nonlocal read
        message = await receive()
        if message["type"] == "http.request":
            read += len(message.get("body", b""))
            if limit is not None and read > limit:
                raise TooLarge(limit)
        return message

    return receive_limited
