"""An open dataset is thrown away by its holder, or by itself some time after its last upload."""

import threading

from tests.builders import filled, number, open_dataset
from tests.callers import Registry
from tests.inspection import defer, refusal, rows, until

LEFT = """
    SELECT count(*) FROM (
        SELECT id FROM dataset UNION ALL SELECT dataset_id FROM dataset_parent
        UNION ALL SELECT dataset_id FROM staged_run
        UNION ALL SELECT dataset_id FROM dataset_part UNION ALL SELECT dataset_id FROM rejected_line
        UNION ALL SELECT dataset_id FROM dataset_correction) AS found
    WHERE id = %s
"""


def test_discard_open_dataset_leaves_nothing_of_it(registry: Registry, dsn: str) -> None:
    broker, other = registry.broker(), registry.broker()
    base = filled(broker, [1, 2])
    dataset = open_dataset(broker, derived_from=[base["id"]])
    path = f"/v1/datasets/{dataset['id']}"
    broker.put_part(dataset["id"], [number(1), "nobody"])
    broker.post(f"{path}/corrections", {"name": "Autre nom"})
    assert broker.lookup(number(1))["held"]
    assert refusal(other.request("DELETE", path)) == (404, "not_found")
    was = broker.request("DELETE", path)
    assert (was.status_code, was.json()["name"]) == (200, "Autre nom")
    assert rows(dsn, LEFT, dataset["id"]) == [(0,)]
    for method, place in (("GET", ""), ("DELETE", ""), ("POST", "/seal"), ("GET", "/lineage")):
        assert broker.request(method, path + place).status_code == 404, place
    assert [row["id"] for row in broker.get("/v1/datasets")["items"]] == [base["id"]]
    (holding,) = broker.lookup(number(1))["holdings"]
    assert holding["dataset"]["id"] == base["id"]


def test_discard_sealed_dataset_says_what_to_do(registry: Registry) -> None:
    broker = registry.broker()
    dataset = filled(broker, [1])
    response = broker.request("DELETE", f"/v1/datasets/{dataset['id']}")
    assert refusal(response) == (409, "dataset_sealed")
    assert "End its holding" in response.json()["detail"]
    assert broker.lookup(number(1))["held"]


def test_discard_beside_a_seal_or_an_upload_ends_one_of_them(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    for step in ("seal", "part"):
        dataset = open_dataset(broker)
        broker.put_part(dataset["id"], [number(1)])
        found: dict[str, int] = {}

        def act(name: str, method: str, path: str, **options: object) -> None:
            found[name] = broker.request(method, f"/v1/datasets/{dataset['id']}{path}", **options).status_code  # noqa: B023

        csv = {"content": number(2).encode(), "headers": {"Content-Type": "text/csv"}}
        other = ("POST", "/seal", {}) if step == "seal" else ("PUT", "/parts/2", csv)
        acts = [
            threading.Thread(target=act, args=("discard", "DELETE", "")),
            threading.Thread(target=act, args=(step, *other[:2]), kwargs=other[2]),
        ]
        for thread in acts:
            thread.start()
        for thread in acts:
            thread.join()
        assert found["discard"] in (200, 409), found
        assert found[step] in (200, 202, 404), found
        if found["discard"] == 200:
            assert rows(dsn, LEFT, dataset["id"]) == [(0,)]
        else:
            until(lambda: broker.get(f"/v1/datasets/{dataset['id']}")["state"] == "sealed")  # noqa: B023


def test_open_dataset_is_thrown_away_by_itself(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    old, young = (open_dataset(broker)["id"] for _ in range(2))
    sealed = filled(broker, [1])["id"]
    for dataset in (old, sealed):
        rows(dsn, "UPDATE dataset SET last_upload_at = now() - interval '91 days' WHERE id = %s", dataset)
    defer(dsn, "forget_open_datasets", timestamp=0)
    until(lambda: broker.request("GET", f"/v1/datasets/{old}").status_code == 404)
    assert {row["id"] for row in broker.get("/v1/datasets")["items"]} == {young, sealed}
