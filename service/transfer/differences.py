"""The numbers in which a recipient's file differs from what its sender declares, each to the side that has them.

The recipient lists what only its file has, also before it counts; the sender lists what the file lacks. Neither is
shown a number of the other's.
"""

import uuid

from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.core.db import connection_of
from service.core.errors import Conflict
from service.core.vocabulary import Content, Side, TransferStatus
from service.dataset.models import Dataset
from service.dataset.number_pages import NumberPage, page_of_keys
from service.membership import bulk_read, store
from service.membership.descent.ancestors import Ancestors, read_ancestors
from service.membership.runs import isin_sorted
from service.number.keyring import KeyRing, Keys
from service.transfer.comparison import declared_keys, differing, erased_keys, read_comparison
from service.transfer.models import Transfer
from service.transfer.operations import find_transfer, read_standing
from service.transfer.statements import side_of


async def list_differences(
    session: AsyncSession, ring: KeyRing, actor: Actor, transfer_id: uuid.UUID, after: str | None, limit: int
) -> NumberPage:
    """A page of the extra numbers for the recipient, or of the missing ones for the sender.

    Raises:
        Conflict: the recipient's file has not been compared as it is now.
    """
    row = await find_transfer(session, actor, transfer_id)
    side = side_of(actor, row)
    received = await session.get_one(Dataset, row.received_dataset_id)
    comparing = side is Side.RECIPIENT and received.reconciling
    if comparing and await read_comparison(session, row) is None:
        raise Conflict("not_compared", "Your file has not been compared as it is now. Have it compared first.")
    if not comparing and not await _is_disputed(session, row, received):
        return NumberPage(numbers=[], next=None)
    ancestors = await read_ancestors(session, [received.id])

    async def keys_in(shards: range) -> Keys:
        return await _differing_keys(session, ring, ancestors, row, side, shards, staged=comparing)

    return await page_of_keys(ring, keys_in, after, limit)


async def _is_disputed(session: AsyncSession, row: Transfer, received: Dataset) -> bool:
    """Whether a file that differs is what the recipient holds, and states now."""
    word = (await read_standing(session, row)).recipient
    return word is not None and word.status is TransferStatus.DISPUTED and received.content is Content.UPLOADED


async def _differing_keys(
    session: AsyncSession,
    ring: KeyRing,
    ancestors: Ancestors,
    row: Transfer,
    side: Side,
    shards: range,
    *,
    staged: bool,
) -> Keys:
    connection, received_id = await connection_of(session), row.received_dataset_id
    if staged:
        file = await store.staged_keys(connection, ring, received_id, shards)
    else:
        file = await bulk_read.content_in_shards(connection, ancestors.dag, received_id, shards)
    declared = await declared_keys(connection, ancestors.dag, row, shards)
    found = differing(file, declared, await erased_keys(connection, received_id, shards))
    if side is Side.RECIPIENT:
        return found.extra
    # What the sender erased since is not shown to it again.
    return found.missing[~isin_sorted(found.missing, await erased_keys(connection, row.dataset_id, shards))]
