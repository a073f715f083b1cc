"""One function per operation on datasets."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any, Final

from procrastinate import App
from sqlalchemy import ColumnElement, text
from sqlmodel import col, func, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access import visibility
from service.access.actor import Actor
from service.access.assertion import assertion_columns
from service.access.visible_rows import Asserters, get_visible, list_visible, read_asserters, visible_among
from service.collection.operations import collection_period, find_collection
from service.core.db import run
from service.core.errors import Conflict, Forbidden, NotFound, Unprocessable
from service.core.new_rows import insert_rows
from service.core.paging import Page
from service.core.settings import Settings
from service.core.vocabulary import Content, DatasetState, EndReason, UsageKind
from service.dataset.date_order import PartDates, check_before_sealing
from service.dataset.models import Dataset, DatasetParent, DatasetPart
from service.dataset.part_columns import part_out, read_part_columns
from service.dataset.part_form import zone_of
from service.dataset.schemas import DatasetIn, DatasetOut, DateFormatIn, PartOut
from service.dataset.standing_checks import refuse_not_held
from service.intake.dates.order import OrderCounts, Separators
from service.job.models import JobKind
from service.job.operations import start_job
from service.job.schemas import JobOut
from service.membership.encryption import decrypt_span
from service.number.keyring import KeyRing
from service.organisation.operations import find_organisation, require_may_assert_for
from service.usage.quotas import add_usage
from service.usage.uploads import check_open_datasets


async def register_dataset(
    session: AsyncSession, settings: Settings, ring: KeyRing, actor: Actor, wanted: DatasetIn
) -> DatasetOut:
    """Register an open dataset. A union takes no parts; its holder only seals it.

    Raises:
        TooManyRequests: the organisation has registered as many today as it may, or has as many open.
        Unprocessable: consent times would be read, and their time zone is not known.
    """
    require_may_assert_for(actor, await find_organisation(session, wanted.holder_id, "holder_id"))
    if wanted.collection_id is not None:
        await require_own_collection(session, actor, wanted.holder_id, wanted.collection_id)
        began_at, _ = await collection_period(session, wanted.collection_id)
        if wanted.occurred_at < began_at:
            raise Unprocessable(
                "dataset_before_collection", "`occurred_at` is before the collection began. Correct it."
            )
    for parent in await lock_datasets(session, actor, wanted.derived_from):
        _check_parent(actor, wanted, parent)
    await refuse_not_held(session, wanted.derived_from, wanted.occurred_at)
    zone = zone_of(wanted.default_region, wanted.time_zone, reads_consent=wanted.collection_id is not None)
    row = Dataset(
        **wanted.model_dump(exclude={"occurred_at", "derived_from", "time_zone"}),
        time_zone=zone,
        state=DatasetState.OPEN,
        **assertion_columns(actor, wanted.occurred_at),
    )
    session.add(row)
    await session.flush()
    edges = [{"dataset_id": row.id, "parent_id": parent_id} for parent_id in wanted.derived_from]
    await insert_rows(session, DatasetParent, edges)
    await add_usage(session, settings, actor.organisation_id, UsageKind.DATASETS, 1)
    # The organisation's other registrations wait for this one from here on, so that the count is exact.
    await check_open_datasets(session, settings, actor.organisation_id)
    return (await _response_bodies(session, ring, actor, [row]))[0]


async def require_own_collection(
    session: AsyncSession, actor: Actor, holder_id: uuid.UUID, collection_id: uuid.UUID
) -> None:
    """Refuse a collection that is not the holder's, or that the caller can add no dataset to."""
    collection = await find_collection(session, actor, collection_id)
    if collection.collector_id != holder_id:
        raise Unprocessable(
            "holder_not_collector", "A collected dataset is first held by its collector. Name it in `holder_id`."
        )
    if actor.organisation_id not in (collection.collector_id, collection.asserted_by_id):
        # Otherwise numbers from anywhere would get an origin in the name of the organisation that asserts it.
        raise Forbidden(
            "not_your_collection",
            "Only the collector and the organisation that asserts this collection can add datasets to it.",
        )


