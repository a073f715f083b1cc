"""What waits for a release, who releases it, and what a release lasts for."""

import uuid
from datetime import timedelta
from time import sleep
from typing import Any

import pytest

from service.core.vocabulary import Role
from service.membership.fsck.report import Finding, Violation
from service.release.operations import CHECK_PERIOD
from tests.builders import collected, filled, hand_over, make_collection, make_notice
from tests.callers import Caller, Registry
from tests.dataset.builders import check_memberships
from tests.inspection import refusal, rows, until


@pytest.fixture
def operator(registry: Registry) -> Caller:
    return registry.operator()


def stranger(registry: Registry, role: Role = Role.BROKER) -> Caller:
    """An organisation without a standing release."""
    return registry.organisation(role, released=False)


def waiting(operator: Caller) -> dict[str, Any]:
    """What waits for a release, by dataset, once all of it is counted."""

    def found() -> list[dict[str, Any]]:
        items = operator.get("/v1/releases/waiting")["items"]
        return (
            [{item["dataset_id"]: item for item in items}]
            if all(item["organisation_block_fill"] for item in items)
            else []
        )

    return until(found)[0]


def release(operator: Caller, dataset_id: str, act: str = "release") -> Any:
    return operator.post(f"/v1/datasets/{dataset_id}/{act}", {})


def bought_from_outside(broker: Caller, numbers: range) -> tuple[Any, Any]:
    """A dataset that a broker asserts for a collector without account, and the transfer by which it got it."""
    named = {"legal_name": "Jeux SARL", "country": "FR", "roles": ["collector"]}
    shop = broker.post("/v1/organisations", named)
    collection = make_collection(broker, shop["id"], make_notice(broker, shop["id"])["id"])
    base = filled(broker, numbers, holder_id=shop["id"], collection_id=collection["id"])
    return base, hand_over(broker, base, broker, contract="2024-118")


def test_list_waiting_names_holder_size_contract_and_fill_only(registry: Registry, operator: Caller) -> None:
    broker = stranger(registry)
    _, transfer = bought_from_outside(broker, range(1200))
    own = collected(stranger(registry, Role.COLLECTOR), range(5))
    found = waiting(operator)
    assert set(found) == {transfer["received_dataset_id"], own["id"]}
    seen = found[transfer["received_dataset_id"]]
    assert set(seen) == {
        "dataset_id", "holder", "number_count", "contract", "sealed_at", "due_at", "overdue", "block_fill",
        "organisation_block_fill",
    }  # fmt: skip
    assert (seen["holder"]["id"], seen["number_count"], seen["contract"]) == (str(broker.id), 1200, "2024-118")
    assert not seen["overdue"]
    assert filled_blocks(seen["block_fill"]) == filled_blocks(seen["organisation_block_fill"]) == {1000: 1}


def filled_blocks(spans: Any) -> dict[int, int]:
    """How many blocks have at least so many numbers, and less than the next class has."""
    return {span["from_count"]: span["block_count"] for span in spans if span["block_count"]}


def test_list_waiting_shows_a_block_in_many_files_as_one_full_block(registry: Registry, operator: Caller) -> None:
    broker = stranger(registry, Role.COLLECTOR)
    parts = [collected(broker, range(first, first + 400))["id"] for first in (0, 300, 600, 900)]
    found = waiting(operator)
    assert [filled_blocks(found[part]["block_fill"]) for part in parts] == [{100: 1}] * 4
    until(
        lambda: all(filled_blocks(item["organisation_block_fill"]) == {1000: 1} for item in waiting(operator).values())
    )
    for part in parts[:3]:
        release(operator, part)
    until(lambda: filled_blocks(waiting(operator)[parts[3]]["organisation_block_fill"]) == {100: 1})


def test_release_that_waits_for_more_than_five_days_is_overdue_everywhere(registry: Registry, operator: Caller) -> None:
    late = collected(stranger(registry, Role.COLLECTOR), range(3))["id"]
    collected(stranger(registry, Role.COLLECTOR), range(3, 6))
    assert not is_overdue(registry)
    sealed = "UPDATE dataset SET sealed_at = sealed_at - %s::interval WHERE id = %s"
    rows(registry.dsn, sealed, CHECK_PERIOD + timedelta(minutes=1), late)
    assert [key for key, item in waiting(operator).items() if item["overdue"]] == [late]
    assert is_overdue(registry)
    assert check_memberships(registry.dsn).violations == [Finding(Violation.RELEASE_LATE, dataset_id=uuid.UUID(late))]
    release(operator, late)
    assert not is_overdue(registry)
    assert check_memberships(registry.dsn).violations == []


def is_overdue(registry: Registry) -> bool:
    """Whether `/readyz` warns of it, which is no reason to be not ready. It looks once a second at most."""
    sleep(1.1)
    return bool(registry.client.get("/readyz").json()["checks"]["releases"]["status"] == "warning")


