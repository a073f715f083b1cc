"""A preview shows how a file would be read, and keeps nothing."""

from typing import Any

import pytest

from tests.builders import make_collection, make_notice, number, open_dataset
from tests.callers import Caller, Registry
from tests.dataset.files import CSV, NDJSON, PARQUET, collected_dataset, put_file, stored, taken, written
from tests.inspection import refusal, rows
from tests.intake.workbook_writers import XLSX, by_openpyxl, workbook_of

pytestmark = pytest.mark.one_registry

FILE = (
    "nom;telephone;date_consentement;date_modification\n"
    "Zoé;06 39 98 00 01;27/03/2023 10:00;02/01/2024\n"
    "Léo;+33 6 39 98 00 02;;02/01/2024\n"
    "Ana;06 39 98;27/03/2023;02/01/2024\n"
    "Luc;par mail;27/03/2023;02/01/2024\n"
    "Max;06 39 98;27/03/2023;02/01/2024\n"
)


def preview(caller: Caller, content: bytes | str, *, media_type: str = CSV, **params: Any) -> Any:
    """The answer to a preview that must be given."""
    content = content.encode() if isinstance(content, str) else content
    answer = caller.request(
        "POST", "/v1/previews", content=content, headers={"Content-Type": media_type}, params=params
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.own_registry
def test_preview_shows_columns_lines_and_reasons_and_keeps_nothing(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    collection = make_collection(broker, broker.id, make_notice(broker, broker.id)["id"])
    seen = preview(broker, FILE, collection_id=collection["id"])
    assert {name: seen[name] for name in ("format", "encoding", "delimiter", "has_header", "whole")} == {
        "format": "csv",
        "encoding": "utf-8",
        "delimiter": ";",
        "has_header": True,
        "whole": True,
    }
    counts = [seen[f"{of}_count"] for of in ("line", "accepted", "rejected", "consent")]
    assert counts == [5, 2, 3, 1]
    assert [(column["role"], column["name"], column["position"]) for column in seen["read_columns"]] == [
        ("phone", "telephone", 2),
        ("consented_at", "date_consentement", 3),
    ]
    assert seen["ignored_columns"] == ["date_modification"]
    assert [(reason["reason"], reason["count"]) for reason in seen["reasons"]] == [
        ("too_short", 2),
        ("not_a_number", 1),
    ]
    assert [(line["number"], line["consented_at"]) for line in seen["lines"]] == [
        ("+•••••••0001", "2023-03-27T08:00:00Z"),
        ("+•••••••0002", None),
    ]
    assert {name: seen["rejects"][0][name] for name in ("line", "reason", "value")} == {
        "line": 4,
        "reason": "too_short",
        "value": "•• 39 98",
    }
    assert seen["rejects"][0]["explanation"].startswith("The number has too few digits")
    assert [reject["line"] for reject in seen["rejects"]] == [4, 5, 6]
    for table in ("dataset", "dataset_part", "staged_run", "rejected_line"):
        assert rows(dsn, f"SELECT 1 FROM {table}") == []


def test_preview_without_a_collection_reads_no_consent_and_says_so(registry: Registry) -> None:
    seen = preview(registry.broker(), FILE)
    assert (seen["consent_count"], seen["accepted_count"]) == (0, 2)
    assert "date_consentement" in seen["ignored_columns"]


def test_preview_is_what_the_part_becomes(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    workbook = by_openpyxl([["Nom", "Téléphone"], ["Zoé", "0692123456"], ["Léo", 33639980002], ["Ana", "x", "y"]])
    sheets = workbook_of({"Notes": [["rien"]], "Mai": [["Téléphone"], ["0639980001"]]})
    lines = [("Zoé", "0692123456", "2023-03-26"), ("Léo", "06 39 98", ""), ("Ana", "0639980003", "26/03/2023 10:00")]
    parquet = written(("Nom", "Téléphone", "Date de consentement"), lines, PARQUET)
    members = written(("Nom", "Téléphone", "Date de consentement"), lines, NDJSON)
    for content, media_type, sheet in (
        (FILE, CSV, {}),
        (f"{FILE}Luc; Max;0639980001;;\n", CSV, {}),
        (workbook, XLSX, {}),
        (sheets, XLSX, {"sheet": "Mai"}),
        (parquet, PARQUET, {}),
        (members, NDJSON, {}),
    ):
        dataset = collected_dataset(broker)
        seen = preview(broker, content, media_type=media_type, dataset_id=dataset["id"], **sheet)
        part = taken(broker, dataset, content, media_type=media_type, columns=sheet)
        found = broker.get(f"/v1/datasets/{dataset['id']}/rejects")["items"]
        names = ("line", "reason", "explanation")
        assert [[line[name] for name in names] for line in seen["rejects"]] == [
            [reject[name] for name in names] for reject in found
        ]
        assert sorted(line["number"][-4:] for line in seen["lines"]) == sorted(
            number[-4:] for number in stored(dsn, dataset)
        )
        shared = set(seen) & set(part)
        assert {"line_count", "accepted_count", "rejected_count", "consent_count", "read_columns"} <= shared
        assert {name: seen[name] for name in shared} == {name: part[name] for name in shared}


def test_preview_for_a_later_part_is_read_by_the_settled_columns(registry: Registry) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    taken(broker, dataset, "nom;telephone\nZoé;0639980001\n")
    seen = preview(broker, "telephone;nom\n0639980002;Léo\n", dataset_id=dataset["id"])
    assert [column["position"] for column in seen["read_columns"]] == [1]
    other = broker.request(
        "POST",
        "/v1/previews",
        content=b'{"phone": "0639980002"}\n',
        headers={"Content-Type": "application/x-ndjson"},
        params={"dataset_id": dataset["id"]},
    )
    assert refusal(other) == (422, "format_differs")


def test_preview_hides_the_digits_of_consent_records(registry: Registry) -> None:
    broker = registry.broker()
    collection = make_collection(broker, broker.id, make_notice(broker, broker.id)["id"])
    content = "telephone;consent_record_id\n0639980001;+33639980002\n"
    (line,) = preview(broker, content, collection_id=collection["id"])["lines"]
    assert line["consent_record_id"] == "+•••••••0002"


def test_preview_for_a_dataset_is_refused_as_its_other_parts_would_refuse_it(registry: Registry) -> None:
    broker = registry.broker()
    dataset = collected_dataset(broker)
    taken(broker, dataset, "telephone;date_consentement\n0639980001;26/03/2022\n")
    content, params = "telephone;date_consentement\n0639980002;03/26/2022\n", {"date_format": "month_first"}
    seen = broker.request(
        "POST",
        "/v1/previews",
        content=content.encode(),
        headers={"Content-Type": CSV},
        params={**params, "dataset_id": dataset["id"]},
    )
    sent = put_file(broker, dataset, content, part=2, columns=params)
    assert refusal(seen) == refusal(sent) == (422, "dates_in_other_order")
    assert seen.json()["detail"] == sent.json()["detail"]


def test_preview_for_a_dataset_whose_columns_are_elsewhere_is_refused(registry: Registry) -> None:
    broker = registry.broker()
    dataset = collected_dataset(broker)
    taken(broker, dataset, "nom;telephone;secours\nA;0639980001;0639980009\n")
    taken(broker, dataset, "nom;secours;telephone\nB;0639980008;0639980002\n", part=2)
    seen = broker.request(
        "POST",
        "/v1/previews",
        content="C;0639980003;0639980007\n",
        headers={"Content-Type": CSV},
        params={"dataset_id": dataset["id"]},
    )
    assert refusal(seen) == (422, "columns_elsewhere")
    assert seen.json()["detail"].startswith("This part has no header, and the header of part 2 has other columns")


def test_preview_takes_the_region_and_zone_that_a_dataset_would_have(registry: Registry) -> None:
    broker = registry.broker()
    collection = make_collection(broker, broker.id, make_notice(broker, broker.id)["id"])
    content = "telephone;date_consentement\n0470 12 34 56;27/03/2023 10:00\n+33639980001;27/03/2023 10:00\n"
    for region, zone, hour in (
        ("BE", {"time_zone": "Indian/Reunion"}, "06"),
        ("BE", {}, "08"),
        ("RE", {}, "06"),
        ("DE", {}, "08"),
        ("XK", {}, "08"),
        ("ES", {"time_zone": "Atlantic/Canary"}, "09"),
    ):
        seen = preview(broker, content, default_region=region, **zone, collection_id=collection["id"])
        assert seen["lines"][-1]["consented_at"] == f"2023-03-27T{hour}:00:00Z", (region, zone)
    assert preview(broker, content, default_region="ES")["accepted_count"] > 0


def test_dataset_of_a_region_with_several_time_zones_states_one_where_consent_is_read(registry: Registry) -> None:
    broker = registry.broker()
    collection = make_collection(broker, broker.id, make_notice(broker, broker.id)["id"])
    of_collection = {"default_region": "ES", "collection_id": collection["id"]}
    asked = broker.request("POST", "/v1/previews", content="1", headers={"Content-Type": CSV}, params=of_collection)
    assert refusal(asked) == (422, "time_zone_missing")
    assert asked.json()["detail"].endswith(
        "State time_zone= with one of them: Europe/Madrid, Africa/Ceuta, Atlantic/Canary."
    )
    body = {"occurred_at": "2026-01-01T00:00:00Z", "holder_id": str(broker.id), "name": "Base"}
    answer = broker.request("POST", "/v1/datasets", json=body | of_collection)
    assert refusal(answer) == (422, "time_zone_missing")
    canary = of_collection | {"time_zone": "Atlantic/Canary"}
    for wanted, zone in (
        ({"default_region": "ES"}, None),
        ({"default_region": "IT"}, "Europe/Rome"),
        (canary, "Atlantic/Canary"),
    ):
        assert broker.post("/v1/datasets", body | wanted)["time_zone"] == zone


def test_preview_of_many_lines_ends_early(registry: Registry) -> None:
    lines = b"".join(b"%d\n" % (33612000000 + 7 * place) for place in range(400_000))
    seen = preview(registry.broker(), b"telephone\n" + lines)
    assert seen["whole"] is False
    assert 100_000 <= seen["line_count"] < 400_000


def test_preview_of_what_cannot_be_read_is_refused_as_the_part_would_be(registry: Registry) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    several = workbook_of({"Mai": [["0639980001"]], "Juin": [["0639980002"]]})
    for content, media_type in (
        *((content, CSV) for content in (b"", b"%PDF-1.4", b"ref;ville\n1;Paris\n")),
        (b"telephone;mobile\n0639980001;0639980002\n", CSV),
        (several, XLSX),
        (several, PARQUET),
        (b"PK\x03\x04", XLSX),
        (written(("ref", "siren"), [("A1", "732829320")], PARQUET), PARQUET),
    ):
        headers = {"Content-Type": media_type}
        seen = broker.request("POST", "/v1/previews", content=content, headers=headers)
        sent = put_file(broker, dataset, content, media_type=media_type)
        assert (seen.status_code, seen.json()["detail"]) == (sent.status_code, sent.json()["detail"])
        assert seen.status_code == 422


def test_preview_for_what_another_organisation_holds_is_not_found(registry: Registry) -> None:
    broker, other = registry.broker(), registry.broker()
    dataset = collected_dataset(broker)
    for params in ({"dataset_id": dataset["id"]}, {"collection_id": dataset["collection_id"]}):
        answer = other.request(
            "POST",
            "/v1/previews",
            content=number(1).encode(),
            headers={"Content-Type": CSV},
            params=params,
        )
        assert answer.status_code == 404
    broker.put_part(dataset["id"], [number(1)])
    broker.seal(dataset["id"])
    answer = broker.request(
        "POST",
        "/v1/previews",
        content=number(1).encode(),
        headers={"Content-Type": CSV},
        params={"dataset_id": dataset["id"]},
    )
    assert refusal(answer) == (409, "dataset_not_open")
