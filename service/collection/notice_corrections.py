"""Corrections of notices: a new fact that says what a form showed in truth, beside the old one.

A new version is another thing: a wording that was shown later. What was collected under a notice stays under it, so a
correction must leave room for that.
"""

import uuid
from typing import Any

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.access.correction import lock_for_correction
from service.collection.models import Collection, Notice, PartnerList
from service.collection.periods import check_spans
from service.collection.schemas import NoticeIn
from service.core.db import run
from service.core.errors import Unprocessable
from service.number.keyring import KeyRing


async def lock_notice(session: AsyncSession, first_id: uuid.UUID, *, shared: bool = False) -> None:
    """Lock a notice with all its corrections until the transaction ends.

    Whatever must lie in its days takes a `shared` lock, and a correction of these days the whole one. So neither comes
    about beside the other.
    """
    await session.exec(select(Notice.id).where(Notice.id == first_id).with_for_update(read=shared))


async def current_version(session: AsyncSession, notice: Notice) -> Notice:
    """A notice as last corrected."""
    versions = Notice.first_id == notice.first_id
    corrected = select(Notice.corrects_id).where(versions, col(Notice.corrects_id).is_not(None))
    query = select(Notice).where(versions, col(Notice.id).not_in(corrected))
    return (await session.exec(query)).one()


async def place_of_correction(
    session: AsyncSession, ring: KeyRing, actor: Actor, wanted: NoticeIn, corrected_id: uuid.UUID
) -> dict[str, Any]:
    """The place that a correction takes from the notice that it corrects, which is locked.

    Raises:
        Forbidden: another organisation asserts the notice.
        Conflict: it has been corrected. The problem names its latest version.
        Unprocessable: it is another collector's, or what belongs to it does not lie in the corrected days.
    """
    first_id = (await session.get_one(Notice, corrected_id)).first_id
    await lock_notice(session, first_id)
    corrected = await lock_for_correction(session, actor, Notice, corrected_id)
    if corrected.collector_id != wanted.collector_id:
        raise Unprocessable(
            "correction_changes_collector", "A correction keeps the collector. Register another notice instead."
        )
    await _check_lists(session, wanted, first_id)
    zone = wanted.time_zone or corrected.time_zone
    await _check_collections(session, ring, wanted, first_id, zone)
    kept = {"version": corrected.version, "replaces_id": corrected.replaces_id}
    return {**kept, "first_id": first_id, "time_zone": zone}


async def _check_lists(session: AsyncSession, wanted: NoticeIn, first_id: uuid.UUID) -> None:
    of_notice = PartnerList.notice_id == first_id
    corrected = select(PartnerList.corrects_id).where(of_notice, col(PartnerList.corrects_id).is_not(None))
    days = select(col(PartnerList.valid_from_on)).where(of_notice, col(PartnerList.id).not_in(corrected))
    last = wanted.valid_until_on
    for day in (await session.exec(days)).all():
        if day < wanted.valid_from_on or (last is not None and day > last):
            raise Unprocessable(
                "partner_list_outside_notice",
                "A partner list of this notice is from a day outside these days. Correct the list first.",
            )


# Collections keep the id of the version that they named. Only their latest corrections count.
_COLLECTIONS = text("""
    SELECT collection.id FROM collection JOIN notice ON notice.id = notice_id
    WHERE first_id = :first_id
      AND NOT EXISTS (SELECT FROM collection AS correction WHERE correction.corrects_id = collection.id)
""")


async def _check_collections(
    session: AsyncSession, ring: KeyRing, wanted: NoticeIn, first_id: uuid.UUID, zone: str
) -> None:
    last = wanted.valid_until_on
    for found in await run(session, _COLLECTIONS, {"first_id": first_id}):
        row = await session.get_one(Collection, found.id)
        ends_later = last is not None and (row.ended_on is None or row.ended_on > last)
        if row.began_on < wanted.valid_from_on or ends_later:
            raise Unprocessable(
                "collection_outside_notice",
                "A collection under this notice lasts longer than these days. Correct the collection first.",
            )
        await check_spans(session, ring, row.id, row.began_on, row.ended_on, zone)
