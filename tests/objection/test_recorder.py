"""Who recorded an objection: its organisation is named only to those who see it on a path of the number."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from service.core.settings import Settings
from tests.builders import collected, filled, hand_over, number
from tests.callers import Caller, Registry
from tests.conftest import MASTER_SECRET, temporary_database
from tests.direct_client import DirectClient
from tests.inspection import rows, until
from tests.kept import kept_app
from tests.objection.builders import (
    Holders,
    create_objection,
    deliver,
    message_from,
    objections_of,
    relays_to,
    several_holders,
)
from tests.webhook.receiver import receiving

PERSON = ("person", None)
OCCURRED = "2024-03-03T00:00:00Z"
HIDDEN = ("organisation_or_sender", None)


SETTINGS = Settings(master_secret=SecretStr(MASTER_SECRET), webhook_allow_private=True, verifications_per_address=1000)


@pytest.fixture
def settings() -> Settings:
    """Settings of a service that calls loopback addresses."""
    return SETTINGS


@dataclass
class World:
    """The holders of the numbers 1 to 9, and two more.

    `rival` is another client of the broker: it sees the broker, and not the party. `unrelated` is a collector with the
    same numbers from a collection of its own: it sees nobody else.
    """

    holders: Holders
    rival: Caller
    unrelated: Caller


def make_world(registry: Registry) -> World:
    """Register the organisations and their datasets."""
    holders, rival, unrelated = several_holders(registry), registry.party(), registry.collector()
    owner = str(holders.broker.id)
    held = [row for row in holders.broker.get("/v1/datasets")["items"] if row["holder_id"] == owner]
    hand_over(holders.broker, held[0], rival, occurred_at="2024-03-02T00:00:00Z")
    (sold,) = (
        row for row in holders.party.get("/v1/transfers")["items"] if row["recipient_id"] == str(holders.party.id)
    )
    holders.party.post(f"/v1/transfers/{sold['id']}/statements", {"status": "acknowledged", "occurred_at": OCCURRED})
    collected(unrelated, range(1, 10))
    return World(holders, rival, unrelated)


@pytest.fixture
def world(registry: Registry) -> World:
    """A world of one test."""
    return make_world(registry)


@pytest.fixture(scope="module")
def shared(cluster: str) -> Iterator[World]:
    """A world that several tests share: each lets the owner of another number object."""
    with temporary_database(cluster) as dsn, DirectClient(kept_app(SETTINGS, dsn)) as client:
        yield make_world(Registry(client, dsn))


def named(caller: Caller, name: str) -> tuple[str, dict[str, str]]:
    """What a holder reads about an objection of an organisation that it sees."""
    return "organisation", {"id": str(caller.id), "legal_name": name}


def recorder(fact: Any) -> tuple[str, Any]:
    """Who recorded an objection, as a relay or a flagged number says it."""
    return fact["recorder"], fact["recorded_by"]


def relay_of(holder: Caller, last_four: int) -> Any:
    """The only open relay about a number to a holder."""
    (relay,) = (relay for relay in relays_to(holder) if relay["number"] == number(last_four))
    return relay


def read_by(last_four: int, *holders: Caller) -> list[tuple[str, Any]]:
    """Who recorded the only objection to a number, as each holder's list of relays says it."""
    return [recorder(relay_of(holder, last_four)) for holder in holders]


def record_letter(holder: Caller, last_four: int) -> None:
    """Let a holder record an objection that it received by letter."""
    body = {"kind": "objection", "numbers": [{"number": number(last_four), "occurred_at": "2024-05-20T08:00:00Z"}]}
    assert holder.post("/v1/objections/received", body)["results"][0]["outcome"] == "recorded"


def test_objection_of_the_person_reads_as_the_persons_to_every_holder(shared: World) -> None:
    holders = shared.holders
    create_objection(holders.person(1))
    assert read_by(1, holders.broker, holders.party, shared.rival, shared.unrelated) == [PERSON] * 4


def test_stop_to_the_registrys_own_number_reads_as_the_persons(shared: World) -> None:
    holders = shared.holders
    assert isinstance(holders.broker.client, TestClient)
    deliver(holders.broker.client, message_from(2))
    assert read_by(2, holders.broker, holders.party, shared.rival) == [PERSON] * 3


def test_objection_recorded_by_a_client_names_it_to_its_supplier_alone(shared: World) -> None:
    holders = shared.holders
    record_letter(holders.party, 3)
    assert read_by(3, holders.party, holders.broker) == [named(holders.party, "Party 2")] * 2
    assert read_by(3, shared.rival, shared.unrelated) == [HIDDEN] * 2
    (seen,) = objections_of(holders.person(3))
    assert seen["recorded_by"]["id"] == str(holders.party.id)