def _check_parent(actor: Actor, wanted: DatasetIn, parent: Dataset) -> None:
    if parent.holder_id != wanted.holder_id:
        raise Unprocessable(
            "parent_of_other_holder",
            "A dataset is derived from datasets of the same holder. Between two holders, register a transfer.",
        )
    # Otherwise an organisation that sees a dataset upstream could derive from it, and learn its numbers by orphans.
    if not is_own(actor, parent):
        raise Forbidden(
            "not_your_dataset",
            "Only its holder and the organisation that asserts this dataset can derive others from it.",
        )
    if parent.state != DatasetState.SEALED or parent.reconciling:
        raise Conflict(
            "parent_not_sealed", "A dataset can only be derived from sealed datasets. Seal the parent first."
        )
    if wanted.occurred_at < parent.occurred_at:
        raise Unprocessable(
            "dataset_before_parent",
            "`occurred_at` is before the parent's. Correct `occurred_at`, or name another parent.",
        )


async def find_dataset(session: AsyncSession, actor: Actor, dataset_id: uuid.UUID, *, lock: bool = False) -> Dataset:
    """A dataset that the caller sees; with `lock`, locked until the transaction ends."""
    if lock:
        # Lock in a statement of its own: while it waits, a denial may end what the caller sees.
        # It does not block who only refers to the dataset: counts below it do, while what follows may lock those below.
        await session.get(Dataset, dataset_id, with_for_update={"key_share": True})
    return await get_visible(session, Dataset, visibility.visible_single_dataset(actor), dataset_id, "dataset")


async def lock_datasets(session: AsyncSession, actor: Actor, dataset_ids: Collection[uuid.UUID]) -> Sequence[Dataset]:
    """Some datasets that the caller sees, locked until the transaction ends, in the order of their ids.

    They are locked in this order everywhere, so that two requests cannot wait for each other in a circle.

    Raises:
        NotFound: one of them does not exist, or the caller may not see it.
    """
    if len(dataset_ids) <= 1:
        return [await find_dataset(session, actor, dataset_id, lock=True) for dataset_id in dataset_ids]
    # Before, so that nobody locks what it does not see.
    await _require_seen(session, actor, dataset_ids)
    query = select(Dataset).where(col(Dataset.id).in_(dataset_ids)).order_by(col(Dataset.id))
    rows = (await session.exec(query.with_for_update().execution_options(populate_existing=True))).all()
    # And after, because a denial may have ended what the caller sees while this waited.
    await _require_seen(session, actor, dataset_ids)
    return rows


async def _require_seen(session: AsyncSession, actor: Actor, dataset_ids: Collection[uuid.UUID]) -> None:
    seen = await visible_among(session, Dataset, visibility.visible_datasets(actor), dataset_ids)
    if not seen.issuperset(dataset_ids):
        raise NotFound("dataset")


async def find_own_dataset(
    session: AsyncSession, actor: Actor, dataset_id: uuid.UUID, *, lock: bool = False
) -> Dataset:
    """A dataset that the caller holds, or asserts for a holder without an account."""
    row = await find_dataset(session, actor, dataset_id, lock=lock)
    holder = await find_organisation(session, row.holder_id, "holder_id")
    if not is_own(actor, row):
        raise NotFound("dataset of your organisation")
    require_may_assert_for(actor, holder)
    return row


def is_own(actor: Actor, row: Dataset) -> bool:
    """Whether the caller holds a dataset, or asserts it."""
    return actor.organisation_id in (row.holder_id, row.asserted_by_id)


async def get_dataset(session: AsyncSession, ring: KeyRing, actor: Actor, dataset_id: uuid.UUID) -> DatasetOut:
    """A dataset that the caller sees."""
    return (await _response_bodies(session, ring, actor, [await find_dataset(session, actor, dataset_id)]))[0]


async def list_datasets(
    session: AsyncSession, ring: KeyRing, actor: Actor, after: uuid.UUID | None, limit: int
) -> Page[DatasetOut]:
    """The datasets that the caller sees."""
    page = visibility.visible_dataset_page(actor, after, limit)
    rows = await list_visible(session, Dataset, page, after, limit)
    return rows.page(await _response_bodies(session, ring, actor, rows.rows))


# What a holder's file was like. It would tell others what else the holder has.
_OF_FILE: Final = (
    "duplicate_count",
    "rejected_count",
    "unallocated_count",
    "orphan_count",
    "upload_removed_at",
    "date_format",
)


