"""Every look of the regulator is recorded, and only the authority that took it reads of it."""

from tests.builders import collected, number
from tests.callers import Registry
from tests.inspection import refusal, rows


def test_every_get_of_the_regulator_is_recorded_with_its_subject(registry: Registry, dsn: str) -> None:
    shop, regulator = registry.collector(), registry.regulator()
    dataset = collected(shop, [1])
    looked: list[tuple[str, str, str | None]] = [
        ("/v1/datasets", "list_datasets", None),
        (f"/v1/datasets/{dataset['id']}", "get_dataset", dataset["id"]),
        (f"/v1/datasets/{dataset['id']}/lineage", "get_dataset_lineage", dataset["id"]),
        ("/v1/organisations", "list_organisations", None),
        ("/v1/notices", "list_notices", None),
        ("/v1/transfers", "list_transfers", None),
        ("/v1/campaigns", "list_campaigns", None),
    ]
    for path, _, _ in looked:
        regulator.get(path)
    regulator.post("/v1/lookups", {"number": number(1), "reason": "Plainte 2024-118"})
    found = regulator.get("/v1/inspections")["items"]
    expected = [
        *((operation, subject, None) for _, operation, subject in looked),
        ("look_up_number", None, "Plainte 2024-118"),
        # To read the looks is a look.
        ("list_inspections", None, None),
    ]
    assert [(look["operation"], look["subject"], look["reason"]) for look in found] == expected
    ((fingerprint,),) = rows(dsn, "SELECT number_fingerprint FROM inspection WHERE number_fingerprint IS NOT NULL")
    assert len(fingerprint) >= 16
    assert number(1)[1:].encode() not in fingerprint


def test_without_a_reason_the_regulator_looks_up_nothing(registry: Registry, dsn: str) -> None:
    asked = registry.regulator().request("POST", "/v1/lookups", json={"number": number(1)})
    assert refusal(asked) == (422, "reason_required")
    assert rows(dsn, "SELECT operation FROM inspection") == []


def test_only_the_authority_itself_reads_its_looks(registry: Registry) -> None:
    one, two = registry.regulator(), registry.regulator()
    one.get("/v1/datasets")
    assert [look["operation"] for look in one.get("/v1/inspections")["items"]] == ["list_datasets", "list_inspections"]
    assert [look["operation"] for look in two.get("/v1/inspections")["items"]] == ["list_inspections"]
    for caller in (registry.broker(), registry.party(), registry.operator()):
        assert refusal(caller.request("GET", "/v1/inspections")) == (403, "role_missing")


def test_looks_come_in_pages(registry: Registry) -> None:
    regulator = registry.regulator()
    for _ in range(3):
        regulator.get("/v1/datasets")
    page = regulator.get("/v1/inspections", params={"limit": 2})
    assert len(page["items"]) == 2
    rest = regulator.get("/v1/inspections", params={"limit": 2, "after": page["next"]})["items"]
    assert {look["id"] for look in page["items"]}.isdisjoint({look["id"] for look in rest})


def test_the_regulator_writes_nothing(registry: Registry) -> None:
    regulator = registry.regulator()
    for path in ("notices", "collections", "datasets", "transfers", "campaigns", "organisations"):
        assert refusal(regulator.request("POST", f"/v1/{path}", json={}))[0] == 403
