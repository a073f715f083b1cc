"""What becomes of an event until it is delivered, failed or cancelled."""

import asyncio
import json
import uuid
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import WebhookVerificationError

from service.core.clock import now
from service.main import create_app
from service.webhook.delivery import DELAYS, announce, delay_after
from service.webhook.endpoints import new_secret
from tests.callers import Registry
from tests.conftest import settings_of_tests
from tests.direct_client import DirectClient
from tests.inspection import defer, refusal, rows, until
from tests.webhook.builders import (
    EVENT,
    deliveries,
    delivery_after,
    make_pending_due,
    register,
)
from tests.webhook.conftest import Announce
from tests.webhook.receiver import Receiver, receiving


def test_announce_event_is_delivered_signed(
    registry: Registry, receiver: Receiver, announce_event: Announce, dsn: str
) -> None:
    broker = registry.broker()
    webhook = register(broker, receiver)
    subject = announce_event(broker.id)
    (request,) = receiver.wait_for(1)
    content = request.verified(webhook["secret"])
    delivery = delivery_after(broker, webhook)
    assert content == {
        "type": EVENT,
        "timestamp": delivery["recorded_at"].replace("Z", "+00:00"),
        "data": {"id": str(subject), "number": "+33639980001"},
    }
    assert (delivery["id"], delivery["subject_id"]) == (request.id, str(subject))
    assert (delivery["state"], delivery["last_outcome"], delivery["attempts"]) == ("delivered", "status 204", 1)
    assert delivery["next_attempt_at"] is None
    assert delivery["ended_at"] is not None
    for secret, body in ((new_secret(), request.body), (webhook["secret"], request.body + b" ")):
        with pytest.raises(WebhookVerificationError):
            type(request)(request.path, request.headers, body).verified(secret)
    assert rows(dsn, "SELECT 1 FROM webhook_delivery d WHERE d::text LIKE %s", "%3998%") == []


def test_announce_event_in_rolled_back_transaction_sends_nothing(
    registry: Registry, receiver: Receiver, announce_event: Announce
) -> None:
    broker = registry.broker()
    webhook = register(broker, receiver)
    announce_event(broker.id, commit=False)
    announce_event(broker.id)
    receiver.wait_for(1)
    assert len(deliveries(broker, webhook)) == 1


def test_announce_event_reaches_all_endpoints_of_the_organisation_only(
    registry: Registry, receiver: Receiver, announce_event: Announce
) -> None:
    broker, rival = registry.broker(), registry.broker()
    with receiving() as second, receiving() as removed, receiving() as others:
        register(broker, receiver)
        register(broker, second)
        register(rival, others)
        ended = register(broker, removed)
        broker.request("DELETE", f"/v1/webhooks/{ended['id']}")
        announce_event(broker.id)
        assert receiver.wait_for(1)[0].id != second.wait_for(1)[0].id
        assert (removed.got, others.got) == ([], [])


def test_announce_event_without_payload_is_an_error() -> None:
    with pytest.raises(ValueError, match="payload"):
        asyncio.run(announce(None, None, "no.such", {}, moment=now()))  # type: ignore[arg-type]


def test_failed_attempt_is_repeated_under_the_same_id(
    registry: Registry, receiver: Receiver, announce_event: Announce, dsn: str
) -> None:
    broker = registry.broker()
    webhook = register(broker, receiver)
    receiver.status = 503
    before = now()
    announce_event(broker.id)
    failed = delivery_after(broker, webhook)
    after = now()
    assert (failed["state"], failed["last_outcome"]) == ("pending", "status 503")
    next_attempt_at = datetime.fromisoformat(failed["next_attempt_at"])
    assert before + timedelta(seconds=48) <= next_attempt_at <= after + timedelta(seconds=72)
    receiver.status = 200
    make_pending_due(dsn)
    repeated = delivery_after(broker, webhook, 2)
    assert (repeated["state"], repeated["last_outcome"]) == ("delivered", "status 200")
    first, second = receiver.got
    assert first.id == second.id == repeated["id"]
    assert first.verified(webhook["secret"]) == second.verified(webhook["secret"])


