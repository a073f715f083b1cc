"""Flags: sealed datasets and registered campaigns that contain numbers objected to before.

A task finds them. Holders see their own flags as counts, and the numbers that they still hold.
"""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from procrastinate import App
from sqlalchemy import LargeBinary, case, func, literal, text
from sqlmodel import and_, col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select, SelectOfScalar

from service.access import visibility
from service.access.actor import Actor
from service.campaign.models import Campaign, CampaignDataset
from service.campaign.state import state_of
from service.core.clock import now
from service.core.db import Database, connection_of, run
from service.core.errors import NotFound
from service.core.ids import uuid7
from service.core.new_rows import insert_rows
from service.core.paging import Page, cut, read_slice, write_cursor
from service.core.resources import Resources
from service.core.task_queue import TaskName, task
from service.core.vocabulary import Purpose
from service.dataset.models import Dataset
from service.membership import runs
from service.membership.descent.ancestors import read_ancestors
from service.membership.descent.dag import uploaded_sources_of
from service.membership.matching import few_stored_keys, match_keys
from service.number.keyring import KEY_BYTES, KeyRing, Keys, pack_keys, split_keys, unpack_keys
from service.number.normalisation import e164
from service.objection.applies import Use, covers_clause
from service.objection.create import wait_for_recording
from service.objection.current_holders import (
    NumberHolders,
    holders_of_keys,
    holders_of_objections,
    number_of_key,
)
from service.objection.models import Objection, ObjectionFlag, Relay
from service.objection.recorder import recorders_of
from service.objection.schemas import FlaggedNumber, FlagOut
from service.objection.views import flags_something_that_counts
from service.objection.waiting import judge_objections, objections_concerned
from service.organisation.succession import in_line_with
from service.provenance.answer.references import OrganisationRef
from service.provenance.snapshot import Snapshots
from service.transfer.models import Transfer


@task(TaskName.FLAG_OBJECTIONS, until_done=True)
async def flag_objections(resources: Resources, dataset_id: str | None = None, campaign_id: str | None = None) -> None:
    """Flag a sealed dataset or a registered campaign for each objection that was recorded before.

    A sealed dataset also lets out what waited until its numbers count.
    """
    database, ring = resources.get(Database), resources.get(KeyRing)
    async with database.transaction() as session:
        # Objections that are being recorded may not see that this dataset holds their number.
        await wait_for_recording(session)
        if campaign_id is not None:
            subject = await _campaign(session, uuid.UUID(campaign_id))
        else:
            subject = await _dataset(session, uuid.UUID(dataset_id))
        # A file that its holder no longer has, or never had, is not flagged. A campaign is: it was sent before.
        flagged = subject.dataset_ids if campaign_id is not None else await _current(session, subject.dataset_ids)
        sources = uploaded_sources_of((await read_ancestors(session, flagged)).dag, flagged)
        objected = await _objected(session, ring, subject, sources)
        to_judge = set() if subject.dataset_id is None else set(await objections_concerned(session, subject.dataset_id))
    matched = await match_keys(database, objected.keys, sources)
    if matched:
        places = np.unique(np.concatenate(list(matched.values())))
        places = await _still_held(database, subject, objected.keys, places)
        found = [objection_id for place in places.tolist() for objection_id in objected.objection_ids[place]]
        async with database.transaction() as session:
            await _write_flags(session, subject, found)
        to_judge.update(found)
    await judge_objections(database, resources.get(App), ring, sorted(to_judge))


_CURRENT: Final = text("""
    SELECT id FROM unnest(CAST(:ids AS uuid[])) AS found (id)
    WHERE EXISTS (SELECT FROM held_dataset WHERE dataset_id = id)
      AND NOT EXISTS (SELECT FROM ended_holding WHERE dataset_id = id)
      AND NOT EXISTS (SELECT FROM withdrawn_dataset WHERE dataset_id = id)
""")


async def _current(session: AsyncSession, dataset_ids: Collection[uuid.UUID]) -> frozenset[uuid.UUID]:
    """Those of some datasets that are held: by no void transfer, not ended and not withdrawn."""
    return frozenset((await run(session, _CURRENT, {"ids": list(dataset_ids)})).scalars())


class _Subject(NamedTuple):
    """What may have to be flagged: a holder's dataset, or the datasets of a party's campaign.

    `use` is how its numbers are used, and `since` is when it was sealed or registered.
    """

    dataset_id: uuid.UUID | None
    campaign_id: uuid.UUID | None
    holder_id: uuid.UUID
    dataset_ids: frozenset[uuid.UUID]
    use: Use
    since: datetime


