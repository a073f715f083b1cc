"""The operations on collections and on what collectors state of them."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access import visibility
from service.access.actor import Actor
from service.access.assertion import assertion_columns
from service.access.correction import lock_for_correction, read_corrections
from service.access.visible_rows import get_visible, list_visible, read_asserters, visible_among
from service.collection.collector_words import read_collector_words
from service.collection.models import Collection, CollectorStatement, Notice
from service.collection.notice_corrections import current_version, lock_notice
from service.collection.notices import find_notice, find_own_notice
from service.collection.periods import check_spans, period_of
from service.collection.schemas import CollectionIn, CollectionOut, CollectorStatementIn, CollectorStatementOut
from service.core.errors import Conflict, Forbidden, Unprocessable
from service.core.paging import Page
from service.core.vocabulary import CollectorStatus
from service.number.keyring import KeyRing
from service.organisation.operations import find_organisation, require_active, require_may_assert_for


async def register_collection(
    session: AsyncSession, ring: KeyRing, actor: Actor, wanted: CollectionIn
) -> CollectionOut:
    """Register a collection of the caller, or of a collector without an account; or a correction of one.

    What an organisation stated of a collector without an account it can correct when that has one.
    """
    collector = await find_organisation(session, wanted.collector_id, "collector_id")
    if wanted.corrects_id is None:
        require_may_assert_for(actor, collector)
        require_active(collector, wanted.occurred_at)
        named = await find_own_notice(session, actor, wanted.notice_id)
    else:
        named = await find_notice(session, actor, wanted.notice_id)
    await lock_notice(session, named.first_id, shared=True)
    notice = await current_version(session, named)
    _check_notice(wanted, notice)
    await _check_correction(session, ring, actor, wanted, notice)
    row = Collection(**wanted.model_dump(exclude={"occurred_at"}), **assertion_columns(actor, wanted.occurred_at))
    session.add(row)
    await session.flush()
    return (await _response_bodies(session, actor, [row]))[0]


def _check_notice(wanted: CollectionIn, notice: Notice) -> None:
    if notice.collector_id != wanted.collector_id:
        raise Unprocessable(
            "notice_of_other_collector", "The notice belongs to another collector. Use a notice of this collector."
        )
    if wanted.began_on < notice.valid_from_on:
        raise Unprocessable(
            "collection_before_notice",
            "`began_on` is before the first day of the notice. Correct it, or name another notice.",
        )
    if notice.valid_until_on is not None and (wanted.ended_on is None or wanted.ended_on > notice.valid_until_on):
        raise Unprocessable(
            "collection_after_notice",
            "The collection lasts longer than its notice was shown. Set `ended_on`, or register the later part under "
            "the notice that replaced it.",
        )
    if wanted.occurred_at.astimezone(ZoneInfo(notice.time_zone)).date() < wanted.began_on:
        raise Unprocessable("occurred_before_began", "`occurred_at` is before `began_on`. Correct one of them.")


async def _check_correction(
    session: AsyncSession, ring: KeyRing, actor: Actor, wanted: CollectionIn, notice: Notice
) -> None:
    """A correction keeps the collector and the notice, by which numbers are counted, and covers all consents."""
    if (corrected_id := wanted.corrects_id) is None:
        return
    await find_collection(session, actor, corrected_id)
    corrected = await lock_for_correction(session, actor, Collection, corrected_id)
    named = await session.get_one(Notice, corrected.notice_id)
    if (corrected.collector_id, named.first_id) != (wanted.collector_id, notice.first_id):
        raise Unprocessable(
            "correction_changes_origin", "A correction keeps the collector and the notice. Register another collection."
        )
    await check_spans(session, ring, corrected_id, wanted.began_on, wanted.ended_on, notice.time_zone)


async def find_collection(session: AsyncSession, actor: Actor, collection_id: uuid.UUID) -> Collection:
    """A collection that the caller sees."""
    return await get_visible(session, Collection, visibility.visible_collections(actor), collection_id, "collection")


async def get_collection(session: AsyncSession, actor: Actor, collection_id: uuid.UUID) -> CollectionOut:
    """A collection that the caller sees."""
    return (await _response_bodies(session, actor, [await find_collection(session, actor, collection_id)]))[0]


async def list_collections(
    session: AsyncSession, actor: Actor, after: uuid.UUID | None, limit: int
) -> Page[CollectionOut]:
    """The collections that the caller sees."""
    rows = await list_visible(session, Collection, visibility.visible_collections(actor), after, limit)
    return rows.page(await _response_bodies(session, actor, rows.rows))


async def state_collection(
    session: AsyncSession, actor: Actor, collection_id: uuid.UUID, wanted: CollectorStatementIn
) -> CollectionOut:
    """Record what the collector states of a collection that another organisation asserts in its name.

    The collection's row is locked: statements at once, and a correction beside them, wait for each other.

    Raises:
        NotFound: the caller sees no such collection.
        Forbidden: the caller is not its collector.
        Conflict: the collector asserts it itself, it has been corrected, or the statement says nothing new.
    """
    collection = await find_collection(session, actor, collection_id)
    if collection.collector_id != actor.organisation_id:
        raise Forbidden("not_the_collector", "Only the collector of a collection can make statements about it.")
    await session.refresh(collection, with_for_update=True)
    if collection.asserted_by_id == actor.organisation_id:
        raise Conflict("asserted_by_you", "You stated this collection yourself. Correct it, if it is wrong.")
    if correction := (await read_corrections(session, Collection, [collection.id])).get(collection.id):
        raise Conflict("already_corrected", f"This collection was corrected. State the latest version ({correction}).")
    words = await read_collector_words(session, [collection.id])
    current = words[collection.id].status
    if wanted.status == (current or CollectorStatus.WITHDRAWN):
        raise Conflict("already_stated", "This is what you state of this collection already, so nothing is recorded.")
    row = CollectorStatement(
        collection_id=collection.id,
        status=wanted.status,
        comment=wanted.comment,
        **assertion_columns(actor, wanted.occurred_at),
    )
    session.add(row)
    await session.flush()
    return (await _response_bodies(session, actor, [collection]))[0]


async def _response_bodies(
    session: AsyncSession, actor: Actor, collections: Sequence[Collection]
) -> list[CollectionOut]:
    words = await read_collector_words(session, [row.id for row in collections])
    statements = [statement for word in words.values() for statement in word.statements]
    corrected_ids = (row.corrects_id for row in collections)
    corrected = await visible_among(session, Collection, visibility.visible_collections(actor), corrected_ids)
    # Whoever sees a collection sees its corrections.
    corrections = await read_corrections(session, Collection, [row.id for row in collections])
    asserters = await read_asserters(session, actor, collections, statements)
    return [
        CollectionOut(
            **asserters.body(
                row,
                corrects_id=row.corrects_id if row.corrects_id in corrected else None,
                corrected_by_id=corrections.get(row.id),
                attested=row.asserted_by_id == row.collector_id or words[row.id].status is CollectorStatus.ATTESTED,
                denied=words[row.id].status is CollectorStatus.DENIED,
                statements=[CollectorStatementOut(**asserters.body(found)) for found in words[row.id].statements],
            )
        )
        for row in collections
    ]


async def collection_period(session: AsyncSession, collection_id: uuid.UUID) -> tuple[datetime, datetime | None]:
    """The first and the last instant of a collection, as last corrected. The last is None while it goes on."""
    collection = await session.get_one(Collection, collection_id)
    while correction := (await session.exec(select(Collection).where(Collection.corrects_id == collection.id))).first():
        collection = correction
    notice = await current_version(session, await session.get_one(Notice, collection.notice_id))
    return period_of(collection.began_on, collection.ended_on, ZoneInfo(notice.time_zone))
