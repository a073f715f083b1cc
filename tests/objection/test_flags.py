"""What is sealed or registered with an objected number in it is flagged, to its holder and to the person."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.access.actor import Scope
from service.core.vocabulary import Role
from tests.builders import filled, hand_over, number, open_dataset
from tests.callers import Caller, Registry
from tests.inspection import defer, refusal, rows, until
from tests.objection.builders import Holders, campaign_of, feed, objects, own, several_holders
from tests.persons import prove


@pytest.fixture
def holders(registry: Registry) -> Holders:
    return several_holders(registry)


def flags(holder: Caller) -> dict[str, int]:
    """How many objected numbers each flagged dataset or campaign of a holder's has."""
    return {one["id"]: one["number_count"] for one in holder.get("/v1/objections/flags")["items"]}


def numbers_in(holder: Caller, subject_id: str) -> list[str | None]:
    found = holder.get(f"/v1/objections/flags/{subject_id}/numbers")["items"]
    return [one["number"] for one in found]


def dataset_of(holder: Caller) -> Any:
    """The first dataset that a holder holds itself."""
    datasets = holder.get("/v1/datasets")["items"]
    return next(dataset for dataset in datasets if dataset["holder_id"] == str(holder.id))


def settled(dsn: str) -> None:
    """Wait until the worker has nothing to do."""
    until(lambda: rows(dsn, "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')") == [(0,)])


def test_a_list_of_the_holders_own(holders: Holders, registry: Registry) -> None:
    person = holders.person(7)
    objects(person)
    objects(holders.person(8))
    dataset = filled(holders.party, [6, 7, 8, 100])
    assert until(lambda: flags(holders.party)) == {dataset["id"]: 2}
    assert sorted(map(str, numbers_in(holders.party, dataset["id"]))) == [number(7), number(8)]
    (flag,) = own(person)[0]["flags"]
    assert (flag["holder"]["id"], flag["dataset_id"]) == (str(holders.party.id), dataset["id"])
    assert flags(holders.broker) == {}


def test_what_a_transfer_hands_over_and_a_union_unites(holders: Holders, dsn: str) -> None:
    buyer = holders.registry.party()
    objects(holders.person(7))
    base = next(
        one for one in holders.broker.get("/v1/datasets")["items"] if one["holder_id"] == str(holders.broker.id)
    )
    received = hand_over(holders.broker, base, buyer, occurred_at="2024-03-01T00:00:00Z")["received_dataset_id"]
    united = open_dataset(buyer, content="union", derived_from=[received], occurred_at="2024-03-02T00:00:00Z")
    buyer.seal(united["id"])
    settled(dsn)
    assert flags(buyer) == {received: 1, united["id"]: 1}
    assert numbers_in(buyer, united["id"]) == [number(7)]


def test_a_recipients_own_file(holders: Holders, dsn: str) -> None:
    """What the sender declares does not hold the number; the file of the recipient does."""
    buyer = holders.registry.party()
    objects(holders.person(7))
    delivered = filled(holders.broker, [200])
    transfer = hand_over(holders.broker, delivered, buyer)
    received = transfer["received_dataset_id"]
    buyer.post(f"/v1/transfers/{transfer['id']}/reconciliation")
    buyer.put_part(received, [number(200), number(7)])
    assert flags(buyer) == {}
    buyer.finish(buyer.post(f"/v1/transfers/{transfer['id']}/reconciliation/compare"))
    assert until(lambda: flags(buyer)) == {received: 1}


def test_a_campaign(holders: Holders) -> None:
    person = holders.person(7)
    objects(person)
    assert flags(holders.party) == {}
    sent = campaign_of(
        holders.party, holders.campaign["dataset_ids"][0], name="Demain", sender_id=str(holders.sender.id)
    )
    assert until(lambda: flags(holders.party)) == {sent["id"]: 1}
    (flag,) = own(person)[0]["flags"]
    assert (flag["campaign"], flag["dataset_id"]) == ({"id": sent["id"], "name": "Demain"}, None)
    assert flags(holders.sender) == {sent["id"]: 1}
    other = holders.registry.organisation(Role.PROCESSOR, acts_for=holders.party)
    assert flags(other) == {}
    assert refusal(other.request("GET", f"/v1/objections/flags/{sent['id']}/numbers")) == (404, "not_found")


def test_what_was_there_before_the_objection_is_not_flagged(holders: Holders, dsn: str) -> None:
    objects(holders.person(7))
    for (dataset_id,) in rows(dsn, "SELECT id FROM dataset"):
        defer(dsn, "flag_objections", dataset_id=str(dataset_id))
    defer(dsn, "flag_objections", campaign_id=holders.campaign["id"])
    settled(dsn)
    assert rows(dsn, "SELECT count(*) FROM objection_flag") == [(0,)]


def test_it_is_flagged_once_whatever_becomes_of_the_worker(holders: Holders, dsn: str) -> None:
    objects(holders.person(7))
    dataset = filled(holders.party, [7])
    for _ in range(3):
        defer(dsn, "flag_objections", dataset_id=dataset["id"])
    settled(dsn)
    assert rows(dsn, "SELECT count(*) FROM objection_flag") == [(1,)]


