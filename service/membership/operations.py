"""How memberships are stored: what the operator sees of compaction."""

from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import driver, run
from service.membership.blocks import LEADS
from service.membership.compaction import choose, standing
from service.membership.schemas import CompactionOut, MergeOut, PendingMergeOut

_STORED: Final = text("""
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
_MERGE: Final = text("""
    SELECT count(*) AS dataset_count, sum(number_count)::bigint AS membership_count, merge.next_lead
    FROM membership_segment AS merge
    JOIN membership_segment AS source ON source.merged_into = merge.id
    JOIN segment_member AS member ON member.segment_id = source.id
    GROUP BY merge.id
""")


async def get_compaction(session: AsyncSession) -> CompactionOut:
    """What is stored, what is being merged, and what would be merged next."""
    stored = (await run(session, _STORED)).mappings().one()
    found = (await run(session, _MERGE)).one_or_none()
    merge = found and MergeOut(
        dataset_count=found.dataset_count, membership_count=found.membership_count, done=found.next_lead / LEADS
    )
    chosen = choose(await standing(await driver(session)))
    debt = PendingMergeOut(segment_count=len(chosen), membership_count=sum(each.memberships for each in chosen))
    return CompactionOut(**stored, debt=debt, merge=merge)
