"""What can no longer be done with a dataset that was withdrawn, or after its holding ended."""

import uuid
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.errors import Conflict

_WITHDRAWN: Final = text("SELECT EXISTS (SELECT FROM withdrawn_dataset WHERE dataset_id = :id)")
_ENDED: Final = text("SELECT ended_at FROM ended_holding WHERE dataset_id = :id")


async def is_withdrawn(session: AsyncSession, dataset_id: uuid.UUID) -> bool:
    """Whether a dataset was withdrawn. Lock its row before, if something depends on it."""
    return bool(await session.scalar(_WITHDRAWN, {"id": dataset_id}))


async def refuse_withdrawn(session: AsyncSession, dataset_id: uuid.UUID) -> None:
    """Refuse to do anything with a dataset that was withdrawn. Lock its row before.

    Raises:
        Conflict: it was.
    """
    if await is_withdrawn(session, dataset_id):
        raise Conflict(
            "dataset_withdrawn", "This dataset was withdrawn: it was never so. Take the withdrawal back first."
        )


async def refuse_not_held(session: AsyncSession, dataset_id: uuid.UUID, moment: datetime) -> None:
    """Refuse what was done with a dataset at a moment when its holder did not have it. Lock its row before.

    Raises:
        Conflict: it was withdrawn, or its holding had ended.
    """
    await refuse_withdrawn(session, dataset_id)
    ended_at = await session.scalar(_ENDED, {"id": dataset_id})
    if ended_at is not None and moment > ended_at:
        raise Conflict(
            "holding_ended",
            f"The holding of this dataset ended on {ended_at:%Y-%m-%d}. Correct the time, or take the end back first.",
        )
