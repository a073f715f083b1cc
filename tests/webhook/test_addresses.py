"""Which addresses may be called: none of a private network, in whatever notation."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.webhook.addresses import ADVICE, AddressProblem, RefusedAddressError, may_be_called, webhook_url

# IANA's registries of special-purpose addresses, and what never was a single machine's.
NOT_PUBLIC = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
]
v4 = st.ip_addresses(v=4)


def mapped(address: IPv4Address) -> IPv6Address:
    return IPv6Address((0xFFFF << 32) | int(address))


def translated(address: IPv4Address) -> IPv6Address:
    return IPv6Address(int(IPv6Address("64:ff9b::")) | int(address))


@given(st.data(), st.sampled_from(NOT_PUBLIC))
def test_no_special_network_is_called(data: st.DataObject, network: str) -> None:
    inside = ip_network(network)
    last = int(inside.broadcast_address)
    found = type(inside.network_address)(data.draw(st.integers(int(inside.network_address), last)))
    assert not may_be_called(found, private=False)
    if isinstance(found, IPv4Address):
        assert not may_be_called(mapped(found), private=False)
        assert not may_be_called(translated(found), private=False)


@given(v4)
def test_an_ipv4_address_in_disguise_is_judged_as_itself(address: IPv4Address) -> None:
    for private in (False, True):
        plain = may_be_called(address, private=private)
        assert may_be_called(mapped(address), private=private) is plain
        assert may_be_called(translated(address), private=private) is plain


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450:4007::1"])
def test_machines_of_the_internet_are_called(address: str) -> None:
    assert may_be_called(ip_address(address), private=False)


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "224.0.0.1", "ff02::1", "0.0.0.0", "::"])
def test_where_private_ones_are_allowed_these_still_are_not(address: str) -> None:
    assert not may_be_called(ip_address(address), private=True)
    for allowed in ("127.0.0.1", "10.1.2.3", "::1", "fd00::1", "100.64.0.1"):
        assert may_be_called(ip_address(allowed), private=True)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("", AddressProblem.MALFORMED),
        ("crm.example/hook", AddressProblem.MALFORMED),
        ("//crm.example/hook", AddressProblem.MALFORMED),
        ("ftp://crm.example/", AddressProblem.MALFORMED),
        ("file:///etc/passwd", AddressProblem.MALFORMED),
        ("https://", AddressProblem.MALFORMED),
        ("https:///hook", AddressProblem.MALFORMED),
        ("https://user:secret@crm.example/", AddressProblem.MALFORMED),
        ("https://crm.example\\@127.0.0.1/", AddressProblem.MALFORMED),
        ("https://crm.example/#part", AddressProblem.MALFORMED),
        ("https://crm..example/", AddressProblem.MALFORMED),
        ("https://crm%2eexample/", AddressProblem.MALFORMED),
        ("https://crm.example/\x00", AddressProblem.MALFORMED),
        ("https://crm.example:x/", AddressProblem.MALFORMED),
        ("http://crm.example/", AddressProblem.INSECURE),
        ("https://crm.example:22/", AddressProblem.PORT),
        ("https://crm.example:0/", AddressProblem.PORT),
        ("https://crm.example:99999/", AddressProblem.PORT),
        ("https://crm.example/?to=0639980001", AddressProblem.NUMBER),
        ("https://crm.example/%2B33%206%2039%2098%2000%2001", AddressProblem.NUMBER),
        ("https://crm.example/06.39.98.00.01/hook", AddressProblem.NUMBER),
        ("https://0639980001.crm.example/", AddressProblem.NUMBER),
        ("https://127.0.0.1/", AddressProblem.PRIVATE),
        ("https://[::1]/", AddressProblem.PRIVATE),
        ("https://[::ffff:10.0.0.1]/", AddressProblem.PRIVATE),
        ("https://[64:ff9b::7f00:1]/", AddressProblem.PRIVATE),
    ],
)
def test_what_is_no_webhooks_address(text: str, refusal: AddressProblem) -> None:
    with pytest.raises(RefusedAddressError) as caught:
        webhook_url(text, private=False)
    assert caught.value.problem is refusal
    assert refusal in ADVICE


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("https://crm.example/filiation?tenant=7", "https://crm.example/filiation?tenant=7"),
        ("HTTPS://CRM.Example:443/x", "https://crm.example:443/x"),
        ("https://crm.example:8443/", "https://crm.example:8443/"),
        ("https://café.example/", "https://xn--caf-dma.example/"),
        ("https://192.0.9.200:8443/hook", "https://192.0.9.200:8443/hook"),
        ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
        # Ids of receivers: UUIDs, and runs longer than any number.
        ("https://crm.example/01890000-0000-7000-8000-000000000000", None),
        ("https://crm.example/api/webhooks/1234567890123456789/x", None),
        ("https://crm.example/2024-05-28/12345678", None),
    ],
)
def test_what_is_one(text: str, normal: str | None) -> None:
    assert str(webhook_url(text, private=False)) == (normal or text)


def test_where_private_ones_are_allowed_so_is_http_on_any_port() -> None:
    assert webhook_url("http://10.0.0.7:80/x", private=True).scheme == "http"
    assert webhook_url("http://crm.intranet:81/", private=True).port == 81
    with pytest.raises(RefusedAddressError):
        webhook_url("http://169.254.169.254/latest/meta-data", private=True)


@given(st.text(max_size=60), st.sampled_from(["", "https://", "https://crm.example/", "https://crm.example:"]))
def test_any_text_is_read_or_refused_and_never_repeated(text: str, begin: str) -> None:
    try:
        url = webhook_url(begin + text, private=False)
    except RefusedAddressError as problem:
        told = str(problem)
    else:
        told = ""
        assert str(webhook_url(str(url), private=False)) == str(url)
        assert (url.scheme, url.userinfo) == ("https", b"")
    assert told in {"", *AddressProblem}


spaced = st.lists(st.sampled_from(["", " ", ".", "-", "%20", "%2B"]), min_size=10, max_size=10)


@given(st.integers(100_000_000, 999_999_999), spaced, st.sampled_from(["?n=", "x/", ""]))
def test_no_spelling_of_a_number_gets_into_an_address(number: int, gaps: list[str], before: str) -> None:
    spelt = "0" + "".join(digit + gap for digit, gap in zip(str(number), gaps, strict=False))
    with pytest.raises(RefusedAddressError) as caught:
        webhook_url(f"https://crm.example/{before}{spelt}", private=False)
    assert caught.value.problem is AddressProblem.NUMBER


def test_every_refusal_has_advice_that_names_no_value() -> None:
    assert set(ADVICE) == set(AddressProblem)
    assert not any(re.search(r"\d{9}", advice) for advice in ADVICE.values())