def test_tenth_failed_attempt_fails_the_delivery_until_it_is_retried(
    registry: Registry, receiver: Receiver, announce_event: Announce, dsn: str
) -> None:
    broker = registry.broker()
    webhook = register(broker, receiver)
    receiver.status = 500
    announce_event(broker.id)
    delivery_after(broker, webhook)
    rows(dsn, "UPDATE webhook_delivery SET attempts = 8")
    make_pending_due(dsn)
    assert delivery_after(broker, webhook, 9)["state"] == "pending"
    make_pending_due(dsn)
    failed = delivery_after(broker, webhook, 10)
    assert (failed["state"], failed["next_attempt_at"]) == ("failed", None)
    assert deliveries(broker, webhook, state="failed") == [failed]
    assert deliveries(broker, webhook, state="delivered") == []
    path = f"/v1/webhooks/deliveries/{failed['id']}/retry"
    assert refusal(registry.broker().request("POST", path)) == (404, "not_found")
    receiver.status = 204
    retried = broker.post(path)
    assert (retried["state"], retried["attempts"], retried["ended_at"]) == ("pending", 0, None)
    assert until(lambda: deliveries(broker, webhook, state="delivered"))[0]["attempts"] == 1
    assert {request.id for request in receiver.got} == {failed["id"]}
    assert refusal(broker.request("POST", path)) == (409, "delivery_not_failed")


def test_forget_deliveries_deletes_those_that_ended_90_days_ago(
    registry: Registry, receiver: Receiver, announce_event: Announce, dsn: str
) -> None:
    broker = registry.broker()
    webhook = register(broker, receiver)
    for _ in range(3):
        announce_event(broker.id)
    until(lambda: all(delivery["ended_at"] for delivery in deliveries(broker, webhook)))
    old, recent, pending = deliveries(broker, webhook)
    rows(dsn, "UPDATE webhook_delivery SET ended_at = now() - interval '91 days' WHERE id = %s", old["id"])
    rows(dsn, "UPDATE webhook_delivery SET ended_at = now() - interval '89 days' WHERE id = %s", recent["id"])
    rows(dsn, "UPDATE webhook_delivery SET state = 'pending', ended_at = NULL WHERE id = %s", pending["id"])
    defer(dsn, "forget_deliveries", timestamp=0)
    until(lambda: len(deliveries(broker, webhook)) < 3)
    assert [delivery["id"] for delivery in deliveries(broker, webhook)] == [recent["id"], pending["id"]]


def test_response_410_removes_the_webhook(
    registry: Registry, receiver: Receiver, announce_event: Announce, dsn: str
) -> None:
    broker = registry.broker()
    webhook = register(broker, receiver)
    receiver.status = 500
    pending = announce_event(broker.id)
    delivery_after(broker, webhook)
    rows(dsn, "UPDATE webhook_delivery SET next_attempt_at = now() + interval '1 day'")
    receiver.status = 410
    gone = announce_event(broker.id)
    until(lambda: deliveries(broker, webhook, state="failed"))
    found = {delivery["subject_id"]: delivery for delivery in deliveries(broker, webhook)}
    assert (found[str(gone)]["state"], found[str(gone)]["last_outcome"]) == ("failed", "status 410")
    assert (found[str(pending)]["state"], found[str(pending)]["last_outcome"]) == ("cancelled", "endpoint removed")
    (shown,) = broker.get("/v1/webhooks")["items"]
    assert shown["removed_at"] is not None
    refused = broker.request("POST", f"/v1/webhooks/deliveries/{found[str(gone)]['id']}/retry")
    assert refusal(refused) == (409, "webhook_removed")
    assert refusal(broker.request("POST", f"/v1/webhooks/{webhook['id']}/rotate")) == (409, "webhook_removed")
    announce_event(broker.id)
    assert len(deliveries(broker, webhook)) == 2


def test_delivery_with_nothing_left_to_send_is_cancelled(
    registry: Registry,
    receiver: Receiver,
    announce_event: Announce,
    subjects_without_payload: set[uuid.UUID],
    dsn: str,
) -> None:
    broker = registry.broker()
    webhook = register(broker, receiver)
    receiver.status = 500
    subject = announce_event(broker.id)
    delivery_after(broker, webhook)
    subjects_without_payload.add(subject)
    make_pending_due(dsn)
    ended = delivery_after(broker, webhook, 2)
    assert (ended["state"], ended["last_outcome"]) == ("cancelled", "nothing to send")
    assert len(receiver.got) == 1


