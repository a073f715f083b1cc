"""How many codes are sent: to a number, at the request of an address, into a block of numbers."""

from collections.abc import Iterator
from datetime import timedelta

import phonenumbers
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from pydantic import SecretStr

from service.core.settings import Settings
from service.main import create_app
from service.verification.limits import fingerprints_of
from service.verification.prefixes import MOBILE_PREFIXES, allowed, block_of
from tests.builders import number
from tests.conftest import MASTER_SECRET
from tests.inspection import refusal, rows
from tests.persons import ask_code, code_sent_to, confirm, outbox, ring_of_tests


def example(region: str, kind: int) -> str:
    """A number of a region and kind, in E.164."""
    made = phonenumbers.example_number_for_type(region, kind)
    assert made is not None
    return phonenumbers.format_number(made, PhoneNumberFormat.E164)


def limited(**limits: int) -> Settings:
    """Settings of a service with limits of its own."""
    return Settings(master_secret=SecretStr(MASTER_SECRET), **limits)  # type: ignore[arg-type]


@pytest.fixture
def strict(dsn: str) -> Iterator[TestClient]:
    """A service that sends six codes an hour to an address, and four into a block."""
    with TestClient(create_app(limited(verifications_per_address=6, sms_block_budget=4), dsn)) as client:
        yield client


def from_elsewhere(client: TestClient, host: str) -> TestClient:
    """The same service, called from another address."""
    return TestClient(client.app, client=(host, 50000))


def grow_older(dsn: str, interval: str) -> None:
    rows(dsn, "UPDATE verification SET recorded_at = recorded_at - %s::interval", interval)


def retry_after(answer: Response) -> timedelta:
    return timedelta(seconds=int(answer.headers["retry-after"]))


def test_a_number_gets_three_codes_an_hour_from_one_address(client: TestClient, dsn: str) -> None:
    for _ in range(3):
        assert ask_code(client, number(4600)).status_code == 201
    answer = ask_code(client, "06.39.98.46.00")
    assert refusal(answer) == (429, "number_limit")
    assert timedelta(minutes=59) < retry_after(answer) <= timedelta(hours=1)
    assert len(outbox(dsn)) == 3
    assert ask_code(client, number(4601)).status_code == 201
    grow_older(dsn, "1 hour")
    assert ask_code(client, number(4600)).status_code == 201


def test_a_number_gets_eight_codes_a_day_from_one_address(client: TestClient, dsn: str) -> None:
    for turn in range(8):
        if turn % 3 == 0:
            grow_older(dsn, "2 hours")
        assert ask_code(client, number(4600)).status_code == 201
    grow_older(dsn, "2 hours")
    answer = ask_code(client, number(4600))
    assert refusal(answer) == (429, "number_limit")
    # The oldest of the eight was sent six hours ago.
    assert timedelta(hours=17) < retry_after(answer) <= timedelta(hours=18)


def test_who_asks_for_all_codes_of_a_number_leaves_its_owner_some(client: TestClient, dsn: str) -> None:
    stranger = from_elsewhere(client, "198.51.100.66")
    for turn in range(8):
        if turn % 3 == 0:
            grow_older(dsn, "2 hours")
        assert ask_code(stranger, number(4600)).status_code == 201
    grow_older(dsn, "2 hours")
    assert refusal(ask_code(stranger, number(4600))) == (429, "number_limit")
    begun = ask_code(client, number(4600))
    assert begun.status_code == 201
    code = code_sent_to(dsn, number(4600))
    grow_older(dsn, "1 day")
    assert ask_code(stranger, number(4600)).status_code == 201
    assert confirm(client, begun.json()["id"], code).status_code == 201, "a stranger's question makes no code void"


def test_all_together_have_five_codes_an_hour_sent_to_a_number(client: TestClient) -> None:
    for place in range(5):
        assert ask_code(from_elsewhere(client, f"198.51.100.{place}"), number(4600)).status_code == 201
    assert refusal(ask_code(client, number(4600))) == (429, "number_limit")


