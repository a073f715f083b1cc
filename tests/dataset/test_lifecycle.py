"""Datasets from their first part to their sealing."""

import pytest

from tests.builders import collected, filled, make_collection, make_notice, number, open_dataset
from tests.callers import Registry

pytestmark = pytest.mark.one_registry


def test_seal_dataset_counts_numbers_and_closes_it(registry: Registry) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    part = broker.put_part(dataset["id"], ["telephone", "06 39 98 00 01", "0639980001", "+33639980002", "bonjour", ""])
    assert (part["line_count"], part["accepted_count"], part["rejected_count"]) == (4, 3, 1)
    sealed = broker.seal(dataset["id"])
    assert sealed["state"] == "sealed"
    assert (sealed["number_count"], sealed["duplicate_count"], sealed["rejected_count"]) == (2, 1, 1)
    assert sealed["orphan_count"] == 2
    again = broker.request(
        "PUT", f"/v1/datasets/{dataset['id']}/parts/2", content=b"x", headers={"Content-Type": "text/csv"}
    )
    assert (again.status_code, again.json()["type"]) == (409, "urn:filiation:problem:dataset_not_open")
    assert broker.request("POST", f"/v1/datasets/{dataset['id']}/seal").status_code == 409


def test_list_rejects_shows_reasons_and_download_shows_values(registry: Registry) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    broker.put_part(dataset["id"], ["telephone", "3,36E+10", "0639980001", "12", "06399800AB"])
    page = broker.get(f"/v1/datasets/{dataset['id']}/rejects", params={"limit": 2})
    assert [(item["part"], item["line"], item["reason"]) for item in page["items"]] == [
        (1, 2, "scientific_notation"),
        (1, 4, "too_short"),
    ]
    rest = broker.get(f"/v1/datasets/{dataset['id']}/rejects", params={"after": page["next"]})
    assert [item["reason"] for item in rest["items"]] == ["not_a_number"]
    assert rest["next"] is None
    download = broker.request("GET", f"/v1/datasets/{dataset['id']}/rejects.csv")
    assert download.headers["content-type"].startswith("text/csv")
    assert download.text.splitlines()[1].startswith('1,2,scientific_notation,"3,36E+10","The number was written')


def test_upload_part_with_consents_outside_the_collection_rejects_their_lines(registry: Registry) -> None:
    shop = registry.collector()
    notice = make_notice(shop, shop.id)
    collection = make_collection(
        shop, shop.id, notice["id"], began_on="2023-01-01", ended_on="2023-06-30", occurred_at="2023-07-01T00:00:00Z"
    )
    dataset = open_dataset(shop, collection_id=collection["id"], occurred_at="2023-06-15T00:00:00Z")
    shop.put_part(
        dataset["id"],
        [
            "telephone;date_consentement;id_consentement",
            "0639980001;02/03/2023 12:00;abc",
            "0639980001;2023-02-01T10:00:00+01:00;def",
            "0639980002;31/12/2022;x",
            "0639980003;20/06/2023;x",
            "0639980004;hier;x",
            "0639980005;;x",
            "0639980006;31/12/2099;x",
        ],
    )
    reasons = [item["reason"] for item in shop.get(f"/v1/datasets/{dataset['id']}/rejects")["items"]]
    assert reasons == [
        "consent_outside_collection",
        "consent_after_dataset",
        "consent_unreadable",
        "consent_in_future",
    ]
    sealed = shop.seal(dataset["id"])
    assert sealed["number_count"] == 2
    assert sealed["first_consented_at"] == "2023-02-01T09:00:00Z"
    origin = shop.lookup(number(1))["origins"][0]
    assert origin["consented_at"] == "2023-02-01T09:00:00Z"
    assert origin["consent_record_id"] == "def"


def test_upload_part_again_is_repeated_or_replaces_it(registry: Registry) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    first = broker.put_part(dataset["id"], ["0639980001", "0639980002"])
    assert not first["repeated"]
    assert broker.put_part(dataset["id"], ["0639980001", "0639980002"])["repeated"]
    other = broker.put_part(dataset["id"], ["0639980003"])
    assert not other["repeated"]
    assert [part["accepted_count"] for part in broker.get(f"/v1/datasets/{dataset['id']}/parts")] == [1]
    assert broker.seal(dataset["id"])["number_count"] == 1
    assert not broker.lookup(number(1))["held"]
    assert broker.lookup(number(3))["held"]


