"""One function per operation on datasets."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from procrastinate import App
from sqlalchemy import ColumnElement
from sqlmodel import col, func, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access import visibility
from service.access.actor import Actor
from service.access.assertion import assertion_columns
from service.access.visible_rows import Asserters, get_visible, list_visible, read_asserters
from service.collection.operations import collection_period, find_collection
from service.core.errors import Conflict, Forbidden, NotFound, Unprocessable
from service.core.paging import Page
from service.core.settings import Settings
from service.core.vocabulary import Content, DatasetState, UsageKind
from service.dataset.models import Dataset, DatasetParent, DatasetPart
from service.dataset.schemas import DatasetIn, DatasetOut, PartOut
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
    """
    require_may_assert_for(actor, await find_organisation(session, wanted.holder_id, "holder_id"))
    if wanted.collection_id is not None:
        await _check_collection(session, actor, wanted, wanted.collection_id)
    # Parents are locked in the same order everywhere, so that two requests cannot wait for each other in a circle.
    for parent_id in sorted(wanted.derived_from):
        _check_parent(actor, wanted, await find_dataset(session, actor, parent_id, lock=True))
    row = Dataset(
        **wanted.model_dump(exclude={"occurred_at", "derived_from"}),
        state=DatasetState.OPEN,
        **assertion_columns(actor, wanted.occurred_at),
    )
    session.add(row)
    await session.flush()
    session.add_all(DatasetParent(dataset_id=row.id, parent_id=parent_id) for parent_id in wanted.derived_from)
    await session.flush()
    await add_usage(session, settings, actor.organisation_id, UsageKind.DATASETS, 1)
    # The organisation's other registrations wait for this one from here on, so that the count is exact.
    await check_open_datasets(session, settings, actor.organisation_id)
    return (await _response_bodies(session, ring, actor, [row]))[0]


async def _check_collection(session: AsyncSession, actor: Actor, wanted: DatasetIn, collection_id: uuid.UUID) -> None:
    collection = await find_collection(session, actor, collection_id)
    if collection.collector_id != wanted.holder_id:
        raise Unprocessable(
            "holder_not_collector", "A collected dataset is first held by its collector. Name it in `holder_id`."
        )
    if actor.organisation_id not in (collection.collector_id, collection.asserted_by_id):
        # Otherwise numbers from anywhere would get an origin in the name of the organisation that asserts it.
        raise Forbidden(
            "not_your_collection",
            "Only the collector and the organisation that asserts this collection can add datasets to it.",
        )
    begin, _ = await collection_period(session, collection_id)
    if wanted.occurred_at < begin:
        raise Unprocessable("dataset_before_collection", "`occurred_at` is before the collection began. Correct it.")


def _check_parent(actor: Actor, wanted: DatasetIn, parent: Dataset) -> None:
    if parent.holder_id != wanted.holder_id:
        raise Unprocessable(
            "parent_of_other_holder",
            "A dataset is derived from datasets of the same holder. Between two holders, register a transfer.",
        )
    # Otherwise an organisation that sees a dataset upstream could derive from it, and learn its numbers by orphans.
    if not _is_own(actor, parent):
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
        await session.get(Dataset, dataset_id, with_for_update=True)
    return await get_visible(session, Dataset, visibility.visible_single_dataset(actor), dataset_id, "dataset")


async def find_own_dataset(
    session: AsyncSession, actor: Actor, dataset_id: uuid.UUID, *, lock: bool = False
) -> Dataset:
    """A dataset that the caller holds, or asserts for a holder without an account."""
    row = await find_dataset(session, actor, dataset_id, lock=lock)
    holder = await find_organisation(session, row.holder_id, "holder_id")
    if not _is_own(actor, row):
        raise NotFound("dataset of your organisation")
    require_may_assert_for(actor, holder)
    return row


def _is_own(actor: Actor, row: Dataset) -> bool:
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
_OF_FILE: Final = ("duplicate_count", "rejected_count", "orphan_count", "upload_removed_at")


async def _response_bodies(
    session: AsyncSession, ring: KeyRing, actor: Actor, datasets: Sequence[Dataset]
) -> list[DatasetOut]:
    """The datasets as the caller sees them: of those upstream, not what else they were made from."""
    own = {row.id for row in datasets if actor.is_regulator or _is_own(actor, row)}
    shown: ColumnElement[bool] = col(DatasetParent.dataset_id).in_(own)
    if len(own) < len(datasets):
        shown = or_(shown, col(DatasetParent.parent_id).in_(visibility.visible_datasets(actor)))
    query = select(DatasetParent).where(col(DatasetParent.dataset_id).in_([row.id for row in datasets]), shown)
    edges = (await session.exec(query.order_by(col(DatasetParent.parent_id)))).all()
    asserters = await read_asserters(session, actor, datasets)
    answers = []
    for row in datasets:
        answer = dataset_out(ring, row, [edge for edge in edges if edge.dataset_id == row.id], asserters)
        answers.append(answer if row.id in own else answer.model_copy(update=dict.fromkeys(_OF_FILE)))
    return answers


_NOT_SHOWN: Final = ("dialect", "consent_span", "last_upload_at")


def dataset_out(ring: KeyRing, row: Dataset, edges: Sequence[DatasetParent], asserters: Asserters) -> DatasetOut:
    """The response body of a dataset, with the edges to its parents."""
    values = {name: value for name, value in asserters.body(row).items() if name not in _NOT_SHOWN}
    span = None if row.consent_span is None else decrypt_span(ring, row.id, row.consent_span)
    transfers = [edge.transfer_id for edge in edges if edge.transfer_id is not None]
    return DatasetOut(
        **values,
        first_consented_at=span and span.first,
        last_consented_at=span and span.last,
        derived_from=[edge.parent_id for edge in edges if edge.transfer_id is None],
        received_by_transfer_id=transfers[0] if transfers else None,
    )


async def seal_dataset(session: AsyncSession, queue: App, actor: Actor, dataset_id: uuid.UUID) -> JobOut:
    """Close a dataset for good, and start the job that stores its numbers in order and counts where they come from.

    Raises:
        Conflict: it is sealed or being sealed, received by a transfer, or empty.
    """
    row = await find_own_dataset(session, actor, dataset_id, lock=True)
    if row.state != DatasetState.OPEN:
        raise Conflict("already_sealed", "This dataset is already sealed, or being sealed.")
    if row.content == Content.UPLOADED:
        await require_numbers(session, row.id)
    row.state = DatasetState.SEALING
    session.add(row)
    return await start_job(session, queue, actor, JobKind.SEAL_DATASET, row.id)


async def require_numbers(session: AsyncSession, dataset_id: uuid.UUID) -> None:
    """Refuse to seal a dataset without numbers, or with missing parts."""
    query = select(func.count(), func.max(DatasetPart.number), func.sum(DatasetPart.accepted_count))
    parts, last, numbers = (await session.exec(query.where(DatasetPart.dataset_id == dataset_id))).one()
    if not parts:
        raise Conflict("no_parts_uploaded", "No part of this dataset was uploaded yet. Upload one before you seal it.")
    if not numbers:
        raise Conflict(
            "no_numbers", "Every line was rejected. See the reasons at `rejects`, correct the file and upload it again."
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


def part_out(row: DatasetPart, **extra: Any) -> PartOut:
    """The response body of a part."""
    return PartOut(**row.model_dump(exclude={"dataset_id", "upload", "digest"}), **extra)
