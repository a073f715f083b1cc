"""Flags: sealed datasets and registered campaigns with objected numbers, as holders and persons see them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.access.actor import Scope
from service.core.vocabulary import Role
from service.membership.fsck.check import check
from service.membership.fsck.report import Violation
from service.objection import flags as flags_of_numbers
from service.objection.flags import FEW_NUMBERS
from tests.builders import filled, hand_over, number, open_dataset
from tests.callers import Caller, Registry
from tests.inspection import defer, defer_pending, refusal, retry_pending, rows, until
from tests.interleaving import held_at_commit
from tests.objection.builders import (
    Holders,
    create_objection,
    objections_of,
    register_campaign,
    relays_to,
)
from tests.persons import prove, ring_of_tests


def flags(holder: Caller) -> dict[str, int]:
    """The number of objected numbers in each flagged dataset or campaign of a holder, by its id."""
    return {flag["id"]: flag["number_count"] for flag in holder.get("/v1/objections/flags")["items"]}


def numbers_in(holder: Caller, subject_id: str) -> list[str | None]:
    found = holder.get(f"/v1/objections/flags/{subject_id}/numbers")["items"]
    return [flagged["number"] for flagged in found]


def dataset_of(holder: Caller) -> Any:
    """The first dataset that a holder holds itself."""
    datasets = holder.get("/v1/datasets")["items"]
    return next(dataset for dataset in datasets if dataset["holder_id"] == str(holder.id))


def settled(dsn: str) -> None:
    """Wait until the worker has nothing left to do."""
    until(lambda: rows(dsn, "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')") == [(0,)])


@pytest.mark.parametrize("few", [FEW_NUMBERS, 0])
def test_seal_dataset_with_objected_numbers_flags_it(
    few: int, holders: Holders, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flags_of_numbers, "FEW_NUMBERS", few)
    person = holders.person(7)
    create_objection(person)
    create_objection(holders.person(8))
    dataset = filled(holders.party, [6, 7, 8, 100])
    until(lambda: flags(holders.party) == {dataset["id"]: 2})
    assert sorted(map(str, numbers_in(holders.party, dataset["id"]))) == [number(7), number(8)]
    (flag,) = objections_of(person)[0]["flags"]
    assert (flag["holder"]["id"], flag["dataset_id"]) == (str(holders.party.id), dataset["id"])
    assert flags(holders.broker) == {}


def test_received_dataset_and_union_are_flagged(holders: Holders, dsn: str) -> None:
    buyer = holders.registry.party()
    create_objection(holders.person(7))
    base = dataset_of(holders.broker)
    received = hand_over(holders.broker, base, buyer, occurred_at="2024-03-01T00:00:00Z")["received_dataset_id"]
    united = open_dataset(buyer, content="union", derived_from=[received], occurred_at="2024-03-02T00:00:00Z")
    buyer.seal(united["id"])
    settled(dsn)
    assert flags(buyer) == {received: 1, united["id"]: 1}
    assert numbers_in(buyer, united["id"]) == [number(7)]


def test_reconciled_dataset_is_flagged_by_the_recipients_file(holders: Holders, dsn: str) -> None:
    """The sender's dataset does not contain the number; the recipient's own file does."""
    buyer = holders.registry.party()
    create_objection(holders.person(7))
    delivered = filled(holders.broker, [200])
    transfer = hand_over(holders.broker, delivered, buyer)
    received = transfer["received_dataset_id"]
    buyer.post(f"/v1/transfers/{transfer['id']}/reconciliation")
    buyer.put_part(received, [number(200), number(7)])
    assert flags(buyer) == {}
    buyer.finish(buyer.post(f"/v1/transfers/{transfer['id']}/reconciliation/compare?confirm=true"))
    assert until(lambda: flags(buyer)) == {received: 1}


def test_register_campaign_with_objected_numbers_flags_it(holders: Holders) -> None:
    person = holders.person(7)
    create_objection(person)
    assert flags(holders.party) == {}
    sent = register_campaign(
        holders.party, holders.campaign["dataset_ids"][0], name="Demain", sender_id=str(holders.sender.id)
    )
    assert until(lambda: flags(holders.party)) == {sent["id"]: 1}
    (flag,) = objections_of(person)[0]["flags"]
    assert (flag["campaign"], flag["dataset_id"]) == ({"id": sent["id"], "name": "Demain", "state": "sent"}, None)
    assert flags(holders.sender) == {sent["id"]: 1}
    other = holders.registry.organisation(Role.PROCESSOR, acts_for=holders.party)
    assert flags(other) == {}
    assert refusal(other.request("GET", f"/v1/objections/flags/{sent['id']}/numbers")) == (404, "not_found")


def test_register_campaign_on_a_compacted_dataset_flags_it(registry: Registry, dsn: str) -> None:
    """The merged segment stores none of the other objected numbers, so most of its shards store none at all."""
    parties = [registry.party() for _ in range(4)]
    datasets = [filled(party, range(10 * place, 10 * place + 10)) for place, party in enumerate(parties)]
    for last_four in (3, *range(5000, 5008)):
        create_objection(prove(registry.client, dsn, number(last_four)))
    defer(dsn, "compact_memberships", timestamp=0)
    merged = "SELECT count(*) FROM membership_segment WHERE state = 'live'"
    until(lambda: rows(dsn, merged) == [(1,)])
    sent = register_campaign(parties[0], datasets[0]["id"])
    assert until(lambda: flags(parties[0])) == {sent["id"]: 1}
    settled(dsn)
    assert rows(dsn, "SELECT count(*) FROM objection_flag") == [(1,)]


def test_flag_task_that_failed_is_repeated_until_it_is_done(
    holders: Holders, registry: Registry, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged mark makes every attempt that reads it fail, until it is repaired."""
    monkeypatch.setattr(flags_of_numbers, "FEW_NUMBERS", 0)
    create_objection(holders.person(7))
    create_objection(holders.person(8))
    damage = "UPDATE objection SET mark = mark || '\\x00' RETURNING 1"
    rows(dsn, damage)
    dataset = filled(holders.party, [7])
    for attempts in (1, 2, 3):
        failed = "SELECT 1 FROM pending_task WHERE attempts = %s AND last_error = 'ValueError'"
        until(lambda: rows(dsn, failed, attempts))  # noqa: B023
        if attempts < 3:
            retry_pending(dsn)
    assert flags(holders.party) == {}
    assert registry.client.get("/v1/health").json()["status"] == "ok"
    assert check(dsn, ring_of_tests(), lambda _rows, _total: None).violations == []

    rows(dsn, "UPDATE pending_task SET requested_at = now() - interval '61 minutes'")
    assert registry.client.get("/v1/health").json()["status"] == "late"
    (late,) = check(dsn, ring_of_tests(), lambda _rows, _total: None).violations
    assert late.kind is Violation.TASK_LATE
    assert late.task == f"flag_objections dataset_id {dataset['id']} after 3 attempts: ValueError"

    rows(dsn, "UPDATE objection SET mark = substr(mark, 1, 16)")
    retry_pending(dsn)
    assert until(lambda: flags(holders.party)) == {dataset["id"]: 1}
    until(lambda: rows(dsn, "SELECT count(*) FROM pending_task") == [(0,)])
    assert registry.client.get("/v1/health").json()["status"] == "ok"


