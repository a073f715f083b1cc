"""The columns of a list are chosen alike in all formats."""

import pytest

from tests.builders import open_dataset
from tests.callers import Registry
from tests.dataset.files import CSV, NDJSON, PARQUET, put_file, stored, written
from tests.intake.workbook_writers import XLSX

pytestmark = pytest.mark.one_registry

ZOE, LEO = "+33639980001", "+33639980002"


@pytest.mark.parametrize("media_type", [CSV, NDJSON, PARQUET, XLSX])
def test_upload_in_every_format_chooses_the_same_columns(registry: Registry, dsn: str, media_type: str) -> None:
    broker = registry.broker()
    wrong = []
    for names, lines, outcome in (
        (("nom", "contact"), [("Zoé", "06 39 98 00 01"), ("Léo", "06 39 98 00 02")], [ZOE, LEO]),
        (("numero", "contact"), [("100200301", "0639980001")], "phone_column_unclear"),
        (("ref", "siren"), [("A1", "732829320"), ("A2", "552100554")], "phone_column_unclear"),
        (("contact", "autre"), [("0639980001", "0639980002")], "phone_column_unclear"),
        (("numero", "nom"), [("0639980001", "Zoé")], [ZOE]),
        (("telephone", "pays"), [("0470123456", "BE")], ["+32470123456"]),
        (("telephone", "pays"), [("0639980001", "250")], "country_unreadable"),
        (("siren",), [("732829320",), ("552100554",)], "phone_column_unclear"),
        (("contact",), [("33639980001",), ("0639980002",)], [ZOE, LEO]),
    ):
        dataset = open_dataset(broker)
        answer = put_file(broker, dataset, written(names, lines, media_type), media_type=media_type)
        found = sorted(stored(dsn, dataset)) if answer.status_code == 200 else answer.json()["type"].split(":")[-1]
        if found != outcome:
            wrong.append((names, lines, found, answer.text))
    assert wrong == []
