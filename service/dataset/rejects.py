"""Rejected lines: kept with their reason; the raw value sealed, shown only to the holder, and gone after seven days."""

import csv
import io
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from sqlalchemy import text
from sqlmodel import col, select, tuple_
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.core.clock import now
from service.core.db import Database, run
from service.core.errors import Unprocessable
from service.core.resources import Resources
from service.core.task_queue import task
from service.dataset.chunks import Rejected
from service.dataset.models import RejectedLine
from service.dataset.operations import find_own
from service.dataset.schemas import RejectOut, RejectPage
from service.number.keyring import KeyRing
from service.number.normalisation import REJECT_EXPLANATIONS, RejectReason

RAW_KEPT = timedelta(days=7)


_KEEP = text("""
    INSERT INTO rejected_line (dataset_id, upload, line, part, reason, raw, recorded_at)
    SELECT :dataset_id, :upload, line, :part, reason, raw, now()
    FROM unnest(CAST(:lines AS bigint[]), CAST(:reasons AS text[]), CAST(:raws AS bytea[])) AS kept (line, reason, raw)
""")


async def keep(
    session: AsyncSession,
    ring: KeyRing,
    dataset_id: uuid.UUID,
    upload: int,
    part: int,
    rejected: Sequence[Rejected],
) -> None:
    """Keep rejected lines of one upload, their raw values sealed."""
    if not rejected:
        return
    values = {
        "dataset_id": dataset_id,
        "upload": upload,
        "part": part,
        "lines": [one.line for one in rejected],
        "reasons": [one.reason.value for one in rejected],
        "raws": [
            ring.encrypt(one.raw.encode(errors="replace"), _context(dataset_id, upload, one.line)) for one in rejected
        ],
    }
    await run(session, _KEEP, values)


def _context(dataset_id: uuid.UUID, upload: int, line: int) -> bytes:
    return f"rejected line {line} of upload {upload} to {dataset_id}".encode()


# Lines of uploads that were interrupted or replaced do not count, and are gone when the dataset is sealed.
_CURRENT = text(
    "EXISTS (SELECT FROM dataset_part AS part WHERE part.dataset_id = rejected_line.dataset_id "
    "AND part.number = rejected_line.part AND part.upload = rejected_line.upload)"
)


async def _read(
    session: AsyncSession, dataset_id: uuid.UUID, after: tuple[int, int], limit: int
) -> Sequence[RejectedLine]:
    query = (
        select(RejectedLine)
        .where(RejectedLine.dataset_id == dataset_id, _CURRENT)
        .where(tuple_(col(RejectedLine.part), col(RejectedLine.line)) > after)
        .order_by(col(RejectedLine.part), col(RejectedLine.line))
        .limit(limit)
    )
    return (await session.exec(query)).all()


async def list_rejects(
    session: AsyncSession, actor: Actor, dataset_id: uuid.UUID, after: str | None, limit: int
) -> RejectPage:
    """A page of the rejected lines, without their values. The cursor is `part.line`."""
    await find_own(session, actor, dataset_id)
    rows = await _read(session, dataset_id, _read_cursor(after), limit + 1)
    items = [
        RejectOut(
            part=row.part, line=row.line, reason=row.reason, explanation=REJECT_EXPLANATIONS[RejectReason(row.reason)]
        )
        for row in rows[:limit]
    ]
    more = len(rows) > limit
    return RejectPage(items=items, next=f"{items[-1].part}.{items[-1].line}" if more else None)


def _read_cursor(after: str | None) -> tuple[int, int]:
    if after is None:
        return 0, 0
    part, _, line = after.partition(".")
    # Eighteen digits fit the column; more are no cursor of ours.
    if not all(step.isascii() and step.isdigit() and len(step) <= 9 for step in (part, line)):
        raise Unprocessable("cursor_malformed", "`after` is not a cursor that this list gave: begin without it.")
    return int(part), int(line)


async def download_rejects(database: Database, ring: KeyRing, dataset_id: uuid.UUID) -> AsyncIterator[str]:
    """All rejected lines as CSV, with their raw values as long as those are kept. The caller was let through before."""
    yield _csv_line("part", "line", "reason", "raw")
    after = (0, 0)
    while True:
        async with database.snapshot() as session:
            rows = await _read(session, dataset_id, after, 5000)
        if not rows:
            return
        yield "".join(_csv_line(row.part, row.line, row.reason, _raw(ring, row)) for row in rows)
        after = (rows[-1].part, rows[-1].line)


def _raw(ring: KeyRing, row: RejectedLine) -> str:
    if row.raw is None or row.recorded_at < now() - RAW_KEPT:
        return ""
    return ring.decrypt(row.raw, _context(row.dataset_id, row.upload, row.line)).decode()


def _csv_line(*cells: object) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()


_FORGET_RAW = text("UPDATE rejected_line SET raw = NULL WHERE raw IS NOT NULL AND recorded_at < :before")


@task("forget_raw_lines", cron="17 * * * *")
async def forget_raw_lines(resources: Resources) -> None:
    """Drop raw values after seven days (GDPR 5(1)(e)): by then the file was mended or given up."""
    database = resources.get(Database)
    async with database.transaction() as session:
        await run(session, _FORGET_RAW, {"before": now() - RAW_KEPT})