def test_transfer_that_its_recipient_did_not_acknowledge_does_not_name_it(shared: World) -> None:
    """A holder declares that it handed a number to somebody, and so learns nothing of what that reported."""
    holders, unrelated = shared.holders, shared.unrelated
    base = collected(shared.rival, [8])
    made = hand_over(shared.rival, base, unrelated, occurred_at="2024-05-21T08:00:00Z")
    record_letter(unrelated, 8)
    assert read_by(8, shared.rival) == [HIDDEN]
    path, said = f"/v1/transfers/{made['id']}/statements", {"occurred_at": "2024-05-22T08:00:00Z"}
    unrelated.post(path, said | {"status": "denied"})
    assert read_by(8, shared.rival) == [HIDDEN]
    unrelated.post(path, said | {"status": "acknowledged"})
    assert read_by(8, shared.rival) == [named(unrelated, recorder(relay_of(unrelated, 8))[1]["legal_name"])]
    assert read_by(8, holders.broker) == [HIDDEN]


def test_objection_recorded_by_a_supplier_names_it_to_its_clients(shared: World) -> None:
    holders = shared.holders
    record_letter(holders.broker, 4)
    assert read_by(4, holders.broker, holders.party, shared.rival) == [named(holders.broker, "Broker 1")] * 3
    assert read_by(4, shared.unrelated) == [HIDDEN]


def test_stop_reported_by_a_sender_reads_like_any_other_hidden_report(shared: World) -> None:
    body = {"replies": [{"number": number(5), "replied_at": "2024-06-06T12:00:00Z"}]}
    path = f"/v1/campaigns/{shared.holders.campaign['id']}/stops"
    assert shared.holders.sender.post(path, body)["results"][0]["outcome"] == "recorded"
    record_letter(shared.unrelated, 6)
    stop, letter = relay_of(shared.rival, 5), relay_of(shared.rival, 6)
    assert (recorder(stop), recorder(letter)) == (HIDDEN, HIDDEN)
    assert {name for name in stop if stop[name] is None} == {name for name in letter if letter[name] is None}
    assert stop.keys().isdisjoint({"source", "campaign", "campaign_id", "asserted_by", "asserted_by_id"})


def test_every_answer_about_a_relay_names_nobody_that_the_list_hides(shared: World) -> None:
    holders = shared.holders
    record_letter(holders.party, 7)
    path = f"/v1/objections/relays/{relay_of(shared.rival, 7)['id']}"
    assert recorder(shared.rival.post(f"{path}/acknowledge")) == HIDDEN
    assert recorder(shared.rival.post(f"{path}/complete")) == HIDDEN
    body = {"reason": "La preuve du consentement doit être gardée."}
    refused = holders.broker.post(f"/v1/objections/relays/{relay_of(holders.broker, 7)['id']}/refuse", body)
    assert recorder(refused) == named(holders.party, "Party 2")


def test_webhook_of_a_relay_says_who_recorded_it_as_the_list_does(world: World) -> None:
    holders, rival = world.holders, world.rival
    with receiving() as to_rival, receiving() as to_broker:
        hooks = [
            caller.post("/v1/webhooks", {"url": receiver.url})["secret"]
            for caller, receiver in ((rival, to_rival), (holders.broker, to_broker))
        ]
        record_letter(holders.party, 7)
        (hidden,), (shown,) = to_rival.wait_for(1), to_broker.wait_for(1)
    assert recorder(hidden.verified(hooks[0])["data"]) == HIDDEN
    assert recorder(shown.verified(hooks[1])["data"]) == named(holders.party, "Party 2")


def test_flagged_number_says_who_recorded_the_objection_as_a_relay_does(world: World) -> None:
    holders, unrelated = world.holders, world.unrelated
    record_letter(holders.party, 7)
    create_objection(holders.person(8))
    later = {caller.id: filled(caller, range(1, 10))["id"] for caller in (holders.broker, unrelated)}

    def flagged(caller: Caller) -> list[tuple[str, Any]]:
        path = f"/v1/objections/flags/{later[caller.id]}/numbers"
        until(lambda: any(flag["number_count"] == 2 for flag in caller.get("/v1/objections/flags")["items"]))
        return sorted((recorder(fact) for fact in caller.get(path)["items"]), key=str)

    assert flagged(holders.broker) == [named(holders.party, "Party 2"), PERSON]
    assert flagged(unrelated) == [HIDDEN, PERSON]


def test_list_overdue_relays_names_the_recorder_to_the_regulator(world: World, dsn: str) -> None:
    holders = world.holders
    record_letter(holders.party, 7)
    create_objection(holders.person(8))
    rows(dsn, "UPDATE relay SET due_at = now() - interval '1 day'")
    found = holders.registry.regulator().get("/v1/objections/overdue")["items"]
    assert sorted((recorder(relay) for relay in found), key=str) == [named(holders.party, "Party 2")] * 4 + [PERSON] * 4


def test_recorder_that_comes_into_sight_is_named_from_then_on(world: World) -> None:
    holders, unrelated = world.holders, world.unrelated
    record_letter(unrelated, 7)
    assert read_by(7, holders.party) == [HIDDEN]
    (dataset,) = unrelated.get("/v1/datasets")["items"]
    hand_over(unrelated, dataset, holders.party, occurred_at="2024-04-01T00:00:00Z")
    assert read_by(7, holders.party) == [named(unrelated, "Collector 5")]