@pytest.mark.parametrize(
    ("scope", "flagged"),
    [
        ({"scope": "everything"}, True),
        ({"scope": "organisation", "organisation_id": "party"}, True),
        ({"scope": "organisation", "organisation_id": "broker"}, False),
        ({"scope": "purpose", "purpose": "political_canvassing"}, True),
        ({"scope": "purpose", "purpose": "commercial_canvassing"}, False),
        ({"kind": "erasure"}, True),
    ],
)
def test_only_what_an_objection_is_about(holders: Holders, dsn: str, scope: dict[str, Any], flagged: bool) -> None:
    named = {"party": str(holders.party.id), "broker": str(holders.broker.id)}
    if "organisation_id" in scope:
        scope = scope | {"organisation_id": named[scope["organisation_id"]]}
    objects(holders.person(7), **scope)
    delivered = filled(holders.broker, [7])
    received = hand_over(holders.broker, delivered, holders.party)["received_dataset_id"]
    sent = campaign_of(holders.party, received)
    settled(dsn)
    assert set(flags(holders.party)) == ({received, sent["id"]} if flagged else set())


def test_what_no_transfer_brought_may_be_for_any_purpose(holders: Holders) -> None:
    objects(holders.person(7), scope="purpose", purpose="commercial_canvassing")
    dataset = filled(holders.party, [7])
    assert until(lambda: flags(holders.party)) == {dataset["id"]: 1}


def test_a_dataset_made_of_an_erased_one_is_not_flagged(holders: Holders, dsn: str) -> None:
    """The broker erased the number before; others hold the copy that the new dataset draws on."""
    objects(holders.person(7), kind="erasure")
    objects(holders.person(8))
    holders.broker.post(f"/v1/objections/relays/{feed(holders.broker)[0]['id']}/complete")
    base = next(
        one for one in holders.broker.get("/v1/datasets")["items"] if one["holder_id"] == str(holders.broker.id)
    )
    buyer = holders.registry.party()
    received = hand_over(holders.broker, base, buyer, occurred_at="2024-03-01T00:00:00Z")["received_dataset_id"]
    settled(dsn)
    assert flags(buyer) == {received: 1}
    assert numbers_in(buyer, received) == [number(8)]


def test_an_erased_number_is_not_told_any_more(holders: Holders) -> None:
    objects(holders.person(7), kind="erasure")
    dataset = filled(holders.party, [7])
    until(lambda: flags(holders.party))
    assert numbers_in(holders.party, dataset["id"]) == [number(7)]
    holders.party.post(f"/v1/objections/relays/{feed(holders.party)[0]['id']}/complete")
    assert flags(holders.party) == {dataset["id"]: 1}, "that it was flagged stays"
    assert numbers_in(holders.party, dataset["id"]) == [None]


def test_another_organisation_sees_no_flag(holders: Holders, unknown_id: object) -> None:
    objects(holders.person(7))
    dataset = filled(holders.party, [7])
    until(lambda: flags(holders.party))
    regulator = holders.registry.regulator()
    assert flags(regulator) == {dataset["id"]: 1}
    for stranger in (holders.broker, holders.registry.party()):
        assert flags(stranger) == {}
        for subject in (dataset["id"], unknown_id):
            answer = stranger.request("GET", f"/v1/objections/flags/{subject}/numbers")
            assert refusal(answer) == (404, "not_found")


def test_counts_need_no_numbers(holders: Holders, registry: Registry) -> None:
    objects(holders.person(7))
    dataset = filled(holders.party, [7])
    until(lambda: flags(holders.party))
    issued = {"organisation_id": str(holders.party.id), "scopes": [Scope.FACTS_READ.value]}
    reader = Caller(registry.client, holders.party.id, registry.operator().post("/v1/keys", issued)["key"])
    assert flags(reader) == {dataset["id"]: 1}
    answer = reader.request("GET", f"/v1/objections/flags/{dataset['id']}/numbers")
    assert refusal(answer) == (403, "scope_missing")


def test_flags_come_in_pages(holders: Holders, dsn: str) -> None:
    for last_four in (6, 7, 8):
        objects(holders.person(last_four))
    made = {filled(holders.party, [6, 7, 8])["id"] for _ in range(3)}
    settled(dsn)
    page = holders.party.get("/v1/objections/flags", params={"limit": 2})
    rest = holders.party.get("/v1/objections/flags", params={"limit": 2, "after": page["next"]})
    assert [one["id"] for one in page["items"] + rest["items"]] == sorted(made)
    assert rest["next"] is None
    path = f"/v1/objections/flags/{min(made)}/numbers"
    page = holders.party.get(path, params={"limit": 2})
    rest = holders.party.get(path, params={"limit": 2, "after": page["next"]})
    assert {one["number"] for one in page["items"] + rest["items"]} == {number(6), number(7), number(8)}


def test_what_is_sealed_while_somebody_objects_is_not_missed(client: TestClient, registry: Registry, dsn: str) -> None:
    """The objection was recorded before the dataset was sealed, and is committed after."""
    party = registry.party()
    dataset = open_dataset(party)
    party.put_part(dataset["id"], [number(7)])
    person = prove(client, dsn, number(7))
    rows(
        dsn,
        """CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
           'BEGIN PERFORM pg_sleep(2); RETURN NULL; END'""",
    )
    rows(
        dsn,
        """CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON objection
           DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dawdle()""",
    )
    with ThreadPoolExecutor(1) as thread:
        filing = thread.submit(objects, person)
        until(lambda: rows(dsn, "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))
        party.seal(dataset["id"])
        assert not filing.done()
        assert filing.result()["relays"] == []
    assert until(lambda: flags(party)) == {dataset["id"]: 1}
