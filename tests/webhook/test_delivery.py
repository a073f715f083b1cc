"""What happens to an event until it has arrived, or never will."""

import asyncio
import json
import uuid
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel.ext.asyncio.session import AsyncSession
from standardwebhooks import WebhookVerificationError

from service.main import create_app
from service.number.keyring import KeyRing
from service.webhook.delivery import DELAYS, PAYLOADS, announce, delay_after
from service.webhook.endpoints import new_secret
from tests.builders import filled
from tests.callers import Caller, Registry
from tests.conftest import settings_of_tests
from tests.inspection import defer, refusal, rows, until
from tests.webhook.conftest import EVENT, Announce
from tests.webhook.receiver import Receiver, receiving


def listening(caller: Caller, receiver: Receiver) -> Any:
    """The endpoint that makes `receiver` hear what `caller` is told."""
    return caller.post("/v1/webhooks", {"url": receiver.url})


def deliveries(caller: Caller, webhook: Any, **parameters: Any) -> list[Any]:
    items: list[Any] = caller.get(f"/v1/webhooks/{webhook['id']}/deliveries", params=parameters)["items"]
    return items


def tried(caller: Caller, webhook: Any, attempts: int = 1) -> Any:
    """The only delivery of a webhook, after that many attempts and their outcome."""

    def found() -> Any:
        (one,) = deliveries(caller, webhook)
        return one if one["attempts"] == attempts and one["last_outcome"] else None

    return until(found)


def hurry(dsn: str) -> None:
    """Let everything be due now, as if never tried, and the minute come in which that is looked for."""
    rows(dsn, "UPDATE webhook_delivery SET next_attempt_at = now(), last_outcome = NULL WHERE state = 'pending'")
    defer(dsn, "retry_webhooks", timestamp=0)


def test_an_event_arrives_signed(registry: Registry, receiver: Receiver, tell: Announce, dsn: str) -> None:
    broker = registry.broker()
    webhook = listening(broker, receiver)
    subject = tell(broker.id)
    (request,) = receiver.wait_for(1)
    content = request.verified(webhook["secret"])
    delivery = tried(broker, webhook)
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


def test_nothing_is_sent_of_a_transaction_that_is_taken_back(
    registry: Registry, receiver: Receiver, tell: Announce
) -> None:
    broker = registry.broker()
    webhook = listening(broker, receiver)
    tell(broker.id, commit=False)
    tell(broker.id)
    receiver.wait_for(1)
    assert len(deliveries(broker, webhook)) == 1


def test_every_endpoint_of_the_organisation_is_told_and_no_other(
    registry: Registry, receiver: Receiver, tell: Announce
) -> None:
    broker, rival = registry.broker(), registry.broker()
    with receiving() as second, receiving() as removed, receiving() as others:
        listening(broker, receiver)
        listening(broker, second)
        listening(rival, others)
        ended = listening(broker, removed)
        broker.request("DELETE", f"/v1/webhooks/{ended['id']}")
        tell(broker.id)
        assert receiver.wait_for(1)[0].id != second.wait_for(1)[0].id
        assert (removed.got, others.got) == ([], [])


def test_an_event_needs_a_payload() -> None:
    with pytest.raises(ValueError, match="payload"):
        asyncio.run(announce(None, None, uuid.uuid4(), "no.such", uuid.uuid4()))  # type: ignore[arg-type]


def test_a_failure_is_tried_again_under_the_same_id(
    registry: Registry, receiver: Receiver, tell: Announce, dsn: str
) -> None:
    broker = registry.broker()
    webhook = listening(broker, receiver)
    receiver.status = 503
    tell(broker.id)
    failed = tried(broker, webhook)
    assert (failed["state"], failed["last_outcome"]) == ("pending", "status 503")
    ((wait,),) = rows(dsn, "SELECT extract(epoch FROM next_attempt_at - now()) FROM webhook_delivery")
    assert 40 < wait < 75
    receiver.status = 200
    hurry(dsn)
    again = tried(broker, webhook, 2)
    assert (again["state"], again["last_outcome"]) == ("delivered", "status 200")
    first, second = receiver.got
    assert first.id == second.id == again["id"]
    assert first.verified(webhook["secret"]) == second.verified(webhook["secret"])


