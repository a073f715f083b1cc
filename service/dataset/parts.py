"""Uploads of parts: turns a body of any size into staged pseudonyms and rejected lines, chunk by chunk.

Each chunk is written in a short transaction of its own, so that a slow client holds no connection. Staged lines count
only once the last transaction records their upload in the table of parts. An interrupted upload counts for nothing.
"""

import asyncio
import hmac
import tempfile
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, NamedTuple

from fastapi import Depends
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.collection.operations import collection_period
from service.core.clock import now
from service.core.db import Database, DatabaseDep, connection_of, run
from service.core.errors import Conflict, Overloaded, Unprocessable
from service.core.settings import Settings, SettingsDep
from service.core.vocabulary import Content, DatasetState
from service.dataset import expiry, rejects
from service.dataset.chunks import LINES_AT_ONCE, Chunk, make_chunk
from service.dataset.models import Dataset, DatasetPart
from service.dataset.operations import find_own_dataset, part_out
from service.dataset.schemas import PartOut
from service.intake.dialect import ColumnChoice, Dialect
from service.intake.errors import UnreadablePart
from service.intake.media import Compression, Format
from service.job.operations import has_unfinished_job
from service.membership import store
from service.number.app_keyring import RingDep
from service.number.keyring import KeyRing
from service.sandbox.batch import Batch
from service.sandbox.form import ConsentPeriod, PartForm
from service.sandbox.frames import End
from service.sandbox.launcher import ReaderLost
from service.sandbox.pool import ReaderPool, ReaderPoolDep
from service.sandbox.process import ReaderProcess
from service.usage.uploads import UploadUsage

