"""A receiver, the setting that lets it be called, and an event to tell it of."""

import asyncio
import socket
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import Database
from service.core.settings import Settings
from service.core.task_queue import open_queue
from service.number.keyring import KeyRing
from service.webhook.delivery import PAYLOADS, announce
from tests.conftest import MASTER_SECRET
from tests.webhook.receiver import Receiver, receiving

EVENT = "test.happened"
Announce = Callable[..., uuid.UUID]


@pytest.fixture
def settings() -> Settings:
    """Settings of a service that calls loopback addresses."""
    return Settings(master_secret=SecretStr(MASTER_SECRET), webhook_allow_private=True)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that says 204."""
    with receiving() as started:
        yield started


@pytest.fixture
def over(monkeypatch: pytest.MonkeyPatch) -> set[uuid.UUID]:
    """Facts of which there is nothing left to tell; an event about the others tells their id."""
    subjects: set[uuid.UUID] = set()

    async def payload(_session: AsyncSession, _ring: KeyRing, subject_id: uuid.UUID) -> dict[str, Any] | None:
        return None if subject_id in subjects else {"id": subject_id, "number": "+33639980001"}

    monkeypatch.setitem(PAYLOADS, EVENT, payload)
    return subjects


@pytest.fixture
def tell(dsn: str, over: set[uuid.UUID]) -> Announce:
    """Announces an event about a new fact, or about one that is given, and gives the fact's id."""

    def tell_of(organisation_id: uuid.UUID, subject_id: uuid.UUID | None = None, *, commit: bool = True) -> uuid.UUID:
        subject_id = subject_id or uuid.uuid4()

        async def run() -> None:
            database = Database(dsn, pool_size=1)
            try:
                async with open_queue(dsn) as queue, database.transaction() as session:
                    await announce(session, queue, organisation_id, EVENT, subject_id)
                    if not commit:
                        await session.rollback()
            finally:
                await database.close()

        asyncio.run(run())
        return subject_id

    return tell_of


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Stands for the DNS: what each asking for a name gives in turn, addresses apart by blanks; others are real."""
    known: dict[str, list[str]] = {}
    ask = socket.getaddrinfo

    def answer(host: Any, *arguments: Any, **options: Any) -> Any:
        if host not in known:
            return ask(host, *arguments, **options)
        if not known[host]:
            raise socket.gaierror("no such name")
        return [place for address in known[host].pop(0).split() for place in ask(address, *arguments, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return known
