"""Runs that deliver: nothing holds up another delivery, and nothing is sent twice."""

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.resources import Resources
from service.core.settings import Settings
from service.main import create_app
from service.webhook import sending
from service.webhook.delivery import PAYLOADS
from tests.builders import filled
from tests.callers import Registry
from tests.direct_client import DirectClient
from tests.inspection import rows, until
from tests.webhook.builders import (
    add_due_deliveries,
    deliveries,
    delivery_after,
    make_pending_due,
    register,
    run_deliveries,
)
from tests.webhook.conftest import Announce
from tests.webhook.receiver import Receiver, receiving


def test_silent_receiver_holds_up_neither_others_nor_a_transaction(
    registry: Registry, receiver: Receiver, announce_event: Announce, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The receiver stays silent until the test releases it, since its attempts never time out here."""
    monkeypatch.setattr(sending, "SECONDS", 3600)
    broker, rival = registry.broker(), registry.broker()
    with receiving() as prompt, psycopg.connect(dsn, autocommit=True) as connection:
        webhook, prompt_webhook = register(broker, receiver), register(rival, prompt)
        receiver.silent = True
        announce_event(broker.id)
        receiver.wait_for(1)
        # No transaction that was open when the attempt was under way outlives it. Later ones come and go.
        ((attempted_at,),) = connection.execute("SELECT clock_timestamp()").fetchall()
        open_since = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND xact_start < %s"
        until(lambda: connection.execute(open_since, (attempted_at,)).fetchall() == [])
        # As many attempts as the worker has slots, so that they would occupy all of them if each took one.
        announce_event(broker.id)
        announce_event(rival.id)
        assert delivery_after(rival, prompt_webhook)["state"] == "delivered"
        filled(rival, [1])
        assert {delivery["last_outcome"] for delivery in deliveries(broker, webhook)} == {None}
        receiver.released.set()
        until(lambda: len(deliveries(broker, webhook, state="delivered")) == 2)


def test_attempt_to_silent_receiver_times_out_and_is_repeated_later(
    registry: Registry, receiver: Receiver, announce_event: Announce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SECONDS", 0.2)
    broker = registry.broker()
    webhook = register(broker, receiver)
    receiver.silent = True
    announce_event(broker.id)
    timed_out = delivery_after(broker, webhook)
    assert (timed_out["state"], timed_out["last_outcome"]) == ("pending", "timeout")


@pytest.fixture
def registry_without_worker(dsn: str, settings: Settings) -> Iterator[Registry]:
    """The application without a worker: only the test itself delivers."""
    with DirectClient(create_app(settings, dsn, with_worker=False)) as client:
        yield Registry(client, dsn)


def test_run_leaves_a_failing_endpoint_after_its_first_attempts(
    registry_without_worker: Registry,
    receiver: Receiver,
    dsn: str,
    settings: Settings,
    subjects_without_payload: set[uuid.UUID],
) -> None:
    broker = registry_without_worker.broker()
    webhook = register(broker, receiver)
    receiver.status = 500
    add_due_deliveries(dsn, webhook, uuid.uuid4(), 40)
    run_deliveries(dsn, settings)
    assert len(receiver.got) == 4
    attempted = rows(dsn, "SELECT attempts, count(*) FROM webhook_delivery GROUP BY attempts ORDER BY attempts")
    assert attempted == [(0, 36), (1, 4)]


def test_two_runs_at_once_send_nothing_twice(
    registry_without_worker: Registry,
    receiver: Receiver,
    dsn: str,
    settings: Settings,
    subjects_without_payload: set[uuid.UUID],
) -> None:
    broker = registry_without_worker.broker()
    webhook = register(broker, receiver)
    add_due_deliveries(dsn, webhook, uuid.uuid4(), 60)
    # By hand, and so without the queue's lock that keeps two runs apart.
    run_deliveries(dsn, settings, at_once=2)
    assert len(receiver.got) == len({request.id for request in receiver.got}) == 60
    assert len(deliveries(broker, webhook, state="delivered")) == 60


def test_event_whose_payload_fails_holds_up_no_other(
    registry: Registry,
    receiver: Receiver,
    announce_event: Announce,
    dsn: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(_resources: Resources, _session: AsyncSession, _subject_id: uuid.UUID) -> dict[str, Any] | None:
        raise LookupError("about +33639980001")

    monkeypatch.setitem(PAYLOADS, "test.broken", broken)
    broker = registry.broker()
    webhook = register(broker, receiver)
    receiver.status = 500
    announce_event(broker.id)
    delivery_after(broker, webhook)
    rows(dsn, "UPDATE webhook_delivery SET event = 'test.broken'")
    receiver.status = 204
    announce_event(broker.id)
    make_pending_due(dsn)
    until(lambda: deliveries(broker, webhook, state="delivered"))
    failed = until(
        lambda: [delivery for delivery in deliveries(broker, webhook) if delivery["last_outcome"] == "internal error"]
    )
    assert failed[0]["state"] == "pending"
    assert "LookupError" in caplog.text
    assert "3998" not in caplog.text
