"""Orphans: numbers of a dataset from which no path of holdings leads back to a collection. Listed to its holder."""

import uuid

from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.core.db import connection_of
from service.core.errors import Conflict
from service.core.paging import malformed_cursor, read_cursor, write_cursor
from service.core.vocabulary import DatasetState
from service.dataset.operations import find_own_dataset
from service.dataset.schemas import OrphanPage
from service.membership import bulk_read
from service.membership.blocks import SHARDS
from service.membership.descent.ancestors import read_ancestors
from service.number.keyring import KeyRing
from service.number.normalisation import e164


async def list_orphans(
    session: AsyncSession, ring: KeyRing, actor: Actor, dataset_id: uuid.UUID, after: str | None, limit: int
) -> OrphanPage:
    """A page of the orphans, decrypted for the holder, which has these numbers anyway.

    They are computed at each call instead of being stored a second time. Numbers that the holder erased are left out,
    although `orphan_count` includes them. The cursor is `shard.place`.
    """
    row = await find_own_dataset(session, actor, dataset_id)
    if row.state != DatasetState.SEALED:
        raise Conflict("dataset_not_sealed", "Orphans are only known once a dataset is sealed. Seal it first.")
    shard, place = _read_place(after)
    if not row.orphan_count:
        return OrphanPage(numbers=[], next=None)
    ancestors = await read_ancestors(session, [dataset_id])
    connection = await connection_of(session)
    found: list[str] = []
    while shard < SHARDS:
        ancestry = await bulk_read.trace_shards(connection, ancestors.dag, [dataset_id], range(shard, shard + 1))
        orphans = ancestry.keys[ancestry.orphans(ancestors.notices)]
        wanted = orphans[slice(place, place + limit - len(found))]
        found += [e164(number) for number in ring.numbers(wanted).tolist()]
        if place + len(wanted) < len(orphans):
            return OrphanPage(numbers=found, next=write_cursor(shard, place + len(wanted)))
        shard, place = shard + 1, 0
        if len(found) == limit and shard < SHARDS:
            return OrphanPage(numbers=found, next=write_cursor(shard, 0))
    return OrphanPage(numbers=found, next=None)


def _read_place(after: str | None) -> tuple[int, int]:
    if after is None:
        return 0, 0
    shard, place = read_cursor(after, 2)
    if shard >= SHARDS:
        raise malformed_cursor()
    return shard, place
