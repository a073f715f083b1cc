"""Persons of a test, who verify their numbers with the code that the outbox shows."""

import asyncio
import re
import uuid
from dataclasses import dataclass
from typing import Any

import httpx2
from fastapi.testclient import TestClient
from httpx2 import Response

from service.core.db import Database
from service.messaging.messages import record_state
from service.messaging.models import MessageState
from service.messaging.providers.outbox import ShownMessage, list_shown
from service.number.keyring import KeyRing, load_master_secret
from tests.conftest import MASTER_SECRET


@dataclass
class PersonCaller:
    """The API as a person calls it who has verified a number."""

    client: TestClient | httpx2.Client
    token: str

    def request(self, method: str, path: str, **options: Any) -> Response:
        """Call with this person's session."""
        headers = {"Authorization": f"Bearer {self.token}"} | options.pop("headers", {})
        return self.client.request(method, path, headers=headers, **options)


def ring_of_tests() -> KeyRing:
    """The key ring of the applications under test."""
    return KeyRing(load_master_secret(MASTER_SECRET))


def outbox(dsn: str) -> list[ShownMessage]:
    """The messages that the outbox shows, the newest first."""

    async def read() -> list[ShownMessage]:
        database = Database(dsn, pool_size=1)
        try:
            return await list_shown(database, ring_of_tests())
        finally:
            await database.close()

    return asyncio.run(read())


def report_message(dsn: str, message_id: str, state: MessageState) -> None:
    """Record the provider's report on a message."""

    async def record() -> None:
        database = Database(dsn, pool_size=1)
        try:
            await record_state(database, uuid.UUID(message_id), state)
        finally:
            await database.close()

    asyncio.run(record())


def code_in(text: str) -> str:
    """The code in a message."""
    (code,) = re.findall(r"\b[0-9]{6}\b", text)
    return str(code)


def code_sent_to(dsn: str, number: str) -> str:
    """The newest code that was sent to a number in E.164."""
    return next(code_in(message.text) for message in outbox(dsn) if f"+{message.number}" == number)


def ask_code(client: TestClient | httpx2.Client, number: str, **more: Any) -> Response:
    """Request a code for a number."""
    return client.post("/v1/verifications", json={"number": number} | more)


def confirm(client: TestClient | httpx2.Client, verification_id: str, code: str, **more: Any) -> Response:
    """Confirm a verification with a code."""
    return client.post(f"/v1/verifications/{verification_id}/confirm", json={"code": code} | more)


def prove(client: TestClient | httpx2.Client, dsn: str, number: str, **more: Any) -> PersonCaller:
    """Verify a number in E.164, and return the person as a caller."""
    begun = ask_code(client, number)
    assert begun.status_code == 201, begun.text
    session = confirm(client, begun.json()["id"], code_sent_to(dsn, number), **more)
    assert session.status_code == 201, session.text
    return PersonCaller(client, session.json()["token"])
