"""What holds of the database whoever set it up."""

from urllib.parse import quote

import pytest

from service.core.db import driver_url
from tests.chain import open_dataset
from tests.probe import rows
from tests.registry import Registry


@pytest.fixture
def dsn(dsn: str) -> str:
    """The address of a database whose administrator set another time zone."""
    name = rows(dsn, "SELECT current_database()")[0][0]
    rows(dsn, f"ALTER DATABASE {name} SET TimeZone = 'Europe/Paris'")
    assert rows(dsn, "SHOW TimeZone") == [("Europe/Paris",)]
    return dsn


def test_instants_are_utc_in_the_first_answer_and_in_every_later_one(registry: Registry) -> None:
    broker = registry.broker()
    made = open_dataset(broker, occurred_at="2024-06-06T10:00:00+02:00")
    assert made["occurred_at"] == "2024-06-06T08:00:00Z"
    assert broker.get(f"/v1/datasets/{made['id']}") == made


def test_options_of_the_address_are_kept() -> None:
    given = "postgresql://host/db?application_name=x&options=" + quote("-c search_path=registry")
    assert driver_url(given).query == {
        "application_name": "x",
        "options": "-c search_path=registry -c TimeZone=UTC",
    }
