"""Corrections of a dataset's name, date and collection. What counted before stays recorded.

A correction is checked like a registration, and also against what was recorded since: consents, transfers, derived
datasets and campaigns.
"""

import uuid
from datetime import datetime
from typing import Any, Final

from procrastinate import App
from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access import visibility
from service.access.actor import Actor
from service.access.assertion import assertion_columns
from service.access.visible_rows import visible_among, visible_organisations_among
from service.collection.models import Collection, Notice
from service.collection.operations import collection_period
from service.core.clock import now
from service.core.db import run
from service.core.errors import Conflict, Unprocessable
from service.core.paging import Page, read_slice
from service.core.task_queue import TaskName, defer
from service.core.vocabulary import DatasetState
from service.dataset.correction_schemas import DatasetCorrectionIn, DatasetCorrectionOut
from service.dataset.losses import take_off_losses
from service.dataset.models import Dataset, DatasetCorrection, NoticeCount
from service.dataset.operations import find_dataset, find_own_dataset, is_own, require_own_collection
from service.dataset.recount import request_recount
from service.dataset.sealing import clear_counts
from service.membership.encryption import decrypt_span
from service.number.keyring import KeyRing
from service.release.operations import release_by_standing


async def correct_dataset(
    session: AsyncSession, ring: KeyRing, queue: App, actor: Actor, dataset_id: uuid.UUID, wanted: DatasetCorrectionIn
) -> DatasetCorrectionOut:
    """Correct a dataset, as its holder or, for a holder without an account, as who asserts it.

    Where its numbers come from follows at once, also for all that was made from it. The counts of those datasets are
    made again by a task.

    Raises:
        NotFound: the dataset or the collection does not exist, or the caller may not see it.
        Conflict: it is open or being sealed, or its date or its origin is another fact's.
        Unprocessable: nothing is corrected, or the date or the collection does not agree with what is recorded.
    """
    row = await find_own_dataset(session, actor, dataset_id, lock=True)
    date, collection_id = wanted.occurred_at or row.occurred_at, row.collection_id
    if "collection_id" in wanted.model_fields_set:
        collection_id = wanted.collection_id
    if (wanted.name or row.name, date, collection_id) == (row.name, row.occurred_at, row.collection_id):
        raise Unprocessable("nothing_corrected", "This is what counts already. State what is to be corrected.")
    if (date, collection_id) != (row.occurred_at, row.collection_id):
        assertion_columns(actor, date)
        await _check_origin(session, ring, actor, row, date, collection_id)
    correction = DatasetCorrection(
        asserted_by_id=actor.organisation_id,
        asserted_through_id=actor.asserts_through_id,
        dataset_id=row.id,
        name=wanted.name or row.name,
        occurred_at=date,
        collection_id=collection_id,
        former_name=row.name,
        former_occurred_at=row.occurred_at,
        former_collection_id=row.collection_id,
        reason=wanted.reason,
    )
    session.add(correction)
    row.name, row.occurred_at = correction.name, date
    session.add(row)
    if collection_id != row.collection_id:
        await _change_collection(session, queue, row, collection_id)
    await session.flush()
    return DatasetCorrectionOut.model_validate(correction.model_dump())


async def _check_origin(
    session: AsyncSession, ring: KeyRing, actor: Actor, row: Dataset, date: datetime, collection_id: uuid.UUID | None
) -> None:
    if row.state != DatasetState.SEALED:
        raise Conflict(
            "dataset_not_sealed",
            "Its parts were read with this date and collection. Throw the dataset away, and register another.",
        )
    around = (await run(session, _AROUND, {"id": row.id})).one()
    if around.received:
        raise Conflict(
            "received_dataset", "This dataset was received. Its date and origin are those of the transfer: correct it."
        )
    _check_date(around, date)
    if collection_id is None:
        return
    if around.latest_parent_at is not None:
        raise Unprocessable(
            "derived_dataset", "A dataset comes from a collection or from other datasets, not from both."
        )
    await require_own_collection(session, actor, row.holder_id, collection_id)
    began_at, ended_at = await collection_period(session, collection_id)
    if date < began_at:
        raise Unprocessable("dataset_before_collection", "`occurred_at` is before the collection began. Correct it.")
    if row.consent_span is None:
        return
    span = decrypt_span(ring, row.id, row.consent_span)
    if span.last > date:
        raise Unprocessable(
            "consents_after_dataset", "The dataset contains consents given after `occurred_at`. Choose a later date."
        )
    if span.first < began_at or (ended_at is not None and span.last > ended_at):
        raise Unprocessable(
            "consents_outside_collection",
            "The dataset contains consents outside the period of this collection. Correct the collection, or name "
            "another.",
        )


