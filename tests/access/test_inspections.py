"""Inspections: everything that a regulator reads is recorded, and only that authority can list it."""

import pytest

from tests.builders import collected, number
from tests.callers import Registry
from tests.inspection import refusal, rows

pytestmark = pytest.mark.one_registry


def test_get_and_lookup_by_the_regulator_are_recorded_with_their_subject(registry: Registry, dsn: str) -> None:
    shop, regulator = registry.collector(), registry.regulator()
    dataset = collected(shop, [1])
    requests: list[tuple[str, str, str | None]] = [
        ("/v1/datasets", "list_datasets", None),
        (f"/v1/datasets/{dataset['id']}", "get_dataset", dataset["id"]),
        (f"/v1/datasets/{dataset['id']}/lineage", "get_dataset_lineage", dataset["id"]),
        ("/v1/organisations", "list_organisations", None),
        ("/v1/notices", "list_notices", None),
        ("/v1/transfers", "list_transfers", None),
        ("/v1/campaigns", "list_campaigns", None),
    ]
    for path, _, _ in requests:
        regulator.get(path)
    regulator.post("/v1/lookups", {"number": number(1), "reason": "Plainte 2024-118"})
    found = regulator.get("/v1/inspections")["items"]
    expected = [
        *((operation, subject, None) for _, operation, subject in requests),
        ("look_up_number", None, "Plainte 2024-118"),
        # Listing inspections is an inspection too.
        ("list_inspections", None, None),
    ]
    assert [(inspection["operation"], inspection["subject"], inspection["reason"]) for inspection in found] == expected
    ((fingerprint,),) = rows(dsn, "SELECT number_fingerprint FROM inspection WHERE number_fingerprint IS NOT NULL")
    assert len(fingerprint) >= 16
    assert number(1)[1:].encode() not in fingerprint


@pytest.mark.own_registry
def test_lookup_by_the_regulator_without_a_reason_is_refused(registry: Registry, dsn: str) -> None:
    response = registry.regulator().request("POST", "/v1/lookups", json={"number": number(1)})
    assert refusal(response) == (422, "reason_required")
    assert rows(dsn, "SELECT operation FROM inspection") == []


def test_list_inspections_shows_those_of_the_own_authority_only(registry: Registry) -> None:
    regulator, other = registry.regulator(), registry.regulator()
    regulator.get("/v1/datasets")
    own, others = (
        [inspection["operation"] for inspection in caller.get("/v1/inspections")["items"]]
        for caller in (regulator, other)
    )
    assert (own, others) == (["list_datasets", "list_inspections"], ["list_inspections"])
    for caller in (registry.broker(), registry.party(), registry.operator()):
        assert refusal(caller.request("GET", "/v1/inspections")) == (403, "role_missing")


def test_list_inspections_in_pages_repeats_none(registry: Registry) -> None:
    regulator = registry.regulator()
    for _ in range(3):
        regulator.get("/v1/datasets")
    page = regulator.get("/v1/inspections", params={"limit": 2})
    assert len(page["items"]) == 2
    rest = regulator.get("/v1/inspections", params={"limit": 2, "after": page["next"]})["items"]
    assert {inspection["id"] for inspection in page["items"]}.isdisjoint({inspection["id"] for inspection in rest})


def test_post_by_the_regulator_is_refused(registry: Registry) -> None:
    regulator = registry.regulator()
    for path in ("notices", "collections", "datasets", "transfers", "campaigns", "organisations"):
        assert refusal(regulator.request("POST", f"/v1/{path}", json={}))[0] == 403
