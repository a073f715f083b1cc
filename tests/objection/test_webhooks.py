"""Webhooks of holders receive relays, with the number while the relay is open."""

import asyncio
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from service.core.clock import now
from service.core.db import Database
from service.core.resources import Resources
from service.core.settings import Settings
from service.core.vocabulary import Role
from service.objection.relays import relay_payload
from service.provenance.snapshot import Snapshots
from tests.builders import collected, number
from tests.conftest import MASTER_SECRET
from tests.dataset.builders import admitted
from tests.inspection import defer, rows, until
from tests.objection.builders import Holders, create_objection, objections_of, relay_states, relays_to
from tests.persons import ring_of_tests
from tests.webhook.builders import deliveries, delivery_after
from tests.webhook.receiver import Receiver, receiving


@pytest.fixture
def settings() -> Settings:
    """Settings of a service that calls loopback addresses."""
    return Settings(master_secret=SecretStr(MASTER_SECRET), webhook_allow_private=True, verifications_per_address=1000)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def payload(dsn: str, relay: Any) -> dict[str, Any] | None:
    async def make() -> dict[str, Any] | None:
        database = Database(dsn, pool_size=1)
        try:
            async with database.transaction() as session:
                resources = Resources(ring_of_tests(), Snapshots(database))
                return await relay_payload(resources, session, uuid.UUID(relay["id"]))
        finally:
            await database.close()

    return asyncio.run(make())


def test_relay_is_sent_to_webhook_with_its_number(holders: Holders, receiver: Receiver, dsn: str) -> None:
    webhook = holders.party.post("/v1/webhooks", {"url": receiver.url})
    create_objection(holders.person(7), kind="erasure")
    (request,) = receiver.wait_for(1)
    event = request.verified(webhook["secret"])
    (relay,) = relays_to(holders.party)
    assert (event["type"], event["data"]["id"]) == ("relay.created", relay["id"])
    assert (event["data"]["number"], event["data"]["kind"]) == (number(7), "erasure")
    assert event["data"]["due_at"] == relay["due_at"]
    assert rows(dsn, "SELECT 1 FROM webhook_delivery AS delivery WHERE delivery::text LIKE %s", "%3998%") == []


def test_relay_accepted_by_webhook_is_delivered(holders: Holders, receiver: Receiver) -> None:
    party = {}
    person = holders.person(7)
    holders.party.post("/v1/webhooks", {"url": receiver.url})
    create_objection(person)

    def arrived() -> bool:
        (objection,) = objections_of(person)
        party.update({relay["holder"]["id"]: relay for relay in objection["relays"]}[str(holders.party.id)])
        return bool(party["state"] == "delivered")

    until(arrived)
    assert party["delivered_at"] is not None
    (objection,) = objections_of(person)
    assert relay_states(objection)[str(holders.broker.id)] == "pending", (
        "it has no webhook and has not listed its relays"
    )


def test_relay_whose_delivery_failed_is_sent_once_a_day_until_it_arrives(
    holders: Holders, receiver: Receiver, dsn: str
) -> None:
    receiver.status = 503
    webhook = holders.party.post("/v1/webhooks", {"url": receiver.url})
    create_objection(holders.person(7))
    delivery_after(holders.party, webhook)
    for attempts in (10, 11):
        rows(
            dsn, "UPDATE webhook_delivery SET attempts = %s, next_attempt_at = now(), last_outcome = NULL", attempts - 1
        )
        defer(dsn, "retry_webhooks", timestamp=0)
        failed = delivery_after(holders.party, webhook, attempts)
        assert (failed["state"], failed["ended_at"]) == ("failed", None)
        assert datetime.fromisoformat(failed["next_attempt_at"]) > now() + timedelta(hours=23)
    receiver.status = 204
    rows(dsn, "UPDATE webhook_delivery SET next_attempt_at = now()")
    defer(dsn, "retry_webhooks", timestamp=0)
    assert until(lambda: deliveries(holders.party, webhook, state="delivered"))[0]["attempts"] == 12
    assert rows(dsn, "SELECT state FROM relay WHERE holder_id = %s", holders.party.id) == [("delivered",)]


def test_relay_refused_by_webhook_stays_pending(holders: Holders, receiver: Receiver) -> None:
    receiver.status = 503
    person = holders.person(7)
    webhook = holders.party.post("/v1/webhooks", {"url": receiver.url})
    create_objection(person)
    path = f"/v1/webhooks/{webhook['id']}/deliveries"
    until(lambda: holders.party.get(path)["items"][0]["last_outcome"] == "status 503")
    (objection,) = objections_of(person)
    assert relay_states(objection)[str(holders.party.id)] == "pending"


