"""Reconciliation: the recipient's own file is compared with what the sender declares, and then counts."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.builders import collected, hand_over, make_collection, make_notice, number, open_dataset
from tests.callers import Caller, Registry
from tests.dataset.builders import check_memberships
from tests.inspection import defer_pending, refusal, rows
from tests.transfer.builders import compare_file, send_file, transfer_collected

pytestmark = pytest.mark.one_registry


def asked(caller: Caller, transfer: Any, step: str = "") -> tuple[int, str]:
    return refusal(caller.request("POST", f"/v1/transfers/{transfer['id']}/reconciliation{step}"))


def stored(dsn: str, dataset_id: str) -> tuple[int, ...]:
    """How many blocks, staged runs, parts and rejected lines there are of a dataset."""
    tables = (
        "SELECT count(*) FROM membership_block JOIN segment_member USING (segment_id) WHERE dataset_id = %s",
        "SELECT count(*) FROM staged_run WHERE dataset_id = %s",
        "SELECT count(*) FROM dataset_part WHERE dataset_id = %s",
        "SELECT count(*) FROM rejected_line WHERE dataset_id = %s",
    )
    return tuple(rows(dsn, table, dataset_id)[0][0] for table in tables)


def test_reconcile_with_a_matching_file_confirms_and_deletes_it(registry: Registry, dsn: str) -> None:
    shop, party = registry.collector(), registry.party()
    transfer = transfer_collected(shop, party, range(50))
    before = party.get(f"/v1/datasets/{transfer['received_dataset_id']}")
    send_file(party, transfer, [*range(49, -1, -1), 7])
    party.put_part(transfer["received_dataset_id"], [number(3), "12", "bonjour"], number=2)
    assert party.get(f"/v1/datasets/{before['id']}")["reconciling"]
    settled = compare_file(party, transfer)
    assert settled["status"] == "confirmed"
    statement = settled["statements"][-1]
    assert (statement["side"], statement["extra_count"], statement["missing_count"]) == ("recipient", 0, 0)
    assert statement["asserted_by_id"] == str(party.id)
    assert party.get(f"/v1/datasets/{before['id']}") == before
    assert stored(dsn, before["id"]) == (0, 0, 0, 0)
    assert party.lookup(number(3))["held"]


def test_reconcile_with_a_differing_file_disputes_and_keeps_it(registry: Registry, dsn: str) -> None:
    shop, party = registry.collector(), registry.party()
    transfer = transfer_collected(shop, party, range(100))
    send_file(party, transfer, [*range(10, 100), 9000, 9001])
    settled = compare_file(party, transfer)
    assert (settled["status"], settled["number_count"]) == ("disputed", 100)
    statement = settled["statements"][-1]
    assert (statement["extra_count"], statement["missing_count"]) == (2, 10)
    own = party.get(f"/v1/datasets/{transfer['received_dataset_id']}")
    assert (own["content"], own["reconciling"]) == ("uploaded", False)
    assert (own["number_count"], own["orphan_count"]) == (92, 2)
    orphans = party.get(f"/v1/datasets/{own['id']}/orphans")["numbers"]
    assert sorted(orphans) == [number(9000), number(9001)]
    blocks, staged, parts, _ = stored(dsn, own["id"])
    assert (blocks > 0, staged, parts) == (True, 0, 1)
    counts = rows(dsn, "SELECT count_at_sealing FROM ancestor_count WHERE dataset_id = %s", own["id"])
    assert counts == [(90,)]
    assert shop.get(f"/v1/datasets/{transfer['dataset_id']}")["number_count"] == 100
    assert party.lookup(number(9000))["held"]
    # The sender declares this number and the recipient's file lacks it, so it is not a holding.
    denied = shop.lookup(number(5))
    assert transfer["id"] in str(denied)


def test_transfer_after_a_dispute_passes_on_the_recipients_own_file(registry: Registry) -> None:
    shop, broker, party = registry.collector(), registry.broker(), registry.party()
    transfer = transfer_collected(shop, broker, range(20))
    send_file(broker, transfer, range(10, 25))
    compare_file(broker, transfer)
    own = broker.get(f"/v1/datasets/{transfer['received_dataset_id']}")
    onward = hand_over(broker, own, party, occurred_at="2024-03-01T00:00:00Z")
    got = party.get(f"/v1/datasets/{onward['received_dataset_id']}")
    assert (got["number_count"], got["orphan_count"]) == (15, 5)
    send_file(party, onward, range(10, 25))
    assert compare_file(party, onward)["status"] == "confirmed"


def test_reconcile_by_others_than_the_recipient_is_refused(registry: Registry) -> None:
    shop, broker, party, stranger = registry.collector(), registry.broker(), registry.party(), registry.party()
    first = transfer_collected(shop, broker, [1])
    bought = broker.get(f"/v1/datasets/{first['received_dataset_id']}")
    hand_over(broker, bought, party, occurred_at="2024-03-01T00:00:00Z")
    for step in ("", "/compare"):
        assert asked(shop, first, step) == (403, "not_the_recipient")
        assert asked(party, first, step) == (403, "not_a_side")
        assert asked(stranger, first, step) == (404, "not_found")
    assert asked(broker, first, "/compare") == (409, "no_reconciliation")
    assert asked(broker, first) == (409, "passed_on")


def test_change_transfer_while_it_is_reconciled_is_refused(registry: Registry) -> None:
    shop, party = registry.collector(), registry.party()
    transfer = transfer_collected(shop, party, range(5))
    party.post(f"/v1/transfers/{transfer['id']}/reconciliation")
    assert asked(party, transfer) == (409, "reconciliation_already_open")
    assert asked(party, transfer, "/compare") == (409, "no_parts_uploaded")
    denied = {"status": "denied", "occurred_at": "2024-05-01T00:00:00Z"}
    said = party.request("POST", f"/v1/transfers/{transfer['id']}/statements", json=denied)
    assert refusal(said) == (409, "reconciliation_in_progress")
    derived: dict[str, Any] = {"occurred_at": "2024-03-01T00:00:00Z", "holder_id": str(party.id), "name": "D"}
    derived |= {"derived_from": [transfer["received_dataset_id"]]}
    assert refusal(party.request("POST", "/v1/datasets", json=derived)) == (409, "parent_not_sealed")


def test_reconcile_again_after_a_file_that_matched_keeps_both_results(registry: Registry) -> None:
    shop, party = registry.collector(), registry.party()
    transfer = transfer_collected(shop, party, range(5))
    path = f"/v1/transfers/{transfer['id']}/statements"
    send_file(party, transfer, range(5))
    assert compare_file(party, transfer)["status"] == "confirmed"
    # It was another file: the party has none of these numbers, or then some of them.
    denied = {"status": "denied", "occurred_at": "2024-05-01T00:00:00Z"}
    assert party.post(path, denied)["status"] == "denied"
    assert not party.lookup(number(1))["held"]
    assert party.post(path, denied | {"status": "acknowledged"})["status"] == "acknowledged"
    party.post(f"/v1/transfers/{transfer['id']}/reconciliation")
    party.put_part(transfer["received_dataset_id"], ["id;mobile", *(f"{last};{number(last)}" for last in range(2, 7))])
    after = compare_file(party, transfer)
    stated = [(row["status"], row["extra_count"], row["missing_count"]) for row in after["statements"][1:]]
    assert stated == [
        ("confirmed", 0, 0),
        ("denied", None, None),
        ("acknowledged", None, None),
        ("disputed", 2, 2),
    ]
    # Its own file is all that shows what it holds beside what was declared.
    assert asked(party, transfer) == (409, "own_file_counts")
    assert refusal(party.request("POST", path, json=denied)) == (409, "own_file_counts")
    assert asked(party, transfer, "/compare?confirm=true") == (409, "no_reconciliation")


def test_open_and_compare_concurrently_succeed_once_each(registry: Registry) -> None:
    shop, party = registry.collector(), registry.party()
    transfer = transfer_collected(shop, party, range(5))
    path = f"/v1/transfers/{transfer['id']}/reconciliation"
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: party.request("POST", path).status_code, range(4)))
        assert sorted(opened) == [201, 409, 409, 409]
        party.put_part(transfer["received_dataset_id"], [number(last) for last in range(5)])
        compared = list(pool.map(lambda _: party.request("POST", f"{path}/compare?confirm=true"), range(4)))
    assert sorted(answer.status_code for answer in compared) == [202, 409, 409, 409]
    (job,) = (answer.json() for answer in compared if answer.status_code == 202)
    assert party.finish(job)["state"] == "succeeded"
    statuses = [statement["status"] for statement in party.get(f"/v1/transfers/{transfer['id']}")["statements"]]
    assert statuses == ["declared", "confirmed"]


def test_change_dataset_while_its_file_is_compared_is_refused(registry: Registry, dsn: str) -> None:
    shop, party = registry.collector(), registry.party()
    transfer = transfer_collected(shop, party, range(5))
    send_file(party, transfer, range(5))
    path = f"/v1/transfers/{transfer['id']}"
    held = transfer["received_dataset_id"]
    body = {"dataset_id": held, "recipient_id": str(shop.id), "occurred_at": "2024-03-01T00:00:00Z"}
    body |= {"purpose": "transfer", "lawful_basis": "consent"}
    body |= {"sender_role": "controller", "recipient_role": "controller"}
    # The worker waits before it reads the file, and so before it locks anything that the requests lock.
    with psycopg.connect(dsn) as other:
        other.execute("LOCK TABLE staged_run IN ACCESS EXCLUSIVE MODE")
        job = party.post(f"{path}/reconciliation/compare?confirm=true")
        part = f"/v1/datasets/{held}/parts/1"
        refused = {
            "part": party.request("PUT", part, content=b"0639980009", headers={"Content-Type": "text/csv"}),
            "opened": party.request("POST", f"{path}/reconciliation"),
            "compared": party.request("POST", f"{path}/reconciliation/compare"),
        }
        assert {step: refusal(answer) for step, answer in refused.items()} == {
            "part": (409, "being_compared"),
            "opened": (409, "reconciliation_already_open"),
            "compared": (409, "being_compared"),
        }
        assert refusal(party.request("POST", "/v1/transfers", json=body)) == (409, "dataset_not_sealed")
        assert party.lookup(number(1))["held"]
    assert party.finish(job)["state"] == "succeeded"
    assert party.get(path)["status"] == "confirmed"
    assert party.request("POST", "/v1/transfers", json=body).status_code == 201


def test_reconcile_transfer_task_run_again_changes_nothing(registry: Registry, dsn: str) -> None:
    shop, party = registry.collector(), registry.party()
    for numbers in (range(30), range(15, 45)):
        transfer = transfer_collected(shop, party, range(30))
        send_file(party, transfer, numbers)
        settled = compare_file(party, transfer)
        own = f"/v1/datasets/{transfer['received_dataset_id']}"
        before = party.get(own)
        # As if the worker had been killed before it could mark the job as done.
        ((job_id,),) = rows(
            dsn,
            "UPDATE job SET state = 'running', finished_at = NULL WHERE subject_id = %s RETURNING id",
            transfer["received_dataset_id"],
        )
        defer_pending(dsn, "reconcile_transfer", job_id=str(job_id))
        assert party.finish({"id": job_id, "kind": "reconcile_transfer"})["state"] == "succeeded"
        assert party.get(f"/v1/transfers/{transfer['id']}") == settled
        assert party.get(own) == before
        assert party.lookup(number(20))["held"]


def test_cancel_reconciliation_deletes_everything_that_was_sent(registry: Registry, dsn: str) -> None:
    shop, party = registry.collector(), registry.party()
    transfer = transfer_collected(shop, party, range(5))
    path = f"/v1/transfers/{transfer['id']}/reconciliation"
    assert refusal(party.request("DELETE", path)) == (409, "no_reconciliation")
    send_file(party, transfer, [1, 2, 9000])
    assert refusal(shop.request("DELETE", path)) == (403, "not_the_recipient")
    given_up = party.request("DELETE", path)
    assert (given_up.status_code, given_up.json()["status"]) == (200, "declared")
    assert stored(dsn, transfer["received_dataset_id"]) == (0, 0, 0, 0)
    denied = party.post(
        f"/v1/transfers/{transfer['id']}/statements", {"status": "denied", "occurred_at": "2024-03-01T00:00:00Z"}
    )
    assert denied["status"] == "denied"


def test_reconcile_more_numbers_than_are_compared_at_once_counts_each_once(registry: Registry) -> None:
    shop, party = registry.collector(), registry.party()
    numbers = [f"+336{place * 397:08d}" for place in range(200_000, 226_000)]
    declared, extra = numbers[:24_000], numbers[24_000:]
    notice = make_notice(shop, shop.id)
    collection = make_collection(shop, shop.id, notice["id"])
    dataset = open_dataset(shop, collection_id=collection["id"])
    shop.put_part(dataset["id"], declared)
    shop.seal(dataset["id"])
    transfer = hand_over(shop, dataset, party)
    party.post(f"/v1/transfers/{transfer['id']}/reconciliation")
    party.put_part(transfer["received_dataset_id"], [*extra, *declared[3_000:]])
    settled = compare_file(party, transfer)
    assert settled["status"] == "disputed"
    statement = settled["statements"][-1]
    assert (statement["extra_count"], statement["missing_count"]) == (2_000, 3_000)
    received = party.get(f"/v1/datasets/{transfer['received_dataset_id']}")
    assert (received["number_count"], received["orphan_count"]) == (23_000, 2_000)


def looked_at(party: Caller, transfer: Any) -> Any:
    """Have the file compared, and return what that found."""
    job = party.finish(party.post(f"/v1/transfers/{transfer['id']}/reconciliation/compare"))
    assert job["state"] == "succeeded", job["problem"]
    return party.get(f"/v1/transfers/{transfer['id']}/reconciliation")


def differences(caller: Caller, transfer: Any, **params: Any) -> Any:
    return caller.get(f"/v1/transfers/{transfer['id']}/differences", params=params)


def test_compare_file_shows_the_recipient_its_own_side_before_it_counts(registry: Registry) -> None:
    shop, party = registry.collector(), registry.party()
    transfer = transfer_collected(shop, party, range(10))
    send_file(party, transfer, [*range(2, 10), 9000, 9001, 9002])
    path = f"/v1/transfers/{transfer['id']}"
    for step in (f"{path}/differences", f"{path}/reconciliation/confirm"):
        method = "GET" if step.endswith("differences") else "POST"
        assert refusal(party.request(method, step)) == (409, "not_compared")
    found = looked_at(party, transfer)
    assert (found["extra_count"], found["missing_count"]) == (3, 2)
    assert (found["default_region"], found["time_zone"]) == ("FR", "Europe/Paris")
    first = differences(party, transfer, limit=2)
    rest = differences(party, transfer, limit=2, after=first["next"])
    assert sorted(first["numbers"] + rest["numbers"]) == [number(last) for last in (9000, 9001, 9002)]
    # Nothing counts yet, and the sender is shown nothing of it.
    assert party.get(path)["status"] == "declared"
    assert differences(shop, transfer)["numbers"] == []
    assert not party.lookup(number(9000))["held"]
    assert refusal(shop.request("GET", f"{path}/reconciliation")) == (403, "not_the_recipient")
    # Another part makes it another file.
    party.put_part(transfer["received_dataset_id"], [number(0)], number=2)
    assert party.get(f"{path}/reconciliation")["compared_at"] is None
    assert asked(party, transfer, "/confirm") == (409, "not_compared")
    assert looked_at(party, transfer)["missing_count"] == 1
    job = party.finish(party.post(f"{path}/reconciliation/confirm"))
    assert job["state"] == "succeeded", job["problem"]
    statement = party.get(path)["statements"][-1]
    assert (statement["status"], statement["extra_count"], statement["missing_count"]) == ("disputed", 3, 1)
    assert sorted(differences(party, transfer)["numbers"]) == [number(last) for last in (9000, 9001, 9002)]
    assert differences(shop, transfer)["numbers"] == [number(1)]
    assert refusal(party.request("GET", f"{path}/reconciliation")) == (409, "no_reconciliation")


def test_cancel_after_a_look_leaves_the_transfer_as_it_was(registry: Registry, dsn: str) -> None:
    shop, party = registry.collector(), registry.party()
    transfer = transfer_collected(shop, party, range(5))
    send_file(party, transfer, [1, 2, 9000])
    assert looked_at(party, transfer)["extra_count"] == 1
    given_up = party.request("DELETE", f"/v1/transfers/{transfer['id']}/reconciliation").json()
    assert (given_up["status"], len(given_up["statements"])) == ("declared", 1)
    assert stored(dsn, transfer["received_dataset_id"]) == (0, 0, 0, 0)
    assert differences(party, transfer)["numbers"] == []


def test_list_differences_shows_others_nothing(registry: Registry) -> None:
    shop, broker, party, stranger = registry.collector(), registry.broker(), registry.party(), registry.party()
    first = transfer_collected(shop, broker, range(5))
    send_file(broker, first, [1, 2, 9000])
    compare_file(broker, first)
    own = {"id": first["received_dataset_id"]}
    hand_over(broker, own, party, occurred_at="2024-03-01T00:00:00Z")
    path = f"/v1/transfers/{first['id']}/differences"
    assert refusal(party.request("GET", path)) == (403, "not_a_side")
    assert refusal(stranger.request("GET", path)) == (404, "not_found")


def test_open_reconciliation_reads_numbers_in_the_region_of_the_recipient(registry: Registry) -> None:
    british = registry.broker()
    party = registry.party()
    dataset = open_dataset(british, default_region="GB", time_zone="Europe/London")
    british.put_part(dataset["id"], [number(1)])
    transfer = hand_over(british, british.seal(dataset["id"]), party)
    party.post(f"/v1/transfers/{transfer['id']}/reconciliation")
    party.put_part(transfer["received_dataset_id"], ["telephone", "06 39 98 00 01"])
    assert looked_at(party, transfer)["extra_count"] == 0
    party.request("DELETE", f"/v1/transfers/{transfer['id']}/reconciliation")
    stated = {"default_region": "GB", "time_zone": "Europe/London"}
    opened = party.post(f"/v1/transfers/{transfer['id']}/reconciliation", stated)
    assert (opened["default_region"], opened["time_zone"]) == ("GB", "Europe/London")
    refused = party.request("POST", f"/v1/transfers/{transfer['id']}/reconciliation", json={"default_region": "XX"})
    assert refusal(refused) == (422, "invalid_request")


def test_correct_a_wrong_file_that_counts_by_a_new_fact_beside_it(registry: Registry, dsn: str) -> None:
    shop, party, authority = registry.collector(), registry.party(), registry.regulator()
    dataset = collected(shop, range(800, 805))
    transfer = hand_over(shop, dataset, party)
    send_file(party, transfer, [800, 9100])
    assert compare_file(party, transfer)["status"] == "disputed"
    wrong = f"/v1/datasets/{transfer['received_dataset_id']}"
    assert refusal(party.request("POST", f"/v1/datasets/{dataset['id']}/withdrawal", json={"reason": "?"}))[0] == 404
    party.post(f"{wrong}/withdrawal", {"reason": "Un autre fichier que celui qui a été reçu."})
    assert not party.lookup(number(9100))["held"]
    again = hand_over(shop, dataset, party)
    send_file(party, again, range(800, 805))
    assert compare_file(party, again)["status"] == "confirmed"
    answer = party.lookup(number(800))
    held = [row["dataset"]["id"] for row in answer["holdings"]]
    assert held == [dataset["id"], again["received_dataset_id"]]
    assert answer["contradictions"] == []
    # The numbers of the wrong file stay in the history of their persons.
    seen = authority.lookup(number(9100), reason="Contrôle")
    assert transfer["received_dataset_id"] in str(seen)
    assert "Un autre fichier" in str(seen)
    assert check_memberships(dsn).findings == []
