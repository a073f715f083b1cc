"""A message from a telephone has its effect once, however often it is delivered.

It is delivered again by our gateway, under the same id, if that did not learn that it was handled; and by the operator,
under a new id, if the gateway ended before it answered. What was handled is recorded in the transaction of the effect.
"""

from datetime import timedelta
from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import run
from service.core.retention import Rule, forget
from service.messaging.messages import Inbound
from service.messaging.models import InboundMessage
from service.number.keyring import KeyRing

REPEATED_WITHIN: Final = timedelta(hours=1)
"""The same text from the same telephone to the same originator within this time is the same message."""

# A repetition is recorded without fingerprint, so that the time always runs from the first message.
_RECORD: Final = text("""
    WITH earlier AS MATERIALIZED (
        SELECT FROM inbound_message
        WHERE fingerprint = :fingerprint AND received_at BETWEEN :received_at - :within AND :received_at + :within),
    added AS (
        INSERT INTO inbound_message (id, fingerprint, received_at, recorded_at)
        SELECT :id, CASE WHEN EXISTS (SELECT FROM earlier) THEN NULL ELSE :fingerprint END, :received_at, :moment
        ON CONFLICT (id) DO NOTHING
        RETURNING id)
    SELECT EXISTS (SELECT FROM added) AND NOT EXISTS (SELECT FROM earlier)
""")


async def is_first_delivery(session: AsyncSession, ring: KeyRing, message: Inbound) -> bool:
    """Whether a message has had no effect yet; from now on it has, if this transaction commits.

    Call it in the transaction of the effect, while no other transaction can handle a message from this telephone.
    """
    said = f"{message.number}\n{message.originator}\n{message.text}"
    values = {
        "id": message.id,
        "fingerprint": ring.fingerprint("inbound message", said.encode()),
        "received_at": message.received_at,
        "within": REPEATED_WITHIN,
        "moment": now(),
    }
    return bool((await run(session, _RECORD, values)).scalar_one())


forget(
    "forget_inbound_messages",
    "7 * * * *",
    Rule(
        table=InboundMessage,
        moment="recorded_at",
        # The repetition may have waited in the gateway while nothing here ran.
        kept=timedelta(days=1),
        emptied="fingerprint",
        data="the keyed fingerprint of a STOP from a telephone, by which a repetition is known",
        since="its handling",
    ),
    Rule(
        table=InboundMessage,
        moment="recorded_at",
        kept=timedelta(days=30),
        data="the gateway's id of a STOP from a telephone, by which a second delivery is known",
        since="its handling",
    ),
)