# What was recorded of a dataset that its date must agree with. A campaign that was corrected no longer counts.
_AROUND: Final = text("""
    SELECT EXISTS (SELECT FROM transfer WHERE received_dataset_id = :id) AS received,
           (SELECT max(parent.occurred_at) FROM dataset_parent JOIN dataset AS parent ON parent.id = parent_id
            WHERE dataset_id = :id) AS latest_parent_at,
           (SELECT min(child.occurred_at) FROM dataset_parent AS edge JOIN dataset AS child ON child.id = dataset_id
            WHERE parent_id = :id AND edge.transfer_id IS NULL) AS first_derived_at,
           (SELECT min(occurred_at) FROM transfer WHERE dataset_id = :id) AS first_transfer_at,
           (SELECT began_at FROM used_dataset WHERE dataset_id = :id) AS first_campaign_at
""")


def _check_date(around: Any, date: datetime) -> None:
    if around.latest_parent_at is not None and date < around.latest_parent_at:
        raise Unprocessable(
            "dataset_before_parent", "`occurred_at` is before that of a dataset which this one is derived from."
        )
    if around.first_transfer_at is not None and around.first_transfer_at < date:
        raise Unprocessable(
            "transfer_before_dataset", "`occurred_at` is after the dataset was transferred. Choose an earlier date."
        )
    if around.first_derived_at is not None and around.first_derived_at < date:
        raise Unprocessable(
            "derived_before_dataset",
            "`occurred_at` is after that of a dataset which was derived from this one. Choose an earlier date.",
        )
    if around.first_campaign_at is not None and around.first_campaign_at < date:
        raise Unprocessable(
            "campaign_before_dataset", "`occurred_at` is after a campaign used the dataset. Choose an earlier date."
        )


async def _change_collection(session: AsyncSession, queue: App, row: Dataset, collection_id: uuid.UUID | None) -> None:
    """Count a dataset's numbers, which are all its own, under another notice or as orphans; and all below it later."""
    former = await _notice_of(session, row.collection_id)
    if row.collection_id is None:
        row.collection_stated_at = now()
    row.collection_id = collection_id
    session.add(row)
    notice_id = await _notice_of(session, collection_id)
    if notice_id != former:
        await take_off_losses(session, row.id)
        await session.refresh(row, ["numbers_left"])
        await clear_counts(session, [row.id])
        row.orphan_count = 0 if notice_id else row.number_count
        row.orphans_left = 0 if notice_id else row.numbers_left
        if notice_id is not None and row.number_count:
            counts = {"count_at_sealing": row.number_count, "count_left": row.numbers_left or 0}
            session.add(NoticeCount(dataset_id=row.id, notice_id=notice_id, **counts))
        await session.flush()
        await request_recount(session, queue, [row.id])
    await session.flush()
    await release_by_standing(session, queue, row.id)
    # Numbers may count from now on, or no longer, for all who have them from here.
    await defer(session, queue, TaskName.RELEASE_WAITING, dataset_id=str(row.id), withdrawn=True)


async def _notice_of(session: AsyncSession, collection_id: uuid.UUID | None) -> uuid.UUID | None:
    """The notice of a collection by which its numbers are counted: the first of a row of corrections."""
    query = select(Notice.first_id).join(Collection, col(Collection.notice_id) == col(Notice.id))
    query = query.where(Collection.id == collection_id)
    return None if collection_id is None else (await session.exec(query)).one()


async def list_corrections(
    session: AsyncSession, actor: Actor, dataset_id: uuid.UUID, after: uuid.UUID | None, limit: int
) -> Page[DatasetCorrectionOut]:
    """The corrections of a dataset that the caller sees, the first one first."""
    dataset = await find_dataset(session, actor, dataset_id)
    query = select(DatasetCorrection).where(DatasetCorrection.dataset_id == dataset_id)
    rows = await read_slice(session, query, after, limit, DatasetCorrection.id)
    own = actor.is_regulator or is_own(actor, dataset)
    collection_ids = {id_ for row in rows for id_ in (row.collection_id, row.former_collection_id)}
    seen = await visible_among(session, Collection, visibility.visible_collections(actor), collection_ids)
    asserter_ids = {id_ for row in rows for id_ in (row.asserted_by_id, row.asserted_through_id)}
    known = await visible_organisations_among(session, actor, asserter_ids)
    shown = {"collection_id": seen, "former_collection_id": seen, "asserted_by_id": known, "asserted_through_id": known}

    def body(row: DatasetCorrection) -> DatasetCorrectionOut:
        hidden = {name for name, seen_ids in shown.items() if getattr(row, name) not in seen_ids}
        if not own:
            hidden.add("reason")
        return DatasetCorrectionOut.model_validate(row.model_dump() | dict.fromkeys(hidden))

    return rows.page(map(body, rows))
