"""`Idempotency-Key`: a creating POST that is sent again creates nothing new and gets its first answer again.

The answer is kept in the transaction that made it, so that the two are written together or not at all.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.access.models import IdempotentRequest
from service.core.db import run
from service.core.errors import Conflict, Unprocessable
from service.core.resources import resources_of
from service.core.retention import Rule, forget
from service.number.keyring import KeyRing


class _Replay(Exception):
    """The request was answered before."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__("replayed")
        self.status, self.body = status, body


_CLAIM = text("""
    INSERT INTO idempotent_request (organisation_id, key, request_digest, recorded_at)
    VALUES (:organisation_id, :key, :request_digest, now())
    ON CONFLICT DO NOTHING
""")

_FORM = re.compile(r"[A-Za-z0-9._:\-]{8,128}")


async def once(session: AsyncSession, actor: Actor, request: Request) -> None:
    """Claim the request's `Idempotency-Key`, if it has one, or replay the answer that it got.

    A second request with the same key waits here until the first one's transaction ends.
    """
    key = request.headers.get("idempotency-key")
    if key is None or not isinstance(request.scope["route"], OnceRoute):
        return
    if not _FORM.fullmatch(key):
        raise Unprocessable(
            "idempotency_key_malformed",
            "An Idempotency-Key is 8 to 128 letters, digits, dots, colons or hyphens.",
        )
    digest = _digest(request, await request.body())
    # The key itself is the caller's text, which might be a number: only its hash is kept.
    name = hashlib.sha256(f"{actor.organisation_id}:{actor.through_id}:{key}".encode()).hexdigest()
    values = {"organisation_id": actor.organisation_id, "key": name, "request_digest": digest}
    claimed = await run(session, _CLAIM, values)
    if claimed.rowcount:
        request.state.idempotent = name, actor.organisation_id
        return
    known = await session.get_one(IdempotentRequest, (actor.organisation_id, name))
    if not hmac.compare_digest(known.request_digest, digest):
        raise Conflict(
            "idempotency_key_reused",
            "This Idempotency-Key was used for another request. Use a new key for a new one.",
        )
    if known.status is None or known.body is None:
        raise Conflict("request_in_progress", "The first request with this Idempotency-Key is not finished. Wait.")
    raise _Replay(known.status, known.body)


def _digest(request: Request, body: bytes) -> bytes:
    head = f"{request.method} {request.url.path}\n".encode()
    # A body may be little else than a phone number, so that a hash without a key could be tried for each that there is.
    return resources_of(request).get(KeyRing).fingerprint("repeated request", head + body)


# As long as anybody may still repeat a request: a file of tens of millions of numbers can take days to send.
forget(
    "forget_answers",
    "41 3 * * *",
    Rule(
        table=IdempotentRequest,
        moment="recorded_at",
        kept=timedelta(days=30),
        data="the answer to a request with an `Idempotency-Key`",
        since="the request",
    ),
)


def _documented(
    idempotency_key: Annotated[
        str | None,
        Header(
            description="Send the same key with the same request again and nothing is created twice.",
            max_length=128,
        ),
    ] = None,
) -> None:
    """Puts the header into the OpenAPI description; `once` reads it."""


class OnceRoute(APIRoute):
    """A route that keeps its answer for an `Idempotency-Key`, before the transaction is committed."""

    def __init__(self, *args: Any, **options: Any) -> None:
        if "POST" in (options.get("methods") or ()):
            options["dependencies"] = [*(options.get("dependencies") or ()), Depends(_documented)]
        super().__init__(*args, **options)

    def kept(self, body: bytes) -> bytes:
        """What is stored of an answer's body; a route whose answer holds a secret leaves it out."""
        return body

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler, with the replay around it."""
        handle = super().get_route_handler()

        async def handle_once(request: Request) -> Response:
            # The body first: while a slow client sends it, no connection to the database is held.
            if request.method == "POST":
                await request.body()
            try:
                response = await handle(request)
            except _Replay as replay:
                headers = {"Idempotent-Replayed": "true"}
                return Response(replay.body, replay.status, headers, media_type="application/json")
            if claim := getattr(request.state, "idempotent", None):
                key, organisation_id = claim
                known = await request.state.session.get_one(IdempotentRequest, (organisation_id, key))
                known.status, known.body = response.status_code, self.kept(bytes(response.body))
            return response

        return handle_once