def test_after_the_tenth_try_it_is_dead_until_it_is_asked_for_again(
    registry: Registry, receiver: Receiver, tell: Announce, dsn: str
) -> None:
    broker = registry.broker()
    webhook = listening(broker, receiver)
    receiver.status = 500
    tell(broker.id)
    tried(broker, webhook)
    rows(dsn, "UPDATE webhook_delivery SET attempts = 8")
    hurry(dsn)
    assert tried(broker, webhook, 9)["state"] == "pending"
    hurry(dsn)
    failed = tried(broker, webhook, 10)
    assert (failed["state"], failed["next_attempt_at"]) == ("failed", None)
    assert deliveries(broker, webhook, state="failed") == [failed]
    assert deliveries(broker, webhook, state="delivered") == []
    path = f"/v1/webhooks/deliveries/{failed['id']}/retry"
    assert refusal(registry.broker().request("POST", path)) == (404, "not_found")
    receiver.status = 204
    asked = broker.post(path)
    assert (asked["state"], asked["attempts"], asked["ended_at"]) == ("pending", 0, None)
    assert until(lambda: deliveries(broker, webhook, state="delivered"))[0]["attempts"] == 1
    assert {request.id for request in receiver.got} == {failed["id"]}
    assert refusal(broker.request("POST", path)) == (409, "delivery_not_failed")


def test_what_ended_long_ago_is_forgotten(registry: Registry, receiver: Receiver, tell: Announce, dsn: str) -> None:
    caller = registry.broker()
    webhook = listening(caller, receiver)
    for _ in range(3):
        tell(caller.id)
    until(lambda: all(one["ended_at"] for one in deliveries(caller, webhook)))
    old, recent, waiting = deliveries(caller, webhook)
    rows(dsn, "UPDATE webhook_delivery SET ended_at = now() - interval '91 days' WHERE id = %s", old["id"])
    rows(dsn, "UPDATE webhook_delivery SET ended_at = now() - interval '89 days' WHERE id = %s", recent["id"])
    rows(dsn, "UPDATE webhook_delivery SET state = 'pending', ended_at = NULL WHERE id = %s", waiting["id"])
    defer(dsn, "forget_deliveries", timestamp=0)
    until(lambda: len(deliveries(caller, webhook)) < 3)
    assert [one["id"] for one in deliveries(caller, webhook)] == [recent["id"], waiting["id"]]


def test_410_ends_the_webhook(registry: Registry, receiver: Receiver, tell: Announce, dsn: str) -> None:
    broker = registry.broker()
    webhook = listening(broker, receiver)
    receiver.status = 500
    waiting = tell(broker.id)
    tried(broker, webhook)
    receiver.status = 410
    gone = tell(broker.id)
    until(lambda: deliveries(broker, webhook, state="failed"))
    found = {one["subject_id"]: one for one in deliveries(broker, webhook)}
    assert (found[str(gone)]["state"], found[str(gone)]["last_outcome"]) == ("failed", "status 410")
    assert (found[str(waiting)]["state"], found[str(waiting)]["last_outcome"]) == ("cancelled", "endpoint removed")
    (shown,) = broker.get("/v1/webhooks")["items"]
    assert shown["removed_at"] is not None
    refused = broker.request("POST", f"/v1/webhooks/deliveries/{found[str(gone)]['id']}/retry")
    assert refusal(refused) == (409, "webhook_removed")
    assert refusal(broker.request("POST", f"/v1/webhooks/{webhook['id']}/rotate")) == (409, "webhook_removed")
    tell(broker.id)
    assert len(deliveries(broker, webhook)) == 2


