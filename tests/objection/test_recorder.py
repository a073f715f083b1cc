"""Who recorded an objection: its organisation is named only to those who see it on a path of the number."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from service.core.settings import Settings
from tests.builders import collected, filled, hand_over, number
from tests.callers import Caller, Registry
from tests.conftest import MASTER_SECRET
from tests.inspection import rows, until
from tests.objection.builders import Holders, create_objection, objections_of, relays_to, several_holders
from tests.objection.test_stops import inbound
from tests.webhook.receiver import receiving

PERSON = ("person", None)
HIDDEN = ("organisation_or_sender", None)


@pytest.fixture
def settings() -> Settings:
    """Settings of a service that calls loopback addresses."""
    return Settings(master_secret=SecretStr(MASTER_SECRET), webhook_allow_private=True, verifications_per_address=1000)


@pytest.fixture
def holders(registry: Registry) -> Holders:
    return several_holders(registry)


@pytest.fixture
def rival(holders: Holders) -> Caller:
    """Another client of the broker: it sees the broker, and not the party."""
    rival = holders.registry.party()
    owner = str(holders.broker.id)
    held = [row for row in holders.broker.get("/v1/datasets")["items"] if row["holder_id"] == owner]
    hand_over(holders.broker, held[0], rival, occurred_at="2024-03-02T00:00:00Z")
    return rival


@pytest.fixture
def unrelated(registry: Registry) -> Caller:
    """A collector with the same numbers from a collection of its own: it sees nobody else."""
    collector = registry.collector()
    collected(collector, range(1, 10))
    return collector


def named(caller: Caller, name: str) -> tuple[str, dict[str, str]]:
    """What a holder reads about an objection of an organisation that it sees."""
    return "organisation", {"id": str(caller.id), "legal_name": name}


def recorder(fact: Any) -> tuple[str, Any]:
    """Who recorded an objection, as a relay or a flagged number says it."""
    return fact["recorder"], fact["recorded_by"]


def read_by(holder: Caller) -> tuple[str, Any]:
    """Who recorded the only objection that is relayed to a holder, as its list of relays says it."""
    (relay,) = relays_to(holder)
    return recorder(relay)


def record_letter(holder: Caller, last_four: int = 7) -> None:
    """Let a holder record an objection that it received by letter."""
    body = {"kind": "objection", "numbers": [{"number": number(last_four), "occurred_at": "2024-05-20T08:00:00Z"}]}
    assert holder.post("/v1/objections/received", body)["results"][0]["outcome"] == "recorded"


def test_objection_of_the_person_reads_as_the_persons_to_every_holder(
    holders: Holders, rival: Caller, unrelated: Caller
) -> None:
    create_objection(holders.person(7))
    assert [read_by(holder) for holder in (holders.broker, holders.party, rival, unrelated)] == [PERSON] * 4


def test_stop_to_the_registrys_own_number_reads_as_the_persons(
    holders: Holders, rival: Caller, client: TestClient
) -> None:
    inbound(client, 6, "38001", "STOP")
    assert [read_by(holder) for holder in (holders.broker, holders.party, rival)] == [PERSON] * 3


def test_objection_recorded_by_a_client_names_it_to_its_supplier_alone(
    holders: Holders, rival: Caller, unrelated: Caller
) -> None:
    record_letter(holders.party)
    party = named(holders.party, "Party 2")
    assert read_by(holders.party) == party
    assert read_by(holders.broker) == party
    assert (read_by(rival), read_by(unrelated)) == (HIDDEN, HIDDEN)
    (seen,) = objections_of(holders.person(7))
    assert seen["recorded_by"]["id"] == str(holders.party.id)


def test_objection_recorded_by_a_supplier_names_it_to_its_clients(
    holders: Holders, rival: Caller, unrelated: Caller
) -> None:
    record_letter(holders.broker)
    broker = named(holders.broker, "Broker 1")
    assert [read_by(holder) for holder in (holders.broker, holders.party, rival)] == [broker] * 3
    assert read_by(unrelated) == HIDDEN


def test_stop_reported_by_a_sender_reads_like_any_other_hidden_report(
    holders: Holders, rival: Caller, unrelated: Caller
) -> None:
    body = {"replies": [{"number": number(7), "replied_at": "2024-06-06T12:00:00Z"}]}
    reported = holders.sender.post(f"/v1/campaigns/{holders.campaign['id']}/stops", body)
    assert reported["results"][0]["outcome"] == "recorded"
    assert (read_by(rival), read_by(unrelated)) == (HIDDEN, HIDDEN)
    record_letter(unrelated, 8)
    shown = relays_to(rival)
    assert recorder(shown[-1]) == HIDDEN
    filled_in = {key for relay in shown for key, value in relay.items() if value is not None}
    assert filled_in.isdisjoint({"source", "campaign", "campaign_id", "asserted_by", "asserted_by_id", "recorded_by"})


def test_every_answer_about_a_relay_names_nobody_that_the_list_hides(holders: Holders, rival: Caller) -> None:
    record_letter(holders.party)
    (relay,) = relays_to(rival)
    path = f"/v1/objections/relays/{relay['id']}"
    assert recorder(rival.post(f"{path}/acknowledge")) == HIDDEN
    assert recorder(rival.post(f"{path}/complete")) == HIDDEN
    (relay,) = relays_to(holders.broker)
    body = {"reason": "La preuve du consentement doit être gardée."}
    refused = holders.broker.post(f"/v1/objections/relays/{relay['id']}/refuse", body)
    assert recorder(refused) == named(holders.party, "Party 2")


def test_webhook_of_a_relay_says_who_recorded_it_as_the_list_does(holders: Holders, rival: Caller) -> None:
    with receiving() as to_rival, receiving() as to_broker:
        hooks = [
            caller.post("/v1/webhooks", {"url": receiver.url})["secret"]
            for caller, receiver in ((rival, to_rival), (holders.broker, to_broker))
        ]
        record_letter(holders.party)
        (hidden,), (shown,) = to_rival.wait_for(1), to_broker.wait_for(1)
    assert recorder(hidden.verified(hooks[0])["data"]) == HIDDEN
    assert recorder(shown.verified(hooks[1])["data"]) == named(holders.party, "Party 2")


def test_flagged_number_says_who_recorded_the_objection_as_a_relay_does(holders: Holders, unrelated: Caller) -> None:
    record_letter(holders.party, 7)
    create_objection(holders.person(8))
    later = {caller.id: filled(caller, range(1, 10))["id"] for caller in (holders.broker, unrelated)}

    def flagged(caller: Caller) -> list[tuple[str, Any]]:
        path = f"/v1/objections/flags/{later[caller.id]}/numbers"
        until(lambda: any(flag["number_count"] == 2 for flag in caller.get("/v1/objections/flags")["items"]))
        return sorted((recorder(fact) for fact in caller.get(path)["items"]), key=str)

    assert flagged(holders.broker) == [named(holders.party, "Party 2"), PERSON]
    assert flagged(unrelated) == [HIDDEN, PERSON]


def test_list_overdue_relays_names_the_recorder_to_the_regulator(holders: Holders, dsn: str) -> None:
    record_letter(holders.party, 7)
    create_objection(holders.person(8))
    rows(dsn, "UPDATE relay SET due_at = now() - interval '1 day'")
    found = holders.registry.regulator().get("/v1/objections/overdue")["items"]
    assert sorted((recorder(relay) for relay in found), key=str) == [named(holders.party, "Party 2")] * 2 + [PERSON] * 2


def test_recorder_that_comes_into_sight_is_named_from_then_on(holders: Holders, unrelated: Caller) -> None:
    record_letter(unrelated)
    assert read_by(holders.party) == HIDDEN
    (dataset,) = unrelated.get("/v1/datasets")["items"]
    hand_over(unrelated, dataset, holders.party, occurred_at="2024-04-01T00:00:00Z")
    assert read_by(holders.party) == named(unrelated, "Collector 4")
