"""Rejected lines with their reasons. Raw values are encrypted, shown to the holder only, and deleted after 7 days."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from sqlalchemy import text
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.core.clock import now
from service.core.csv_download import csv_line
from service.core.db import Database, run
from service.core.paging import Page, Slice, read_cursor, read_slice
from service.core.retention import Rule, forget
from service.dataset.chunks import KeptRejects, reject_context
from service.dataset.models import RejectedLine
from service.dataset.operations import find_own_dataset
from service.dataset.schemas import RejectOut
from service.number.keyring import KeyRing
from service.number.rejection import FieldCounts, explain_reject

RAW_KEPT = timedelta(days=7)


_KEEP = text("""
    INSERT INTO rejected_line
        (dataset_id, upload, line, part, reason, field_count, usual_field_count, raw, recorded_at)
    SELECT :dataset_id, :upload, line, :part, reason, fields, usual_fields, raw, now()
    FROM unnest(
        CAST(:lines AS bigint[]), CAST(:reasons AS text[]), CAST(:fields AS integer[]),
        CAST(:usual_fields AS integer[]), CAST(:raws AS bytea[])
    ) AS kept (line, reason, fields, usual_fields, raw)
""")


async def keep(session: AsyncSession, dataset_id: uuid.UUID, upload: int, part: int, rejects: KeptRejects) -> None:
    """Keep rejected lines of one upload."""
    # A statement with many values takes the event loop for as long as they are written out.
    for start in range(0, len(rejects), _KEPT_AT_ONCE):
        rows = slice(start, start + _KEPT_AT_ONCE)
        values = {
            "dataset_id": dataset_id,
            "upload": upload,
            "part": part,
            "lines": rejects.lines[rows],
            "reasons": rejects.reasons[rows],
            "fields": rejects.fields[rows],
            "usual_fields": rejects.usual_fields[rows],
            "raws": rejects.raws[rows],
        }
        await run(session, _KEEP, values)


_KEPT_AT_ONCE = 1000


# Lines of uploads that were interrupted or replaced do not count. Sealing deletes them.
_CURRENT = text(
    "EXISTS (SELECT FROM dataset_part AS part WHERE part.dataset_id = rejected_line.dataset_id "
    "AND part.number = rejected_line.part AND part.upload = rejected_line.upload)"
)


async def _read(
    session: AsyncSession, dataset_id: uuid.UUID, after: tuple[int, ...] | None, limit: int
) -> Slice[RejectedLine]:
    query = select(RejectedLine).where(RejectedLine.dataset_id == dataset_id, _CURRENT)
    return await read_slice(session, query, after, limit, RejectedLine.part, RejectedLine.line)


async def list_rejects(
    session: AsyncSession, actor: Actor, dataset_id: uuid.UUID, after: str | None, limit: int
) -> Page[RejectOut]:
    """A page of the rejected lines, without their raw values. The cursor is `part.line`."""
    await find_own_dataset(session, actor, dataset_id)
    rows = await _read(session, dataset_id, None if after is None else read_cursor(after, 2), limit)
    return rows.page(
        RejectOut(part=row.part, line=row.line, reason=row.reason, explanation=_explanation(row)) for row in rows
    )


def _explanation(row: RejectedLine) -> str:
    fields, usual = row.field_count, row.usual_field_count
    return explain_reject(row.reason, FieldCounts(fields, usual) if fields and usual else None)


async def download_rejects(database: Database, ring: KeyRing, dataset_id: uuid.UUID) -> AsyncIterator[str]:
    """All rejected lines as CSV, with the raw values that are still kept. The caller was authorised before."""
    yield csv_line("part", "line", "reason", "raw", "explanation")
    after: tuple[int, ...] | None = None
    while True:
        async with database.snapshot() as session:
            rows = await _read(session, dataset_id, after, _READ_AT_ONCE)
        # Decrypting them would block the event loop.
        yield await asyncio.to_thread(_csv_lines, ring, rows.rows)
        if rows.next is None:
            break
        after = rows.rows[-1].part, rows.rows[-1].line
    async with database.snapshot() as session:
        incomplete = await run(session, _INCOMPLETE, {"id": dataset_id})
        yield "".join(csv_line(part, "", "not_kept", "", _not_kept(count)) for part, count in map(tuple, incomplete))


_READ_AT_ONCE = 1000


def _csv_lines(ring: KeyRing, rows: Sequence[RejectedLine]) -> str:
    return "".join(csv_line(row.part, row.line, row.reason, _raw(ring, row), _explanation(row)) for row in rows)


_INCOMPLETE = text("""
    SELECT number, rejected_count - rejects_kept FROM dataset_part
    WHERE dataset_id = :id AND rejected_count > rejects_kept ORDER BY number
""")


def _not_kept(count: int) -> str:
    return f"{count} further lines of this part were rejected. They are counted but not kept."


def _raw(ring: KeyRing, row: RejectedLine) -> str:
    if row.raw is None or row.recorded_at < now() - RAW_KEPT:
        return ""
    return ring.decrypt(row.raw, reject_context(row.dataset_id, row.upload, row.line)).decode()


# GDPR 5(1)(e). By then the file was corrected or given up.
forget(
    "forget_raw_lines",
    "17 * * * *",
    Rule(
        table=RejectedLine,
        moment="recorded_at",
        kept=RAW_KEPT,
        data="the encrypted text of a rejected line",
        since="its upload",
        emptied="raw",
    ),
)
