"""What was sent and never sealed or compared is deleted after some weeks, and its holder can read that."""

from tests.builders import filled, hand_over, number, open_dataset
from tests.callers import Registry
from tests.inspection import defer, rows, until
from tests.transfer.builders import compare_file, send_file

STAGED = "SELECT dataset_id::text FROM staged_run UNION SELECT dataset_id::text FROM rejected_line"
OLD = "UPDATE dataset SET last_upload_at = now() - interval '31 days' WHERE id = %s"


def test_unsealed_dataset_loses_its_numbers_after_some_weeks(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    old, young = (open_dataset(broker)["id"] for _ in range(2))
    for dataset in (old, young):
        broker.put_part(dataset, [number(1), "nobody"])
    rows(dsn, OLD, old)
    defer(dsn, "forget_unsealed", timestamp=0)
    until(lambda: rows(dsn, STAGED) == [(young,)])
    assert broker.get(f"/v1/datasets/{old}/parts") == []
    assert broker.get(f"/v1/datasets/{old}")["upload_removed_at"] is not None
    assert broker.get(f"/v1/datasets/{young}")["upload_removed_at"] is None
    for dataset in (old, young):
        broker.put_part(dataset, [number(1), number(2)])
        assert broker.seal(dataset)["number_count"] == 2


def test_upload_after_some_weeks_keeps_a_dataset(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)["id"]
    broker.put_part(dataset, [number(1)])
    rows(dsn, OLD, dataset)
    broker.put_part(dataset, [number(2)], number=2)
    defer(dsn, "forget_unsealed", timestamp=0)
    until(lambda: rows(dsn, "SELECT 1 FROM procrastinate_jobs WHERE task_name = 'forget_unsealed'") == [])
    assert broker.seal(dataset)["number_count"] == 2


def test_file_that_is_never_compared_is_given_up(registry: Registry, dsn: str) -> None:
    shop, party = registry.collector(), registry.party()
    transfer = hand_over(shop, filled(shop, range(5)), party)
    received = transfer["received_dataset_id"]
    # Received long before the file is sent: its time begins when the recipient opens the reconciliation.
    rows(dsn, OLD, received)
    send_file(party, transfer, [1])
    defer(dsn, "forget_unsealed", timestamp=0)
    until(lambda: rows(dsn, "SELECT 1 FROM procrastinate_jobs WHERE task_name = 'forget_unsealed'") == [])
    assert party.get(f"/v1/datasets/{received}")["reconciling"]
    rows(dsn, OLD, received)
    defer(dsn, "forget_unsealed", timestamp=0)
    until(lambda: not party.get(f"/v1/datasets/{received}")["reconciling"])
    assert rows(dsn, STAGED) == []
    assert party.lookup(number(3))["held"]
    send_file(party, transfer, range(5))
    assert compare_file(party, transfer)["status"] == "confirmed"
