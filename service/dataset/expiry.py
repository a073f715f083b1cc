"""Numbers that were sent and never used: of a dataset that nobody sealed, or of a file that nobody had compared.

They are deleted some weeks after the last upload. The dataset stays open, empty, and says when that happened; what was
sent for a comparison is given up, as if its sender had cancelled it.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import connection_of, run
from service.core.retention import Rule, forget
from service.dataset.models import Dataset, DatasetPart
from service.membership import store

_PRECISION: Final = timedelta(hours=1)


def note_upload(row: Dataset) -> None:
    """Note that a part of a dataset is being sent. Not each time, because each writes the dataset's row."""
    if row.last_upload_at < now() - _PRECISION:
        row.last_upload_at = now()


_EXPIRED: Final = text("""
    UPDATE dataset
    SET upload_removed_at = now(), dialect = NULL, month_first_refused = '{}', reconciling = false WHERE id IN (
        SELECT id FROM dataset
        WHERE (state = 'open' OR reconciling) AND last_upload_at < :before
          AND NOT EXISTS (SELECT FROM job WHERE subject_id = dataset.id AND state IN ('waiting', 'running'))
          AND (reconciling OR EXISTS (SELECT FROM dataset_part WHERE dataset_id = dataset.id)
               OR EXISTS (SELECT FROM staged_run WHERE dataset_id = dataset.id))
        ORDER BY id FOR UPDATE SKIP LOCKED)
    RETURNING id
""")
_DELETE_PARTS: Final = text("DELETE FROM dataset_part WHERE dataset_id = ANY(:ids)")
_DELETE_REJECTS: Final = text("DELETE FROM rejected_line WHERE dataset_id = ANY(:ids)")


async def delete_unsealed(session: AsyncSession, before: datetime) -> None:
    """Delete what was sent before a moment, if nothing was sent since and no job works on it."""
    found: Sequence[uuid.UUID] = (await run(session, _EXPIRED, {"before": before})).scalars().all()
    if not found:
        return
    connection = await connection_of(session)
    for dataset_id in found:
        await store.unstage(connection, dataset_id)
        # A sealing or a comparison that failed may have left blocks.
        await store.drop_unfinished_segment(connection, dataset_id)
    await run(session, _DELETE_PARTS, {"ids": found})
    await run(session, _DELETE_REJECTS, {"ids": found})


forget(
    "forget_unsealed",
    "43 4 * * *",
    Rule(
        table=DatasetPart,
        moment="recorded_at",
        kept=timedelta(days=30),
        setting="unsealed_kept_days",
        data="the numbers, lines and parts of a dataset that was never sealed, or of a file that was never compared",
        since="the last upload",
        work=delete_unsealed,
    ),
)
