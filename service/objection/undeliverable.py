"""Relays of organisations that had no account when they were made, and what becomes of them once these have one."""

import uuid
from typing import Final

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core import locks
from service.core.clock import now
from service.core.db import Database, run
from service.core.locks import Lock
from service.core.resources import Resources
from service.core.sweeps import sweep
from service.core.vocabulary import RelayState
from service.number.keyring import KeyRing
from service.objection.create import hold_back, reopen, start_month
from service.objection.current_holders import NumberHolders, holders_of_objections
from service.objection.models import Objection, Relay
from service.organisation.models import Organisation
from service.provenance.snapshot import Snapshots

_JUDGED_AT_ONCE: Final = 1000


async def judge_undeliverable(
    session: AsyncSession, snapshots: Snapshots, ring: KeyRing, holder_id: uuid.UUID
) -> list[Relay]:
    """Let the relays out, or wait for a release, that a holder got before it obtained an account.

    Returns a batch of those that it judged, none if there are no more. It is done before cursors are given: a gap among
    them would count the objections to numbers that nobody released.
    """
    query = select(Relay, Objection).join(Objection, col(Objection.id) == col(Relay.objection_id))
    query = query.where(
        Relay.holder_id == holder_id, col(Relay.cursor).is_(None), Relay.state == RelayState.UNDELIVERABLE
    )
    query = query.order_by(col(Relay.recorded_at), col(Relay.id)).limit(_JUDGED_AT_ONCE)
    if (await session.exec(query.limit(1))).first() is None:
        return []
    # A release that is recorded meanwhile waits for this, and so finds the relays that wait for it.
    await locks.take_own(session, Lock.RECORDING)
    rows = (await session.exec(query.with_for_update(of=Relay).execution_options(populate_existing=True))).all()
    holders = await holders_of_objections(snapshots, ring, (objection for _, objection in rows))
    for relay, objection in rows:
        if must_wait(relay, objection, holders[objection.id]):
            hold_back(relay, objection)
        else:
            await reach(session, relay, objection)
    await session.flush()
    return [relay for relay, _ in rows]


def must_wait(relay: Relay, objection: Objection, holders: NumberHolders) -> bool:
    """Whether a number does not count for the holder that should read of it, so that the relay must wait."""
    reported = objection.asserted_by_id == relay.holder_id
    return not reported and holders.held_by(relay.holder_id) and not holders.counts_for(relay.holder_id)


async def reach(session: AsyncSession, relay: Relay, objection: Objection) -> None:
    """Begin the month of a holder that has obtained an account: it did not know of the objection before."""
    holder = await session.get_one(Organisation, relay.holder_id)
    start_month(relay, RelayState.PENDING, now(), holder)
    reopen(objection)


_ADMITTED: Final = text("""
    SELECT id FROM organisation WHERE admitted_at IS NOT NULL AND EXISTS (
        SELECT FROM relay WHERE holder_id = organisation.id AND cursor IS NULL AND state = 'undeliverable')
""")


@sweep
async def let_out_relays_of_admitted(resources: Resources) -> None:
    """Let the relays out that organisations got before their account. One that never asks must not escape them."""
    database, ring = resources.get(Database), resources.get(KeyRing)
    async with database.transaction() as session:
        admitted = (await run(session, _ADMITTED)).scalars().all()
    for holder_id in admitted:
        await judge_all_undeliverable(database, Snapshots(database), ring, holder_id)


async def judge_all_undeliverable(
    database: Database, snapshots: Snapshots, ring: KeyRing, holder_id: uuid.UUID
) -> None:
    """Judge all undeliverable relays of a holder, batch by batch."""
    judged = True
    while judged:
        async with database.transaction() as session:
            judged = bool(await judge_undeliverable(session, snapshots, ring, holder_id))
