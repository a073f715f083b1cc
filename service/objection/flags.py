"""What was flagged, as the holder of a dataset or campaign sees it: counts, and the numbers that it holds still."""

import uuid
from typing import Final

from sqlalchemy import text
from sqlmodel import and_, col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select

from service.access import visibility
from service.access.actor import Actor
from service.campaign.models import Campaign
from service.core.db import Database, run
from service.core.errors import NotFound
from service.core.paging import Page, cut
from service.core.resources import Resources
from service.core.task_queue import TaskName, task
from service.number.keyring import KeyRing
from service.number.normalisation import e164
from service.objection.current_holders import key_of_mark, numbers_held
from service.objection.flagging import flag
from service.objection.models import Objection, ObjectionFlag
from service.objection.schemas import FlaggedNumber, FlagOut
from service.provenance.answer.references import OrganisationRef
from service.provenance.graph.snapshot import Snapshots


@task(TaskName.FLAG_OBJECTIONS)
async def flag_objections(resources: Resources, dataset_id: str | None = None, campaign_id: str | None = None) -> None:
    """Asked for whenever a dataset was sealed or a campaign registered."""
    database, ring = resources.get(Database), resources.get(KeyRing)
    await flag(
        database, ring, uuid.UUID(dataset_id) if dataset_id else None, uuid.UUID(campaign_id) if campaign_id else None
    )


# Through a processor's key a campaign is seen only if that processor sent it.
_FLAGGED: Final = text("""
    SELECT coalesce(flag.dataset_id, flag.campaign_id) AS id,
           CASE WHEN flag.dataset_id IS NULL THEN 'campaign' ELSE 'dataset' END AS subject,
           coalesce(dataset.name, campaign.name) AS name, flag.holder_id, holder.legal_name,
           count(DISTINCT objection.mark) AS number_count, max(flag.recorded_at) AS recorded_at
    FROM objection_flag AS flag
    JOIN objection ON objection.id = flag.objection_id
    JOIN organisation AS holder ON holder.id = flag.holder_id
    LEFT JOIN dataset ON dataset.id = flag.dataset_id
    LEFT JOIN campaign ON campaign.id = flag.campaign_id
    WHERE (flag.holder_id = :own OR :all)
      AND (campaign.id IS NULL OR CAST(:through AS uuid) IS NULL OR campaign.sender_id = :through)
      AND (CAST(:after AS uuid) IS NULL OR coalesce(flag.dataset_id, flag.campaign_id) > :after)
    GROUP BY flag.dataset_id, flag.campaign_id, dataset.name, campaign.name, flag.holder_id, holder.legal_name
    ORDER BY 1 LIMIT :limit
""")


async def list_flags(session: AsyncSession, actor: Actor, after: uuid.UUID | None, limit: int) -> Page[FlagOut]:
    """The caller's datasets and campaigns with objected numbers in them, and how many."""
    values = {"own": actor.organisation_id, "all": actor.is_regulator, "through": actor.through_id}
    rows = await run(session, _FLAGGED, values | {"after": after, "limit": limit + 1})
    found = [
        FlagOut(
            id=row.id,
            subject=row.subject,
            name=row.name,
            holder=OrganisationRef(id=row.holder_id, legal_name=row.legal_name),
            number_count=row.number_count,
            recorded_at=row.recorded_at,
        )
        for row in rows
    ]
    return cut(found, limit, "id")


async def list_flagged_numbers(
    session: AsyncSession,
    snapshots: Snapshots,
    ring: KeyRing,
    actor: Actor,
    subject_id: uuid.UUID,
    after: uuid.UUID | None,
    limit: int,
) -> Page[FlaggedNumber]:
    """Which numbers of a dataset or campaign of the caller's were objected to, as far as it holds them still.

    Raises:
        NotFound: nothing of that id was flagged, or it is another's.
    """
    query = _flags_of(actor, subject_id)
    if (await session.exec(query.limit(1))).first() is None:
        raise NotFound("flagged dataset or campaign")
    if after is not None:
        query = query.where(col(ObjectionFlag.id) > after)
    rows = (await session.exec(query.limit(limit + 1))).all()
    keys = {objection.mark: key_of_mark(ring, objection.mark) for _, objection in rows}
    numbers = await numbers_held(snapshots, ring, actor.organisation_id, keys.values())
    found = [
        FlaggedNumber(
            **objection.model_dump(include={"kind", "scope", "purpose", "occurred_at"}),
            id=flag.id,
            recorded_at=flag.recorded_at,
            number=e164(numbers[keys[objection.mark]]) if keys[objection.mark] in numbers else None,
        )
        for flag, objection in rows
    ]
    return cut(found, limit, "id")


def _flags_of(actor: Actor, subject_id: uuid.UUID) -> Select[ObjectionFlag, Objection]:
    campaigns = select(Campaign.id).where(col(Campaign.id).in_(visibility.visible_campaigns(actor)))
    return (
        select(ObjectionFlag, Objection)
        .join(Objection, col(Objection.id) == col(ObjectionFlag.objection_id))
        .where(
            ObjectionFlag.holder_id == actor.organisation_id,
            or_(
                col(ObjectionFlag.dataset_id) == subject_id,
                and_(col(ObjectionFlag.campaign_id) == subject_id, col(ObjectionFlag.campaign_id).in_(campaigns)),
            ),
        )
        .order_by(col(ObjectionFlag.id))
    )
