"""Erasure per holder (GDPR Art. 17): a holding ends at once; a stored copy is dropped when it has no dependent left.

A holder that erases a number may have passed it on before. The organisations that have it from there still do, and must
be able to prove where it came from, so the copies on the way stay as long as anybody holds what came from them. The
registry knows which holdings ended, and when, until no copy of the number is left. Then it knows nothing of the number.

A holder without an account cannot report an erasure, so that its holdings and the copies that they need stay until it
has an account and erases. Nobody erases in its place, not even the organisation that asserts its datasets.
"""

import uuid
from collections.abc import Collection
from typing import LiteralString, NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import connection_of
from service.dataset.holdings import lock_holdings
from service.dataset.losses import record_losses
from service.membership import erasure, exclusion, store
from service.membership.descent.descendants import DESCENDANTS_QUERY, Descendants, descendants_from_rows
from service.membership.store import Connection, LookupResult, rows_of
from service.number.keyring import KeyRing


class Erased(NamedTuple):
    """The datasets that no longer hold a number, and those whose stored copy was dropped, which may be others'."""

    excluded: frozenset[uuid.UUID]
    dropped: frozenset[uuid.UUID]


async def exclude_holder(session: AsyncSession, ring: KeyRing, key: bytes, holder_id: uuid.UUID) -> Erased:
    """End every holding of a number that a holder has now, and drop the stored copies that have no dependent left.

    Call it in a transaction of the default isolation level, once for each key in ascending order. Datasets that the
    holder derives from these meanwhile wait: they are either excluded too, or made without the number. A second call
    does nothing.
    """
    connection = await connection_of(session)
    await session.flush()
    await lock_holdings(session, holder_id)
    await erasure.lock_erasures(connection)
    found, descendants = await _lock_own_datasets(connection, ring, key, holder_id)
    holding = descendants.datasets_holding(_stored(found), found.erasures)
    own = frozenset(dataset_id for dataset_id in holding if descendants.holders[dataset_id] == holder_id)
    # The time is taken while datasets derived from these wait, so that whatever is made afterwards is later.
    await exclusion.exclude(connection, key, own, now())
    await record_losses(connection, own, _stored(found), found.erasures)
    return Erased(own, await drop_unneeded_copies(session, ring, key))


async def exclude_datasets(
    session: AsyncSession, ring: KeyRing, key: bytes, dataset_ids: Collection[uuid.UUID]
) -> frozenset[uuid.UUID]:
    """Take a number out of some datasets whose holders no longer have them; returns whose stored copy was dropped.

    Call it after `lock_holdings` of these holders, and with datasets that store the number or share it.
    """
    connection = await connection_of(session)
    await session.flush()
    await erasure.lock_erasures(connection)
    found = await store.lookup(connection, ring, key)
    await exclusion.exclude(connection, key, dataset_ids, now())
    left = frozenset(dataset_ids) - found.erasures.keys()
    await record_losses(connection, left, _stored(found), found.erasures)
    return await drop_unneeded_copies(session, ring, key)


async def drop_unneeded_copies(session: AsyncSession, ring: KeyRing, key: bytes) -> frozenset[uuid.UUID]:
    """Drop the stored copies of a number that have no dependent left, and return the datasets that stored them.

    With the last copy its exclusions are dropped too, so that no trace of the number remains. Transactions that drop
    copies wait for each other: of two holders that finish together, the second sees what the first did.
    """
    connection = await connection_of(session)
    await session.flush()
    await erasure.lock_erasures(connection)
    found = await store.lookup(connection, ring, key)
    if not found.erasures:
        return frozenset()
    stored = _stored(found)
    unneeded = (await _descendants(connection, found)).copies_no_longer_needed(stored, found.erasures)
    if unneeded:
        await erasure.erase(connection, ring, key, unneeded)
    if unneeded == stored:
        await exclusion.drop_exclusions_of_number(connection, key)
    return unneeded


async def drop_copies_unneeded_without(session: AsyncSession, ring: KeyRing, dataset_id: uuid.UUID) -> None:
    """Drop the copies that only this dataset needed, which no longer depends on any.

    That is the case when its recipient denies the transfer that delivered it, or sends a file of its own. Call
    `erasure.lock_erasures` before locking any row and before calling this.
    """
    connection = await connection_of(session)
    await session.flush()
    query: LiteralString = """
        WITH RECURSIVE up (id) AS (
            SELECT %s::uuid
            UNION
            SELECT edge.parent_id FROM up JOIN dataset_parent AS edge ON edge.dataset_id = up.id)
        SELECT DISTINCT key FROM exclusion JOIN up ON up.id = dataset_id ORDER BY key
    """
    for key in [row[0] async for row in rows_of(connection, query, (dataset_id,))]:
        await drop_unneeded_copies(session, ring, key)


async def _lock_own_datasets(
    connection: Connection, ring: KeyRing, key: bytes, holder_id: uuid.UUID
) -> tuple[LookupResult, Descendants]:
    """Find the datasets that store a number and their descendants, and lock the holder's own among them.

    Until the transaction ends, the holder can derive, transfer or seal nothing with them.
    """
    locked: set[uuid.UUID] = set()
    while True:
        found = await store.lookup(connection, ring, key)
        descendants = await _descendants(connection, found)
        own = {dataset_id for dataset_id, holder in descendants.holders.items() if holder == holder_id}
        if own <= locked:
            return found, descendants
        # Deriving and transferring lock the parent; sealing locks the dataset itself.
        await connection.execute("SELECT FROM dataset WHERE id = ANY(%s) ORDER BY id FOR SHARE", (sorted(own),))
        locked |= own


async def _descendants(connection: Connection, found: LookupResult) -> Descendants:
    concerned = {"ids": [*_stored(found), *found.erasures]}
    return descendants_from_rows([row async for row in rows_of(connection, DESCENDANTS_QUERY, concerned)])


def _stored(found: LookupResult) -> frozenset[uuid.UUID]:
    return frozenset(membership.dataset_id for membership in found.memberships)
