"""Lines of NDJSON: however JSON is written, a line gives the same cells, whatever lines are beside it."""

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.intake.columns.choice import ColumnChoice
from service.intake.errors import UnreadablePart
from service.intake.media import Format
from tests.examples import examples
from tests.intake.builders import Row, read_part

NUMBERS = [f"06399800{index:02}" for index in range(20)]
# A chunk with a nested value is read line by line.
NESTED = '{"phone":"0639980099","tags":["a"]}'


def _quoted(text: str, *, escaped: bool) -> str:
    return '"' + "".join(f"\\u{ord(sign):04X}" for sign in text) + '"' if escaped else json.dumps(text)


NAMES = st.builds(_quoted, st.sampled_from(["phone", "x", "ville", "consent_id"]), escaped=st.booleans())
TEXTS = st.sampled_from([*NUMBERS, "", "Zoé", 'a"b', "\\", '"phone":"1"', "}", "\U0001f600"])
NUMBERS_AS_WRITTEN = [
    "0",
    "639980001",
    "33639980000.0",
    "3.36e10",
    "1e999",
    "9" * 40,
    "18446744073709551616",
    "NaN",
    "01",
]
NESTED_VALUES = [
    "[]",
    "{}",
    '["0639980001"]',
    '{"phone":"0639980001"}',
    '{"x":{"phone":1,"phone":2}}',
    "[" * 1500 + "]" * 1500,
]
ODD_VALUES = ["null", "true", "tru", '"\\ud83d"', '"\\udc00 06"', '"\\ud83d\\ude00"', "'1'", '"\\q"', '"a', ""]
VALUES = st.one_of(
    st.builds(_quoted, TEXTS, escaped=st.booleans()),
    st.sampled_from([*NUMBERS_AS_WRITTEN, *NESTED_VALUES, *ODD_VALUES]),
)
SPACES = st.sampled_from(["", "", " ", "\t", "  "])
MEMBER_TEXTS = st.builds(
    lambda name, before, after, value: f"{name}{before}:{after}{value}", NAMES, SPACES, SPACES, VALUES
)
OBJECTS = st.lists(MEMBER_TEXTS, max_size=4).map(lambda members: "{" + ",".join(members) + "}")
LINES = st.one_of(
    OBJECTS, OBJECTS, OBJECTS.map(lambda text: text * 2), st.sampled_from(["1", '"06"', "[1]", "}", "null"])
)


def _expected(line: str) -> tuple[str, str] | None:
    """The phone and the consent id of a line, by Python's reader of JSON; None if it is rejected."""
    try:
        pairs = json.loads(
            line, object_pairs_hook=tuple, parse_int=str, parse_float=str, parse_constant=lambda _: 1 / 0
        )
    except (ValueError, ZeroDivisionError, RecursionError):
        return None
    names = [name for name, _ in pairs] if isinstance(pairs, tuple) else ["phone", "phone"]
    if names.count("phone") > 1 or names.count("consent_id") > 1:
        return None
    found = dict(pairs)
    return _text(found.get("phone")), _text(found.get("consent_id"))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return {None: "", True: "true"}.get(value, "nested") if not isinstance(value, list | tuple) else "nested"


def _shown(row: Row) -> tuple[str, str]:
    cells = row.phone, row.record_id or ""
    return tuple("nested" if cell[:1] in ("[", "{") else cell for cell in cells)  # type: ignore[return-value]


@settings(max_examples=examples(150, 20_000))
@given(st.lists(LINES, max_size=8))
def test_read_ndjson_line_does_not_depend_on_its_neighbours(lines: list[str]) -> None:
    first = '{"phone":"0639980098","consent_id":""}'
    expected = [_expected(line) or ("", "") for line in lines]
    wrong = []
    for neighbour in (first, NESTED):
        text = "\n".join([first, *lines, neighbour]).encode()
        _, rows = read_part(text, part_format=Format.NDJSON)
        found = [_shown(row) for row in rows[1:-1]]
        wrong += [
            (line, cells, right) for line, cells, right in zip(lines, found, expected, strict=True) if cells != right
        ]
    assert wrong == []


BOTH = '{"phone":"0639980001","date_optin":"2023-03-26","consented_at":"2023-04-27"}'
ALIKE = '{"phone":"0639980002","date_optin":"2023-03-26","consented_at":"2023-03-26"}'
OF_EACH = ['{"phone":"0639980003","date_optin":"2023-03-26"}', '{"phone":"0639980004","consented_at":"2023-04-27"}']
OF_TELEPHONE = '{"phone":"0639980005","consented_at":"2023-04-27","sms_optin_date":"2023-05-28"}'
# More than the lines by which members are settled.
MANY = ['{"phone":"0639980006","%s":"2023-03-26"}'] * 1500


@pytest.mark.parametrize("first", ["date_optin", "consented_at"])
def test_read_which_consent_counts_does_not_depend_on_where_its_member_begins(first: str) -> None:
    many = [line % first for line in MANY]
    for lines in ([*many, BOTH], [BOTH, *many], [*OF_EACH, *many, BOTH]):
        with pytest.raises(UnreadablePart) as refused:
            read_part("\n".join(lines).encode(), part_format=Format.NDJSON)
        assert refused.value.slug == "consent_column_unclear"
        assert "consented_at_column=" in refused.value.detail
        chosen = ColumnChoice(consented_at="consented_at")
        rows = read_part("\n".join(lines).encode(), part_format=Format.NDJSON, columns=chosen)[1]
        assert {row.consented_at for row in rows if row.phone == "0639980001"} == {_midnight("2023-04-27")}
    for lines in ([*many, ALIKE, *OF_EACH, OF_TELEPHONE], [OF_TELEPHONE, *OF_EACH, ALIKE, *many]):
        rows = read_part("\n".join(lines).encode(), part_format=Format.NDJSON)[1]
        assert {row.phone: row.consented_at for row in rows} == {
            "0639980002": _midnight("2023-03-26"),
            "0639980003": _midnight("2023-03-26"),
            "0639980004": _midnight("2023-04-27"),
            "0639980005": _midnight("2023-05-28"),
            "0639980006": _midnight("2023-03-26"),
        }


def _midnight(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Europe/Paris")).timestamp())
