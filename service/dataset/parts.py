"""Uploads of parts: turns a body of any size into staged pseudonyms and rejected lines, chunk by chunk.

Each chunk is written in a short transaction of its own, so that a slow client holds no connection. Staged lines count
only once the last transaction records their upload in the table of parts. An interrupted upload counts for nothing.
"""

import asyncio
import hmac
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.collection.operations import collection_period
from service.core.clock import now
from service.core.db import Database, connection_of, run
from service.core.errors import Conflict, Unprocessable
from service.core.vocabulary import Content, DatasetState
from service.dataset import rejects
from service.dataset.chunks import Chunk, ConsentPeriod, read_chunk
from service.dataset.models import Dataset, DatasetPart
from service.dataset.operations import find_own_dataset, part_out
from service.dataset.schemas import PartOut
from service.intake.dialect import ColumnChoice, Dialect
from service.intake.errors import UnreadablePart
from service.intake.media import Compression, Format
from service.intake.reader import Lines, PartReader
from service.job.operations import has_unfinished_job
from service.membership import store
from service.number.keyring import KeyRing

# Portions of this size need few hops to a thread and little memory.
PORTION_BYTES = 1024 * 1024
_PORTIONS_AHEAD = 4


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload of one part, and what its lines are read with."""

    id: int
    dataset_id: uuid.UUID
    part: int
    region: str
    time_zone: str
    consent_period: ConsentPeriod | None
    dialect: Dialect | None


@dataclass
class Counts:
    """What an upload contains so far."""

    bytes: int = 0
    lines: int = 0
    accepted: int = 0
    rejected: int = 0
    rows: int = 0


async def upload_part(
    database: Database,
    ring: KeyRing,
    actor: Actor,
    dataset_id: uuid.UUID,
    number: int,
    form: tuple[Format, Compression, ColumnChoice],
    body: AsyncIterator[bytes],
) -> PartOut:
    """Store a part. The same bytes again change nothing; other bytes replace the part while the dataset is open.

    Raises:
        Conflict: the dataset takes no numbers, or part 1, which defines the layout, has not been sent yet.
        Unprocessable: the body cannot be read. Nothing of it is kept.
    """
    upload = await _begin(database, actor, dataset_id, number)
    counts, hasher = Counts(), ring.hasher("part")
    # The same bytes read in another way, say from another column, are a different part.
    hasher.update(repr(form).encode())
    try:
        reader = _reader(upload, *form)
        read = partial(read_chunk, region=upload.region, consent_period=upload.consent_period, ring=ring)
        async with _read_ahead(_portions(body)) as portions:
            chunks = _chunks(portions, reader, counts, hasher, read)
            await _write_behind(chunks, partial(_write, database, ring, upload, counts))
        return await _finish(database, upload, counts, hasher, reader)
    except UnreadablePart as refusal:
        await _forget(database, upload)
        raise Unprocessable(refusal.slug, refusal.detail) from refusal
    except BaseException:
        # Also when the client goes away: what it sent counts for nothing and should not take up space.
        await asyncio.shield(_forget(database, upload))
        raise


def _reader(upload: Upload, format_: Format, compression: Compression, columns: ColumnChoice) -> PartReader:
    return PartReader(
        format=format_,
        compression=compression,
        dialect=upload.dialect,
        columns=columns,
        time_zone=upload.time_zone,
        reads_consent=upload.consent_period is not None,
    )


async def _begin(database: Database, actor: Actor, dataset_id: uuid.UUID, number: int) -> Upload:
    async with database.transaction() as session:
        row = await find_own_dataset(session, actor, dataset_id)
        await _require_open(session, row)
        if row.dialect is None and number != 1:
            raise Conflict(
                "first_part_missing",
                "Part 1 defines the delimiter, encoding and header of all parts. Send it first.",
            )
        # Part 1 may be sent again with another layout, as long as no other part was read with the first layout.
        dialect = row.dialect if number != 1 or await _has_other_parts(session, dataset_id) else None
        return Upload(
            id=await session.scalar(_NEXT_UPLOAD),
            dataset_id=dataset_id,
            part=number,
            region=row.default_region,
            time_zone=row.time_zone,
            consent_period=await _consent_period(session, row),
            dialect=Dialect.from_json(dialect) if dialect else None,
        )


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


async def _chunks(
    portions: AsyncIterator[bytes],
    reader: PartReader,
    counts: Counts,
    hasher: hmac.HMAC,
    read: Callable[[Iterator[Lines]], Chunk | None],
) -> AsyncIterator[Chunk]:
    """The chunks of the portions, which a thread hashes, reads, normalises and encrypts."""
    async for portion in portions:
        counts.bytes += len(portion)
        lines = _hashed(portion, reader, hasher)
        while (chunk := await asyncio.to_thread(read, lines)) is not None:
            yield chunk
    lines = reader.finish()
    while (chunk := await asyncio.to_thread(read, lines)) is not None:
        yield chunk


def _hashed(portion: bytes, reader: PartReader, hasher: hmac.HMAC) -> Iterator[Lines]:
    hasher.update(portion)
    yield from reader.feed(portion)


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


async def _write(database: Database, ring: KeyRing, upload: Upload, counts: Counts, chunk: Chunk) -> None:
    async with database.transaction(durable=False) as session:
        # The lock keeps a sealing from starting between this check and the end of this transaction.
        row = await session.get_one(Dataset, upload.dataset_id, with_for_update={"read": True})
        await _require_open(session, row)
        connection = await connection_of(session)
        if len(chunk.run):
            counts.rows = await store.stage(connection, ring, upload.dataset_id, upload.id, counts.rows, chunk.run)
        await rejects.keep(session, ring, upload.dataset_id, upload.id, upload.part, chunk.rejected)
    counts.lines += chunk.lines
    counts.accepted += len(chunk.run)
    counts.rejected += len(chunk.rejected)


async def _finish(database: Database, upload: Upload, counts: Counts, hasher: hmac.HMAC, reader: PartReader) -> PartOut:
    async with database.transaction() as session:
        row = await session.get_one(Dataset, upload.dataset_id, with_for_update=True)
        await _require_open(session, row)
        old = await session.get(DatasetPart, (upload.dataset_id, upload.part))
        if old is not None and hmac.compare_digest(old.digest, hasher.digest()):
            await _drop(session, upload.dataset_id, upload.id)
            return part_out(old, repeated=True, ignored_columns=reader.ignored_columns)
        if old is not None:
            await _drop(session, upload.dataset_id, old.upload)
            await session.delete(old)
            await session.flush()
        if upload.part == 1 and reader.dialect is not None:
            row.dialect = reader.dialect.to_json()
            session.add(row)
        part = DatasetPart(
            dataset_id=upload.dataset_id,
            number=upload.part,
            upload=upload.id,
            digest=hasher.digest(),
            byte_count=counts.bytes,
            line_count=counts.lines,
            accepted_count=counts.accepted,
            rejected_count=counts.rejected,
        )
        session.add(part)
        await session.flush()
        return part_out(part, ignored_columns=reader.ignored_columns)


async def _drop(session: AsyncSession, dataset_id: uuid.UUID, upload: int) -> None:
    await store.unstage(await connection_of(session), dataset_id, upload)
    await run(session, _DROP_REJECTS, {"id": dataset_id, "upload": upload})


_DROP_REJECTS = text("DELETE FROM rejected_line WHERE dataset_id = :id AND upload = :upload")


async def _forget(database: Database, upload: Upload) -> None:
    async with database.transaction() as session:
        await _drop(session, upload.dataset_id, upload.id)
