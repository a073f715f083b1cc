"""`Idempotency-Key`: a POST that is sent again creates nothing new and gets its first response again.

The response is stored, encrypted, in the transaction that made it, so that both are written or neither.
"""

import hashlib
import hmac
import re
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.access.models import IdempotentRequest
from service.core.bounded_route import BoundedRoute, Handler
from service.core.db import run
from service.core.errors import Conflict, StillRunning, Unprocessable
from service.core.locks import Lock, key_of, try_to_take
from service.core.resources import resources_of
from service.core.retention import Rule, forget
from service.number.keyring import KeyRing


class _ReplayedError(Exception):
    """The request has been answered before. Raised where a handler is entered, and caught around it."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__("replayed")
        self.status, self.body = status, body


_CLAIM = text("""
    INSERT INTO idempotent_request (organisation_id, key, request_fingerprint, recorded_at)
    VALUES (:organisation_id, :key, :request_fingerprint, now())
    ON CONFLICT DO NOTHING
""")

_KEY_FORMAT = re.compile(r"[A-Za-z0-9._:\-]{8,128}")


async def claim_or_replay(session: AsyncSession, actor: Actor, request: Request) -> None:
    """Claim the request's `Idempotency-Key`, if it has one, or replay the response of the first request with it.

    Raises:
        StillRunning: the first request has not ended. This one does not wait, because it holds a connection.
        Conflict: the key was used for a different request.
        Unprocessable: the key is malformed.
    """
    if not isinstance(request.scope["route"], IdempotentRoute) or (key := key_of_request(request)) is None:
        return
    fingerprint = fingerprint_of(request, await request.body())
    # The key itself is the caller's text, which may be a number. Only its hash is stored.
    name = hashlib.sha256(f"{actor.organisation_id}:{actor.asserts_through_id}:{key}".encode()).hexdigest()
    values = {"organisation_id": actor.organisation_id, "key": name, "request_fingerprint": fingerprint}
    if not await try_to_take(session, Lock.REPEATED_REQUEST, key_of(name)):
        raise still_running()
    claimed = await run(session, _CLAIM, values)
    if claimed.rowcount:
        request.state.idempotent = name, actor.organisation_id
        return
    first = await session.get_one(IdempotentRequest, (actor.organisation_id, name))
    require_same_request(first.request_fingerprint, fingerprint)
    assert first.status is not None
    assert first.body is not None
    raise _ReplayedError(first.status, _ring(request).decrypt(first.body, _body_context(name)))


def key_of_request(request: Request) -> str | None:
    """The `Idempotency-Key` of a request, without the quotation marks that the IETF's draft asks for (RFC 9651).

    Raises:
        Unprocessable: it is malformed.
    """
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if len(key) > 2 and (key[0], key[-1]) == ('"', '"'):
        key = key[1:-1]
    if not _KEY_FORMAT.fullmatch(key):
        raise Unprocessable(
            "idempotency_key_malformed",
            "This Idempotency-Key is malformed. Use 8 to 128 letters, digits, dots, underscores, colons or hyphens.",
        )
    return key


def still_running() -> StillRunning:
    """The problem that the first request with a key has not ended."""
    return StillRunning(
        "request_in_progress",
        "A request with this Idempotency-Key is still running. Send this one again when that has ended.",
    )


def require_same_request(first: bytes, fingerprint: bytes) -> None:
    """Refuse a key of a different request, by the fingerprints of both."""
    if not hmac.compare_digest(first, fingerprint):
        raise Conflict(
            "idempotency_key_reused",
            "This Idempotency-Key was used for a different request. Use a new key for each new request.",
        )


def _ring(request: Request) -> KeyRing:
    return resources_of(request).get(KeyRing)


# A response may hold a phone number, or the consents of a dataset.
def _body_context(name: str) -> bytes:
    return b"repeated response " + name.encode()


def fingerprint_of(request: Request, body: bytes) -> bytes:
    """What tells a request from others with the same key: its method, path and body."""
    head = f"{request.method} {request.url.path}\n".encode()
    # A body may be little more than a phone number. A hash without a key could be compared with that of every number.
    return _ring(request).fingerprint("repeated request", head + body)


# A client may repeat a request for as long as this: a file of tens of millions of numbers can take days to upload.
forget(
    "forget_answers",
    "41 3 * * *",
    Rule(
        table=IdempotentRequest,
        moment="recorded_at",
        kept=timedelta(days=30),
        data="the encrypted answer to a request with an `Idempotency-Key`",
        since="the request",
    ),
)


def documented_key(
    idempotency_key: Annotated[
        str | None,
        Header(
            description="Names the request. A request that is sent again with the same key creates nothing new. It may "
            "stand in quotation marks.",
            max_length=130,
        ),
    ] = None,
) -> None:
    """Adds the header to the OpenAPI document. `key_of_request` reads it."""


class IdempotentRoute(BoundedRoute):
    """A route that stores its response for an `Idempotency-Key`, before the transaction is committed."""

    def __init__(self, *args: Any, **options: Any) -> None:
        if "POST" in (options.get("methods") or ()):
            options["dependencies"] = [*(options.get("dependencies") or ()), Depends(documented_key)]
        super().__init__(*args, **options)

    def stored_body(self, body: bytes) -> bytes:
        """What is stored of a response's body. A route whose response contains a secret leaves that out."""
        return body

    def handler(self) -> Handler:
        """The framework's handler, with the replay around it."""
        handle = super().handler()

        async def handle_or_replay(request: Request) -> Response:
            try:
                response = await handle(request)
            except _ReplayedError as replay:
                headers = {"Idempotent-Replayed": "true"}
                return Response(replay.body, replay.status, headers, media_type="application/json")
            if claim := getattr(request.state, "idempotent", None):
                key, organisation_id = claim
                row = await request.state.session.get_one(IdempotentRequest, (organisation_id, key))
                body = self.stored_body(bytes(response.body))
                row.status, row.body = response.status_code, _ring(request).encrypt(body, _body_context(key))
            return response

        return handle_or_replay
