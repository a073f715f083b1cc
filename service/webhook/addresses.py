"""Which addresses a webhook may have. Nothing here asks the network: `sending` resolves names.

A registered address makes this service send requests from its own network, perhaps behind a firewall (server-side
request forgery). So only addresses of the public internet are allowed, whatever notation hides another one.
"""

import re
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import unquote

import httpx2

Address = IPv4Address | IPv6Address


class AddressProblem(StrEnum):
    """Why an address cannot be a webhook's. The values are slugs of problems."""

    MALFORMED = "webhook_address_malformed"
    INSECURE = "webhook_address_insecure"
    PORT = "webhook_address_port"
    NUMBER = "webhook_address_with_number"
    PRIVATE = "webhook_address_private"
    UNRESOLVED = "webhook_address_unresolved"


ADVICE: Final = {
    AddressProblem.MALFORMED: "This is not a complete address. Use one like https://crm.example/filiation, without a "
    "user name or fragment.",
    AddressProblem.INSECURE: "Deliveries may contain a phone number and are only sent encrypted. Use an https address.",
    AddressProblem.PORT: "This port cannot be used. Let the receiver listen on port 443 or a port from 1024 to 65535.",
    AddressProblem.NUMBER: "The address seems to contain a phone number. Remove it.",
    AddressProblem.PRIVATE: "The address leads to a private or reserved network. Use one on the public internet.",
    AddressProblem.UNRESOLVED: "The host name in the address was not found. Check its spelling and its DNS record.",
}


class RefusedAddressError(ValueError):
    """An address that must not be called. The text never repeats it."""

    def __init__(self, problem: AddressProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# A French number without its 0 has nine digits, and E.164 allows at most fifteen. Longer runs are ids of receivers.
_NUMBER: Final = re.compile(r"(?<!\d)\d(?:[ .()+_-]*\d){8,14}(?![ .()+_-]*\d)")


def webhook_url(text: str, *, private: bool) -> httpx2.URL:
    """Parse an address into its normal form. With `private`, http and every port are allowed too.

    The sending client uses the same parser, so the two cannot read one text in two ways.

    Raises:
        RefusedAddressError: `text` cannot be a webhook's address, wherever its name leads.
    """
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL:
        raise RefusedAddressError(AddressProblem.MALFORMED) from None
    literal = literal_address(url)
    named = _NAME.fullmatch(host_of(url)) is not None
    if url.scheme not in ("http", "https") or url.userinfo or url.fragment or not (literal or named):
        raise RefusedAddressError(AddressProblem.MALFORMED)
    if url.scheme == "http" and not private:
        raise RefusedAddressError(AddressProblem.INSECURE)
    if url.port is not None and not _is_port(url.port, private=private):
        raise RefusedAddressError(AddressProblem.PORT)
    if _holds_number(url, is_literal=literal is not None):
        raise RefusedAddressError(AddressProblem.NUMBER)
    if literal is not None and not may_be_called(literal, private=private):
        raise RefusedAddressError(AddressProblem.PRIVATE)
    return url


def _is_port(port: int, *, private: bool) -> bool:
    return port == 443 or (1 if private else 1024) <= port <= 65535


def _holds_number(url: httpx2.URL, *, is_literal: bool) -> bool:
    path = _UUID.sub("", unquote(url.raw_path.decode("ascii")))
    return _NUMBER.search(path) is not None or (not is_literal and _NUMBER.search(host_of(url)) is not None)


def host_of(url: httpx2.URL) -> str:
    """The host as certificates and the DNS write it: a name in its ASCII form, an address without brackets."""
    return url.raw_host.decode("ascii")


def literal_address(url: httpx2.URL) -> Address | None:
    """The IP address written in `url` itself; None if it has a host name."""
    try:
        return ip_address(host_of(url))
    except ValueError:
        return None


_NAT64: Final = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
# IANA's registries of special-purpose addresses, without the IPv6 networks outside the range above. Python's own lists
# differ between versions. Services of the network itself are refused too: no receiver has such an address.
_SPECIAL: Final[list[IPv4Network | IPv6Network]] = [
    IPv4Network("0.0.0.0/8"),  # "this network": RFC 791
    IPv4Network("10.0.0.0/8"),  # private: RFC 1918
    IPv4Network("100.64.0.0/10"),  # behind a provider's translation: RFC 6598
    IPv4Network("127.0.0.0/8"),  # loopback: RFC 1122
    IPv4Network("169.254.0.0/16"),  # link-local: RFC 3927
    IPv4Network("172.16.0.0/12"),  # private: RFC 1918
    IPv4Network("192.0.0.0/24"),  # protocol assignments: RFC 6890
    IPv4Network("192.0.2.0/24"),  # documentation: RFC 5737
    IPv4Network("192.31.196.0/24"),  # AS112: RFC 7535
    IPv4Network("192.52.193.0/24"),  # AMT: RFC 7450
    IPv4Network("192.88.99.0/24"),  # relays of 6to4, deprecated: RFC 7526
    IPv4Network("192.168.0.0/16"),  # private: RFC 1918
    IPv4Network("192.175.48.0/24"),  # AS112: RFC 7534
    IPv4Network("198.18.0.0/15"),  # benchmarks: RFC 2544
    IPv4Network("198.51.100.0/24"),  # documentation: RFC 5737
    IPv4Network("203.0.113.0/24"),  # documentation: RFC 5737
    IPv4Network("224.0.0.0/4"),  # multicast: RFC 5771
    IPv4Network("240.0.0.0/4"),  # reserved, and broadcast: RFC 1112, RFC 8190
    IPv6Network("2001::/23"),  # protocol assignments, Teredo among them: RFC 2928, RFC 4380
    IPv6Network("2001:db8::/32"),  # documentation: RFC 3849
    IPv6Network("2002::/16"),  # 6to4, which leads to the IPv4 address inside: RFC 7526
    IPv6Network("2620:4f:8000::/48"),  # AS112: RFC 7534
    IPv6Network("3fff::/20"),  # documentation: RFC 9637
]


def may_be_called(address: Address, *, private: bool) -> bool:
    """Whether requests may go to `address`: it is public or, with `private`, belongs to a single machine.

    Link-local addresses are never allowed: at 169.254.169.254, clouds hand out secrets to any caller.
    """
    inner = _embedded(address)
    if private:
        return not (inner.is_link_local or inner.is_multicast or inner.is_unspecified)
    return _is_public(inner)


def _embedded(address: Address) -> Address:
    """The IPv4 address that the operating system or a NAT64 (RFC 6052) calls for an IPv6 address, or the same one."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _is_public(address: Address) -> bool:
    """Whether an address is public by IANA's registries of special-purpose addresses (RFC 6890)."""
    if address.version == 6 and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not any(address in network for network in _SPECIAL)