def test_flag_task_whose_job_is_lost_is_started_again(holders: Holders, dsn: str) -> None:
    """A worker that is killed may leave its job as it is for ever. What is to be done does not depend on it."""
    create_objection(holders.person(7))
    rows(dsn, "UPDATE campaign SET recorded_at = now()")
    rows(
        dsn,
        "INSERT INTO pending_task (id, name, arguments, requested_at, attempts, next_attempt_at) "
        "SELECT id, 'flag_objections', jsonb_build_object('campaign_id', id), now(), 1, now() FROM campaign",
    )
    defer(dsn, "sweep")
    assert until(lambda: flags(holders.party)) == {holders.campaign["id"]: 1}


def test_dataset_older_than_the_objection_is_not_flagged(holders: Holders, dsn: str) -> None:
    create_objection(holders.person(7))
    for (dataset_id,) in rows(dsn, "SELECT id FROM dataset"):
        defer_pending(dsn, "flag_objections", dataset_id=str(dataset_id))
    defer_pending(dsn, "flag_objections", campaign_id=holders.campaign["id"])
    settled(dsn)
    assert rows(dsn, "SELECT count(*) FROM objection_flag") == [(0,)]


def test_flag_task_repeated_flags_once(holders: Holders, dsn: str) -> None:
    create_objection(holders.person(7))
    dataset = filled(holders.party, [7])
    for _ in range(3):
        defer_pending(dsn, "flag_objections", dataset_id=dataset["id"])
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
def test_objection_flags_only_what_its_scope_covers(
    holders: Holders, dsn: str, scope: dict[str, Any], flagged: bool
) -> None:
    named = {"party": str(holders.party.id), "broker": str(holders.broker.id)}
    if "organisation_id" in scope:
        scope = scope | {"organisation_id": named[scope["organisation_id"]]}
    create_objection(holders.person(7), **scope)
    delivered = filled(holders.broker, [7])
    received = hand_over(holders.broker, delivered, holders.party)["received_dataset_id"]
    sent = register_campaign(holders.party, received)
    settled(dsn)
    assert set(flags(holders.party)) == ({received, sent["id"]} if flagged else set())


