"""Numbers with several holders: a shop without an account, a broker and a party, which sent a campaign."""

import asyncio
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from fastapi.testclient import TestClient

from service.core.clock import now
from service.core.vocabulary import Role
from service.messaging.gateway import Messaging
from service.messaging.messages import Inbound
from tests.builders import FICTION, filled, hand_over, make_collection, make_notice, number
from tests.callers import Caller, Registry
from tests.inspection import resources_of_app
from tests.persons import PersonCaller, prove


@dataclass
class Holders:
    """The holders of the numbers 0001 to 0009, in order. The broker asserts the shop's dataset."""

    registry: Registry
    shop_id: str
    broker: Caller
    party: Caller
    sender: Caller
    campaign: Any

    def person(self, last_four: int) -> PersonCaller:
        """The owner of a number, verified."""
        return prove(self.registry.client, self.registry.dsn, number(last_four))


class In(NamedTuple):
    """Who must answer in a country, in a time zone that is stated or not."""

    country: str
    time_zone: str | None = None


def several_holders(registry: Registry) -> Holders:
    """Give the numbers 0001 to 0009 to all holders, and have the party send them a campaign."""
    broker, party = registry.broker(), registry.party()
    named = {"legal_name": "Jeux SARL", "country": "FR", "roles": ["collector"], "privacy_contact": "jeux@jeux.example"}
    shop = broker.post("/v1/organisations", named)
    notice = make_notice(broker, shop["id"])
    collection = make_collection(broker, shop["id"], notice["id"])
    base = filled(broker, range(1, 10), holder_id=shop["id"], collection_id=collection["id"])
    bought = hand_over(broker, base, broker)
    sold = hand_over(broker, {"id": bought["received_dataset_id"]}, party, occurred_at="2024-03-01T00:00:00Z")
    sender = registry.organisation(Role.PROCESSOR, acts_for=party)
    sent = register_campaign(party, sold["received_dataset_id"], sender_id=str(sender.id))
    return Holders(registry, shop["id"], broker, party, sender, sent)


def register_campaign(party: Caller, dataset_id: str, **more: Any) -> Any:
    """Register a campaign of 6 June 2024."""
    window = {"began_at": "2024-06-06T10:00:00+02:00", "ended_at": "2024-06-06T12:00:00+02:00"}
    said = {"name": "Dernier appel", "originator": "38001", "message_text": "Votez.", "dataset_ids": [dataset_id]}
    return party.post("/v1/campaigns", {"party_id": str(party.id)} | window | said | more)


def message_from(
    last_four: int, originator: str = "38001", text: str = "STOP", *, at: datetime | None = None
) -> Inbound:
    """A message from a telephone, which our own gateway took over `at` a moment."""
    return Inbound(uuid.uuid4(), FICTION + last_four, originator, text, at or now())


def deliver(client: TestClient, *messages: Inbound) -> None:
    """Handle messages at the same time, as if our own gateway had delivered them."""
    on_inbound = resources_of_app(client.app).get(Messaging).on_inbound

    async def handle() -> None:
        await asyncio.gather(*map(on_inbound, messages))

    assert client.portal is not None
    client.portal.call(handle)


def create_objection(person: PersonCaller, **wanted: Any) -> Any:
    """Create an objection of a person, which must succeed."""
    answer = person.request("POST", "/v1/objections", json={"kind": "objection"} | wanted)
    assert answer.status_code == 201, answer.text
    return answer.json()


def objections_of(person: PersonCaller) -> Any:
    """Every objection to the use of a person's number."""
    answer = person.request("GET", "/v1/objections")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def relay_states(objection: Any) -> dict[str, str]:
    """The state of each relay, by the holder's id."""
    return {relay["holder"]["id"]: relay["state"] for relay in objection["relays"]}


def relays_to(holder: Caller, after: int = 0) -> Any:
    """The relays that a holder lists."""
    return holder.get("/v1/objections/relays", params={"after": after})["items"]
