"""The operations on verifications and sessions.

Nothing here reads who holds a number, so that neither a response nor its time reveals whether a number is known.
"""

import uuid
from datetime import date, timedelta
from typing import Final

from sqlalchemy import text
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import Database, run
from service.core.errors import Conflict, NotFound, Unprocessable
from service.core.ids import uuid7
from service.core.settings import Settings
from service.messaging.gateway import Gateway
from service.messaging.messages import state_of_message
from service.number.keyring import KeyRing
from service.number.request_number import read_number
from service.verification.budget import check_budgets
from service.verification.codes import LIFETIME, MAX_ATTEMPTS, is_code, mac_of, message, new_code
from service.verification.limits import check_limits, fingerprints_of
from service.verification.models import PersonSession, Verification
from service.verification.prefixes import MOBILE_PREFIXES, is_served
from service.verification.schemas import (
    ConfirmationIn,
    PersonSessionOut,
    SessionOut,
    VerificationIn,
    VerificationOut,
    VerificationStateOut,
)
from service.verification.sessions import Person, begin_session, session_refused


async def begin_verification(
    database: Database, ring: KeyRing, gateway: Gateway, settings: Settings, wanted: VerificationIn, address: str
) -> VerificationOut:
    """Send a code to a number on request of `address`. Earlier codes for the same address and number become invalid.

    Raises:
        Unprocessable: the text is not a number, or codes are not sent to such numbers.
        TooManyRequests: the limit of the number, the address, its network or the number block is reached, or of all.
        Unreachable: the gateway did not accept the message.
    """
    number = read_number(wanted.number, wanted.region)
    _require_served(settings, number)
    fingerprints, moment, code = fingerprints_of(ring, number, address), now(), new_code()
    verification_id = uuid7()
    row = Verification(
        id=verification_id,
        number_encrypted=ring.encrypt(str(number).encode(), _context(verification_id)),
        number_fingerprint=fingerprints.number,
        address_fingerprint=fingerprints.address,
        network_fingerprint=fingerprints.network,
        block_fingerprint=fingerprints.block,
        code_mac=mac_of(ring, verification_id, code),
        attempts_left=MAX_ATTEMPTS,
        recorded_at=moment,
        expires_at=moment + LIFETIME,
        from_reserve=False,
    )
    async with database.transaction() as session:
        await check_limits(session, settings, fingerprints, moment)
        row.from_reserve = await check_budgets(session, settings, fingerprints.network, moment)
        await run(session, _INVALIDATE, {"number": fingerprints.number, "address": fingerprints.address})
        session.add(row)
    # It is counted before it is sent, so that breaking off a request does not give more codes. The request itself sends
    # it, because a job would have to store the number and the code. The gateway discards it when the code is over.
    await gateway.send(verification_id, number, message(code, wanted.language), until=row.expires_at)
    return VerificationOut(id=verification_id, expires_at=row.expires_at)


def _require_served(settings: Settings, number: int) -> None:
    if not is_served(number, settings.sms_prefixes or MOBILE_PREFIXES):
        raise Unprocessable(
            "number_not_served",
            "This registry sends no codes to this number. Enter a mobile number that it serves, such as one of France.",
        )


# Codes that other addresses requested stay valid. Otherwise a stranger who knows a number could invalidate each code of
# its owner.
_INVALIDATE: Final = text("""
    UPDATE verification SET attempts_left = 0
    WHERE number_fingerprint = :number AND address_fingerprint = :address AND attempts_left > 0
""")
# The update locks the row, so that simultaneous guesses are counted one after the other.
_ATTEMPT: Final = text("""
    UPDATE verification SET attempts_left = attempts_left - 1
    WHERE id = :id AND attempts_left > 0 AND expires_at > :moment AND confirmed_at IS NULL
    RETURNING attempts_left, code_mac, number_encrypted
""")
_CONFIRM: Final = text("UPDATE verification SET confirmed_at = :moment, number_encrypted = '' WHERE id = :id")


async def confirm_verification(
    database: Database, ring: KeyRing, verification_id: uuid.UUID, wanted: ConfirmationIn
) -> SessionOut:
    """Open a session for the right code, once.

    Raises:
        Unprocessable: the code is wrong, with `attempts_left`; or `owned_since` is in the future.
        Conflict: the code was used or replaced by a newer one, has expired, or was entered wrongly too often.
        NotFound: no verification has this id; it may have been deleted.
    """
    _check_since(wanted.owned_since)
    moment = now()
    async with database.transaction() as session:
        attempt = (await run(session, _ATTEMPT, {"id": verification_id, "moment": moment})).one_or_none()
        if attempt is None:
            await _refuse_ended(session, verification_id)
            raise NotFound("verification")
        if is_code(ring, verification_id, wanted.code, attempt.code_mac):
            await run(session, _CONFIRM, {"id": verification_id, "moment": moment})
            number = int(ring.decrypt(attempt.number_encrypted, _context(verification_id)))
            return await begin_session(session, ring, number, wanted.owned_since)
    # Raised only after the transaction, so that the attempt is committed.
    raise Unprocessable(
        "code_wrong",
        "This is not the code that was sent. Check the message. After five attempts, request a new code.",
        attempts_left=attempt.attempts_left,
    )


async def _refuse_ended(session: AsyncSession, verification_id: uuid.UUID) -> None:
    if (await session.exec(select(Verification.id).where(Verification.id == verification_id))).one_or_none():
        raise Conflict(
            "verification_ended",
            "This code was used or replaced, has expired, or was entered wrongly too often. Request a new code.",
        )


async def read_verification(session: AsyncSession, verification_id: uuid.UUID) -> VerificationStateOut:
    """A verification, and what became of its message.

    Raises:
        NotFound: no verification has this id; it may have been deleted.
    """
    row = await session.get(Verification, verification_id)
    if row is None:
        raise NotFound("verification")
    return VerificationStateOut(
        id=row.id, expires_at=row.expires_at, message_state=await state_of_message(session, verification_id)
    )


_SET_SINCE: Final = text("UPDATE person_session SET owned_since = :since_on WHERE id = :id RETURNING expires_at")


async def set_owned_since(database: Database, person: Person, since_on: date | None) -> PersonSessionOut:
    """Record since when the person states that they own the number.

    Raises:
        Unprocessable: the day is in the future.
        Unauthenticated: the session has just ended.
    """
    _check_since(since_on)
    values = {"since_on": since_on, "id": person.session_id}
    async with database.transaction() as session:
        expires_at = (await run(session, _SET_SINCE, values)).scalar_one_or_none()
    if expires_at is None:
        raise session_refused()
    return PersonSessionOut(owned_since=since_on, expires_at=expires_at)


# French territories are at most this far ahead of UTC, so that it may already be tomorrow there.
_AHEAD: Final = timedelta(hours=12)


def _check_since(since_on: date | None) -> None:
    if since_on is not None and since_on > (now() + _AHEAD).date():
        raise Unprocessable(
            "owned_since_in_future", "`owned_since` is in the future. Give the day on which you got the number."
        )


async def end_session(database: Database, person: Person) -> None:
    """End a session at once."""
    async with database.transaction() as session:
        await session.exec(delete(PersonSession).where(col(PersonSession.id) == person.session_id))


def _context(verification_id: uuid.UUID) -> bytes:
    return b"verification/" + verification_id.bytes
