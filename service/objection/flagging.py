"""Flagging: a dataset that is sealed, or a campaign that is registered, with numbers whose owners objected before."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.campaign.models import Campaign, CampaignDataset
from service.core.db import Database, run
from service.core.vocabulary import Purpose
from service.dataset.models import Dataset
from service.membership import runs
from service.membership.descent.ancestors import read_ancestors
from service.membership.descent.dag import uploaded_sources_of
from service.membership.matching import match
from service.number.keyring import KEY_BYTES, KeyRing, Keys, pack_keys, unpack_keys
from service.objection.create import lock_objections
from service.objection.current_holders import holders_of_number
from service.objection.models import ObjectionFlag
from service.provenance.graph.snapshot import Snapshots
from service.transfer.models import Transfer


class Subject(NamedTuple):
    """What may have to be flagged: one of a holder's datasets, or the datasets of a party's campaign.

    `purposes` are what its numbers are said to be for, None if that is not known; `since` is when it came to be.
    """

    dataset_id: uuid.UUID | None
    campaign_id: uuid.UUID | None
    holder_id: uuid.UUID
    datasets: frozenset[uuid.UUID]
    purposes: list[str] | None
    since: datetime


async def flag(database: Database, ring: KeyRing, dataset_id: uuid.UUID | None, campaign_id: uuid.UUID | None) -> None:
    """Flag a dataset that is sealed, or a campaign, for each objection that was recorded before."""
    async with database.transaction() as session:
        # An objection that does not find this dataset to hold its number is committed by the time the turn comes.
        await lock_objections(session)
        subject = await _subject(session, dataset_id, campaign_id)
        objected = await _objected(session, ring, subject)
        ancestors = await read_ancestors(session, subject.datasets)
    if not objected.ids:
        return
    sources = uploaded_sources_of(ancestors.dag, subject.datasets)
    matched = await match(database, objected.keys, sources)
    places = np.unique(np.concatenate([*matched.values(), np.empty(0, np.intp)]))
    places = await _still_held(database, ring, subject, objected.keys, places)
    async with database.transaction() as session:
        await lock_objections(session)
        await _write(session, subject, [one for place in places.tolist() for one in objected.ids[place]])


async def _subject(session: AsyncSession, dataset_id: uuid.UUID | None, campaign_id: uuid.UUID | None) -> Subject:
    if campaign_id is not None:
        campaign = await session.get_one(Campaign, campaign_id)
        uses = select(CampaignDataset.dataset_id).where(col(CampaignDataset.campaign_id) == campaign.id)
        sent_to = frozenset((await session.exec(uses)).all())
        purposes = [*await _received_for(session, sent_to)]
        purposes += [Purpose.POLITICAL_CANVASSING] if campaign.poll_on else []
        return Subject(None, campaign.id, campaign.party_id, sent_to, purposes, campaign.recorded_at)
    dataset = await session.get_one(Dataset, dataset_id)
    own = frozenset({dataset.id})
    assert dataset.sealed_at is not None
    received_for = [*await _received_for(session, own)] or None
    return Subject(dataset.id, None, dataset.holder_id, own, received_for, dataset.sealed_at)


async def _received_for(session: AsyncSession, dataset_ids: Collection[uuid.UUID]) -> Sequence[str]:
    query = select(Transfer.purpose).where(col(Transfer.received_dataset_id).in_(dataset_ids))
    return (await session.exec(query)).all()


class _Objected(NamedTuple):
    """The sorted distinct keys of objections that concern a subject, and the objections of each."""

    keys: Keys
    ids: list[list[uuid.UUID]]


# An objection that was recorded after the subject has a relay to its holder, unless it was recorded while the subject
# came to be, and missed it.
_CONCERNING: Final = text("""
    SELECT id, mark FROM objection
    WHERE (recorded_at <= :since OR NOT EXISTS (
               SELECT FROM relay WHERE objection_id = objection.id AND holder_id = :holder_id))
      AND (scope = 'everything'
           OR (scope = 'organisation' AND organisation_id = :holder_id)
           OR (scope = 'purpose' AND (purpose = ANY(:purposes) OR CAST(:purposes AS text[]) IS NULL)))
""")


async def _objected(session: AsyncSession, ring: KeyRing, subject: Subject) -> _Objected:
    values = {"since": subject.since, "holder_id": subject.holder_id, "purposes": subject.purposes}
    rows = (await run(session, _CONCERNING, values)).all()
    keys = ring.keys_of_marks(unpack_keys(b"".join(row.mark for row in rows)))
    order = runs.order_of(keys)
    in_order = keys[order]
    first = ~runs.repeated(in_order)
    ids: list[list[uuid.UUID]] = []
    for at, is_first in zip(order.tolist(), first.tolist(), strict=True):
        if is_first:
            ids.append([])
        ids[-1].append(rows[at].id)
    return _Objected(in_order[first], ids)


_ERASED: Final = text("SELECT DISTINCT key FROM exclusion WHERE key = ANY(:keys)")


async def _still_held(
    database: Database, ring: KeyRing, subject: Subject, keys: Keys, places: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Those of the places whose numbers the subject holds itself: of an erased number a stored copy may be left."""
    packed = pack_keys(keys[places])
    each = [packed[at : at + KEY_BYTES] for at in range(0, len(packed), KEY_BYTES)]
    async with database.transaction() as session:
        erased = [row.key for row in await run(session, _ERASED, {"keys": each})]
    snapshots = Snapshots(database)
    gone: set[bytes] = set()
    for key in erased:
        (number,) = ring.numbers(unpack_keys(key)).tolist()
        holding = await holders_of_number(snapshots, ring, number)
        if subject.datasets.isdisjoint(holding.datasets):
            gone.add(key)
    return places[[key not in gone for key in each]]


async def _write(session: AsyncSession, subject: Subject, objection_ids: list[uuid.UUID]) -> None:
    """Flag the subject for these objections, each once: the task may have been killed and begun anew."""
    query = select(ObjectionFlag.objection_id).where(
        col(ObjectionFlag.dataset_id).is_not_distinct_from(subject.dataset_id),
        col(ObjectionFlag.campaign_id).is_not_distinct_from(subject.campaign_id),
    )
    known = frozenset((await session.exec(query)).all())
    session.add_all(
        ObjectionFlag(
            objection_id=one,
            holder_id=subject.holder_id,
            dataset_id=subject.dataset_id,
            campaign_id=subject.campaign_id,
        )
        for one in objection_ids
        if one not in known
    )
