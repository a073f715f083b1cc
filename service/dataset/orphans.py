"""Orphans: numbers of a dataset from which no path of holdings leads back to a collection. Listed to its holder."""

import uuid

from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.core.db import connection_of
from service.core.errors import Conflict
from service.core.vocabulary import DatasetState
from service.dataset.number_pages import page_of_keys
from service.dataset.operations import find_own_dataset
from service.dataset.schemas import NumberPage
from service.membership import bulk_read
from service.membership.descent.ancestors import read_ancestors
from service.membership.runs import no_keys
from service.number.keyring import KeyRing, Keys


async def list_orphans(
    session: AsyncSession, ring: KeyRing, actor: Actor, dataset_id: uuid.UUID, after: str | None, limit: int
) -> NumberPage:
    """A page of the orphans, decrypted for the holder, which has these numbers anyway.

    They are computed at each call instead of being stored a second time. Numbers that the holder erased are left out,
    although `orphan_count` includes them.
    """
    row = await find_own_dataset(session, actor, dataset_id)
    if row.state != DatasetState.SEALED:
        raise Conflict("dataset_not_sealed", "Orphans are only known once a dataset is sealed. Seal it first.")
    if not row.orphan_count:
        return await page_of_keys(ring, _none, after, limit)
    ancestors = await read_ancestors(session, [dataset_id])
    connection = await connection_of(session)

    async def keys_in(shards: range) -> Keys:
        ancestry = await bulk_read.trace_shards(connection, ancestors.dag, [dataset_id], shards)
        return ancestry.keys[ancestry.orphans(ancestors.notices)]

    return await page_of_keys(ring, keys_in, after, limit)


async def _none(_shards: range) -> Keys:
    return no_keys()