# Portions of this size need few hops to a thread and little memory.
PORTION_BYTES = 1024 * 1024
_PORTIONS_AHEAD = 4


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload of one part, and what its lines are read with."""

    id: int
    dataset_id: uuid.UUID
    part: int
    form: PartForm


@dataclass
class Counts:
    """What an upload contains so far."""

    bytes: int = 0
    lines: int = 0
    accepted: int = 0
    rejects_kept: int = 0
    rows: int = 0


class Uploads(NamedTuple):
    """What uploads need of the process."""

    database: Database
    ring: KeyRing
    pool: ReaderPool
    settings: Settings


async def _uploads_of(database: DatabaseDep, ring: RingDep, pool: ReaderPoolDep, settings: SettingsDep) -> Uploads:
    return Uploads(database, ring, pool, settings)


UploadsDep = Annotated[Uploads, Depends(_uploads_of)]


async def upload_part(
    uploads: Uploads,
    usage: UploadUsage,
    actor: Actor,
    dataset_id: uuid.UUID,
    number: int,
    declared: tuple[Format, Compression, ColumnChoice],
    body: AsyncIterator[bytes],
) -> PartOut:
    """Store a part. The same bytes again change nothing; other bytes replace the part while the dataset is open.

    Raises:
        Conflict: the dataset takes no numbers, or part 1, which defines the layout, has not been sent yet.
        Unprocessable: the body cannot be read. Nothing of it is kept.
        TooManyRequests: the organisation may not upload as much. Nothing of it is kept.
        Overloaded: too many parts are being read, or the process that read this one was ended from outside.
    """
    upload = await _begin(uploads, actor, dataset_id, number, declared)
    await usage.begin()
    counts, hasher = Counts(), uploads.ring.hasher("part")
    # The same bytes read in another way, say from another column, are a different part.
    hasher.update(repr(declared).encode())
    try:
        async with _read_ahead(_portions(usage.counted(body))) as portions:
            # A reader is taken once there is something to read, so that no client holds it that sends nothing.
            first = await anext(portions, b"")
            async with uploads.pool.reader(actor.organisation_id, upload.form) as reader:
                write = partial(_write, uploads, usage, upload, counts)
                sending = partial(_send, uploads.pool, reader, _counted(first, portions, counts), hasher)
                async with _beside(sending(), reader), aclosing(_chunks(uploads, upload, reader)) as chunks:
                    await _write_behind(chunks, write)
        assert reader.end is not None
        part = await _finish(uploads.database, upload, counts, hasher.digest(), reader.end)
        if part.repeated:
            usage.repeat()
        return part
    except UnreadablePart as refusal:
        await _forget(uploads.database, upload)
        raise Unprocessable(refusal.slug, refusal.detail) from refusal
    except ReaderLost:
        await _forget(uploads.database, upload)
        raise Overloaded(
            "reader_lost",
            "The process that read this part was ended from outside. Nothing of the part was kept. Send it again.",
        ) from None
    except BaseException:
        # Also when the client goes away: what it sent counts for nothing and should not take up space.
        await asyncio.shield(_forget(uploads.database, upload))
        raise


async def _begin(
    uploads: Uploads,
    actor: Actor,
    dataset_id: uuid.UUID,
    number: int,
    declared: tuple[Format, Compression, ColumnChoice],
) -> Upload:
    async with uploads.database.transaction() as session:
        row = await find_own_dataset(session, actor, dataset_id)
        await _require_open(session, row)
        if row.dialect is None and number != 1:
            raise Conflict(
                "first_part_missing",
                "Part 1 defines the delimiter, encoding and header of all parts. Send it first.",
            )
        # Part 1 may be sent again with another layout, as long as no other part was read with the first layout.
        dialect = row.dialect if number != 1 or await _has_other_parts(session, dataset_id) else None
        expiry.note_upload(row)
        form = PartForm(
            *declared,
            dialect=_settled_dialect(dialect, declared[0]),
            region=row.default_region,
            time_zone=row.time_zone,
            consent_period=await _consent_period(session, row),
            rejects_kept=uploads.settings.rejects_kept_per_part,
            folder=tempfile.gettempdir(),
        )
        return Upload(await session.scalar(_NEXT_UPLOAD), dataset_id, number, form)


def _settled_dialect(stored: dict[str, Any] | None, declared: Format) -> Dialect | None:
    dialect = Dialect.from_json(stored) if stored else None
    if dialect is not None and dialect.format is not declared:
        raise Unprocessable(
            "format_differs", f"The first part of this dataset is {dialect.format}. Send this part in that format."
        )
    return dialect


_NEXT_UPLOAD = text("SELECT nextval('part_upload')")
_OTHER_PARTS = text("SELECT EXISTS (SELECT FROM dataset_part WHERE dataset_id = :id AND number <> 1)")


async def _has_other_parts(session: AsyncSession, dataset_id: uuid.UUID) -> bool:
    return bool(await session.scalar(_OTHER_PARTS, {"id": dataset_id}))


async def _consent_period(session: AsyncSession, row: Dataset) -> ConsentPeriod | None:
    """The period in which each consent of this dataset must lie; None for a dataset without a collection."""
    if row.collection_id is None:
        return None
    begin, end = await collection_period(session, row.collection_id)
    return ConsentPeriod(begin, end, row.occurred_at, now())


async def _require_open(session: AsyncSession, row: Dataset) -> None:
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


async def _portions(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    held = bytearray()
    async for chunk in body:
        held += chunk
        if len(held) >= PORTION_BYTES:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


@asynccontextmanager
async def _read_ahead(portions: AsyncIterator[bytes]) -> AsyncIterator[AsyncIterator[bytes]]:
    """The portions; a few more are received while one is being read."""
    arrived: asyncio.Queue[bytes | None] = asyncio.Queue(_PORTIONS_AHEAD)

    async def receive() -> None:
        try:
            async for portion in portions:
                await arrived.put(portion)
        except Exception:
            await arrived.put(None)
            raise
        await arrived.put(None)

    async def received() -> AsyncIterator[bytes]:
        while (portion := await arrived.get()) is not None:
            yield portion
        # Raises here if the client went away.
        await receiving

    receiving = asyncio.create_task(receive())
    try:
        yield received()
    finally:
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)


async def _counted(first: bytes, portions: AsyncIterator[bytes], counts: Counts) -> AsyncIterator[bytes]:
    counts.bytes += len(first)
    yield first
    async for portion in portions:
        counts.bytes += len(portion)
        yield portion


async def _send(pool: ReaderPool, reader: ReaderProcess, portions: AsyncIterator[bytes], hasher: hmac.HMAC) -> None:
    """Send the portions to the reader, each in its turn. While a client is waited for, others read."""
    async for portion in portions:
        if portion:
            async with pool.turn():
                if not await pool.in_thread(partial(_hash_and_send, reader, portion, hasher)):
                    return
    async with pool.turn():
        await pool.in_thread(reader.finish)
        await reader.answered.wait()


def _hash_and_send(reader: ReaderProcess, portion: bytes, hasher: hmac.HMAC) -> bool:
    hasher.update(portion)
    return reader.send(portion)


@asynccontextmanager
async def _beside(sending: Coroutine[Any, Any, None], reader: ReaderProcess) -> AsyncIterator[None]:
    """Send beside the block. If sending fails, because the client is gone, the block fails of the same cause."""

    async def send() -> None:
        try:
            await sending
        except BaseException:
            # Whatever waits for the reader ends with it.
            reader.close()
            raise

    task = asyncio.create_task(send())
    try:
        yield
        await task
    except Exception:
        if task.done() and not task.cancelled() and (cause := task.exception()) is not None:
            raise cause from None
        raise
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _chunks(uploads: Uploads, upload: Upload, reader: ReaderProcess) -> AsyncGenerator[Chunk]:
    """The chunks of the lines. While a thread encrypts one, the batches of the next are received."""
    receiving = asyncio.create_task(uploads.pool.in_thread(partial(_receive, reader)))
    try:
        while batches := await receiving:
            receiving = asyncio.create_task(uploads.pool.in_thread(partial(_receive, reader)))
            yield await asyncio.to_thread(make_chunk, batches, uploads.ring, upload.dataset_id, upload.id)
    finally:
        reader.answered.set()
        if not receiving.done():
            reader.close()
            await asyncio.gather(receiving, return_exceptions=True)


def _receive(reader: ReaderProcess) -> list[Batch]:
    """The batches of the next chunk; none after the last line."""
    batches: list[Batch] = []
    lines = 0
    while lines < LINES_AT_ONCE and (batch := reader.receive()) is not None:
        batches.append(batch)
        lines += batch.lines
    return batches


async def _write_behind(chunks: AsyncIterator[Chunk], write: Callable[[Chunk], Coroutine[Any, Any, None]]) -> None:
    """Write each chunk while the next one is read."""
    writing: asyncio.Task[None] | None = None
    try:
        async for chunk in chunks:
            if writing is not None:
                await writing
            writing = asyncio.create_task(write(chunk))
        if writing is not None:
            await writing
    finally:
        # Wait, so that nothing is written after the caller learns that this failed.
        if writing is not None:
            await asyncio.gather(writing, return_exceptions=True)


async def _write(uploads: Uploads, usage: UploadUsage, upload: Upload, counts: Counts, chunk: Chunk) -> None:
    await usage.count_lines(chunk.lines)
    await usage.count_numbers(len(chunk.run))
    async with uploads.database.transaction(durable=False) as session:
        # The lock keeps a sealing from starting between this check and the end of this transaction.
        row = await session.get_one(Dataset, upload.dataset_id, with_for_update={"read": True})
        await _require_open(session, row)
        connection = await connection_of(session)
        if len(chunk.run):
            counts.rows = await store.stage(
                connection, uploads.ring, upload.dataset_id, upload.id, counts.rows, chunk.run
            )
        await rejects.keep(session, upload.dataset_id, upload.id, upload.part, chunk.rejects)
    counts.lines += chunk.lines
    counts.accepted += len(chunk.run)
    counts.rejects_kept += len(chunk.rejects)


async def _finish(database: Database, upload: Upload, counts: Counts, digest: bytes, end: End) -> PartOut:
    async with database.transaction() as session:
        row = await session.get_one(Dataset, upload.dataset_id, with_for_update=True)
        await _require_open(session, row)
        old = await session.get(DatasetPart, (upload.dataset_id, upload.part))
        if old is not None and hmac.compare_digest(old.digest, digest):
            await _drop(session, upload.dataset_id, upload.id)
            return part_out(old, repeated=True, ignored_columns=end.ignored_columns)
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
            rejected_count=counts.lines - counts.accepted,
            rejects_kept=counts.rejects_kept,
        )
        session.add(part)
        await session.flush()
        return part_out(part, ignored_columns=end.ignored_columns)


async def _drop(session: AsyncSession, dataset_id: uuid.UUID, upload: int) -> None:
    await store.unstage(await connection_of(session), dataset_id, upload)
    await run(session, _DROP_REJECTS, {"id": dataset_id, "upload": upload})


_DROP_REJECTS = text("DELETE FROM rejected_line WHERE dataset_id = :id AND upload = :upload")


async def _forget(database: Database, upload: Upload) -> None:
    async with database.transaction() as session:
        await _drop(session, upload.dataset_id, upload.id)
