"""Lines of NDJSON are read alike wherever they stand, and those that cannot be read are rejected with their reason.

The cases have the numbers of `tests/intake/README.md`.
"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.builders import open_dataset
from tests.callers import Caller, Registry
from tests.dataset.files import NDJSON, collected_dataset, put_file, refused, rejects, stored, taken
from tests.inspection import refusal

pytestmark = pytest.mark.one_registry

ZOE, LEO, EVA = "+33639980001", "+33639980002", "+33639980003"
PLAIN = '{"phone":"0639980003"}'
# A chunk with a fraction is read by another reader than one without.
FRACTION = '{"phone":"0639980003","x":1.5}'


def _taken(caller: Caller, dataset: Any, *lines: str) -> Any:
    return taken(caller, dataset, "\n".join(lines), media_type=NDJSON)


def test_upload_ndjson_line_with_a_member_twice_is_rejected(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    wrong = []
    for line in (
        '{"phone":"0639980001","phone":"0639980002"}',
        '{"phone":"0639980001","phone":null}',
        '{"phone":null,"phone":"0639980001"}',
        '{"phone":"0639980001","ph\\u006fne":"0639980002"}',
        '{"phone":"0639980001","country":"FR","country":"BE"}',
    ):
        for neighbour in (PLAIN, FRACTION):
            dataset = open_dataset(broker)
            _taken(broker, dataset, neighbour, line, '{"name":"Zoé"}')
            found = [*stored(dsn, dataset)], rejects(broker, dataset)
            if found != ([EVA], [(1, 2, "repeated_member"), (1, 3, "empty")]):
                wrong.append((line, neighbour, found))
    assert wrong == []
    dataset = open_dataset(broker)
    _taken(broker, dataset, PLAIN, '{"phone":"0639980001","tag":"a","tag":"b","of":{"phone":"1","phone":"2"}}')
    assert sorted(stored(dsn, dataset)) == [ZOE, EVA]


def test_upload_ndjson_line_that_is_no_object_is_rejected_as_such(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    lines = (
        '{"phone":"0639980001"}{"phone":"0639980002"}',
        '{"phone":"0639980001"',
        '"0639980001"',
        "0639980001",
        '["0639980001"]',
        '{"phone":0639980001}',
        '{"phone":NaN}',
    )
    for dataset, neighbour in ((open_dataset(broker), PLAIN), (last := open_dataset(broker), FRACTION)):
        _taken(broker, dataset, neighbour, *lines)
        assert [*stored(dsn, dataset)] == [EVA]
        assert rejects(broker, dataset) == [(1, number, "not_an_object") for number in range(2, 2 + len(lines))]
    explanation = broker.get(f"/v1/datasets/{last['id']}/rejects")["items"][0]["explanation"]
    assert explanation.startswith("The line is not a JSON object. Write one object on each line")
    assert '0639980001""}{' in broker.request("GET", f"/v1/datasets/{last['id']}/rejects.csv").text


def test_upload_ndjson_values_that_are_valid_json_fail_no_part(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    values = ("9" * 20, "9" * 5000, "1e999", "-" + "9" * 30, '"\\ud83d"', "[" * 900 + "]" * 900, '{"a":[1.5,{}]}')
    lines = [f'{{"phone":"06399801{at:02}","fbid":{value}}}' for at, value in enumerate(values)]
    for neighbour in (PLAIN, FRACTION):
        dataset = open_dataset(broker)
        _taken(broker, dataset, neighbour, *lines, "[" * 100_000)
        assert len(stored(dsn, dataset)) == 1 + len(lines)
        assert rejects(broker, dataset) == [(1, len(lines) + 2, "not_an_object")]
    dataset = open_dataset(broker)
    _taken(broker, dataset, PLAIN, *(f'{{"phone":{value}}}' for value in values))
    assert [*stored(dsn, dataset)] == [EVA]
    assert len(rejects(broker, dataset)) == len(values)


def test_upload_ndjson_member_under_a_second_name_is_read_where_the_first_is_missing(
    registry: Registry, dsn: str
) -> None:
    broker = registry.broker()
    pays, country = '{"phone":"0470123456","pays":"BE"}', '{"phone":"0470123457","country":"BE"}'
    code = '{"phone":"0470123457","indicatif":"32"}'
    both = ["+32470123456", "+32470123457"]
    many = [f'{{"name":"{"Zoé" * 20}"}}'] * 1500
    for parts in ([[pays, country]], [[pays], [country]], [[pays, code]], [[code, pays]], [[pays, *many, country]]):
        dataset = open_dataset(broker)
        for number, lines in enumerate(parts, start=1):
            taken(broker, dataset, "\n".join(lines), part=number, media_type=NDJSON)
        assert sorted(stored(dsn, dataset)) == both, parts[0][:2]
        assert not broker.get(f"/v1/datasets/{dataset['id']}")["ignored_columns"]
    part = _taken(broker, open_dataset(broker), pays, *many, country)
    assert [column["name"] for column in part["read_columns"]] == ["phone", "pays", "country"]


def test_upload_ndjson_lines_whose_countries_differ_are_rejected(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    _taken(
        broker,
        dataset,
        '{"phone":"0470123456","pays":"BE","country":"Belgium"}',
        '{"phone":"0470123457","pays":"BE","country":"FR"}',
        '{"phone":"0639980001","pays":"BE","indicatif":"33"}',
        '{"phone":"+33639980002","pays":"BE","country":"FR"}',
        # France in ISO 3166-1, Rwanda as a calling code.
        '{"phone":"0639980004","country":"250"}',
    )
    assert sorted(stored(dsn, dataset)) == ["+32470123456", ZOE, LEO]
    assert rejects(broker, dataset) == [(1, 2, "country_unknown"), (1, 5, "country_unknown")]


def test_upload_ndjson_consent_time_under_a_second_name_is_read_if_its_name_is_certain(
    registry: Registry, dsn: str
) -> None:
    broker = registry.broker()
    first = '{"phone":"0639980001","consented_at":"2023-03-26T10:00:00Z"}'
    second = '{"phone":"0639980002","optin_date":"2023-03-27T10:00:00Z"}'
    created = '{"phone":"0639980003","created_time":"2023-03-28T10:00:00Z"}'
    expected = {
        ZOE: datetime.fromisoformat("2023-03-26T10:00:00Z"),
        LEO: datetime.fromisoformat("2023-03-27T10:00:00Z"),
        EVA: None,
    }
    for parts in ([[first, second, created]], [[second, first, created]], [[first], [second], [created]]):
        dataset = collected_dataset(broker)
        for number, lines in enumerate(parts, start=1):
            taken(broker, dataset, "\n".join(lines), part=number, media_type=NDJSON)
        assert stored(dsn, dataset) == expected, parts
        assert broker.get(f"/v1/datasets/{dataset['id']}")["ignored_columns"] == ["created_time"]


def test_upload_ndjson_number_under_a_second_name_is_not_read(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    _taken(broker, dataset, PLAIN)
    part = taken(broker, dataset, '{"mobile":"0639980001"}', part=2, media_type=NDJSON)
    assert [*stored(dsn, dataset)] == [EVA]
    assert rejects(broker, dataset) == [(2, 1, "empty")]
    assert part["ignored_columns"] == ["mobile"]


def test_upload_ndjson_of_many_names_is_read_unless_one_line_has_too_many(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    lines = [json.dumps({f"k{at}": 1, "phone": f"+336399{80000 + at}"}) for at in range(1500)]
    _taken(broker, dataset, *lines)
    assert len(stored(dsn, dataset)) == 1500
    line = json.dumps({"phone": ZOE} | {f"k{at}": 1 for at in range(1500)})
    assert refused(broker, open_dataset(broker), line, media_type=NDJSON)[0] == "too_many_columns"


def test_upload_ndjson_of_very_many_known_names_is_refused(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    for name in ("pays", "consentdate"):
        lines = [json.dumps({"phone": ZOE} | ({f"{name}{at}": "x"} if at else {})) for at in range(1_000)]
        assert refused(broker, open_dataset(broker), "\n".join(lines), media_type=NDJSON)[0] == "too_many_columns"


def test_upload_ndjson_of_mongodb_reads_its_types(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = collected_dataset(broker)
    _taken(
        broker,
        dataset,
        '{"phone":{"$numberLong":"33639980001"},"optin_date":{"$date":"2023-03-26T10:00:00Z"}}',
        '{"phone":"0639980002","optin_date":null}',
    )
    assert stored(dsn, dataset) == {ZOE: datetime(2023, 3, 26, 10, tzinfo=UTC), "+33639980002": None}


def test_upload_ndjson_with_foreign_countries_inside_of_members_is_refused(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    for inner in ('"address":{"country":"BE"}', '"addresses":[{"country_code":"BE"}]'):
        slug, detail = refused(broker, open_dataset(broker), f'{{"phone":"0470123456",{inner}}}', media_type=NDJSON)
        assert (slug, "as a column of their own" in detail) == ("country_column_unclear", True)
    dataset = open_dataset(broker)
    _taken(
        broker,
        dataset,
        '{"phone":"0639980001","address":{"country":"FR"}}',
        '{"phone":"0639980002","address":{"city":"Bruges"}}',
    )
    assert len(stored(dsn, dataset)) == 2


def test_seal_dataset_of_ndjson_that_was_cut_in_a_line_is_refused(registry: Registry) -> None:
    broker = registry.broker()
    text = "\n".join([PLAIN, '{"phone":"0639980001"}', '{"phone":"0639980002"}'])
    dataset = open_dataset(broker)
    for number, part in enumerate((text[:40], text[40:]), start=1):
        taken(broker, dataset, part, part=number, media_type=NDJSON)
    answer = broker.request("POST", f"/v1/datasets/{dataset['id']}/seal")
    assert refusal(answer) == (409, "part_cut")


def test_refusal_that_names_columns_of_any_signs_is_shown(registry: Registry) -> None:
    broker = registry.broker()
    wrong = []
    for header in (
        "ref;nom\x1b[31m;ville",
        'ref;"nom\ndu client";"ville\t(code)"',
        "2015;2016;2017;2018;nom",
        ";".join(f"{'colonne' * 12} {at}" for at in range(400)),
        "ref;\u202enom;\u0085",
    ):
        rows = ";".join("x" for _ in range(header.count(";") + 1))
        answer = put_file(broker, open_dataset(broker), f"{header}\n{rows}\n{rows}\n")
        if refusal(answer) != (422, "phone_column_unclear") or not answer.json()["detail"].isprintable():
            wrong.append((header[:40], answer.text[:200]))
    assert wrong == []
