"""How many codes are sent: to a number, on request of an address, into a number block.

Rows of the last day are counted by their keyed fingerprints. Older rows are deleted.
"""

import ipaddress
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlmodel import and_, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core import locks
from service.core.errors import TooManyRequests
from service.core.locks import Lock
from service.core.retention import Rule, forget
from service.core.settings import Settings
from service.number.keyring import KeyRing
from service.verification.models import Verification
from service.verification.prefixes import block_of

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
# How many codes an address may request for one number: enough if some messages get lost.
PER_ADDRESS_AND_NUMBER_HOURLY: Final = 3
PER_ADDRESS_AND_NUMBER_DAILY: Final = 8
# How many codes all addresses together may request for one number: too few to pester its owner or to guess one of a
# million codes. It is more than one address may request, so that no stranger can use up the owner's codes.
PER_NUMBER_HOURLY: Final = 5
PER_NUMBER_DAILY: Final = 12


class Fingerprints(NamedTuple):
    """By what the verifications of a number, an address and a number block are found."""

    number: bytes
    address: bytes
    block: bytes


def fingerprints_of(ring: KeyRing, number: int, address: str) -> Fingerprints:
    """The fingerprints of a number (E.164 digits) and of the address that requests its code."""
    return Fingerprints(
        ring.fingerprint("verified number", str(number).encode()),
        ring.fingerprint("verifying address", _caller(address).encode()),
        ring.fingerprint("verified number block", block_of(number).encode()),
    )


def _caller(address: str) -> str:
    """What identifies a caller: an IPv4 address, or the /64 network that an IPv6 connection has for itself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


class _Limit(NamedTuple):
    condition: Any
    maximum: int
    window: timedelta
    slug: str
    detail: str


def _limits(settings: Settings, fingerprints: Fingerprints) -> tuple[_Limit, ...]:
    number = col(Verification.number_fingerprint) == fingerprints.number
    address = col(Verification.address_fingerprint) == fingerprints.address
    block = col(Verification.block_fingerprint) == fingerprints.block
    number_limit = "number_limit", "This number has received too many codes. Use the last one, or try again later."
    address_limit = "address_limit", "Your IP address has requested too many codes. Try again later."
    block_limit = "block_limit", "Similar numbers have received too many codes. Try again later."
    return (
        _Limit(and_(number, address), PER_ADDRESS_AND_NUMBER_HOURLY, HOUR, *number_limit),
        _Limit(and_(number, address), PER_ADDRESS_AND_NUMBER_DAILY, DAY, *number_limit),
        _Limit(number, PER_NUMBER_HOURLY, HOUR, *number_limit),
        _Limit(number, PER_NUMBER_DAILY, DAY, *number_limit),
        _Limit(address, settings.verifications_per_address, HOUR, *address_limit),
        _Limit(block, settings.sms_block_budget, HOUR, *block_limit),
    )


async def check_limits(session: AsyncSession, settings: Settings, fingerprints: Fingerprints, moment: datetime) -> None:
    """Check that one more code may be sent. Requests for the same number, address or block wait for each other.

    Raises:
        TooMany: a limit is reached; it says when to try again.
    """
    keys = locks.key_of(fingerprints.number), locks.key_of(fingerprints.address), locks.key_of(fingerprints.block)
    await locks.take_in(session, Lock.VERIFICATION_LIMIT, *keys)
    for limit in _limits(settings, fingerprints):
        since = moment - limit.window
        # The latest `maximum` codes in the window fill the limit. The oldest of these must leave the window first.
        oldest = (
            select(Verification.recorded_at)
            .where(limit.condition, col(Verification.recorded_at) > since)
            .order_by(col(Verification.recorded_at).desc())
            .offset(limit.maximum - 1)
            .limit(1)
        )
        found = (await session.exec(oldest)).one_or_none()
        if found is not None:
            raise TooManyRequests(limit.slug, limit.detail, retry_after=found - since)


forget(
    "forget_verifications",
    "*/5 * * * *",
    Rule(
        table=Verification,
        moment="expires_at",
        kept=timedelta(0),
        data="the encrypted number of a verification",
        since="the end of the code's validity",
        emptied="number_encrypted",
    ),
    # By then it counts for no limit any longer.
    Rule(
        table=Verification,
        moment="recorded_at",
        kept=DAY,
        data="a verification: keyed fingerprints of the number, its number block and the asking address",
        since="the request for the code",
    ),
)
