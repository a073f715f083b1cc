"""How many codes are sent: to a number, on request of an address, into a number block."""

import logging
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
from service.verification.limits import LONGEST_PAUSE, fingerprints_of, pause_beyond
from service.verification.prefixes import MOBILE_PREFIXES, block_of, is_served
from tests.builders import number
from tests.callers import Registry
from tests.direct_client import DirectClient
from tests.inspection import refusal, rows
from tests.persons import ask_code, code_sent_to, confirm, outbox, ring_of_tests
from tests.verification.builders import example, from_elsewhere, grow_older, limited, other_block


@pytest.fixture
def strict(dsn: str) -> Iterator[TestClient]:
    """A service that sends six codes an hour for an address, and four into a block."""
    with DirectClient(create_app(limited(verifications_per_address=6, sms_block_budget=4), dsn)) as client:
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


def use_up_codes(client: TestClient, *hosts: str) -> None:
    """Let two addresses ask for all codes that a number gets in an hour."""
    for host in (hosts[0], hosts[0], hosts[0], hosts[1], hosts[1]):
        assert ask_code(from_elsewhere(client, host), number(4600)).status_code == 201


@pytest.mark.parametrize("own", ["203.0.113.7", "198.51.100.7", "2001:db8:9::1"])
def test_first_asker_is_slowed_and_not_shut_out_by_others(client: TestClient, dsn: str, own: str) -> None:
    """Two addresses use up the codes of a number. Its owner comes from elsewhere, or from their own network."""
    strangers = ("2001:db8:9:1::1", "2001:db8:9:2::1") if ":" in own else ("198.51.100.1", "198.51.100.2")
    use_up_codes(client, *strangers)
    owner = from_elsewhere(client, own)
    slowed = ask_code(owner, number(4600))
    assert refusal(slowed) == (429, "number_limit")
    assert retry_after(slowed) <= timedelta(minutes=1)
    grow_older(dsn, "1 minute")
    for host in strangers:
        assert retry_after(ask_code(from_elsewhere(client, host), number(4600))) > timedelta(minutes=50)
    begun = ask_code(owner, number(4600))
    assert begun.status_code == 201
    assert confirm(owner, begun.json()["id"], code_sent_to(dsn, number(4600))).status_code == 201


def test_strangers_with_many_networks_slow_a_first_asker_by_ten_minutes_at_most(client: TestClient, dsn: str) -> None:
    use_up_codes(client, "198.51.100.1", "198.51.100.2")
    for place, minutes in enumerate((1, 2, 4, 8, 10, 10, 10)):
        refused = ask_code(from_elsewhere(client, f"203.0.{place}.1"), number(4600))
        assert refusal(refused) == (429, "number_limit")
        assert timedelta(minutes=minutes - 1) < retry_after(refused) <= timedelta(minutes=minutes)
        grow_older(dsn, f"{minutes} minutes")
        assert ask_code(from_elsewhere(client, f"203.0.{place}.1"), number(4600)).status_code == 201


def test_stranger_with_many_addresses_of_a_network_takes_no_turn_of_another_network(
    client: TestClient, dsn: str
) -> None:
    use_up_codes(client, "2001:db8:9:1::1", "2001:db8:9:2::1")
    grow_older(dsn, "1 minute")
    assert ask_code(from_elsewhere(client, "2001:db8:9:3::1"), number(4600)).status_code == 201
    grow_older(dsn, "1 minute")
    assert refusal(ask_code(from_elsewhere(client, "2001:db8:9:4::1"), number(4600))) == (429, "number_limit")
    assert ask_code(from_elsewhere(client, "192.0.2.9"), number(4600)).status_code == 201


@given(st.integers(1, 10**6), st.integers(1, 1000))
def test_pause_grows_with_the_codes_and_is_bounded(beyond: int, maximum: int) -> None:
    pauses = [pause_beyond(maximum + more, maximum) for more in (0, beyond, beyond + 1)]
    assert sorted(pauses) == pauses
    assert pauses[-1] <= LONGEST_PAUSE == timedelta(minutes=10)


def test_address_that_others_used_up_still_gets_codes_for_new_numbers(strict: TestClient, dsn: str) -> None:
    """Many persons may have the address of their mobile network in common."""
    for last in range(3):
        assert ask_code(strict, number(last)).status_code == 201
        assert ask_code(strict, other_block(last)).status_code == 201
    grow_older(dsn, "1 minute")
    assert refusal(ask_code(strict, number(1))) == (429, "address_limit")
    assert ask_code(strict, number(7)).status_code == 201
    slowed = ask_code(strict, number(8))
    assert refusal(slowed) == (429, "address_limit")
    assert timedelta(minutes=1) < retry_after(slowed) <= timedelta(minutes=2)


def test_network_with_many_addresses_has_one_limit_and_the_operator_gets_an_alert(dsn: str) -> None:
    """Each request comes from another network of 64 bits, and for a number of another block."""
    with DirectClient(create_app(limited(codes_per_network=4), dsn)) as client:
        for place in range(4):
            home = from_elsewhere(client, f"2001:db8:9:{place}::1")
            assert ask_code(home, other_block(place * 10_000)).status_code == 201
        refused = ask_code(from_elsewhere(client, "2001:db8:9:ffff::1"), other_block(50_000))
        assert refusal(refused) == (429, "network_limit")
        assert ask_code(from_elsewhere(client, "2001:db8:a::1"), other_block(60_000)).status_code == 201
        (alert,) = Registry(client, dsn).operator().get("/v1/usage/alerts")["items"]
        assert (alert["organisation_id"], alert["kind"], alert["reached_limit"]) == (None, "codes", 4)


