"""A receiver, the setting that lets it be called, an event to announce, and a DNS that a test controls."""

import asyncio
import socket
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import Database
from service.core.resources import Resources
from service.core.settings import Settings
from service.core.task_queue import open_queue
from service.webhook.delivery import PAYLOADS, announce
from tests.conftest import MASTER_SECRET
from tests.webhook.builders import EVENT
from tests.webhook.receiver import Receiver, receiving

Announce = Callable[..., uuid.UUID]


@pytest.fixture
def settings() -> Settings:
    """Settings of a service that may call loopback addresses."""
    return Settings(master_secret=SecretStr(MASTER_SECRET), webhook_allow_private=True)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that responds with 204."""
    with receiving() as started:
        yield started


@pytest.fixture
def subjects_without_payload(monkeypatch: pytest.MonkeyPatch) -> set[uuid.UUID]:
    """Subjects about which nothing is left to send. The payload of the test's event about any other is its id."""
    subjects: set[uuid.UUID] = set()

    async def payload(_resources: Resources, _session: AsyncSession, subject_id: uuid.UUID) -> dict[str, Any] | None:
        return None if subject_id in subjects else {"id": subject_id, "number": "+33639980001"}

    monkeypatch.setitem(PAYLOADS, EVENT, payload)
    return subjects


@pytest.fixture
def announce_event(dsn: str, subjects_without_payload: set[uuid.UUID]) -> Announce:
    """Announces the test's event about a new subject, or a given one, and returns the subject's id."""

    def announce_about(
        organisation_id: uuid.UUID, subject_id: uuid.UUID | None = None, *, commit: bool = True
    ) -> uuid.UUID:
        subject_id = subject_id or uuid.uuid4()

        async def run() -> None:
            database = Database(dsn, pool_size=1)
            try:
                async with open_queue(dsn) as queue, database.transaction() as session:
                    await announce(session, queue, EVENT, {organisation_id: [subject_id]}, moment=now())
                    if not commit:
                        await session.rollback()
            finally:
                await database.close()

        asyncio.run(run())
        return subject_id

    return announce_about


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The successive answers for each name, each with its addresses separated by spaces. Other names are real."""
    answers: dict[str, list[str]] = {}
    getaddrinfo = socket.getaddrinfo

    def answer(host: Any, *arguments: Any, **options: Any) -> Any:
        if host not in answers:
            return getaddrinfo(host, *arguments, **options)
        if not answers[host]:
            raise socket.gaierror("name not found")
        addresses = answers[host].pop(0).split()
        return [info for address in addresses for info in getaddrinfo(address, *arguments, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return answers
