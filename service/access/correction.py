"""Corrections: nothing recorded is overwritten. A new fact that names the old one takes its place."""

import uuid
from collections.abc import Iterable
from typing import TypeVar

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.core.errors import Conflict, Forbidden
from service.core.facts import Fact

FactT = TypeVar("FactT", bound=Fact)


async def lock_for_correction(session: AsyncSession, actor: Actor, table: type[FactT], fact_id: uuid.UUID) -> FactT:
    """The fact of the caller that a new one corrects. Its row stays locked until the transaction ends.

    Raises:
        Forbidden: another organisation asserts it.
        Conflict: it has been corrected. The problem names its latest version.
    """
    row = await session.get_one(table, fact_id, with_for_update=True)
    if row.asserted_by_id != actor.organisation_id:
        raise Forbidden("not_your_fact", "Another organisation asserts this fact, and only it can correct the fact.")
    latest_id = await _latest_version(session, table, fact_id)
    if latest_id != fact_id:
        raise Conflict(
            "already_corrected", f"This fact has already been corrected. Correct its latest version ({latest_id})."
        )
    return row


async def read_corrections(
    session: AsyncSession, table: type[FactT], fact_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, uuid.UUID]:
    """The corrections of those facts that were corrected, by their ids."""
    corrects_id = table.corrects_id  # type: ignore[attr-defined]
    query = select(corrects_id, table.id).where(corrects_id.in_(list(fact_ids)))
    return {row[0]: row[1] for row in (await session.exec(query)).all()}


async def _latest_version(session: AsyncSession, table: type[FactT], fact_id: uuid.UUID) -> uuid.UUID:
    """The last of the corrections that follow a fact; the fact itself if there is none."""
    corrects_id = table.corrects_id  # type: ignore[attr-defined]
    query = select(table.id).where(corrects_id == fact_id)
    correction_id = (await session.exec(query)).first()
    return fact_id if correction_id is None else await _latest_version(session, table, correction_id)
