"""Which addresses may be called: none in a private network, in any notation."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from service.webhook.addresses import ADVICE, AddressProblem, RefusedAddressError, may_be_called, webhook_url

# IANA's registries of special-purpose addresses, and ranges that never belong to a single machine.
NOT_PUBLIC = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.175.48.0/24",
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
    "100:0:0:1::/64",
    "2002::/16",
    "2620:4f:8000::/48",
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
def test_may_be_called_with_special_address_is_false(data: st.DataObject, network: str) -> None:
    inside = ip_network(network)
    last = int(inside.broadcast_address)
    found = type(inside.network_address)(data.draw(st.integers(int(inside.network_address), last)))
    assert not may_be_called(found, private=False)
    if isinstance(found, IPv4Address):
        assert not may_be_called(mapped(found), private=False)
        assert not may_be_called(translated(found), private=False)


@given(v4)
def test_may_be_called_judges_embedded_ipv4_address_as_itself(address: IPv4Address) -> None:
    for private in (False, True):
        plain = may_be_called(address, private=private)
        assert may_be_called(mapped(address), private=private) is plain
        assert may_be_called(translated(address), private=private) is plain


def test_may_be_called_with_public_address_is_true() -> None:
    public = ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450:4007::1"]
    assert [address for address in public if not may_be_called(ip_address(address), private=False)] == []


def test_may_be_called_with_private_allows_single_machines_but_not_link_local() -> None:
    machines = ["127.0.0.1", "10.1.2.3", "::1", "fd00::1", "100.64.0.1"]
    assert [address for address in machines if not may_be_called(ip_address(address), private=True)] == []
    never = ["169.254.169.254", "fe80::1", "224.0.0.1", "ff02::1", "0.0.0.0", "::"]
    assert [address for address in never if may_be_called(ip_address(address), private=True)] == []


REFUSED = [
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
]


def problem_of(text: str, *, private: bool = False) -> AddressProblem | None:
    """Why an address is refused; None if it is not."""
    try:
        webhook_url(text, private=private)
    except RefusedAddressError as refused:
        return refused.problem
    return None


def test_webhook_url_with_unusable_address_is_refused() -> None:
    found = [(text, problem_of(text)) for text, _ in REFUSED]
    assert found == REFUSED


# What an address becomes; None if it stays as it is.
ACCEPTED = {
    "https://crm.example/filiation?tenant=7": None,
    "HTTPS://CRM.Example:443/x": "https://crm.example:443/x",
    "https://crm.example:8443/": None,
    "https://café.example/": "https://xn--caf-dma.example/",
    "https://192.0.9.200:8443/hook": None,
    "https://[2606:4700::1111]/": None,
    # Ids of receivers: UUIDs, and runs of digits longer than any number.
    "https://crm.example/01890000-0000-7000-8000-000000000000": None,
    "https://crm.example/api/webhooks/1234567890123456789/x": None,
    "https://crm.example/2024-05-28/12345678": None,
}


def test_webhook_url_with_usable_address_is_normalised() -> None:
    found = {text: str(webhook_url(text, private=False)) for text in ACCEPTED}
    assert found == {text: normal or text for text, normal in ACCEPTED.items()}


def test_webhook_url_with_private_allows_http_and_any_port() -> None:
    assert webhook_url("http://10.0.0.7:80/x", private=True).scheme == "http"
    assert webhook_url("http://crm.intranet:81/", private=True).port == 81
    assert problem_of("http://169.254.169.254/latest/meta-data", private=True) is AddressProblem.PRIVATE


@given(st.text(max_size=60), st.sampled_from(["", "https://", "https://crm.example/", "https://crm.example:"]))
def test_webhook_url_with_any_text_never_repeats_it(text: str, begin: str) -> None:
    try:
        url = webhook_url(begin + text, private=False)
    except RefusedAddressError as refused:
        message = str(refused)
    else:
        message = ""
        assert str(webhook_url(str(url), private=False)) == str(url)
        assert (url.scheme, url.userinfo) == ("https", b"")
    assert message in {"", *AddressProblem}


spaced = st.lists(st.sampled_from(["", " ", ".", "-", "%20", "%2B"]), min_size=10, max_size=10)


@given(st.integers(100_000_000, 999_999_999), spaced, st.sampled_from(["?n=", "x/", ""]))
def test_webhook_url_with_any_spelling_of_a_number_is_refused(number: int, gaps: list[str], before: str) -> None:
    spelling = "0" + "".join(digit + gap for digit, gap in zip(str(number), gaps, strict=False))
    assert problem_of(f"https://crm.example/{before}{spelling}") is AddressProblem.NUMBER


def test_advice_for_every_problem_contains_no_number() -> None:
    assert set(ADVICE) == set(AddressProblem)
    assert not any(re.search(r"\d{9}", advice) for advice in ADVICE.values())
