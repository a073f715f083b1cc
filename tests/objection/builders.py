"""A number in several holders: a shop that has no account, a broker and a party, with a campaign."""

from dataclasses import dataclass
from typing import Any

from service.core.vocabulary import Role
from tests.builders import filled, hand_over, make_collection, make_notice, number
from tests.callers import Caller, Registry
from tests.persons import PersonCaller, prove


@dataclass
class Holders:
    """Who holds the numbers 0001 to 0009, one after the other. The shop is named by the broker."""

    registry: Registry
    shop_id: str
    broker: Caller
    party: Caller
    sender: Caller
    campaign: Any

    def person(self, last_four: int) -> PersonCaller:
        """Somebody who proved a number."""
        return prove(self.registry.client, self.registry.dsn, number(last_four))


def several_holders(registry: Registry) -> Holders:
    """The numbers 0001 to 0009, which the party's campaign was sent to."""
    broker, party = registry.broker(), registry.party()
    named = {"legal_name": "Jeux SARL", "country": "FR", "roles": ["collector"], "privacy_contact": "jeux@jeux.example"}
    shop = broker.post("/v1/organisations", named)
    notice = make_notice(broker, shop["id"])
    collection = make_collection(broker, shop["id"], notice["id"])
    base = filled(broker, range(1, 10), holder_id=shop["id"], collection_id=collection["id"])
    bought = hand_over(broker, base, broker)
    sold = hand_over(broker, {"id": bought["received_dataset_id"]}, party, occurred_at="2024-03-01T00:00:00Z")
    sender = registry.organisation(Role.PROCESSOR, acts_for=party)
    sent = campaign_of(party, sold["received_dataset_id"], sender_id=str(sender.id))
    return Holders(registry, shop["id"], broker, party, sender, sent)


def campaign_of(party: Caller, dataset_id: str, **more: Any) -> Any:
    """A campaign of 6 June 2024."""
    window = {"began_at": "2024-06-06T10:00:00+02:00", "ended_at": "2024-06-06T12:00:00+02:00"}
    said = {"name": "Dernier appel", "originator": "38001", "message_text": "Votez.", "dataset_ids": [dataset_id]}
    return party.post("/v1/campaigns", {"party_id": str(party.id)} | window | said | more)


def objects(person: PersonCaller, **wanted: Any) -> Any:
    """The objection that somebody files, which must succeed."""
    answer = person.request("POST", "/v1/objections", json={"kind": "objection"} | wanted)
    assert answer.status_code == 201, answer.text
    return answer.json()


def own(person: PersonCaller) -> Any:
    """Every objection on somebody's number."""
    answer = person.request("GET", "/v1/objections")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def states(objection: Any) -> dict[str, str]:
    """How far each holder is, by the holder's id."""
    return {hop["holder"]["id"]: hop["state"] for hop in objection["relays"]}


def feed(holder: Caller, after: int = 0) -> Any:
    """What a holder reads of its relays."""
    return holder.get("/v1/objections/relays", params={"after": after})["items"]
