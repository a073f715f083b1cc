"""Erasure per holder (GDPR Art. 17): a holding ends at once, and a stored copy goes when nobody draws on it any more.

A holder that erased a number has handed it on before. Whoever has it from there still does, and must be able to prove
where it came from: so the copies on the way stay as long as somebody holds what came of them. What ended, and when, is
known until no copy of the number is left; then nothing is.

A holder without an account cannot report anything. What another tells of its dataset stays for the others until that
one has erased the number too, and then goes as if nobody held it.
"""

import uuid
from typing import LiteralString, NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import driver
from service.membership import erasure, exclusion, store
from service.membership.descent.descendants import DESCENDANTS_QUERY, Descendants, descendants_from_rows
from service.membership.store import Connection, LookupResult, rows_of
from service.number.keyring import KeyRing


class Erased(NamedTuple):
    """The datasets that hold a number no more, and those of which the stored copy went; the latter may be others'."""

    excluded: frozenset[uuid.UUID]
    dropped: frozenset[uuid.UUID]


async def exclude_holder(session: AsyncSession, ring: KeyRing, key: bytes, holder_id: uuid.UUID) -> Erased:
    """End every holding of a number that a holder has now, and remove the stored copies that nobody needs any more.

    Called in a transaction of the default isolation level, once for each key in ascending order. What the holder makes
    of these datasets meanwhile waits: it is either excluded too, or made without the number. Called twice, it does
    nothing the second time.
    """
    connection = await driver(session)
    await session.flush()
    await erasure.lock_erasures(connection)
    found, descendants = await _held_still(connection, ring, key, holder_id)
    holding = descendants.datasets_holding(_stored(found), found.erasures)
    own = frozenset(one for one in holding if descendants.holders[one] == holder_id)
    # The time is taken while what is made of these datasets waits: whatever is made later is later by this clock.
    await exclusion.exclude(connection, key, own, now())
    return Erased(own, await drop_unneeded_copies(session, ring, key))


async def drop_unneeded_copies(session: AsyncSession, ring: KeyRing, key: bytes) -> frozenset[uuid.UUID]:
    """Remove the stored copies of a number that serve nobody any more, and give the datasets which stored them.

    Once no copy is left, its exclusions go too: no trace of the number remains. Transactions that release wait for each
    other, so that of two holders who finish together one sees what the other did.
    """
    connection = await driver(session)
    await session.flush()
    await erasure.lock_erasures(connection)
    found = await store.lookup(connection, ring, key)
    if not found.erasures:
        return frozenset()
    stored = _stored(found)
    free = (await _descendants(connection, found)).copies_no_longer_needed(stored, found.erasures)
    if free:
        await erasure.erase(connection, ring, key, free)
    if free == stored:
        await exclusion.drop_exclusions_of_number(connection, key)
    return free


async def drop_copies_unneeded_without(session: AsyncSession, ring: KeyRing, dataset_id: uuid.UUID) -> None:
    """Remove the copies that a dataset was the last to need, now that it draws on others no more.

    That is when its recipient denies the transfer that delivered it, or sends a file of its own. Whoever calls this has
    called `erasure.lock_erasures` before it locked any row.
    """
    connection = await driver(session)
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


async def _held_still(
    connection: Connection, ring: KeyRing, key: bytes, holder_id: uuid.UUID
) -> tuple[LookupResult, Descendants]:
    """Who stores a number and what came of it, in which a holder can change nothing until the transaction ends."""
    locked: set[uuid.UUID] = set()
    while True:
        found = await store.lookup(connection, ring, key)
        descendants = await _descendants(connection, found)
        own = {dataset for dataset, holder in descendants.holders.items() if holder == holder_id}
        if own <= locked:
            return found, descendants
        # What is derived or handed over, and what is sealed, locks the dataset that it is made of, or itself.
        await connection.execute("SELECT FROM dataset WHERE id = ANY(%s) ORDER BY id FOR SHARE", (sorted(own),))
        locked |= own


async def _descendants(connection: Connection, found: LookupResult) -> Descendants:
    concerned = {"ids": [*_stored(found), *found.erasures]}
    return descendants_from_rows([row async for row in rows_of(connection, DESCENDANTS_QUERY, concerned)])


def _stored(found: LookupResult) -> frozenset[uuid.UUID]:
    return frozenset(one.dataset_id for one in found.memberships)
