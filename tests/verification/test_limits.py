"""How many codes are sent: to a number, on request of an address, into a number block."""

from collections.abc import Iterator
from datetime import timedelta
from time import monotonic

import phonenumbers
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from service.main import create_app
from service.verification.limits import fingerprints_of
from service.verification.prefixes import MOBILE_PREFIXES, block_of, is_served
from tests.builders import number
from tests.inspection import refusal
from tests.persons import ask_code, code_sent_to, confirm, outbox, ring_of_tests
from tests.verification.builders import example, from_elsewhere, grow_older, limited, other_block


@pytest.fixture
def strict(dsn: str) -> Iterator[TestClient]:
    """A service that sends six codes an hour for an address, and four into a block."""
    with TestClient(create_app(limited(verifications_per_address=6, sms_block_budget=4), dsn)) as client:
        yield client


def retry_after(answer: Response) -> timedelta:
    return timedelta(seconds=int(answer.headers["retry-after"]))


def test_request_fourth_code_for_number_within_an_hour_is_refused(client: TestClient, dsn: str) -> None:
    began = monotonic()
    for _ in range(3):
        assert ask_code(client, number(4600)).status_code == 201
    answer = ask_code(client, "06.39.98.46.00")
    assert refusal(answer) == (429, "number_limit")
    elapsed = timedelta(seconds=monotonic() - began + 1)
    assert timedelta(hours=1) - elapsed <= retry_after(answer) <= timedelta(hours=1)
    assert len(outbox(dsn)) == 3
    assert ask_code(client, number(4601)).status_code == 201
    grow_older(dsn, "1 hour")
    assert ask_code(client, number(4600)).status_code == 201


def test_request_ninth_code_for_number_within_a_day_is_refused(client: TestClient, dsn: str) -> None:
    for turn in range(8):
        if turn % 3 == 0:
            grow_older(dsn, "2 hours")
        assert ask_code(client, number(4600)).status_code == 201
    grow_older(dsn, "2 hours")
    answer = ask_code(client, number(4600))
    assert refusal(answer) == (429, "number_limit")
    # The oldest of the eight was sent six hours ago.
    assert timedelta(hours=17) < retry_after(answer) <= timedelta(hours=18)


def test_stranger_who_uses_up_codes_leaves_some_to_the_owner(client: TestClient, dsn: str) -> None:
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
    assert confirm(client, begun.json()["id"], code).status_code == 201, "a stranger's request invalidates no code"


def test_request_sixth_code_for_number_by_many_addresses_is_refused(client: TestClient) -> None:
    for place in range(5):
        assert ask_code(from_elsewhere(client, f"198.51.100.{place}"), number(4600)).status_code == 201
    assert refusal(ask_code(client, number(4600))) == (429, "number_limit")


def test_request_code_beyond_limit_of_address_is_refused(strict: TestClient) -> None:
    """Two blocks are used, so that neither is full before the address."""
    for last in range(3):
        assert ask_code(strict, number(last)).status_code == 201
        assert ask_code(strict, other_block(last)).status_code == 201
    assert refusal(ask_code(strict, number(7))) == (429, "address_limit")
    assert ask_code(from_elsewhere(strict, "192.0.2.7"), number(7)).status_code == 201


def test_fingerprint_of_ipv6_address_is_that_of_its_network() -> None:
    ring = ring_of_tests()
    home = fingerprints_of(ring, 33639984600, "2001:db8:1:2::1").address
    assert fingerprints_of(ring, 33639984600, "2001:db8:1:2:ffff::9").address == home
    assert fingerprints_of(ring, 33639984600, "2001:db8:1:3::1").address != home
    four = fingerprints_of(ring, 33639984600, "192.0.2.7").address
    assert fingerprints_of(ring, 33639984600, "::ffff:192.0.2.7").address == four
    assert fingerprints_of(ring, 33639984600, "192.0.2.8").address != four


def test_request_code_beyond_limit_of_block_is_refused_for_that_block(strict: TestClient, dsn: str) -> None:
    """The requests come from many addresses and are for many numbers."""
    for place in range(4):
        caller = from_elsewhere(strict, f"198.51.100.{place}")
        assert ask_code(caller, number(place)).status_code == 201
    newcomer = from_elsewhere(strict, "203.0.113.5")
    assert refusal(ask_code(newcomer, number(9999))) == (429, "block_limit")
    assert ask_code(newcomer, other_block(1)).status_code == 201
    assert len(outbox(dsn)) == 5
    grow_older(dsn, "1 hour")
    assert ask_code(newcomer, number(9999)).status_code == 201


def test_refused_requests_do_not_count(strict: TestClient) -> None:
    for _ in range(3):
        assert ask_code(strict, number(1)).status_code == 201
    for _ in range(5):
        assert refusal(ask_code(strict, number(1))) == (429, "number_limit")
        assert refusal(ask_code(strict, example("FR", PhoneNumberType.FIXED_LINE))) == (422, "number_not_served")
    for place in range(3):
        assert ask_code(strict, other_block(place)).status_code == 201


def test_is_served_with_french_mobile_is_true_and_with_landline_false() -> None:
    regions = ["FR", "RE", "YT", "GP", "BL", "MF", "MQ", "GF", "PM", "NC", "PF", "WF"]
    mobiles = {region: int(example(region, PhoneNumberType.MOBILE)) for region in regions}
    landlines = {region: int(example(region, PhoneNumberType.FIXED_LINE)) for region in regions}
    assert [region for region, mobile in mobiles.items() if not is_served(mobile, MOBILE_PREFIXES)] == []
    assert [region for region, landline in landlines.items() if is_served(landline, MOBILE_PREFIXES)] == []


@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)), st.sampled_from(list(range(11))))
def test_is_served_with_any_other_number_is_false(region: str, kind: int) -> None:
    made = phonenumbers.example_number_for_type(region, kind)
    if made is None:
        return
    # Leading zeros of a national number belong to it.
    served = is_served(int(phonenumbers.format_number(made, PhoneNumberFormat.E164)), MOBILE_PREFIXES)
    mobile = kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
    assert not served or (mobile and made.country_code in (33, 262, 508, 590, 594, 596, 681, 687, 689))


def test_block_has_ten_thousand_numbers() -> None:
    assert {block_of(33639980000), block_of(33639989999)} == {"3363998"}
    assert block_of(33639990000) != "3363998"


def test_prefixes_of_settings_replace_the_default(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FILIATION_SMS_PREFIXES", "3363998, 32")
    with TestClient(create_app(limited(), dsn)) as client:
        assert ask_code(client, number(1)).status_code == 201
        assert ask_code(client, example("BE", PhoneNumberType.MOBILE)).status_code == 201
        assert refusal(ask_code(client, other_block(1))) == (422, "number_not_served")
