"""Webhooks of tests and their deliveries."""

import asyncio
import uuid
from typing import Any

from service.core.db import Database
from service.core.resources import Resources
from service.core.settings import Settings
from service.webhook.delivery import deliver_webhooks
from tests.callers import Caller
from tests.inspection import defer, rows, until
from tests.persons import ring_of_tests
from tests.webhook.receiver import Receiver

EVENT = "test.happened"


def register(caller: Caller, receiver: Receiver) -> Any:
    """Register the URL of a receiver as a webhook of the caller."""
    return caller.post("/v1/webhooks", {"url": receiver.url})


def deliveries(caller: Caller, webhook: Any, **parameters: Any) -> list[Any]:
    """The deliveries of a webhook."""
    items: list[Any] = caller.get(f"/v1/webhooks/{webhook['id']}/deliveries", params=parameters)["items"]
    return items


def delivery_after(caller: Caller, webhook: Any, attempts: int = 1) -> Any:
    """The only delivery of a webhook, once so many attempts have ended."""

    def found() -> Any:
        (delivery,) = deliveries(caller, webhook)
        return delivery if delivery["attempts"] == attempts and delivery["last_outcome"] else None

    return until(found)


def make_pending_due(dsn: str) -> None:
    """Make the pending deliveries due now, as if never attempted, and start a run."""
    rows(dsn, "UPDATE webhook_delivery SET next_attempt_at = now(), last_outcome = NULL WHERE state = 'pending'")
    defer(dsn, "retry_webhooks", timestamp=0)


def add_due_deliveries(dsn: str, webhook: Any, subject_id: uuid.UUID, count: int) -> None:
    """Add deliveries that are due, of events about one subject, without starting a run."""
    rows(
        dsn,
        "INSERT INTO webhook_delivery "
        "(id, endpoint_id, event, subject_id, state, attempts, recorded_at, next_attempt_at) "
        "SELECT gen_random_uuid(), %s, %s, %s, 'pending', 0, now(), now() FROM generate_series(1, %s)",
        webhook["id"],
        EVENT,
        subject_id,
        count,
    )


def run_deliveries(dsn: str, settings: Settings, at_once: int = 1) -> None:
    """Run the task that delivers in this process, so many times at once and each with its own connections."""

    async def run() -> None:
        database = Database(dsn, pool_size=4)
        try:
            await deliver_webhooks(Resources(settings, database, ring_of_tests()))
        finally:
            await database.close()

    async def run_all() -> None:
        await asyncio.gather(*(run() for _ in range(at_once)))

    asyncio.run(run_all())
