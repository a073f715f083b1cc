"""How many codes are sent: to a number, on request of an address or a network, into a number block.

Rows of the last day are counted by their keyed fingerprints. Older rows are deleted.

Codes that others asked for must not shut anybody out. Whoever asks for the first time, for a number or for a number
that got no code today, gets a turn once a pause since the last such turn is over, of ten minutes at most. A stranger
can take turns only with addresses, networks or numbers that have not asked today, one for each pause.
"""

import ipaddress
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlmodel import and_, col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core import locks
from service.core.errors import TooManyRequests
from service.core.locks import Lock
from service.core.retention import Rule, forget
from service.core.settings import Settings
from service.number.keyring import KeyRing
from service.verification.budget import raise_alarm
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


# What others did only slows whoever asks for the first time: so long at first, then twice as long for each code more.
FIRST_PAUSE: Final = timedelta(minutes=1)
LONGEST_PAUSE: Final = timedelta(minutes=10)


class Fingerprints(NamedTuple):
    """By what the verifications of a number, its block, an address and its network are found."""

    number: bytes
    address: bytes
    network: bytes
    block: bytes


def fingerprints_of(ring: KeyRing, number: int, address: str) -> Fingerprints:
    """The fingerprints of a number (E.164 digits) and of the address that requests its code."""
    return Fingerprints(
        ring.fingerprint("verified number", str(number).encode()),
        ring.fingerprint("verifying address", _network(address, 32, 64).encode()),
        ring.fingerprint("verifying network", _network(address, 24, 48).encode()),
        ring.fingerprint("verified number block", block_of(number).encode()),
    )


def _network(address: str, bits: int, bits_of_ipv6: int) -> str:
    """The network of so many bits that an IP address is in. An IPv6 connection has 64 bits for itself, a site 48."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return str(ipaddress.ip_network((parsed, bits if parsed.version == 4 else bits_of_ipv6), strict=False))


class _Newcomer(NamedTuple):
    """Who asks for the first time, and need not wait for others' codes to leave a limit's window.

    That is somebody of whom no row of the last day is `known`. Such requests come one after the other: `first_of` is
    of what the time is taken when it came first, None to take that of every row.
    """

    known: Any
    first_of: Any = None


class _Limit(NamedTuple):
    condition: Any
    maximum: int
    window: timedelta
    slug: str
    detail: str
    newcomers: tuple[_Newcomer, ...] = ()


def _limits(settings: Settings, fingerprints: Fingerprints) -> tuple[_Limit, ...]:
    number = col(Verification.number_fingerprint) == fingerprints.number
    address = col(Verification.address_fingerprint) == fingerprints.address
    network = col(Verification.network_fingerprint) == fingerprints.network
    block = col(Verification.block_fingerprint) == fingerprints.block
    number_limit = "number_limit", "This number has received too many codes. Use the last one, or try again later."
    address_limit = "address_limit", "Your IP address has requested too many codes. Try again later."
    network_limit = "network_limit", "Your network has requested too many codes. Try again later."
    block_limit = "block_limit", "Similar numbers have received too many codes. Try again later."
    # A stranger with many addresses of one network cannot take the turns of those who come from elsewhere.
    first_for_number = (
        _Newcomer(and_(number, network), Verification.network_fingerprint),
        _Newcomer(and_(number, address), Verification.address_fingerprint),
    )
    first_code = (_Newcomer(number),)
    return (
        _Limit(and_(number, address), PER_ADDRESS_AND_NUMBER_HOURLY, HOUR, *number_limit),
        _Limit(and_(number, address), PER_ADDRESS_AND_NUMBER_DAILY, DAY, *number_limit),
        _Limit(number, PER_NUMBER_HOURLY, HOUR, *number_limit, first_for_number),
        _Limit(number, PER_NUMBER_DAILY, DAY, *number_limit, first_for_number),
        _Limit(address, settings.verifications_per_address, HOUR, *address_limit, first_code),
        _Limit(network, settings.codes_per_network, HOUR, *network_limit, first_code),
        _Limit(block, settings.sms_block_budget, HOUR, *block_limit, first_code),
    )


def pause_beyond(count: int, maximum: int) -> timedelta:
    """How long after the last code a newcomer gets one, when `count` codes have filled a limit of `maximum`."""
    doublings = max(0, min(count - maximum, 8))
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


async def check_limits(session: AsyncSession, settings: Settings, fingerprints: Fingerprints, moment: datetime) -> None:
    """Check that one more code may be sent. Requests for the same number, address, network or block wait in turn.

    Raises:
        TooManyRequests: a limit is reached; it says when to try again.
    """
    await locks.take_in(session, Lock.VERIFICATION_LIMIT, *map(locks.key_of, fingerprints))
    for limit in _limits(settings, fingerprints):
        wait = await _wait(session, limit, moment)
        if wait > timedelta(0):
            if limit.slug == "network_limit":
                await raise_alarm(session, limit.maximum, limit.maximum, moment)
            raise TooManyRequests(limit.slug, limit.detail, retry_after=wait)


async def _wait(session: AsyncSession, limit: _Limit, moment: datetime) -> timedelta:
    """How long to wait until a limit lets one more code through."""
    since = moment - limit.window
    # The latest `maximum` codes in the window fill the limit. The oldest of these must leave the window first.
    place = func.row_number().over(order_by=col(Verification.recorded_at).desc()).label("place")
    latest = (
        select(Verification.recorded_at, place)
        .where(limit.condition, col(Verification.recorded_at) > since)
        .order_by(col(Verification.recorded_at).desc())
        .limit(limit.maximum + 8)
        .subquery()
    )
    oldest = func.min(latest.c.recorded_at).filter(latest.c.place <= limit.maximum)
    count, filled_since = (await session.exec(select(func.count(), oldest).select_from(latest))).one()
    if count < limit.maximum:
        return timedelta(0)
    wait: timedelta = filled_since - since
    for newcomer in limit.newcomers:
        if not await _is_known(session, newcomer, moment):
            pause = pause_beyond(count, limit.maximum)
            turn = await _last_turn(session, limit, newcomer, moment)
            wait = min(wait, turn + pause - moment)
            break
    return wait


async def _is_known(session: AsyncSession, newcomer: _Newcomer, moment: datetime) -> bool:
    query = select(Verification.id).where(newcomer.known, col(Verification.recorded_at) > moment - DAY).limit(1)
    return (await session.exec(query)).first() is not None


async def _last_turn(session: AsyncSession, limit: _Limit, newcomer: _Newcomer, moment: datetime) -> datetime:
    """When the last code was sent that newcomers wait for."""
    of_day = (limit.condition, col(Verification.recorded_at) > moment - DAY)
    if newcomer.first_of is None:
        query = select(func.max(Verification.recorded_at)).where(*of_day)
    else:
        firsts = select(func.min(Verification.recorded_at).label("first")).where(*of_day)
        grouped = firsts.group_by(newcomer.first_of).subquery()
        query = select(func.max(grouped.c.first))
    last: datetime = (await session.exec(query)).one()
    return last


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
        data="a verification: keyed fingerprints of the number, its number block, the asking address and its network",
        since="the request for the code",
    ),
)
