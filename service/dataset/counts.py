"""The counts of a dataset that shares another's content: what erasures left there is what is handed over."""

from typing import LiteralString

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import connection_of
from service.dataset.losses import record_losses, take_off_losses
from service.dataset.models import AncestorCount, Dataset, NoticeCount
from service.dataset.recount_requests import refuse_while_recounting
from service.dataset.sealing import clear_counts
from service.membership import store
from service.membership.store import rows_of
from service.number.keyring import KeyRing


async def copy_counts(session: AsyncSession, source: Dataset, received: Dataset) -> None:
    """Give a received dataset what is left of the counts of the `source` that it shares, whose row is locked.

    `source` itself becomes an ancestor of it.

    Raises:
        Conflict: the counts of the source are being made again.
    """
    refuse_while_recounting(source)
    await take_off_losses(session, source.id)
    await session.refresh(source, ["numbers_left", "orphans_left"])
    received.number_count = received.numbers_left = source.numbers_left
    received.orphan_count = received.orphans_left = source.orphans_left
    session.add(received)
    by_ancestor = select(AncestorCount).where(AncestorCount.dataset_id == source.id)
    ancestors = {row.ancestor_id: row.count_left for row in await session.exec(by_ancestor)}
    by_notice = select(NoticeCount).where(NoticeCount.dataset_id == source.id)
    notices = {row.notice_id: row.count_left for row in await session.exec(by_notice)}
    session.add_all(
        AncestorCount(dataset_id=received.id, ancestor_id=ancestor_id, count_at_sealing=count, count_left=count)
        for ancestor_id, count in [*ancestors.items(), (source.id, source.numbers_left or 0)]
        if count
    )
    session.add_all(
        NoticeCount(dataset_id=received.id, notice_id=notice_id, count_at_sealing=count, count_left=count)
        for notice_id, count in notices.items()
        if count
    )
    await session.flush()


async def count_again_as_shared(session: AsyncSession, ring: KeyRing, source: Dataset, received: Dataset) -> None:
    """Count what a recipient takes over when it acknowledges a transfer that it denied before.

    It takes over what the sender's dataset still holds, without what it erased itself before it denied. Call
    `erasure.lock_erasures` before, and lock both rows.
    """
    await clear_counts(session, [received.id])
    await copy_counts(session, source, received)
    connection = await connection_of(session)
    query: LiteralString = "SELECT key FROM exclusion WHERE dataset_id = %s ORDER BY key"
    for key in [row[0] async for row in rows_of(connection, query, (received.id,))]:
        found = await store.lookup(connection, ring, key)
        earlier = {dataset_id: at for dataset_id, at in found.erasures.items() if dataset_id != received.id}
        stored_in = [membership.dataset_id for membership in found.memberships]
        await record_losses(connection, [received.id], stored_in, earlier)