def test_list_waiting_of_a_cut_with_more_than_its_base_counts_the_extras(registry: Registry, operator: Caller) -> None:
    broker = registry.collector()
    base = collected(broker, range(20))
    rows(registry.dsn, "UPDATE standing_release SET up_to_count = 0 WHERE organisation_id = %s", broker.id)
    cut = filled(broker, range(10, 33), derived_from=[base["id"]])
    assert {key: item["number_count"] for key, item in waiting(operator).items()} == {cut["id"]: 13}


def test_release_ends_the_waiting_and_withdrawal_begins_it_again(registry: Registry, operator: Caller) -> None:
    dataset = collected(stranger(registry, Role.COLLECTOR), range(5))["id"]
    first = release(operator, dataset)
    assert (first["dataset_id"], first["standing_id"], first["operator_id"]) == (dataset, None, str(operator.id))
    assert release(operator, dataset)["id"] == first["id"], "releasing again changes nothing"
    assert waiting(operator) == {}
    assert release(operator, dataset, "release/withdraw")["withdrawn"]
    assert set(waiting(operator)) == {dataset}
    again = operator.request("POST", f"/v1/datasets/{dataset}/release/withdraw", json={})
    assert refusal(again) == (409, "not_released")


def test_release_of_what_came_by_a_path_is_refused(registry: Registry, operator: Caller, unknown_id: object) -> None:
    collector, broker = stranger(registry, Role.COLLECTOR), stranger(registry)
    base = collected(collector, range(5))
    received = hand_over(collector, base, broker)["received_dataset_id"]
    assert set(waiting(operator)) == {base["id"]}
    sent = operator.request("POST", f"/v1/datasets/{received}/release", json={})
    assert refusal(sent) == (409, "nothing_to_release")
    assert refusal(operator.request("POST", f"/v1/datasets/{unknown_id}/release", json={})) == (404, "not_found")


def test_standing_release_covers_later_files_up_to_its_size(registry: Registry, operator: Caller) -> None:
    collector = stranger(registry, Role.COLLECTOR)
    before = collected(collector, range(3))["id"]
    body = {"up_to_count": 5, "comment": "Carte de fidélité"}
    assert operator.post(f"/v1/organisations/{collector.id}/standing-release", body)["up_to_count"] == 5
    small, large = collected(collector, range(5))["id"], collected(collector, range(6))["id"]
    assert set(waiting(operator)) == {before, large}
    operator.post(f"/v1/organisations/{collector.id}/standing-release", {"up_to_count": 0})
    ended = collected(collector, range(2))["id"]
    assert set(waiting(operator)) == {before, large, ended}
    assert small not in waiting(operator)


def test_standing_release_covers_no_large_file_in_small_parts(registry: Registry, operator: Caller) -> None:
    collector = stranger(registry, Role.COLLECTOR)
    operator.post(f"/v1/organisations/{collector.id}/standing-release", {"up_to_count": 5})
    parts = [collected(collector, range(first, first + 2))["id"] for first in (0, 2, 4, 6)]
    assert set(waiting(operator)) == set(parts[2:])
    rows(registry.dsn, "UPDATE dataset SET sealed_at = sealed_at - interval '25 hours'")
    rows(registry.dsn, "UPDATE dataset_release SET recorded_at = recorded_at - interval '25 hours'")
    collected(collector, range(8, 10))
    assert set(waiting(operator)) == set(parts[2:])


def test_own_file_that_becomes_the_content_waits_though_the_declared_one_was_released(
    registry: Registry, operator: Caller
) -> None:
    broker = stranger(registry)
    _, transfer = bought_from_outside(broker, range(10))
    received = transfer["received_dataset_id"]
    release(operator, received)
    assert waiting(operator) == {}
    broker.post(f"/v1/transfers/{transfer['id']}/reconciliation")
    broker.put_part(received, [f"06 39 98 {last // 100:02} {last % 100:02}" for last in range(10, 30)])
    broker.finish(broker.post(f"/v1/transfers/{transfer['id']}/reconciliation/compare?confirm=true"))
    assert {key: item["number_count"] for key, item in waiting(operator).items()} == {received: 20}


def test_waiting_for_more_than_five_days_is_overdue(registry: Registry, operator: Caller) -> None:
    dataset = collected(stranger(registry, Role.COLLECTOR), range(5))["id"]
    rows(registry.dsn, "UPDATE dataset SET sealed_at = sealed_at - interval '5 days 1 minute' WHERE id = %s", dataset)
    assert waiting(operator)[dataset]["overdue"]


def test_releases_are_for_the_operator_alone(registry: Registry) -> None:
    broker = registry.broker()
    for method, path in (
        ("GET", "/v1/releases/waiting"),
        ("POST", f"/v1/datasets/{broker.id}/release"),
        ("POST", f"/v1/datasets/{broker.id}/release/withdraw"),
        ("POST", f"/v1/organisations/{broker.id}/standing-release"),
    ):
        assert refusal(broker.request(method, path, json={"up_to_count": 1}))[0] == 403