def test_upload_second_part_uses_the_layout_of_the_first(registry: Registry) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    early = broker.request(
        "PUT", f"/v1/datasets/{dataset['id']}/parts/2", content=b"x;0639980002", headers={"Content-Type": "text/csv"}
    )
    assert early.json()["type"] == "urn:filiation:problem:first_part_missing"
    broker.put_part(dataset["id"], ["nom;mobile", "Zoé;0639980001"])
    broker.put_part(dataset["id"], ["Éva;0639980002"], number=2)
    assert broker.seal(dataset["id"])["number_count"] == 2


def test_seal_dataset_without_parts_is_refused(registry: Registry) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    refused = broker.request("POST", f"/v1/datasets/{dataset['id']}/seal")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:filiation:problem:no_parts_uploaded")


def test_seal_union_and_cut_counts_numbers_by_ancestor(registry: Registry) -> None:
    shop = registry.collector()
    left = collected(shop, range(100))
    right = collected(shop, range(50, 150))
    union = open_dataset(shop, content="union", derived_from=[left["id"], right["id"]])
    refused = shop.request(
        "PUT", f"/v1/datasets/{union['id']}/parts/1", content=b"0639980001", headers={"Content-Type": "text/csv"}
    )
    assert refused.json()["type"] == "urn:filiation:problem:takes_no_parts"
    union = shop.seal(union["id"])
    assert (union["number_count"], union["orphan_count"]) == (150, 0)
    cut = filled(shop, [*range(120, 150), 9000], derived_from=[union["id"]])
    assert (cut["number_count"], cut["orphan_count"]) == (31, 1)
    assert shop.get(f"/v1/datasets/{cut['id']}/orphans") == {"numbers": [number(9000)], "next": None}
    nodes = shop.get(f"/v1/datasets/{cut['id']}/lineage")
    assert left["id"] not in str(nodes)
    assert right["id"] in str(nodes)


def test_list_orphans_returns_pages(registry: Registry) -> None:
    broker = registry.broker()
    dataset = filled(broker, range(200))
    found: list[str] = []
    after = None
    while True:
        page = broker.get(
            f"/v1/datasets/{dataset['id']}/orphans", params={"limit": 7} | ({"after": after} if after else {})
        )
        found += page["numbers"]
        after = page["next"]
        if after is None:
            break
        assert len(page["numbers"]) == 7
    assert sorted(found) == [number(last) for last in range(200)]


def test_dataset_routes_for_another_organisation_are_not_found(registry: Registry) -> None:
    broker, other = registry.broker(), registry.broker()
    dataset = filled(broker, [1])
    assert other.get("/v1/datasets")["items"] == []
    for path in ("", "/parts", "/rejects", "/rejects.csv", "/orphans", "/lineage"):
        assert other.request("GET", f"/v1/datasets/{dataset['id']}{path}").status_code == 404, path
    assert other.request("POST", f"/v1/datasets/{dataset['id']}/seal").status_code == 404
    put = other.request(
        "PUT", f"/v1/datasets/{dataset['id']}/parts/1", content=b"1", headers={"Content-Type": "text/csv"}
    )
    assert put.status_code == 404


def test_upload_same_bytes_with_another_column_replaces_the_part(registry: Registry) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    lines = ["ancien;nouveau", "12;0639980001"]
    wrong = broker.put_part(dataset["id"], lines, params={"column": "ancien"})
    assert (wrong["accepted_count"], wrong["rejected_count"]) == (0, 1)
    mended = broker.put_part(dataset["id"], lines, params={"column": "nouveau"})
    assert (mended["repeated"], mended["accepted_count"], mended["rejected_count"]) == (False, 1, 0)


def test_seal_dataset_without_numbers_or_with_missing_parts_is_refused(registry: Registry) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    path = f"/v1/datasets/{dataset['id']}/seal"
    broker.put_part(dataset["id"], ["telephone", "bonjour"])
    assert broker.request("POST", path).json()["type"] == "urn:filiation:problem:no_numbers"
    broker.put_part(dataset["id"], ["0639980001"], number=3)
    assert broker.request("POST", path).json()["type"] == "urn:filiation:problem:parts_missing"
    broker.put_part(dataset["id"], ["\u202a+33 6 39 98 00 02\u202c"], number=2)
    assert broker.seal(dataset["id"])["number_count"] == 2


def test_upload_part_with_a_title_above_the_header_is_refused(registry: Registry) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    for title in ("Export CRM mars 2023;;", "Export CRM"):
        lines = [title, "nom;telephone;consented_at", "Zoé;0639980001;2023-01-01", "Léo;0639980002;2023-01-01"]
        headers = {"Content-Type": "text/csv"}
        content = "\n".join(lines).encode()
        refused = broker.request("PUT", f"/v1/datasets/{dataset['id']}/parts/1", content=content, headers=headers)
        assert (refused.status_code, refused.json()["type"]) == (422, "urn:filiation:problem:lines_above_header"), title