def test_what_has_nothing_left_to_tell_is_withdrawn(
    registry: Registry, receiver: Receiver, tell: Announce, over: set[uuid.UUID], dsn: str
) -> None:
    broker = registry.broker()
    webhook = listening(broker, receiver)
    receiver.status = 500
    subject = tell(broker.id)
    tried(broker, webhook)
    over.add(subject)
    hurry(dsn)
    ended = tried(broker, webhook, 2)
    assert (ended["state"], ended["last_outcome"]) == ("cancelled", "nothing to send")
    assert len(receiver.got) == 1


def test_both_secrets_sign_until_the_old_ones_time_is_over(
    registry: Registry, receiver: Receiver, tell: Announce, dsn: str
) -> None:
    broker = registry.broker()
    webhook = listening(broker, receiver)
    rotated = broker.post(f"/v1/webhooks/{webhook['id']}/rotate")
    assert rotated["previous_until"] is not None
    tell(broker.id)
    (request,) = receiver.wait_for(1)
    assert request.verified(webhook["secret"]) == request.verified(rotated["secret"])
    rows(dsn, "UPDATE webhook_endpoint SET previous_until = now()")
    tell(broker.id)
    later = receiver.wait_for(2)[1]
    later.verified(rotated["secret"])
    with pytest.raises(WebhookVerificationError):
        later.verified(webhook["secret"])
    newest = broker.post(f"/v1/webhooks/{webhook['id']}/rotate")
    tell(broker.id)
    last = receiver.wait_for(3)[2]
    assert last.verified(rotated["secret"]) == last.verified(newest["secret"])
    with pytest.raises(WebhookVerificationError):
        last.verified(webhook["secret"])


def test_a_silent_receiver_holds_up_nobody_and_no_transaction(
    registry: Registry, receiver: Receiver, tell: Announce, dsn: str
) -> None:
    broker, rival = registry.broker(), registry.broker()
    with receiving() as prompt:
        silent, answered = listening(broker, receiver), listening(rival, prompt)
        receiver.silent = True
        first = tell(broker.id)
        receiver.wait_for(1)
        with psycopg.connect(dsn) as connection:
            query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
            assert connection.execute(query).fetchone() == (0,)
        # As many as a worker has places, were they not to be done one after the other.
        tell(broker.id)
        tell(rival.id)
        assert tried(rival, answered)["state"] == "delivered"
        filled(rival, [1])
        assert {one["last_outcome"] for one in deliveries(broker, silent)} == {None}
        timed_out = until(lambda: [one for one in deliveries(broker, silent) if one["last_outcome"]])
    assert [(one["subject_id"], one["state"], one["last_outcome"]) for one in timed_out] == [
        (str(first), "pending", "timeout")
    ]


def test_what_is_removed_during_a_try_stays_withdrawn(registry: Registry, receiver: Receiver, tell: Announce) -> None:
    broker = registry.broker()
    webhook = listening(broker, receiver)
    receiver.silent, receiver.status = True, 500
    tell(broker.id)
    receiver.wait_for(1)
    assert broker.request("DELETE", f"/v1/webhooks/{webhook['id']}").is_success
    receiver.released.set()
    with receiving() as later:
        other = listening(broker, later)
        tell(broker.id)
        assert tried(broker, other)["state"] == "delivered"
    (ended,) = deliveries(broker, webhook)
    assert (ended["state"], ended["last_outcome"]) == ("cancelled", "endpoint removed")


def test_what_was_announced_while_its_endpoint_was_removed_is_withdrawn(
    registry: Registry, receiver: Receiver, tell: Announce, dsn: str
) -> None:
    broker = registry.broker()
    webhook = listening(broker, receiver)
    receiver.status = 500
    tell(broker.id)
    tried(broker, webhook)
    rows(dsn, "UPDATE webhook_endpoint SET removed_at = now()")
    hurry(dsn)
    assert tried(broker, webhook, 2)["state"] == "cancelled"
    assert len(receiver.got) == 1


def make_due(dsn: str, webhook: Any, subject: uuid.UUID, count: int) -> None:
    """Many deliveries that are due, of an event about one fact."""
    rows(
        dsn,
        "INSERT INTO webhook_delivery "
        "(id, endpoint_id, event, subject_id, state, attempts, recorded_at, next_attempt_at) "
        "SELECT gen_random_uuid(), %s, %s, %s, 'pending', 0, now(), now() FROM generate_series(1, %s)",
        webhook["id"],
        EVENT,
        subject,
        count,
    )