def test_an_address_gets_its_codes_an_hour_and_no_more(strict: TestClient) -> None:
    """Two blocks, so that neither is full before the address is."""
    for last in range(3):
        assert ask_code(strict, number(last)).status_code == 201
        assert ask_code(strict, other_block(last)).status_code == 201
    assert refusal(ask_code(strict, number(7))) == (429, "address_limit")
    assert ask_code(from_elsewhere(strict, "192.0.2.7"), number(7)).status_code == 201


def test_an_ipv6_connection_is_one_caller_however_it_names_itself() -> None:
    ring = ring_of_tests()
    home = fingerprints_of(ring, 33639984600, "2001:db8:1:2::1").address
    assert fingerprints_of(ring, 33639984600, "2001:db8:1:2:ffff::9").address == home
    assert fingerprints_of(ring, 33639984600, "2001:db8:1:3::1").address != home
    four = fingerprints_of(ring, 33639984600, "192.0.2.7").address
    assert fingerprints_of(ring, 33639984600, "::ffff:192.0.2.7").address == four
    assert fingerprints_of(ring, 33639984600, "192.0.2.8").address != four


def other_block(place: int) -> str:
    """Numbers of another block than that for fiction."""
    return f"+{33639980000 + 120_000 + place}"


def test_the_budget_of_a_block_trips_for_that_block_alone(strict: TestClient, dsn: str) -> None:
    """Whoever comes from many addresses, and asks for many numbers."""
    for place in range(4):
        caller = from_elsewhere(strict, f"198.51.100.{place}")
        assert ask_code(caller, number(place)).status_code == 201
    newcomer = from_elsewhere(strict, "203.0.113.5")
    assert refusal(ask_code(newcomer, number(9999))) == (429, "block_limit")
    assert ask_code(newcomer, other_block(1)).status_code == 201
    assert len(outbox(dsn)) == 5
    grow_older(dsn, "1 hour")
    assert ask_code(newcomer, number(9999)).status_code == 201


def test_what_is_refused_counts_for_nothing(strict: TestClient) -> None:
    for _ in range(3):
        assert ask_code(strict, number(1)).status_code == 201
    for _ in range(5):
        assert refusal(ask_code(strict, number(1))) == (429, "number_limit")
        assert refusal(ask_code(strict, example("FR", PhoneNumberType.FIXED_LINE))) == (422, "number_not_served")
    for place in range(3):
        assert ask_code(strict, other_block(place)).status_code == 201


@pytest.mark.parametrize("region", ["FR", "RE", "YT", "GP", "BL", "MF", "MQ", "GF", "PM", "NC", "PF", "WF"])
def test_mobile_telephones_of_france_and_its_territories_are_served(region: str) -> None:
    assert allowed(int(example(region, PhoneNumberType.MOBILE)), MOBILE_PREFIXES)
    assert not allowed(int(example(region, PhoneNumberType.FIXED_LINE)), MOBILE_PREFIXES)


@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)), st.sampled_from(list(range(11))))
def test_nobody_else_is_served(region: str, kind: int) -> None:
    made = phonenumbers.example_number_for_type(region, kind)
    if made is None:
        return
    # Zeros that lead a number within its country belong to it.
    served = allowed(int(phonenumbers.format_number(made, PhoneNumberFormat.E164)), MOBILE_PREFIXES)
    mobile = kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
    assert not served or (mobile and made.country_code in (33, 262, 508, 590, 594, 596, 681, 687, 689))


def test_a_block_is_ten_thousand_numbers() -> None:
    assert {block_of(33639980000), block_of(33639989999)} == {"3363998"}
    assert block_of(33639990000) != "3363998"


def test_other_prefixes_can_be_set(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FILIATION_SMS_PREFIXES", "3363998, 32")
    with TestClient(create_app(limited(), dsn)) as client:
        assert ask_code(client, number(1)).status_code == 201
        assert ask_code(client, example("BE", PhoneNumberType.MOBILE)).status_code == 201
        assert refusal(ask_code(client, other_block(1))) == (422, "number_not_served")
