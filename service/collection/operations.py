"""The operations on collections and attestations."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access import visibility
from service.access.actor import Actor
from service.access.assertion import assertion_columns
from service.access.correction import lock_for_correction
from service.access.visible_rows import get_visible, list_visible, read_asserters, visible_among
from service.collection.models import Collection, CollectionAttestation, Notice
from service.collection.notices import find_own_notice
from service.collection.schemas import AttestationIn, AttestationOut, CollectionIn, CollectionOut
from service.core.db import run
from service.core.errors import Conflict, Forbidden, Unprocessable
from service.core.paging import Page
from service.membership.encryption import decrypt_span
from service.number.keyring import KeyRing
from service.organisation.operations import find_organisation, require_active, require_may_assert_for


async def register_collection(
    session: AsyncSession, ring: KeyRing, actor: Actor, wanted: CollectionIn
) -> CollectionOut:
    """Register a collection of the caller, or of a collector without an account."""
    collector = await find_organisation(session, wanted.collector_id, "collector_id")
    require_may_assert_for(actor, collector)
    require_active(collector, wanted.occurred_at)
    notice = await find_own_notice(session, actor, wanted.notice_id)
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


# A dataset keeps the collection that it was registered with, also when that collection is corrected later.
_SPANS = text("""
    WITH RECURSIVE earlier (id, corrects_id) AS (
        SELECT id, corrects_id FROM collection WHERE id = :id
        UNION ALL
        SELECT found.id, found.corrects_id FROM collection AS found JOIN earlier ON found.id = earlier.corrects_id)
    SELECT dataset.id, consent_span FROM dataset JOIN earlier ON collection_id = earlier.id
    WHERE consent_span IS NOT NULL
""")


async def _check_correction(
    session: AsyncSession, ring: KeyRing, actor: Actor, wanted: CollectionIn, notice: Notice
) -> None:
    """A correction keeps the collector and the notice, by which numbers are counted, and covers all consents."""
    if (corrected_id := wanted.corrects_id) is None:
        return
    await find_collection(session, actor, corrected_id)
    corrected = await lock_for_correction(session, actor, Collection, corrected_id)
    if (corrected.collector_id, corrected.notice_id) != (wanted.collector_id, wanted.notice_id):
        raise Unprocessable(
            "correction_changes_origin", "A correction keeps the collector and the notice. Register another collection."
        )
    began_at, ended_at = _period(wanted.began_on, wanted.ended_on, ZoneInfo(notice.time_zone))
    spans = [decrypt_span(ring, row.id, row.consent_span) for row in await run(session, _SPANS, {"id": corrected_id})]
    if any(span.first < began_at or (ended_at is not None and span.last > ended_at) for span in spans):
        raise Unprocessable(
            "consents_outside_period",
            "Datasets of this collection contain consents outside this period. Choose one that covers them.",
        )


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


async def attest_collection(
    session: AsyncSession, actor: Actor, collection_id: uuid.UUID, wanted: AttestationIn
) -> AttestationOut:
    """Record that the collector confirms a collection that another organisation asserts."""
    collection = await find_collection(session, actor, collection_id)
    if collection.collector_id != actor.organisation_id:
        raise Forbidden("not_the_collector", "Only the collector of a collection can attest it.")
    # Concurrent attestations wait for each other, so that the second is refused.
    await session.refresh(collection, with_for_update=True)
    if await _attested(session, [collection]):
        raise Conflict("already_attested", "This collection is already attested. You need not attest it again.")
    row = CollectionAttestation(collection_id=collection.id, **assertion_columns(actor, wanted.occurred_at))
    session.add(row)
    await session.flush()
    return AttestationOut(**row.model_dump())


async def _attested(session: AsyncSession, collections: Sequence[Collection]) -> set[uuid.UUID]:
    ids = [row.id for row in collections]
    query = select(CollectionAttestation.collection_id).where(col(CollectionAttestation.collection_id).in_(ids))
    attested = set((await session.exec(query)).all())
    return attested | {row.id for row in collections if row.asserted_by_id == row.collector_id}


async def _response_bodies(
    session: AsyncSession, actor: Actor, collections: Sequence[Collection]
) -> list[CollectionOut]:
    attested = await _attested(session, collections)
    corrected_ids = (row.corrects_id for row in collections)
    corrected = await visible_among(session, Collection, visibility.visible_collections(actor), corrected_ids)
    asserters = await read_asserters(session, actor, collections)
    return [
        CollectionOut(
            **asserters.body(
                row,
                corrects_id=row.corrects_id if row.corrects_id in corrected else None,
                attested=row.id in attested,
            )
        )
        for row in collections
    ]


async def collection_period(session: AsyncSession, collection_id: uuid.UUID) -> tuple[datetime, datetime | None]:
    """The first and the last instant of a collection, as last corrected. The last is None while it goes on."""
    collection = await session.get_one(Collection, collection_id)
    while correction := (await session.exec(select(Collection).where(Collection.corrects_id == collection.id))).first():
        collection = correction
    notice = await session.get_one(Notice, collection.notice_id)
    return _period(collection.began_on, collection.ended_on, ZoneInfo(notice.time_zone))


def _period(began_on: date, ended_on: date | None, zone: ZoneInfo) -> tuple[datetime, datetime | None]:
    """Days in the notice's time zone, as instants."""
    begin = datetime.combine(began_on, time.min, zone)
    return begin, datetime.combine(ended_on, time.max, zone) if ended_on else None
