"""How memberships are stored: the state of compaction, for the operator."""

from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import connection_of, run
from service.membership.blocks import LEADS
from service.membership.compaction import choose_segments, mergeable_segments
from service.membership.schemas import CompactionOut, CurrentMergeOut, NextMergeOut

_STORAGE: Final = text("""
    SELECT count(*) FILTER (WHERE state = 'live') AS segment_count,
           count(*) AS lookup_segment_count,
           count(*) FILTER (WHERE state = 'retired') AS retired_segment_count,
           coalesce(sum(datasets) FILTER (WHERE state = 'live'), 0)::bigint AS dataset_count,
           coalesce(sum(memberships) FILTER (WHERE state = 'live'), 0)::bigint AS membership_count,
           (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('membership_block'))::bigint AS byte_count
    FROM membership_segment AS segment CROSS JOIN LATERAL (
        SELECT count(*) AS datasets, sum(number_count) AS memberships
        FROM segment_member WHERE segment_id = segment.id) AS member
""")
_CURRENT_MERGE: Final = text("""
    SELECT count(*) AS dataset_count, sum(number_count)::bigint AS membership_count, merge.next_lead
    FROM membership_segment AS merge
    JOIN membership_segment AS source ON source.merged_into = merge.id
    JOIN segment_member AS member ON member.segment_id = source.id
    GROUP BY merge.id
""")


async def get_compaction(session: AsyncSession) -> CompactionOut:
    """What is stored, the current merge, and the next one."""
    storage = (await run(session, _STORAGE)).mappings().one()
    row = (await run(session, _CURRENT_MERGE)).one_or_none()
    current = row and CurrentMergeOut(
        dataset_count=row.dataset_count, membership_count=row.membership_count, progress=row.next_lead / LEADS
    )
    chosen = choose_segments(await mergeable_segments(await connection_of(session)))
    next_merge = NextMergeOut(
        segment_count=len(chosen), membership_count=sum(segment.memberships for segment in chosen)
    )
    return CompactionOut(**storage, current_merge=current, next_merge=next_merge)
