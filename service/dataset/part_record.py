"""The record of an uploaded part: written once all of its lines are staged, in one transaction, or nothing is kept."""

import hmac
import uuid
from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.access.key_watch import require_living
from service.core.db import Database, connection_of, run
from service.core.errors import Conflict, NotFound
from service.core.vocabulary import Content, DatasetState
from service.dataset.date_order import check_part, earlier_parts, shows_month_first
from service.dataset.models import Dataset, DatasetPart
from service.dataset.operations import part_dates, read_part_dates
from service.dataset.part_columns import PartColumns, check_places, part_out, shown_columns, stored_columns
from service.dataset.schemas import PartOut
from service.intake.dialect import Dialect
from service.job.operations import has_unfinished_job
from service.membership import store
from service.sandbox.form import PartForm
from service.sandbox.frames import End


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload of one part, and what its lines are read with. The date format may be stated for the part itself."""

    id: int
    actor: Actor
    dataset_id: uuid.UUID
    part: int
    form: PartForm
    states_date_format: bool


@dataclass
class Counts:
    """What an upload contains so far."""

    bytes: int = 0
    lines: int = 0
    accepted: int = 0
    unallocated: int = 0
    rejects_kept: int = 0
    consents: int = 0
    rows: int = 0


async def require_open(session: AsyncSession, row: Dataset) -> None:
    """Raise Conflict if a dataset takes no parts now."""
    if row.reconciling:
        if await has_unfinished_job(session, row.id):
            raise Conflict("being_compared", "Your file is already being compared. Follow that job.")
        return
    if row.content != Content.UPLOADED:
        raise Conflict(
            "takes_no_parts",
            "The numbers of this dataset are those of its parents. Upload parts to a dataset of content `uploaded`.",
        )
    if row.state != DatasetState.OPEN:
        raise Conflict(
            "dataset_not_open", "This dataset is sealed, or being sealed. Register another dataset for more numbers."
        )


async def lock_to_receive(session: AsyncSession, dataset_id: uuid.UUID, *, read: bool = False) -> Dataset:
    """The dataset of an upload, locked: with `read` only against what ends its uploads, and not against others.

    Raises:
        NotFound: it was thrown away since the upload began.
        Conflict: it takes no parts any more.
    """
    row = await session.get(Dataset, dataset_id, with_for_update={"read": read})
    if row is None:
        raise NotFound("dataset")
    await require_open(session, row)
    return row


async def record_part(database: Database, upload: Upload, counts: Counts, digest: bytes, end: End) -> PartOut:
    """Record a part whose lines are all staged. From here on they count, in place of those that it had before.

    Raises:
        Conflict: the dataset takes no parts any more, or its layout has changed since.
        NotFound: the dataset was thrown away since.
        Unauthenticated: the caller's key has ended since.
        UnreadablePart: its dates or columns are in another order than those of other parts.
    """
    async with database.transaction() as session:
        await require_living(session, upload.actor)
        row = await lock_to_receive(session, upload.dataset_id)
        await _require_its_layout(session, row, upload, end)
        old = await session.get(DatasetPart, (upload.dataset_id, upload.part))
        if upload.part in row.month_first_refused:
            row.month_first_refused = [number for number in row.month_first_refused if number != upload.part]
            session.add(row)
        if old is not None and hmac.compare_digest(old.digest, digest):
            await _drop(session, upload.dataset_id, upload.id)
            return part_out(old, repeated=True, ignored_columns=shown_columns(end))
        if old is not None:
            await _drop(session, upload.dataset_id, old.upload)
            await session.delete(old)
            await session.flush()
        if upload.part == 1:
            row.dialect = end.dialect.to_json()
            session.add(row)
        part = DatasetPart(
            dataset_id=upload.dataset_id,
            number=upload.part,
            upload=upload.id,
            digest=digest,
            byte_count=counts.bytes,
            line_count=counts.lines,
            accepted_count=counts.accepted,
            unallocated_count=counts.unallocated,
            rejected_count=counts.lines - counts.accepted,
            rejects_kept=counts.rejects_kept,
            consent_count=counts.consents,
            **stored_columns(end),
            date_format=upload.form.date_format,
            states_date_format=upload.states_date_format,
            day_first_count=end.order_counts.day_first,
            month_first_count=end.order_counts.month_first,
            either_count=end.order_counts.either,
            decided_separators=end.separators.decided,
            open_separators=end.separators.open,
        )
        others = await read_part_dates(session, upload.dataset_id)
        check_part(part_dates(part), others, row.date_format)
        await check_places(session, upload.dataset_id, PartColumns.of(upload.part, end))
        session.add(part)
        await session.flush()
        return part_out(part, ignored_columns=shown_columns(end))


async def _require_its_layout(session: AsyncSession, row: Dataset, upload: Upload, end: End) -> None:
    """Raise Conflict if a part was read by another layout than the dataset's. Part 1 may change it if it is alone."""
    settled = Dialect.from_json(row.dialect) if row.dialect else None
    if end.dialect == settled or (upload.part == 1 and not await has_other_parts(session, upload.dataset_id)):
        return
    raise Conflict(
        "layout_changed",
        "Part 1, which defines the layout, was sent again beside another part, and one of them was read by the old "
        "layout. Send this part again.",
    )


_OTHER_PARTS = text("SELECT EXISTS (SELECT FROM dataset_part WHERE dataset_id = :id AND number <> 1)")


async def has_other_parts(session: AsyncSession, dataset_id: uuid.UUID) -> bool:
    """Whether a dataset has a part but the first."""
    return bool(await session.scalar(_OTHER_PARTS, {"id": dataset_id}))


async def note_refusal(database: Database, upload: Upload, slug: str) -> str:
    """Remember a part that was refused because its dates have the month first: others are in doubt from then on.

    Returns what the refusal says about the parts that were sent before.
    """
    if not shows_month_first(slug, upload.form.date_format):
        return ""
    async with database.transaction() as session:
        row = await session.get(Dataset, upload.dataset_id, with_for_update=True)
        if row is None or row.state != DatasetState.OPEN:
            return ""
        row.month_first_refused = sorted({*row.month_first_refused, upload.part})
        session.add(row)
        if slug == "dates_in_other_order":
            return ""
        others = await read_part_dates(session, upload.dataset_id)
        return earlier_parts([other for other in others if other.number != upload.part], row.date_format)


async def _drop(session: AsyncSession, dataset_id: uuid.UUID, upload: int) -> None:
    await store.unstage(await connection_of(session), dataset_id, upload)
    await run(session, _DROP_REJECTS, {"id": dataset_id, "upload": upload})


_DROP_REJECTS = text("DELETE FROM rejected_line WHERE dataset_id = :id AND upload = :upload")


async def forget_upload(database: Database, upload: Upload) -> None:
    """Delete what was staged by an upload that does not count."""
    async with database.transaction() as session:
        await _drop(session, upload.dataset_id, upload.id)
