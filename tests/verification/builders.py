"""Numbers, callers and settings for tests of verifications."""

import phonenumbers
from fastapi.testclient import TestClient
from phonenumbers import PhoneNumberFormat
from pydantic import SecretStr

from service.core.settings import Settings
from tests.conftest import MASTER_SECRET
from tests.direct_client import DirectClient
from tests.inspection import rows


def example(region: str, kind: int) -> str:
    """A number of a region and kind in E.164."""
    made = phonenumbers.example_number_for_type(region, kind)
    assert made is not None
    return phonenumbers.format_number(made, PhoneNumberFormat.E164)


def limited(**limits: int) -> Settings:
    """Settings of a service with these limits."""
    return Settings(master_secret=SecretStr(MASTER_SECRET), **limits)  # type: ignore[arg-type]


def from_elsewhere(client: TestClient, host: str) -> TestClient:
    """The same service, called from another address."""
    elsewhere = DirectClient(client.app, client=(host, 50000))
    elsewhere.portal = client.portal
    return elsewhere


def other_block(place: int) -> str:
    """A number from a block other than the one for fiction."""
    return f"+{33639980000 + 120_000 + place}"


def grow_older(dsn: str, interval: str) -> None:
    """Let some time pass since all verifications."""
    rows(dsn, "UPDATE verification SET recorded_at = recorded_at - %s::interval", interval)