def test_relay_accepted_late_by_webhook_keeps_its_state(holders: Holders, receiver: Receiver, dsn: str) -> None:
    receiver.status = 503
    person = holders.person(7)
    webhook = holders.party.post("/v1/webhooks", {"url": receiver.url})
    create_objection(person)
    path = f"/v1/webhooks/{webhook['id']}/deliveries"
    (delivery,) = until(lambda: [sent for sent in holders.party.get(path)["items"] if sent["last_outcome"]])
    (relay,) = relays_to(holders.party)
    holders.party.post(f"/v1/objections/relays/{relay['id']}/acknowledge")
    receiver.status = 204
    rows(dsn, "UPDATE webhook_delivery SET state = 'failed' WHERE id = %s", delivery["id"])
    holders.party.post(f"/v1/webhooks/deliveries/{delivery['id']}/retry")
    until(lambda: holders.party.get(path)["items"][0]["state"] == "delivered")
    (objection,) = objections_of(person)
    assert relay_states(objection)[str(holders.party.id)] == "acknowledged"


def test_relay_is_not_sent_to_the_organisation_that_recorded_it(holders: Holders, receiver: Receiver) -> None:
    for holder in (holders.party, holders.broker):
        holder.post("/v1/webhooks", {"url": receiver.url})
    letter = {"number": number(7), "occurred_at": "2024-05-20T10:00:00Z"}
    holders.broker.post("/v1/objections/received", {"kind": "objection", "numbers": [letter]})
    (request,) = receiver.wait_for(1)
    assert relays_to(holders.party)[0]["id"].encode() in request.body


def test_payload_of_later_attempt_shows_the_current_state(holders: Holders, dsn: str) -> None:
    person = holders.person(7)
    create_objection(person, kind="erasure")
    create_objection(person)
    erasure, objection = relays_to(holders.party)
    for relay in (erasure, objection):
        shown = payload(dsn, relay)
        assert shown is not None
        assert shown["number"] == number(7)
    holders.party.post(f"/v1/objections/relays/{erasure['id']}/complete")
    assert payload(dsn, erasure) is None
    shown = payload(dsn, objection)
    assert shown is not None
    assert shown["number"] is None, "it no longer holds the number"


def test_webhook_is_sent_what_came_before_it_and_before_the_account(
    holders: Holders, receiver: Receiver, dsn: str
) -> None:
    """Its organisation never lists its relays, and need not."""
    create_objection(holders.person(7))
    create_objection(holders.person(8))
    shop = admitted(holders.registry, dsn, holders.shop_id)
    for holder in (shop, holders.party):
        webhook = holder.post("/v1/webhooks", {"url": receiver.url})
        until(lambda holder=holder, webhook=webhook: len(deliveries(holder, webhook, state="delivered")) == 2)  # type: ignore[misc]
    events = [orjson.loads(request.body)["data"]["number"] for request in receiver.got]
    assert sorted(events) == [number(7), number(7), number(8), number(8)]
    states = "SELECT DISTINCT state FROM relay WHERE holder_id = ANY(%s)"
    assert rows(dsn, states, [uuid.UUID(holders.shop_id), holders.party.id]) == [("delivered",)]


def test_payload_of_a_relay_whose_release_was_just_withdrawn_is_held_back(holders: Holders, dsn: str) -> None:
    registry = holders.registry
    stranger = registry.organisation(Role.PARTY, Role.COLLECTOR, released=False)
    dataset = collected(stranger, [7])
    registry.operator().post(f"/v1/datasets/{dataset['id']}/release", {})
    create_objection(holders.person(7))
    ((relay_id,),) = rows(dsn, "SELECT id::text FROM relay WHERE holder_id = %s", stranger.id)
    # The withdrawal as it is recorded, without the task that follows it.
    rows(
        dsn,
        "INSERT INTO dataset_release (id, dataset_id, recorded_at, withdrawn, operator_id) "
        "SELECT gen_random_uuid(), dataset_id, now(), true, operator_id FROM dataset_release WHERE dataset_id = %s",
        dataset["id"],
    )
    assert payload(dsn, {"id": relay_id}) is None
    assert rows(dsn, "SELECT state FROM relay WHERE id = %s", relay_id) == [("waiting",)]