async def _response_bodies(
    session: AsyncSession, ring: KeyRing, actor: Actor, datasets: Sequence[Dataset]
) -> list[DatasetOut]:
    """The datasets as the caller sees them: of those upstream, not what else they were made from."""
    own = {row.id for row in datasets if actor.is_regulator or is_own(actor, row)}
    shown: ColumnElement[bool] = col(DatasetParent.dataset_id).in_(own)
    if len(own) < len(datasets):
        shown = or_(shown, col(DatasetParent.parent_id).in_(visibility.visible_datasets(actor)))
    query = select(DatasetParent).where(col(DatasetParent.dataset_id).in_([row.id for row in datasets]), shown)
    edges = (await session.exec(query.order_by(col(DatasetParent.parent_id)))).all()
    asserters = await read_asserters(session, actor, datasets)
    of_parts = await read_part_columns(session, own)
    marks = await _read_marks(session, datasets)
    answers = []
    for row in datasets:
        answer = dataset_out(ring, row, [edge for edge in edges if edge.dataset_id == row.id], asserters)
        update = of_parts.get(row.id, {}) if row.id in own else dict.fromkeys(_OF_FILE)
        answers.append(answer.model_copy(update=update | marks.get(row.id, {})))
    return answers


_MARKS: Final = text("""
    SELECT dataset.id, ended_at, end_reason, withdrawn.recorded_at AS withdrawn_at
    FROM dataset
    LEFT JOIN LATERAL (
        SELECT ended_at, end_reason FROM ended_holding WHERE dataset_id = dataset.id) AS ended ON true
    LEFT JOIN LATERAL (
        SELECT recorded_at FROM withdrawn_dataset WHERE dataset_id = dataset.id) AS withdrawn ON true
    WHERE dataset.id = ANY(:ids)
""")


async def _read_marks(session: AsyncSession, datasets: Sequence[Dataset]) -> dict[uuid.UUID, dict[str, Any]]:
    """Until when some datasets were held, and when they were withdrawn."""
    rows = (await run(session, _MARKS, {"ids": [row.id for row in datasets]})).all()
    return {
        row.id: {
            "held_until": row.ended_at,
            "end_reason": EndReason(row.end_reason) if row.end_reason else None,
            "withdrawn_at": row.withdrawn_at,
        }
        for row in rows
    }


_NOT_SHOWN: Final = (
    "dialect",
    "consent_span",
    "last_upload_at",
    "month_first_refused",
    "collection_stated_at",
    "copy_dropped_at",
    "recount_request",
)


def dataset_out(ring: KeyRing, row: Dataset, edges: Sequence[DatasetParent], asserters: Asserters) -> DatasetOut:
    """The response body of a dataset, with the edges to its parents."""
    values = {name: value for name, value in asserters.body(row).items() if name not in _NOT_SHOWN}
    span = None if row.consent_span is None else decrypt_span(ring, row.id, row.consent_span)
    transfers = [edge.transfer_id for edge in edges if edge.transfer_id is not None]
    recounting = row.recount_request is not None
    if recounting:
        values |= {"orphan_count": None} | ({} if row.content == Content.UPLOADED else {"number_count": None})
    return DatasetOut(
        **values,
        recounting=recounting,
        first_consented_at=span and span.first,
        last_consented_at=span and span.last,
        derived_from=[edge.parent_id for edge in edges if edge.transfer_id is None],
        received_by_transfer_id=transfers[0] if transfers else None,
    )


async def seal_dataset(session: AsyncSession, queue: App, actor: Actor, dataset_id: uuid.UUID) -> JobOut:
    """Close a dataset for good, and start the job that stores its numbers in order and counts where they come from.

    Raises:
        Conflict: it is sealed or being sealed, received by a transfer, or empty, or the order of its dates is in doubt.
    """
    row = await find_own_dataset(session, actor, dataset_id, lock=True)
    if row.state != DatasetState.OPEN:
        raise Conflict("already_sealed", "This dataset is already sealed, or being sealed.")
    if row.content == Content.UPLOADED:
        await require_numbers(session, row.id)
        check_before_sealing(await read_part_dates(session, row.id), row.month_first_refused, row.date_format)
    row.state = DatasetState.SEALING
    session.add(row)
    return await start_job(session, queue, actor, JobKind.SEAL_DATASET, row.id)


