"""What can no longer be done with a dataset that was withdrawn, or after its holding ended."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.errors import Conflict

_WITHDRAWN: Final = text("SELECT EXISTS (SELECT FROM withdrawn_dataset WHERE dataset_id = ANY(:ids))")
_FIRST_END: Final = text("SELECT min(ended_at) FROM ended_holding WHERE dataset_id = ANY(:ids)")


async def is_withdrawn(session: AsyncSession, *dataset_ids: uuid.UUID) -> bool:
    """Whether any of some datasets was withdrawn. Lock their rows before, if something depends on it."""
    return bool(await session.scalar(_WITHDRAWN, {"ids": list(dataset_ids)}))


async def refuse_withdrawn(session: AsyncSession, *dataset_ids: uuid.UUID) -> None:
    """Refuse to do anything with a dataset that was withdrawn. Lock the rows before.

    Raises:
        Conflict: one of them was.
    """
    if await is_withdrawn(session, *dataset_ids):
        raise Conflict(
            "dataset_withdrawn", "This dataset was withdrawn: it was never so. Take the withdrawal back first."
        )


async def refuse_not_held(session: AsyncSession, dataset_ids: Iterable[uuid.UUID], moment: datetime) -> None:
    """Refuse what was done with datasets at a moment when their holder did not have them. Lock their rows before.

    Raises:
        Conflict: one of them was withdrawn, or its holding had ended.
    """
    ids = list(dataset_ids)
    await refuse_withdrawn(session, *ids)
    ended_at = await session.scalar(_FIRST_END, {"ids": ids})
    if ended_at is not None and moment > ended_at:
        raise Conflict(
            "holding_ended",
            f"The holding of this dataset ended on {ended_at:%Y-%m-%d}. Correct the time, or take the end back first.",
        )
