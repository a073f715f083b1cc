"""`Idempotency-Key` of persons: a POST that is sent again gets its first response again, as long as the session lasts.

The response is stored, encrypted, in the transaction that made it if the request has one. It goes with the session.
"""

import hashlib
from datetime import timedelta
from typing import Any, Final

from fastapi import Depends, Request, Response
from sqlalchemy import text

from service.access.idempotency import (
    documented_key,
    fingerprint_of,
    key_of_request,
    require_same_request,
    still_running,
)
from service.core.bounded_route import BoundedRoute, Handler
from service.core.db import Database, run
from service.core.resources import resources_of
from service.number.keyring import KeyRing
from service.verification.models import PersonRequest
from service.verification.sessions import Person, session_refused

# After this long, a request that has no response was interrupted, and may be sent again.
_INTERRUPTED: Final = timedelta(minutes=1)

_CLAIM: Final = text("""
    INSERT INTO person_request AS known (session_id, key, request_fingerprint, recorded_at)
    SELECT id, :key, :fingerprint, now() FROM person_session WHERE id = :session_id FOR KEY SHARE
    ON CONFLICT (session_id, key) DO UPDATE SET recorded_at = now()
    WHERE known.status IS NULL AND known.recorded_at < now() - :interrupted
        AND known.request_fingerprint = :fingerprint
    RETURNING key
""")
_RELEASE: Final = text("DELETE FROM person_request WHERE session_id = :session_id AND key = :key")
_STORE: Final = text("""
    UPDATE person_request SET status = :status, media_type = :media_type, disposition = :disposition, body = :body
    WHERE session_id = :session_id AND key = :key
""")


class PersonRoute(BoundedRoute):
    """A route of persons, whose POSTs answer a repeated request as they did the first time."""

    def __init__(self, *args: Any, **options: Any) -> None:
        if "POST" in (options.get("methods") or ()):
            options["dependencies"] = [*(options.get("dependencies") or ()), Depends(documented_key)]
        super().__init__(*args, **options)

    def handler(self) -> Handler:
        """The framework's handler, with the replay around it. The gate has found the person before."""
        handle = super().handler()

        async def handle_or_replay(request: Request) -> Response:
            person: Person | None = getattr(request.state, "person", None)
            key = key_of_request(request) if request.method == "POST" and person is not None else None
            if key is None or person is None:
                return await handle(request)
            claim = _Claim(request, person, key)
            replayed = await claim.take_or_replay(fingerprint_of(request, await request.body()))
            if replayed is not None:
                return replayed
            try:
                response = await handle(request)
            except BaseException:
                await claim.release()
                raise
            await claim.store(response)
            return response

        return handle_or_replay


class _Claim:
    """One request of a person with a key."""

    def __init__(self, request: Request, person: Person, key: str) -> None:
        get = resources_of(request).get
        self._request, self._database, self._ring = request, get(Database), get(KeyRing)
        # The key itself is the caller's text, which may be a number. Only its hash is stored.
        name = hashlib.sha256(f"{person.session_id}:{key}".encode()).hexdigest()
        self._row = {"session_id": person.session_id, "key": name}
        self._context = b"repeated response of a person " + name.encode()

    async def take_or_replay(self, fingerprint: bytes) -> Response | None:
        """Take the key, or return the response of the first request with it.

        Raises:
            Unauthenticated: the session has just ended.
            StillRunning: the first request has not ended.
            Conflict: the key was used for a different request.
        """
        async with self._database.transaction() as session:
            wanted = self._row | {"fingerprint": fingerprint, "interrupted": _INTERRUPTED}
            if (await run(session, _CLAIM, wanted)).first() is not None:
                return None
            first = await session.get(PersonRequest, (self._row["session_id"], self._row["key"]))
            if first is None:
                raise session_refused()
        require_same_request(first.request_fingerprint, fingerprint)
        if first.status is None or first.body is None:
            raise still_running()
        headers = {"Idempotent-Replayed": "true"}
        if first.disposition is not None:
            headers["Content-Disposition"] = first.disposition
        content = self._ring.decrypt(first.body, self._context)
        return Response(content, first.status, headers, media_type=first.media_type)

    async def release(self) -> None:
        """Let a request that failed be sent again with its key."""
        async with self._database.transaction() as session:
            await run(session, _RELEASE, self._row)

    async def store(self, response: Response) -> None:
        """Store the response, in the transaction that made it if there is one."""
        values = self._row | {
            "status": response.status_code,
            "media_type": response.headers.get("content-type"),
            "disposition": response.headers.get("content-disposition"),
            "body": self._ring.encrypt(bytes(response.body), self._context),
        }
        own = getattr(self._request.state, "session", None)
        if own is not None:
            await run(own, _STORE, values)
            return
        async with self._database.transaction() as session:
            await run(session, _STORE, values)