@pytest.mark.parametrize(("limit", "window"), [("codes_per_hour", "1 hour"), ("codes_per_day", "1 day")])
def test_total_of_codes_is_bounded_and_announced_before(
    dsn: str, limit: str, window: str, caplog: pytest.LogCaptureFixture
) -> None:
    with DirectClient(create_app(limited(**{limit: 5}), dsn)) as client:
        operator = Registry(client, dsn).operator()

        def ask(place: int) -> Response:
            return ask_code(from_elsewhere(client, f"203.0.{place}.1"), other_block(place * 10_000))

        assert [ask(place).status_code for place in range(3)] == [201] * 3
        assert operator.get("/v1/usage/alerts")["items"] == []
        with caplog.at_level(logging.WARNING):
            assert [ask(place).status_code for place in (3, 4)] == [201, 201]
            (alert,) = operator.get("/v1/usage/alerts")["items"]
            assert (alert["kind"], alert["reached_limit"], alert["count"]) == ("codes", 5, 4)
            refused = [ask(place) for place in (5, 6)]
        assert [refusal(answer) for answer in refused] == [(429, "code_budget")] * 2
        assert len({answer.json()["detail"] for answer in refused}) == 1
        assert len([record for record in caplog.records if "limit of codes" in record.getMessage()]) == 1
        assert "Most codes" in client.get("/readyz").text
        assert len(outbox(dsn)) == 5
        grow_older(dsn, window)
        assert ask(7).status_code == 201


@pytest.mark.parametrize(
    ("limit", "pace"), [("codes_per_hour", timedelta(minutes=15)), ("codes_per_day", timedelta(hours=6))]
)
def test_newcomer_gets_a_code_after_others_spent_the_rest(dsn: str, limit: str, pace: timedelta) -> None:
    """One attacker has many addresses of a network, one has many networks."""
    with DirectClient(create_app(limited(**{limit: 20}), dsn)) as client:

        def ask(host: str, place: int) -> Response:
            return ask_code(from_elsewhere(client, host), other_block(place * 10_000))

        of_one = [ask(f"2001:db8:9:{place}::1", place).status_code for place in range(8)]
        of_many = [ask(f"2001:db8:a{place}::1", 10 + place).status_code for place in range(8)]
        assert of_one + of_many == [201] * 16
        # A network that has asked for much gets nothing of the reserve. One with a single code gets its only turn.
        refused = ask("2001:db8:9:99::1", 20)
        assert refusal(refused) == (429, "code_budget")
        assert retry_after(refused) > 3 * pace
        assert ask("2001:db8:a0::1", 20).status_code == 201
        slowed = ask("2001:db8:b::1", 21)
        assert refusal(slowed) == (429, "code_budget")
        assert pace - timedelta(minutes=1) < retry_after(slowed) <= pace
        assert refusal(ask("2001:db8:9:98::1", 21)) == (429, "code_budget")
        grow_older(dsn, f"{pace.total_seconds() - 60} seconds")
        assert refusal(ask("2001:db8:b::1", 21)) == (429, "code_budget")
        grow_older(dsn, "1 minute")
        assert refusal(ask("2001:db8:9:98::1", 21)) == (429, "code_budget")
        assert ask("2001:db8:b::1", 21).status_code == 201


def test_reserve_leaves_the_total_of_codes_bounded(dsn: str) -> None:
    """In every twelfth of an hour, as many fresh networks ask as get codes, and one more."""
    with DirectClient(create_app(limited(codes_per_hour=10), dsn)) as client:
        networks = iter(range(1000))

        def ask() -> int:
            network = next(networks)
            host = from_elsewhere(client, f"2001:db8:{network:x}::1")
            return ask_code(host, other_block(network * 10_000)).status_code

        for _ in range(30):
            while ask() == 201:
                pass
            ((sent,),) = rows(dsn, "SELECT count(*) FROM verification WHERE recorded_at > now() - interval '1 hour'")
            assert 8 <= sent <= 10
            grow_older(dsn, "5 minutes")
        assert rows(dsn, "SELECT count(*) > 4 FROM verification WHERE from_reserve") == [(True,)]


def test_fingerprint_of_ipv6_address_is_that_of_its_network() -> None:
    ring = ring_of_tests()
    home = fingerprints_of(ring, 33639984600, "2001:db8:1:2::1").address
    assert fingerprints_of(ring, 33639984600, "2001:db8:1:2:ffff::9").address == home
    assert fingerprints_of(ring, 33639984600, "2001:db8:1:3::1").address != home
    four = fingerprints_of(ring, 33639984600, "192.0.2.7").address
    assert fingerprints_of(ring, 33639984600, "::ffff:192.0.2.7").address == four
    assert fingerprints_of(ring, 33639984600, "192.0.2.8").address != four
    site = fingerprints_of(ring, 33639984600, "2001:db8:1:2::1").network
    assert fingerprints_of(ring, 33639984600, "2001:db8:1:ffff::1").network == site
    assert fingerprints_of(ring, 33639984600, "2001:db8:2:2::1").network != site
    street = fingerprints_of(ring, 33639984600, "192.0.2.7").network
    assert fingerprints_of(ring, 33639984600, "::ffff:192.0.2.200").network == street
    assert fingerprints_of(ring, 33639984600, "192.0.3.7").network != street


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
    with DirectClient(create_app(limited(), dsn)) as client:
        assert ask_code(client, number(1)).status_code == 201
        assert ask_code(client, example("BE", PhoneNumberType.MOBILE)).status_code == 201
        assert refusal(ask_code(client, other_block(1))) == (422, "number_not_served")
