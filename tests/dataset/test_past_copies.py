"""The stored copy of what nobody has any more goes some years after the last end or withdrawal was recorded."""

from typing import LiteralString

from service.membership.fsck.report import Violation
from tests.builders import collected, filled, hand_over, number, open_dataset
from tests.callers import Caller, Registry
from tests.dataset.builders import check_memberships, complete_erasure
from tests.inspection import defer, refusal, rows, until

SINCE = "2024-06-01T00:00:00Z"
LONG_AGO = "UPDATE dataset_statement SET recorded_at = recorded_at - interval '1100 days' WHERE dataset_id = %s"
STORED = "SELECT coalesce(sum(number_count), 0) FROM segment_member WHERE dataset_id = %s"


def end(holder: Caller, dataset_id: str) -> None:
    holder.post(f"/v1/datasets/{dataset_id}/end", {"occurred_at": SINCE, "end_reason": "deleted"})


def drop(dsn: str) -> None:
    defer(dsn, "forget_past_copies", timestamp=0)
    done = "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
    until(lambda: rows(dsn, done) == [(0,)])


def stored(dsn: str, dataset_id: str) -> int:
    ((count,),) = rows(dsn, STORED, dataset_id)
    return int(count)


def test_copy_goes_only_when_nobody_has_numbers_from_there(registry: Registry, dsn: str) -> None:
    shop, broker, party = registry.collector(), registry.broker(), registry.party()
    base = collected(shop, [1, 2, 3])["id"]
    bought = hand_over(shop, {"id": base}, broker)["received_dataset_id"]
    both = open_dataset(broker, content="union", derived_from=[bought], occurred_at="2024-03-01T00:00:00Z")["id"]
    broker.seal(both)
    cut = filled(broker, [1, 9], derived_from=[bought], occurred_at="2024-03-01T00:00:00Z")["id"]
    sold = hand_over(broker, {"id": cut}, party, occurred_at="2024-04-01T00:00:00Z")["received_dataset_id"]
    complete_erasure(dsn, broker, 2)
    for holder, dataset in ((shop, base), (broker, bought), (broker, both)):
        end(holder, dataset)
        rows(dsn, LONG_AGO, dataset)
    drop(dsn)
    # The party has a number from there still, and so has its supplier's file.
    assert (stored(dsn, base), stored(dsn, cut)) == (3, 2)
    end(broker, cut)
    end(party, sold)
    drop(dsn)
    # What was stated of the past does not count, only when it was recorded.
    assert (stored(dsn, base), stored(dsn, cut)) == (3, 2)
    for dataset in (cut, sold):
        rows(dsn, LONG_AGO, dataset)
    drop(dsn)
    assert (stored(dsn, base), stored(dsn, cut)) == (0, 0)
    shown = registry.regulator().lookup(number(1), reason="Test")
    assert (shown["holdings"], shown["erasures"], shown["transfers"]) == ([], [], [])
    # The facts stay, with what was sealed.
    kept = [
        registry.regulator().get(f"/v1/datasets/{dataset}")["number_count"] for dataset in (base, bought, both, cut)
    ]
    assert kept == [3, 3, 3, 2]
    assert check_memberships(dsn).findings == []
    again = shop.request("POST", f"/v1/datasets/{base}/end/take-back", json={})
    assert refusal(again) == (409, "copy_dropped")


def test_copy_of_a_withdrawn_dataset_goes_and_others_copies_stay(registry: Registry, dsn: str) -> None:
    shop, broker = registry.collector(), registry.broker()
    wrong, right = collected(shop, [1, 2])["id"], collected(shop, [2, 3])["id"]
    got = hand_over(shop, {"id": wrong}, broker)["received_dataset_id"]
    both = open_dataset(shop, content="union", derived_from=[wrong, right], occurred_at="2024-03-01T00:00:00Z")["id"]
    shop.seal(both)
    complete_erasure(dsn, shop, 2)
    shop.post(f"/v1/datasets/{wrong}/withdrawal", {"reason": "Erreur."})
    drop(dsn)
    assert stored(dsn, wrong) == 2
    rows(dsn, LONG_AGO, wrong)
    drop(dsn)
    assert (stored(dsn, wrong), stored(dsn, right)) == (0, 1)
    assert registry.regulator().lookup(number(1), reason="Test")["holdings"] == []
    assert broker.get(f"/v1/datasets/{got}")["number_count"] == 0
    assert [row["dataset"]["id"] for row in shop.lookup(number(3))["holdings"]] == [right, both]
    assert check_memberships(dsn).findings == []


def test_fsck_finds_what_disagrees_with_corrections_and_statements(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset, opened = filled(broker, [1])["id"], open_dataset(broker)["id"]
    broker.post(f"/v1/datasets/{dataset}/corrections", {"name": "Autre"})
    end(broker, dataset)
    assert check_memberships(dsn).findings == []
    damages: dict[LiteralString, tuple[Violation, str]] = {
        "UPDATE dataset SET name = 'Base' WHERE id = %s": (Violation.CORRECTION, dataset),
        "UPDATE dataset SET recount_request = 1 WHERE id = %s": (Violation.RECOUNT_LOST, dataset),
        "UPDATE dataset SET copy_dropped_at = now() WHERE id = %s": (Violation.COPY_KEPT, dataset),
        "UPDATE dataset_statement SET dataset_id = %s": (Violation.STATEMENT, opened),
    }
    for damage, expected in damages.items():
        rows(dsn, damage, expected[1])
        found = {(finding.kind, str(finding.dataset_id)) for finding in check_memberships(dsn).violations}
        assert expected in found, damage
