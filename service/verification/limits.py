"""How often codes are sent: to one number, at the request of one address, into one block of numbers.

What counts is rows of the last day, found by keyed fingerprints. After that day they are dropped.
"""

import ipaddress
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlmodel import and_, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core import locks
from service.core.errors import TooMany
from service.core.locks import Lock
from service.core.retention import Rule, forget
from service.core.settings import Settings
from service.number.keyring import KeyRing
from service.verification.models import Verification
from service.verification.prefixes import block_of

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
# What one address may have sent to one number: enough for a message that got lost.
PER_ASKER_AND_HOUR: Final = 3
PER_ASKER_AND_DAY: Final = 8
# What all may: too few to pester somebody, or to guess one of a million codes, and more than one of them has, so that
# nobody keeps the owner of a number from getting a code by asking for all of them.
PER_NUMBER_AND_HOUR: Final = 5
PER_NUMBER_AND_DAY: Final = 12


class Fingerprints(NamedTuple):
    """By what the verifications of one number, one address and one block are found."""

    number: bytes
    address: bytes
    block: str


def fingerprints_of(ring: KeyRing, number: int, address: str) -> Fingerprints:
    """The fingerprints of a number (E.164 digits) and of the address that asks for its code."""
    return Fingerprints(
        ring.fingerprint("verified number", str(number).encode()),
        ring.fingerprint("verifying address", _caller(address).encode()),
        block_of(number),
    )


def _caller(address: str) -> str:
    """What one caller is known by: an IPv4 address, or the /64 that an IPv6 connection has for itself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


class _Limit(NamedTuple):
    those: Any
    places: int
    window: timedelta
    slug: str
    detail: str


def _limits(settings: Settings, fingerprints: Fingerprints) -> tuple[_Limit, ...]:
    number = col(Verification.number_fingerprint) == fingerprints.number
    address = col(Verification.address_fingerprint) == fingerprints.address
    block = col(Verification.number_block) == fingerprints.block
    pestered = "number_limit", "This number got as many codes as it may. Use the last one, or try again later."
    busy = "address_limit", "This address asked for as many codes as it may. Try again later."
    flooded = "block_limit", "Numbers like this one got as many codes as they may for now. Try again later."
    return (
        _Limit(and_(number, address), PER_ASKER_AND_HOUR, HOUR, *pestered),
        _Limit(and_(number, address), PER_ASKER_AND_DAY, DAY, *pestered),
        _Limit(number, PER_NUMBER_AND_HOUR, HOUR, *pestered),
        _Limit(number, PER_NUMBER_AND_DAY, DAY, *pestered),
        _Limit(address, settings.verifications_per_address, HOUR, *busy),
        _Limit(block, settings.sms_block_budget, HOUR, *flooded),
    )


async def require_room(session: AsyncSession, settings: Settings, fingerprints: Fingerprints, moment: datetime) -> None:
    """Refuse a code that would be one too many. Who asks for the same at once is counted one after the other.

    Raises TooMany.
    """
    keys = locks.key_of(fingerprints.number), locks.key_of(fingerprints.address), locks.key_of(fingerprints.block)
    await locks.take_in(session, Lock.VERIFICATION_LIMIT, *keys)
    for limit in _limits(settings, fingerprints):
        since = moment - limit.window
        # If that many were sent since, the last of them has to get as old as the window is long.
        last = (
            select(Verification.recorded_at)
            .where(limit.those, col(Verification.recorded_at) > since)
            .order_by(col(Verification.recorded_at).desc())
            .offset(limit.places - 1)
            .limit(1)
        )
        found = (await session.exec(last)).one_or_none()
        if found is not None:
            raise TooMany(limit.slug, limit.detail, retry_after=found - since)


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
        data="a verification, with keyed fingerprints of the number and of the address that asked for the code",
        since="the request for the code",
    ),
)