def test_rotated_secret_signs_until_it_expires(
    registry: Registry, receiver: Receiver, announce_event: Announce, dsn: str
) -> None:
    broker = registry.broker()
    webhook = register(broker, receiver)
    rotated = broker.post(f"/v1/webhooks/{webhook['id']}/rotate")
    assert rotated["previous_until"] is not None
    announce_event(broker.id)
    (request,) = receiver.wait_for(1)
    assert request.verified(webhook["secret"]) == request.verified(rotated["secret"])
    rows(dsn, "UPDATE webhook_endpoint SET previous_until = now()")
    announce_event(broker.id)
    later = receiver.wait_for(2)[1]
    later.verified(rotated["secret"])
    with pytest.raises(WebhookVerificationError):
        later.verified(webhook["secret"])
    newest = broker.post(f"/v1/webhooks/{webhook['id']}/rotate")
    announce_event(broker.id)
    last = receiver.wait_for(3)[2]
    assert last.verified(rotated["secret"]) == last.verified(newest["secret"])
    with pytest.raises(WebhookVerificationError):
        last.verified(webhook["secret"])


def test_delivery_whose_endpoint_is_removed_during_an_attempt_stays_cancelled(
    registry: Registry, receiver: Receiver, announce_event: Announce
) -> None:
    broker = registry.broker()
    webhook = register(broker, receiver)
    receiver.silent, receiver.status = True, 500
    announce_event(broker.id)
    receiver.wait_for(1)
    assert broker.request("DELETE", f"/v1/webhooks/{webhook['id']}").is_success
    receiver.released.set()
    with receiving() as later:
        other = register(broker, later)
        announce_event(broker.id)
        assert delivery_after(broker, other)["state"] == "delivered"
    (ended,) = deliveries(broker, webhook)
    assert (ended["state"], ended["last_outcome"]) == ("cancelled", "endpoint removed")


def test_delivery_announced_while_its_endpoint_was_removed_is_cancelled(
    registry: Registry, receiver: Receiver, announce_event: Announce, dsn: str
) -> None:
    broker = registry.broker()
    webhook = register(broker, receiver)
    receiver.status = 500
    announce_event(broker.id)
    delivery_after(broker, webhook)
    rows(dsn, "UPDATE webhook_endpoint SET removed_at = now()")
    make_pending_due(dsn)
    assert delivery_after(broker, webhook, 2)["state"] == "cancelled"
    assert len(receiver.got) == 1


def test_address_is_checked_again_at_each_attempt(
    dsn: str,
    receiver: Receiver,
    announce_event: Announce,
    dns: dict[str, list[str]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    dns["hook.example"] = ["1.1.1.1", "127.0.0.1"]
    caplog.set_level("INFO")
    with DirectClient(create_app(settings_of_tests(), dsn)) as client:
        broker = Registry(client, dsn).broker()
        webhook = broker.post("/v1/webhooks", {"url": f"https://hook.example:{receiver.port}/very/private?path"})
        announce_event(broker.id)
        refused = delivery_after(broker, webhook)
    assert (refused["state"], refused["last_outcome"]) == ("pending", "address refused")
    assert receiver.got == []
    assert "very/private" not in caplog.text
    assert "very/private" not in json.dumps(refused)


def test_delivery_logs_neither_address_nor_number(
    registry: Registry, receiver: Receiver, announce_event: Announce, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    broker = registry.broker()
    webhook = register(broker, receiver)
    announce_event(broker.id)
    delivery_after(broker, webhook)
    assert caplog.text
    assert "/filiation" not in caplog.text
    assert "3998" not in caplog.text


@given(st.integers(1, 20), st.floats(0, 1))
def test_delay_after_each_attempt_grows_and_ends(attempts: int, chance: float) -> None:
    delay = delay_after(attempts, chance)
    if attempts > len(DELAYS):
        assert delay is None
    else:
        assert delay is not None
        assert 0.8 * DELAYS[attempts - 1] <= delay <= 1.2 * DELAYS[attempts - 1]
        following = delay_after(attempts + 1, chance)
        assert following is None or following > delay
