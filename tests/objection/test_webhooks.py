"""A holder's webhook hears of relays, with the number as long as there is something to do."""

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from service.core.db import Database
from service.core.settings import Settings
from service.objection.relays import relay_payload
from tests.builders import number
from tests.callers import Registry
from tests.conftest import MASTER_SECRET
from tests.inspection import rows, until
from tests.objection.builders import feed, objects, own, several_holders, states
from tests.persons import ring_of_tests
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
                return await relay_payload(session, ring_of_tests(), uuid.UUID(relay["id"]))
        finally:
            await database.close()

    return asyncio.run(make())


def test_a_relay_arrives_signed_with_its_number(registry: Registry, receiver: Receiver, dsn: str) -> None:
    holders = several_holders(registry)
    webhook = holders.party.post("/v1/webhooks", {"url": receiver.url})
    objects(holders.person(7), kind="erasure")
    (request,) = receiver.wait_for(1)
    told = request.verified(webhook["secret"])
    (relay,) = feed(holders.party)
    assert (told["type"], told["data"]["id"]) == ("relay.created", relay["id"])
    assert (told["data"]["number"], told["data"]["kind"]) == (number(7), "erasure")
    assert told["data"]["due_at"] == relay["due_at"]
    assert rows(dsn, "SELECT 1 FROM webhook_delivery AS told WHERE told::text LIKE %s", "%3998%") == []


def test_what_a_webhook_took_is_delivered(registry: Registry, receiver: Receiver) -> None:
    holders, party = several_holders(registry), {}
    person = holders.person(7)
    holders.party.post("/v1/webhooks", {"url": receiver.url})
    objects(person)

    def arrived() -> bool:
        (objection,) = own(person)
        party.update({hop["holder"]["id"]: hop for hop in objection["relays"]}[str(holders.party.id)])
        return bool(party["state"] == "delivered")

    until(arrived)
    assert party["delivered_at"] is not None
    (objection,) = own(person)
    assert states(objection)[str(holders.broker.id)] == "pending", "it has no webhook and has not read"


def test_what_a_webhook_did_not_take_is_not_delivered(registry: Registry, receiver: Receiver) -> None:
    holders, receiver.status = several_holders(registry), 503
    person = holders.person(7)
    webhook = holders.party.post("/v1/webhooks", {"url": receiver.url})
    objects(person)
    path = f"/v1/webhooks/{webhook['id']}/deliveries"
    until(lambda: holders.party.get(path)["items"][0]["last_outcome"] == "status 503")
    (objection,) = own(person)
    assert states(objection)[str(holders.party.id)] == "pending"


def test_a_late_arrival_takes_nothing_back(registry: Registry, receiver: Receiver, dsn: str) -> None:
    holders, receiver.status = several_holders(registry), 503
    person = holders.person(7)
    webhook = holders.party.post("/v1/webhooks", {"url": receiver.url})
    objects(person)
    path = f"/v1/webhooks/{webhook['id']}/deliveries"
    (delivery,) = until(lambda: [one for one in holders.party.get(path)["items"] if one["last_outcome"]])
    (relay,) = feed(holders.party)
    holders.party.post(f"/v1/objections/relays/{relay['id']}/acknowledge")
    receiver.status = 204
    rows(dsn, "UPDATE webhook_delivery SET state = 'failed' WHERE id = %s", delivery["id"])
    holders.party.post(f"/v1/webhooks/deliveries/{delivery['id']}/retry")
    until(lambda: holders.party.get(path)["items"][0]["state"] == "delivered")
    (objection,) = own(person)
    assert states(objection)[str(holders.party.id)] == "acknowledged"


def test_who_recorded_it_is_not_told_of_it(registry: Registry, receiver: Receiver) -> None:
    holders = several_holders(registry)
    for holder in (holders.party, holders.broker):
        holder.post("/v1/webhooks", {"url": receiver.url})
    letter = {"number": number(7), "occurred_at": "2024-05-20T10:00:00Z"}
    holders.broker.post("/v1/objections/received", {"kind": "objection", "numbers": [letter]})
    (request,) = receiver.wait_for(1)
    assert feed(holders.party)[0]["id"].encode() in request.body


def test_a_later_try_tells_what_is_left_to_tell(registry: Registry, dsn: str) -> None:
    holders = several_holders(registry)
    person = holders.person(7)
    objects(person, kind="erasure")
    objects(person)
    erasure, objection = feed(holders.party)
    for relay in (erasure, objection):
        told = payload(dsn, relay)
        assert told is not None
        assert told["number"] == number(7)
    holders.party.post(f"/v1/objections/relays/{erasure['id']}/complete")
    assert payload(dsn, erasure) is None
    told = payload(dsn, objection)
    assert told is not None
    assert told["number"] is None, "it does not hold the number any more"