async def _campaign(session: AsyncSession, campaign_id: uuid.UUID) -> _Subject:
    campaign = await session.get_one(Campaign, campaign_id)
    query = select(CampaignDataset.dataset_id).where(col(CampaignDataset.campaign_id) == campaign.id)
    dataset_ids = frozenset((await session.exec(query)).all())
    purposes = await _received_for(session, dataset_ids)
    if campaign.poll_on:
        purposes.append(Purpose.POLITICAL_CANVASSING)
    use = Use(await in_line_with(session, campaign.party_id), purposes)
    return _Subject(None, campaign.id, campaign.party_id, dataset_ids, use, campaign.recorded_at)


async def _dataset(session: AsyncSession, dataset_id: uuid.UUID) -> _Subject:
    dataset = await session.get_one(Dataset, dataset_id)
    assert dataset.sealed_at is not None
    own = frozenset({dataset.id})
    # A dataset that no transfer brought may be used for any purpose.
    use = Use(await in_line_with(session, dataset.holder_id), await _received_for(session, own) or None)
    return _Subject(dataset.id, None, dataset.holder_id, own, use, dataset.sealed_at)


async def _received_for(session: AsyncSession, dataset_ids: Collection[uuid.UUID]) -> list[Purpose]:
    query = select(Transfer.purpose).where(col(Transfer.received_dataset_id).in_(dataset_ids))
    return [Purpose(purpose) for purpose in (await session.exec(query)).all()]


class _Objected(NamedTuple):
    """The sorted, distinct keys of the objections that apply to a subject, and for each key these objections."""

    keys: Keys
    objection_ids: list[list[uuid.UUID]]


# Of a subject whose sources store no more numbers, only the objections to these are read. Of others, all are.
FEW_NUMBERS: Final = 20_000
_ANY_OBJECTION: Final = text("SELECT EXISTS (SELECT FROM objection)")


async def _objected(
    session: AsyncSession, ring: KeyRing, subject: _Subject, sources: Collection[uuid.UUID]
) -> _Objected:
    if not await session.scalar(_ANY_OBJECTION):
        return _Objected(runs.no_keys(), [])
    relayed = select(Relay.id).where(
        col(Relay.objection_id) == col(Objection.id), col(Relay.holder_id) == subject.holder_id
    )
    received_itself = col(Objection.received_by_id) == subject.holder_id
    since = case((received_itself, col(Objection.recorded_at)), else_=col(Objection.relayed_at))
    # What is relayed later has a relay to the holder of the subject. It has none if it was relayed at the same time as
    # the subject was made and did not see it. What is not relayed yet will reach the holder by a relay.
    earlier = or_(since <= subject.since, and_(col(Objection.relayed_at).is_not(None), ~relayed.exists()))
    query = select(Objection.id, Objection.mark).where(earlier, covers_clause(subject.use))
    stored = await few_stored_keys(await connection_of(session), sources, FEW_NUMBERS)
    if stored is not None:
        query = query.where(col(Objection.mark).in_(_listed(pack_keys(ring.marks(stored)))))
    rows = (await session.exec(query)).all()
    keys = ring.keys_of_marks(unpack_keys(b"".join(mark for _, mark in rows)))
    order = runs.sort_order(keys)
    in_order = keys[order]
    first = ~runs.repeats_previous(in_order)
    objection_ids: list[list[uuid.UUID]] = []
    for place, is_first in zip(order.tolist(), first.tolist(), strict=True):
        if is_first:
            objection_ids.append([])
        objection_ids[-1].append(rows[place][0])
    return _Objected(in_order[first], objection_ids)


