"""Who succeeds an organisation: from a day on its heir sees and answers for what it held.

The heir does so by keys of its own that act for the organisation, which the operator issues. They end as soon as the
succession is corrected. What was recorded keeps the name of then; the heir's is printed beside it.
"""

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import run
from service.core.errors import Conflict, NotFound, Unprocessable
from service.organisation.models import Organisation

_SUCCEEDS: Final = text("SELECT succeeds(:heir_id, :predecessor_id)")


async def check_succession(
    session: AsyncSession, row: Organisation, heir_id: uuid.UUID | None, succeeded_on: date | None
) -> None:
    """Refuse an heir that cannot be. The caller holds `Lock.SUCCESSION`.

    Raises:
        Unprocessable: there is no day with the heir, or no heir with the day.
        NotFound: no organisation has the heir's id.
        Conflict: the heir has no account, or is the organisation itself or one that it succeeded.
    """
    if (heir_id is None) != (succeeded_on is None):
        raise Unprocessable("succession_incomplete", "State `succeeded_by_id` and `succeeded_on` together.")
    if heir_id is None:
        return
    heir = await session.get(Organisation, heir_id)
    if heir is None:
        raise NotFound("organisation as in `succeeded_by_id`")
    if heir.admitted_at is None:
        raise Conflict(
            "heir_without_account", "The heir has no account here. Issue it a key first, so that it can answer."
        )
    if heir_id == row.id or await session.scalar(_SUCCEEDS, {"heir_id": row.id, "predecessor_id": heir_id}):
        raise Conflict("succeeds_itself", "The organisation would be its own heir. Correct the other succession first.")


async def with_heirs(
    session: AsyncSession, organisations: Mapping[uuid.UUID, Organisation]
) -> dict[uuid.UUID, Organisation]:
    """Some organisations by their ids, and those that succeeded them, one after the other."""
    found = dict(organisations)
    while missing := {row.succeeded_by_id for row in found.values()} - found.keys() - {None}:
        rows = await session.exec(select(Organisation).where(col(Organisation.id).in_(missing)))
        found |= {row.id: row for row in rows}
    return found


_IN_LINE: Final = text("""
    WITH RECURSIVE heir (id) AS (
        SELECT succeeded_by_id FROM organisation WHERE id = :id AND succeeded_by_id IS NOT NULL
        UNION
        SELECT succeeded_by_id FROM organisation JOIN heir USING (id) WHERE succeeded_by_id IS NOT NULL),
    predecessor (id) AS (
        SELECT id FROM organisation WHERE succeeded_by_id = :id
        UNION
        SELECT organisation.id FROM organisation JOIN predecessor ON succeeded_by_id = predecessor.id)
    SELECT id FROM heir UNION ALL SELECT id FROM predecessor
""")


async def in_line_with(session: AsyncSession, organisation_id: uuid.UUID) -> list[uuid.UUID]:
    """An organisation, those that it succeeded and those that succeeded it: what forbids one a use, forbids all."""
    return [organisation_id, *(row.id for row in await run(session, _IN_LINE, {"id": organisation_id}))]


_END_KEYS: Final = text("""
    UPDATE api_key SET revoked_at = :now
    WHERE as_heir AND revoked_at IS NULL AND NOT succeeds(organisation_id, acts_for_id)
    RETURNING acts_for_id
""")
# An organisation that had an account only by its heir's keys has none without them, unless the heir ended a request for
# it: without an account nobody can have erased anything.
_END_ACCOUNTS: Final = text("""
    UPDATE organisation SET admitted_at = NULL
    WHERE id = ANY(:ids) AND NOT EXISTS (
        SELECT FROM api_key
        WHERE api_key.organisation_id = organisation.id
           OR (acts_for_id = organisation.id AND as_heir AND revoked_at IS NULL))
      AND NOT EXISTS (SELECT FROM relay WHERE holder_id = organisation.id AND ended_at IS NOT NULL)
""")


async def end_keys_of_former_heirs(session: AsyncSession, moment: datetime) -> None:
    """Revoke the keys that act for an organisation which theirs does not succeed, after a correction."""
    ended = await run(session, _END_KEYS, {"now": moment})
    ids = list({row.acts_for_id for row in ended})
    if ids:
        await run(session, _END_ACCOUNTS, {"ids": ids})