async def state_date_format(
    session: AsyncSession, ring: KeyRing, actor: Actor, dataset_id: uuid.UUID, wanted: DateFormatIn
) -> DatasetOut:
    """State the format of consent times for all parts of an open dataset that have no statement of their own.

    Raises:
        Conflict: it takes no parts.
    """
    row = await find_own_dataset(session, actor, dataset_id, lock=True)
    if row.content != Content.UPLOADED or row.state != DatasetState.OPEN:
        raise Conflict(
            "dataset_not_open", "Only an open dataset that takes parts has a date format. Register another dataset."
        )
    row.date_format = wanted.date_format
    session.add(row)
    await session.flush()
    return (await _response_bodies(session, ring, actor, [row]))[0]


async def read_part_dates(session: AsyncSession, dataset_id: uuid.UUID) -> list[PartDates]:
    """What is known of the dates of all parts, by number."""
    query = select(DatasetPart).where(DatasetPart.dataset_id == dataset_id).order_by(col(DatasetPart.number))
    return [part_dates(row) for row in (await session.exec(query)).all()]


def part_dates(row: DatasetPart) -> PartDates:
    """What is known of the dates of a part."""
    counts = OrderCounts(row.day_first_count, row.month_first_count, row.either_count)
    separators = Separators(row.decided_separators, row.open_separators)
    return PartDates(row.number, row.date_format, row.states_date_format, counts, separators)


# Half a line may be another number, or have another consent time.
_CUT: Final = text("""
    SELECT min(before.number) FROM dataset_part AS before JOIN dataset_part AS after
    ON after.dataset_id = before.dataset_id AND after.number = before.number + 1
    WHERE before.dataset_id = :id AND before.ends_open AND (before.ends_cut OR after.begins_cut)
""")
_REASONS: Final = text("""
    SELECT reason, count(*) AS count FROM rejected_line AS line JOIN dataset_part AS part
    ON part.dataset_id = line.dataset_id AND part.number = line.part AND part.upload = line.upload
    WHERE line.dataset_id = :id GROUP BY reason ORDER BY count DESC, reason
""")


async def require_numbers(session: AsyncSession, dataset_id: uuid.UUID) -> None:
    """Refuse to seal a dataset without numbers, or with missing parts."""
    sums = func.sum(DatasetPart.accepted_count), func.sum(DatasetPart.line_count)
    query = select(func.count(), func.max(DatasetPart.number), *sums)
    parts, last, numbers, lines = (await session.exec(query.where(DatasetPart.dataset_id == dataset_id))).one()
    if not parts:
        raise Conflict("no_parts_uploaded", "No part of this dataset was uploaded yet. Upload one before you seal it.")
    if not lines:
        raise Conflict(
            "no_lines", "The parts have no line below their header. Upload parts that have lines with numbers."
        )
    if not numbers:
        counts = await run(session, _REASONS, {"id": dataset_id})
        reasons = ", ".join(f"{count:,} × {reason}" for reason, count in map(tuple, counts))
        raise Conflict(
            "no_numbers",
            f"Every line was rejected ({reasons}). Correct them as the reasons say, and upload the file again.",
        )
    cut_at = await session.scalar(_CUT, {"id": dataset_id})
    if cut_at is not None:
        raise Conflict(
            "part_cut",
            f"Part {cut_at} ends in the middle of a line, which part {cut_at + 1} goes on with. Cut the file at line "
            f"ends and upload both again. If part {cut_at} ends with a whole line, upload it with a line end.",
        )
    if parts != last:
        raise Conflict(
            "parts_missing", f"{parts} parts were uploaded, and the last has number {last}. Upload the missing ones."
        )


async def list_parts(session: AsyncSession, actor: Actor, dataset_id: uuid.UUID) -> list[PartOut]:
    """The parts that were uploaded whole, by number. An interrupted client continues after them."""
    await find_own_dataset(session, actor, dataset_id)
    query = select(DatasetPart).where(DatasetPart.dataset_id == dataset_id).order_by(col(DatasetPart.number))
    return [part_out(row) for row in (await session.exec(query)).all()]
