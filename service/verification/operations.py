"""One function per operation on verifications and sessions.

Nothing here looks at who holds a number: whether one is known changes neither an answer nor its time.
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
from service.number.keyring import KeyRing
from service.number.request_number import read_number
from service.verification.codes import LIFETIME, TRIES, is_code, mac_of, message, new_code
from service.verification.limits import fingerprints_of, require_room
from service.verification.models import PersonSession, Verification
from service.verification.prefixes import MOBILE_PREFIXES, allowed
from service.verification.schemas import (
    ConfirmationIn,
    PersonSessionOut,
    SessionOut,
    VerificationIn,
    VerificationOut,
)
from service.verification.sessions import Person, begin_session, session_refused


async def begin_verification(
    database: Database, ring: KeyRing, gateway: Gateway, settings: Settings, wanted: VerificationIn, address: str
) -> VerificationOut:
    """Send a code to a number, at the request of `address`; what that had sent to it before is void from now on.

    Raises:
        Unprocessable: no number can be read, or none that codes are sent to.
        TooMany: the number, the address or the numbers like it got as many as they may.
        Unreachable: the gateway did not take the message.
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
        number_block=fingerprints.block,
        code_mac=mac_of(ring, verification_id, code),
        attempts_left=TRIES,
        recorded_at=moment,
        expires_at=moment + LIFETIME,
    )
    async with database.transaction() as session:
        await require_room(session, settings, fingerprints, moment)
        await run(session, _VOID, {"number": fingerprints.number, "address": fingerprints.address})
        session.add(row)
    # Counted before it is sent, so that nobody gets more by breaking off. It goes out within the request and by no job:
    # a job would have to be told the number and the code.
    await gateway.send(number, message(code, wanted.language))
    return VerificationOut(id=verification_id, expires_at=row.expires_at)


def _require_served(settings: Settings, number: int) -> None:
    if not allowed(number, settings.sms_prefixes or MOBILE_PREFIXES):
        raise Unprocessable(
            "number_not_served",
            "Codes go to mobile telephones of France and its overseas territories only. Write one of those.",
        )


# Not what others had sent to it: whoever knows a number could else have each code of its owner's expire at once.
_VOID: Final = text("""
    UPDATE verification SET attempts_left = 0
    WHERE number_fingerprint = :number AND address_fingerprint = :address AND attempts_left > 0
""")
# The row stays locked until the try is counted, so that guesses at the same time are guesses one after the other.
_TRY: Final = text("""
    UPDATE verification SET attempts_left = attempts_left - 1
    WHERE id = :id AND attempts_left > 0 AND expires_at > :moment AND confirmed_at IS NULL
    RETURNING attempts_left, code_mac, number_encrypted
""")
_CONFIRM: Final = text("UPDATE verification SET confirmed_at = :moment, number_encrypted = '' WHERE id = :id")


async def confirm_verification(
    database: Database, ring: KeyRing, verification_id: uuid.UUID, wanted: ConfirmationIn
) -> SessionOut:
    """Give a session for the right code, once.

    Raises:
        Unprocessable: it is not the code; `attempts_left` says how many tries are left.
        Conflict: the code was used, replaced by a newer one, is too old, or was guessed at too often.
        NotFound: there is no such verification, or none any more.
    """
    _check_since(wanted.owned_since)
    moment = now()
    async with database.transaction() as session:
        tried = (await run(session, _TRY, {"id": verification_id, "moment": moment})).one_or_none()
        if tried is None:
            await _refuse_over(session, verification_id)
            raise NotFound("verification")
        if is_code(ring, verification_id, wanted.code, tried.code_mac):
            await run(session, _CONFIRM, {"id": verification_id, "moment": moment})
            number = int(ring.decrypt(tried.number_encrypted, _context(verification_id)))
            return await begin_session(session, ring, number, wanted.owned_since)
    # Only here, where the try is committed.
    raise Unprocessable(
        "code_wrong",
        "This is not the code that was sent. Look at the message again; after five tries, ask for a new code.",
        attempts_left=tried.attempts_left,
    )


async def _refuse_over(session: AsyncSession, verification_id: uuid.UUID) -> None:
    if (await session.exec(select(Verification.id).where(Verification.id == verification_id))).one_or_none():
        raise Conflict(
            "verification_ended",
            "This code was used, replaced by a newer one, is too old, or was tried too often. Ask for a new code.",
        )


_SET_SINCE: Final = text("UPDATE person_session SET owned_since = :since_on WHERE id = :id RETURNING expires_at")


async def set_number_since(database: Database, person: Person, since_on: date | None) -> PersonSessionOut:
    """Note since when the number is the person's, as they say.

    Raises:
        Unprocessable: that day is to come.
        Unauthenticated: the session was ended just now.
    """
    _check_since(since_on)
    values = {"since_on": since_on, "id": person.session_id}
    async with database.transaction() as session:
        expires_at = (await run(session, _SET_SINCE, values)).scalar_one_or_none()
    if expires_at is None:
        raise session_refused()
    return PersonSessionOut(owned_since=since_on, expires_at=expires_at)


# From the registry's clock to the territory where it is tomorrow first.
_AHEAD: Final = timedelta(hours=12)


def _check_since(since_on: date | None) -> None:
    if since_on is not None and since_on > (now() + _AHEAD).date():
        raise Unprocessable("owned_since_in_future", "`owned_since` lies in the future: say since when it is yours.")


async def end_session(database: Database, person: Person) -> None:
    """End a session at once."""
    async with database.transaction() as session:
        await session.exec(delete(PersonSession).where(col(PersonSession.id) == person.session_id))


def _context(verification_id: uuid.UUID) -> bytes:
    return b"verification/" + verification_id.bytes
