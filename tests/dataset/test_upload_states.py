"""The consent of a line whose columns say that the person refused is not stored as one."""

import pytest

from tests.callers import Registry
from tests.dataset.files import CSV, NDJSON, PARQUET, collected_dataset, put_file, rejects, stored, taken, written
from tests.intake.workbook_writers import XLSX

NAMES = ["telephone", "optin_sms", "date_optin_sms", "SMS_BLACKLISTED"]
LINES = [
    ("0639980001", "oui", "2023-03-26 14:05", "false"),
    ("0639980002", "non", "2023-03-27 14:05", "false"),
    ("0639980003", "oui", "2023-03-28 14:05", "true"),
    ("0639980004", "peut-être", "2023-03-29 14:05", ""),
    ("0639980005", "", "2023-03-30 14:05", ""),
]


@pytest.mark.parametrize("media_type", [CSV, NDJSON, PARQUET, XLSX])
def test_upload_lines_of_who_refused_are_rejected(registry: Registry, dsn: str, media_type: str) -> None:
    collector = registry.collector()
    content = written(NAMES, LINES, media_type)
    dataset = collected_dataset(collector)
    params = {"dataset_id": dataset["id"]}
    seen = collector.request(
        "POST", "/v1/previews", content=content, headers={"Content-Type": media_type}, params=params
    ).json()
    part = taken(collector, dataset, content, media_type=media_type)
    first = 1 if media_type in (NDJSON, PARQUET) else 2
    assert rejects(collector, dataset) == [
        (1, first + 1, "consent_refused"),
        (1, first + 2, "consent_refused"),
        (1, first + 3, "consent_unclear"),
    ]
    assert sorted(stored(dsn, dataset)) == ["+33639980001", "+33639980005"]
    assert [reject["value"].rpartition("; ")[2] for reject in seen["rejects"]] == ["non", "true", "peut-être"]
    for answer in (seen, part):
        assert [column["role"] for column in answer["read_columns"]].count("consent_state") == 2
    # Only who says so reads the lines of those who refused.
    again = taken(collector, dataset, content, media_type=media_type, columns={"consent_state_column": "none"})
    assert (again["accepted_count"], again["ignored_columns"]) == (5, ["optin_sms", "SMS_BLACKLISTED"])


def test_upload_later_part_is_read_by_the_states_of_the_first(registry: Registry, dsn: str) -> None:
    collector = registry.collector()
    dataset = collected_dataset(collector)
    taken(collector, dataset, "telephone;optin\n0639980001;oui\n")
    taken(collector, dataset, "0639980002;non\n0639980003;oui\n", part=2)
    assert sorted(number[-1] for number in stored(dsn, dataset)) == ["1", "3"]
    dataset = collected_dataset(collector)
    taken(collector, dataset, "telephone;optin\n0639980001;oui\n")
    taken(
        collector, dataset, "do not call;optin;telephone\n0;non;0639980004\nx;oui;0639980005\n0;1;0639980006\n", part=3
    )
    taken(collector, dataset, "optin;telephone\nnon;0639980007\n", part=4, columns={"consent_state_column": "none"})
    assert sorted(number[-1] for number in stored(dsn, dataset)) == ["1", "6", "7"]
    for text, columns, slug in (
        ("telephone;optin;stop\n0639980008;oui;non\n", {"consent_state_column": "stop"}, "column_differs"),
        ("telephone;ville\n0639980008;Lyon\n", {}, "header_differs"),
    ):
        answer = put_file(collector, dataset, text, part=5, columns=columns)
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (422, slug)
