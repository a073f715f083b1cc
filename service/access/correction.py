"""Corrections: nothing recorded is overwritten, so that a mistake is mended by a new fact that names the old one."""

import uuid
from typing import TypeVar

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.core.errors import Conflict, Forbidden
from service.core.facts import Fact

FactT = TypeVar("FactT", bound=Fact)


async def correctable(session: AsyncSession, actor: Actor, table: type[FactT], fact_id: uuid.UUID) -> FactT:
    """The caller's own fact, locked until the transaction ends, that a new one is about to correct.

    Raises:
        Forbidden: another organisation asserts it.
        Conflict: it was corrected already; the correction is the one to correct now.
    """
    row = await session.get_one(table, fact_id, with_for_update=True)
    if row.asserted_by_id != actor.organisation_id:
        raise Forbidden("not_your_fact", "Another organisation asserts this fact: only it corrects what it said.")
    corrects_id = table.corrects_id  # type: ignore[attr-defined]
    if (await session.exec(select(table).where(corrects_id == fact_id))).first() is not None:
        raise Conflict("already_corrected", "This fact was corrected already: correct the correction.")
    return row
