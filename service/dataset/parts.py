"""Uploads of parts: turns a body of any size into staged pseudonyms and rejected lines, chunk by chunk.

Each chunk is written in a short transaction of its own, so that a slow client holds no connection. Staged lines count
only once the last transaction records their upload in the table of parts. An interrupted upload counts for nothing.
"""

import asyncio
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from functools import partial
from typing import Annotated, Any, NamedTuple

from fastapi import Depends
from sqlalchemy import text

from service.access.actor import Actor
from service.core.db import Database, DatabaseDep, connection_of
from service.core.errors import Conflict, Overloaded, Unprocessable
from service.core.settings import Settings, SettingsDep
from service.dataset import expiry, rejects
from service.dataset.chunks import Chunk, make_chunk
from service.dataset.declaration import Declared
from service.dataset.operations import find_own_dataset
from service.dataset.part_form import consent_period, part_form, settled_dialect
from service.dataset.part_reading import batches_of, reading
from service.dataset.part_record import (
    Counts,
    Upload,
    forget_upload,
    has_other_parts,
    lock_to_receive,
    note_refusal,
    record_part,
    require_open,
)
from service.dataset.schemas import PartOut
from service.intake.errors import UnreadablePart
from service.membership import store
from service.number.app_keyring import RingDep
from service.number.keyring import KeyRing
from service.sandbox.launcher import ReaderLost
from service.sandbox.pool import ReaderPool, ReaderPoolDep
from service.sandbox.process import ReaderProcess
from service.usage.uploads import UploadUsage


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
    declared: Declared,
    body: AsyncIterator[bytes],
) -> PartOut:
    """Store a part. The same bytes again change nothing; other bytes replace the part while the dataset is open.

    Raises:
        Conflict: the dataset takes no numbers, or part 1, which defines the layout, has not been sent yet.
        Unauthenticated: the caller's key has ended since. Nothing of it is kept.
        Unprocessable: the body cannot be read. Nothing of it is kept.
        TooManyRequests: the organisation may not upload as much. Nothing of it is kept.
        Overloaded: too many parts are being read, or the process that read this one was ended from outside.
    """
    upload = await _begin(uploads, actor, dataset_id, number, declared)
    await usage.begin()
    counts, hasher = Counts(), uploads.ring.hasher("part")
    # The same bytes read in another way, say from another column, are a different part.
    hasher.update(repr((declared, upload.form.date_format)).encode())

    def seen(portion: bytes) -> None:
        hasher.update(portion)
        counts.bytes += len(portion)

    try:
        async with reading(uploads.pool, actor.organisation_id, upload.form, usage.counted(body), seen) as reader:
            write = partial(_write, uploads, usage, upload, counts)
            async with aclosing(_chunks(uploads, upload, reader)) as chunks:
                await _write_behind(chunks, write)
        assert reader.end is not None
        part = await record_part(uploads.database, upload, counts, hasher.digest(), reader.end)
        if part.repeated:
            usage.repeat()
        return part
    except UnreadablePart as refusal:
        await forget_upload(uploads.database, upload)
        detail = refusal.detail + await note_refusal(uploads.database, upload, refusal.slug)
        raise Unprocessable(refusal.slug, detail) from refusal
    except ReaderLost:
        await forget_upload(uploads.database, upload)
        raise Overloaded(
            "reader_lost",
            "The process that read this part was ended from outside. Nothing of the part was kept. Send it again.",
        ) from None
    except BaseException:
        # Also when the client goes away: what it sent counts for nothing and should not take up space.
        await asyncio.shield(forget_upload(uploads.database, upload))
        raise


async def _begin(
    uploads: Uploads,
    actor: Actor,
    dataset_id: uuid.UUID,
    number: int,
    declared: Declared,
) -> Upload:
    async with uploads.database.transaction() as session:
        row = await find_own_dataset(session, actor, dataset_id)
        await require_open(session, row)
        if row.dialect is None and number != 1:
            raise Conflict(
                "first_part_missing",
                "Part 1 defines the delimiter, encoding and header of all parts. Send it first.",
            )
        # Part 1 may be sent again with another layout, as long as no other part was read with the first layout.
        dialect = row.dialect if number != 1 or await has_other_parts(session, dataset_id) else None
        expiry.note_upload(row)
        form = part_form(
            declared._replace(date_format=declared.date_format or row.date_format),
            settled_dialect(dialect, declared.format),
            row.default_region,
            row.time_zone,
            await consent_period(session, row.collection_id, row.occurred_at),
            uploads.settings.rejects_kept_per_part,
        )
        is_own = declared.date_format is not None
        return Upload(await session.scalar(_NEXT_UPLOAD), actor, dataset_id, number, form, states_date_format=is_own)


_NEXT_UPLOAD = text("SELECT nextval('part_upload')")


async def _chunks(uploads: Uploads, upload: Upload, reader: ReaderProcess) -> AsyncGenerator[Chunk]:
    """The chunks of the lines. While a thread encrypts one, the batches of the next are received."""
    async with aclosing(batches_of(uploads.pool, reader)) as received:
        async for batches in received:
            yield await asyncio.to_thread(make_chunk, batches, uploads.ring, upload.dataset_id, upload.id)


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
        await lock_to_receive(session, upload.dataset_id, read=True)
        connection = await connection_of(session)
        if len(chunk.run):
            counts.rows = await store.stage(
                connection, uploads.ring, upload.dataset_id, upload.id, counts.rows, chunk.run
            )
        await rejects.keep(session, upload.dataset_id, upload.id, upload.part, chunk.rejects)
    counts.lines += chunk.lines
    counts.accepted += len(chunk.run)
    counts.unallocated += chunk.unallocated
    counts.rejects_kept += len(chunk.rejects)
    counts.consents += chunk.consent_count