def test_dataset_without_transfer_is_flagged_for_any_purpose(holders: Holders) -> None:
    create_objection(holders.person(7), scope="purpose", purpose="commercial_canvassing")
    dataset = filled(holders.party, [7])
    assert until(lambda: flags(holders.party)) == {dataset["id"]: 1}


def test_dataset_derived_after_erasure_is_not_flagged(holders: Holders, dsn: str) -> None:
    """The broker has erased the number. The stored copy, which the new dataset shares, still serves others."""
    create_objection(holders.person(7), kind="erasure")
    create_objection(holders.person(8))
    holders.broker.post(f"/v1/objections/relays/{relays_to(holders.broker)[0]['id']}/complete")
    base = dataset_of(holders.broker)
    buyer = holders.registry.party()
    received = hand_over(holders.broker, base, buyer, occurred_at="2024-03-01T00:00:00Z")["received_dataset_id"]
    settled(dsn)
    assert flags(buyer) == {received: 1}
    assert numbers_in(buyer, received) == [number(8)]


def test_list_flagged_numbers_hides_an_erased_number(holders: Holders) -> None:
    create_objection(holders.person(7), kind="erasure")
    dataset = filled(holders.party, [7])
    until(lambda: flags(holders.party))
    assert numbers_in(holders.party, dataset["id"]) == [number(7)]
    holders.party.post(f"/v1/objections/relays/{relays_to(holders.party)[0]['id']}/complete")
    assert flags(holders.party) == {dataset["id"]: 1}, "the flag stays"
    assert numbers_in(holders.party, dataset["id"]) == [None]


def test_list_flags_of_another_organisation_is_empty(holders: Holders, unknown_id: object) -> None:
    create_objection(holders.person(7))
    dataset = filled(holders.party, [7])
    until(lambda: flags(holders.party))
    regulator = holders.registry.regulator()
    assert flags(regulator) == {dataset["id"]: 1}
    for stranger in (holders.broker, holders.registry.party()):
        assert flags(stranger) == {}
        for subject in (dataset["id"], unknown_id):
            answer = stranger.request("GET", f"/v1/objections/flags/{subject}/numbers")
            assert refusal(answer) == (404, "not_found")


def test_list_flags_needs_no_number_scope(holders: Holders, registry: Registry) -> None:
    create_objection(holders.person(7))
    dataset = filled(holders.party, [7])
    until(lambda: flags(holders.party))
    issued = {"organisation_id": str(holders.party.id), "scopes": [Scope.FACTS_READ.value]}
    reader = Caller(registry.client, holders.party.id, registry.operator().post("/v1/keys", issued)["key"])
    assert flags(reader) == {dataset["id"]: 1}
    answer = reader.request("GET", f"/v1/objections/flags/{dataset['id']}/numbers")
    assert refusal(answer) == (403, "scope_missing")


def test_list_flags_has_pages(holders: Holders, dsn: str) -> None:
    for last_four in (6, 7, 8):
        create_objection(holders.person(last_four))
    made = {filled(holders.party, [6, 7, 8])["id"] for _ in range(3)}
    settled(dsn)
    page = holders.party.get("/v1/objections/flags", params={"limit": 2})
    rest = holders.party.get("/v1/objections/flags", params={"limit": 2, "after": page["next"]})
    assert [flag["id"] for flag in page["items"] + rest["items"]] == sorted(made)
    assert rest["next"] is None
    path = f"/v1/objections/flags/{min(made)}/numbers"
    page = holders.party.get(path, params={"limit": 2})
    rest = holders.party.get(path, params={"limit": 2, "after": page["next"]})
    assert {flagged["number"] for flagged in page["items"] + rest["items"]} == {number(6), number(7), number(8)}


def test_seal_dataset_while_an_objection_is_being_committed_flags_it(
    client: TestClient, registry: Registry, dsn: str
) -> None:
    """The objection is recorded before the dataset is sealed, and committed only after it."""
    party = registry.party()
    dataset = open_dataset(party)
    party.put_part(dataset["id"], [number(7)])
    person = prove(client, dsn, number(7))
    with ThreadPoolExecutor(1) as thread, held_at_commit(dsn, "objection") as held:
        creating = thread.submit(create_objection, person)
        held.wait()
        party.seal(dataset["id"])
        assert not creating.done()
        held.release()
        assert creating.result()["relays"] == []
    assert until(lambda: flags(party)) == {dataset["id"]: 1}