def _listed(marks: bytes) -> SelectOfScalar[Any]:
    """Marks as the rows of a query. The driver would take longer over a list of thousands."""
    place = func.generate_series(0, len(marks) // KEY_BYTES - 1).column_valued("place")
    return select(func.substr(literal(marks, LargeBinary), KEY_BYTES * place + 1, KEY_BYTES))


_ERASED: Final = text("SELECT DISTINCT key FROM exclusion WHERE key = ANY(:keys)")


async def _still_held(database: Database, subject: _Subject, keys: Keys, places: NDArray[np.intp]) -> NDArray[np.intp]:
    """Those places whose numbers the subject still holds. A copy of an erased number may be stored for others."""
    matched = split_keys(keys[places])
    async with database.transaction() as session:
        erased = [row.key for row in await run(session, _ERASED, {"keys": matched})]
    holders = await holders_of_keys(Snapshots(database), erased)
    not_held = {key for key in erased if subject.dataset_ids.isdisjoint(holders[key].datasets | holders[key].ended)}
    return places[[key not in not_held for key in matched]]


async def _write_flags(session: AsyncSession, subject: _Subject, objection_ids: list[uuid.UUID]) -> None:
    """Flag the subject for these objections, each once: the task may have been started over, or run twice at once."""
    flags = [
        {
            "id": uuid7(),
            "objection_id": objection_id,
            "holder_id": subject.holder_id,
            "dataset_id": subject.dataset_id,
            "campaign_id": subject.campaign_id,
            "recorded_at": now(),
        }
        for objection_id in sorted(objection_ids)
    ]
    await insert_rows(session, ObjectionFlag, flags, unless_there=True)


# A processor's key sees a party's campaign only if that processor sent it.
_FLAGGED: Final = text("""
    SELECT coalesce(flag.dataset_id, flag.campaign_id) AS id, campaign.began_at,
           CASE WHEN flag.dataset_id IS NULL THEN 'campaign' ELSE 'dataset' END AS kind,
           coalesce(dataset.name, campaign.name) AS name, flag.holder_id, holder.legal_name,
           count(DISTINCT objection.mark) AS number_count, max(flag.recorded_at) AS recorded_at
    FROM objection_flag AS flag
    JOIN objection ON objection.id = flag.objection_id
    JOIN organisation AS holder ON holder.id = flag.holder_id
    LEFT JOIN dataset ON dataset.id = flag.dataset_id
    LEFT JOIN campaign ON campaign.id = flag.campaign_id
    WHERE ((flag.holder_id = :own AND flag.shown_at IS NOT NULL) OR :all)
      AND (campaign.id IS NULL OR campaign.id IN (SELECT id FROM counting_campaign))
      AND (campaign.id IS NULL OR CAST(:through AS uuid) IS NULL OR campaign.sender_id = :through)
      AND (CAST(:after AS uuid) IS NULL OR coalesce(flag.dataset_id, flag.campaign_id) > :after)
    GROUP BY flag.dataset_id, flag.campaign_id, dataset.name, campaign.name, campaign.began_at, flag.holder_id,
             holder.legal_name
    ORDER BY 1 LIMIT :limit
""")


async def list_flags(session: AsyncSession, actor: Actor, after: uuid.UUID | None, limit: int) -> Page[FlagOut]:
    """The caller's flagged datasets and campaigns, and how many objected numbers each contains."""
    values = {"own": actor.organisation_id, "all": actor.is_regulator, "through": actor.through_id}
    found = await run(session, _FLAGGED, values | {"after": after, "limit": limit + 1})
    rows, moment = cut(found.all(), limit, lambda row: write_cursor(row.id)), now()
    return rows.page(
        FlagOut(
            id=row.id,
            kind=row.kind,
            name=row.name,
            holder=OrganisationRef(id=row.holder_id, legal_name=row.legal_name),
            campaign_state=state_of(row.began_at, None, moment) if row.began_at else None,
            number_count=row.number_count,
            recorded_at=row.recorded_at,
        )
        for row in rows
    )


async def list_flagged_numbers(
    session: AsyncSession,
    snapshots: Snapshots,
    ring: KeyRing,
    actor: Actor,
    subject_id: uuid.UUID,
    after: uuid.UUID | None,
    limit: int,
) -> Page[FlaggedNumber]:
    """The objected numbers in a flagged dataset or campaign of the caller's, shown if it still holds them.

    Raises:
        NotFound: the caller has no flagged dataset or campaign with this id.
    """
    query = _flags_of(actor, subject_id)
    if (await session.exec(query.limit(1))).first() is None:
        raise NotFound("flagged dataset or campaign")
    rows = await read_slice(session, query, after, limit, ObjectionFlag.id)
    objections = {objection.id: objection for _, objection in rows}
    holders = await holders_of_objections(snapshots, ring, objections.values())
    recorders = await recorders_of(actor, objections.values(), holders)
    return rows.page(
        FlaggedNumber(
            **objection.model_dump(include={"kind", "scope", "purpose", "occurred_at"}),
            id=flag.id,
            recorded_at=flag.recorded_at,
            number=_number_shown(ring, actor, holders[objection.id]),
            **recorders[objection.id],
        )
        for flag, objection in rows
    )


def _number_shown(ring: KeyRing, actor: Actor, holders: NumberHolders) -> str | None:
    """The number, if it counts for the caller, which so still holds it."""
    return e164(number_of_key(ring, holders.key)) if holders.counts_for(actor.organisation_id) else None


def _flags_of(actor: Actor, subject_id: uuid.UUID) -> Select[ObjectionFlag, Objection]:
    campaigns = select(Campaign.id).where(col(Campaign.id).in_(visibility.visible_campaigns(actor)))
    return (
        select(ObjectionFlag, Objection)
        .join(Objection, col(Objection.id) == col(ObjectionFlag.objection_id))
        .where(
            ObjectionFlag.holder_id == actor.organisation_id,
            col(ObjectionFlag.shown_at).is_not(None),
            flags_something_that_counts(),
            or_(
                col(ObjectionFlag.dataset_id) == subject_id,
                and_(col(ObjectionFlag.campaign_id) == subject_id, col(ObjectionFlag.campaign_id).in_(campaigns)),
            ),
        )
    )
