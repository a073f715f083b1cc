"""The order of what begins and ends the holdings of one holder."""

import uuid

from sqlmodel.ext.asyncio.session import AsyncSession

from service.core import locks
from service.core.locks import Lock


async def lock_holdings(session: AsyncSession, *holder_ids: uuid.UUID) -> None:
    """Let no other transaction begin or end a holding of these holders until this one ends.

    Call it before locking any row, and before taking the moment from which the holding counts: a dataset's
    `sealed_at`, or the time of an erasure. Then these moments are in the order in which other transactions see what
    they are about. So an erasure reaches every dataset of the holder that was sealed before it, and a dataset that it
    did not reach was sealed later.
    """
    await locks.take_in(session, Lock.HOLDINGS, *(locks.key_of(holder_id.bytes) for holder_id in holder_ids))