def test_a_receiver_that_fails_is_left_alone_for_a_while(
    registry: Registry, receiver: Receiver, dsn: str, over: set[uuid.UUID]
) -> None:
    broker = registry.broker()
    webhook = listening(broker, receiver)
    receiver.status = 500
    make_due(dsn, webhook, uuid.uuid4(), 40)
    defer(dsn, "deliver_webhooks")
    until(lambda: rows(dsn, "SELECT FROM procrastinate_jobs WHERE task_name = 'deliver_webhooks'") == [])
    # A few at once; and a few more if a new minute began meanwhile.
    assert 1 <= len(receiver.got) <= 12


def test_two_runs_at_once_send_nothing_twice(registry: Registry, receiver: Receiver, tell: Announce, dsn: str) -> None:
    broker = registry.broker()
    webhook = listening(broker, receiver)
    subject = tell(broker.id)
    tried(broker, webhook)
    make_due(dsn, webhook, subject, 60)
    # By hand, and so without the lock that keeps the two apart.
    for _ in range(2):
        defer(dsn, "deliver_webhooks")
    until(lambda: len(deliveries(broker, webhook, state="delivered")) == 61)
    assert len(receiver.got) == len({request.id for request in receiver.got}) == 61


def test_an_event_that_cannot_be_told_holds_up_no_other(
    registry: Registry,
    receiver: Receiver,
    tell: Announce,
    dsn: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(_session: AsyncSession, _ring: KeyRing, _subject_id: uuid.UUID) -> dict[str, Any] | None:
        raise LookupError("about +33639980001")

    monkeypatch.setitem(PAYLOADS, "test.broken", broken)
    broker = registry.broker()
    webhook = listening(broker, receiver)
    receiver.status = 500
    tell(broker.id)
    tried(broker, webhook)
    rows(dsn, "UPDATE webhook_delivery SET event = 'test.broken'")
    receiver.status = 204
    tell(broker.id)
    hurry(dsn)
    until(lambda: deliveries(broker, webhook, state="delivered"))
    found = until(lambda: [one for one in deliveries(broker, webhook) if one["last_outcome"] == "internal error"])
    assert found[0]["state"] == "pending"
    assert "LookupError" in caplog.text
    assert "3998" not in caplog.text


def test_an_address_is_looked_at_again_at_each_sending(
    dsn: str, receiver: Receiver, tell: Announce, names: dict[str, list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    names["hook.example"] = ["1.1.1.1", "127.0.0.1"]
    caplog.set_level("INFO")
    with TestClient(create_app(settings_of_tests(), dsn)) as client:
        broker = Registry(client, dsn).broker()
        webhook = broker.post("/v1/webhooks", {"url": f"https://hook.example:{receiver.port}/very/private?path"})
        tell(broker.id)
        refused = tried(broker, webhook)
    assert (refused["state"], refused["last_outcome"]) == ("pending", "address refused")
    assert receiver.got == []
    assert "very/private" not in caplog.text
    assert "very/private" not in json.dumps(refused)


def test_neither_address_nor_number_gets_into_the_log(
    registry: Registry, receiver: Receiver, tell: Announce, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    broker = registry.broker()
    webhook = listening(broker, receiver)
    tell(broker.id)
    tried(broker, webhook)
    assert caplog.text
    assert "/filiation" not in caplog.text
    assert "3998" not in caplog.text


@given(st.integers(1, 20), st.floats(0, 1))
def test_the_waits_grow_and_end(attempts: int, chance: float) -> None:
    delay = delay_after(attempts, chance)
    if attempts > len(DELAYS):
        assert delay is None
    else:
        assert delay is not None
        assert 0.8 * DELAYS[attempts - 1] <= delay <= 1.2 * DELAYS[attempts - 1]
        following = delay_after(attempts + 1, chance)
        assert following is None or following > delay
