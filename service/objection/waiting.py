"""The task that lets relays, flags and objections out when the operator has released what they wait for.

They wait from the beginning if a number does not count for a holder yet (`provenance.graph.released_holdings`). What
makes it count is a release, or a dataset that came by a released path. What ends it is a release taken back. A relay
that waits ends if its holder denies the transfer, or shows a file without the number.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from procrastinate import App
from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import Database, run
from service.core.new_rows import insert_rows
from service.core.resources import Resources
from service.core.task_queue import TaskName, task
from service.core.vocabulary import RelayState
from service.number.keyring import KeyRing
from service.objection.create import (
    announce_relays,
    begin_recording,
    close_if_done,
    hold_back,
    let_out,
    missing_relays,
    reopen,
    wait_for_recording,
)
from service.objection.current_holders import NumberHolders, holders_of_key, key_of_mark
from service.objection.models import Objection, ObjectionFlag, Relay
from service.provenance.snapshot import Snapshots

# What concerns those who hold the dataset, or got it further on, also if they deny it by now. What is out is concerned
# by a withdrawal alone.
_CONCERNED: Final = text("""
    WITH RECURSIVE down (id) AS (
        SELECT CAST(:dataset_id AS uuid)
        UNION
        SELECT edge.dataset_id FROM down JOIN dataset_parent AS edge ON edge.parent_id = down.id),
    concerned AS MATERIALIZED (
        SELECT holder_id AS id FROM dataset WHERE id IN (SELECT id FROM down)
        UNION SELECT asserted_by_id FROM dataset WHERE id IN (SELECT id FROM down))
    SELECT objection_id AS id FROM relay
    WHERE holder_id IN (SELECT id FROM concerned) AND (state = 'waiting' OR (:withdrawn AND state = 'pending'))
    UNION
    SELECT objection_id FROM objection_flag
    WHERE holder_id IN (SELECT id FROM concerned) AND (shown_at IS NULL OR :withdrawn)
    UNION
    SELECT id FROM objection WHERE received_by_id IN (SELECT id FROM concerned) AND relayed_at IS NULL
    ORDER BY 1
""")


@task(TaskName.RELEASE_WAITING, until_done=True)
async def release_waiting(resources: Resources, dataset_id: str, withdrawn: bool = False) -> None:
    """Let out what a dataset makes count, or with `withdrawn` let it wait again."""
    database = resources.get(Database)
    async with database.transaction() as session:
        # Objections that are being recorded may not know of the release or of the dataset.
        await wait_for_recording(session)
        objection_ids = await objections_concerned(session, uuid.UUID(dataset_id), withdrawn=withdrawn)
    queue, ring = resources.get(App), resources.get(KeyRing)
    await judge_objections(database, queue, ring, objection_ids, withdrawn=withdrawn)


async def objections_concerned(
    session: AsyncSession, dataset_id: uuid.UUID, *, withdrawn: bool = False
) -> list[uuid.UUID]:
    """The objections that may be let out because of a dataset, or with `withdrawn` wait again."""
    found = await run(session, _CONCERNED, {"dataset_id": dataset_id, "withdrawn": withdrawn})
    return [row.id for row in found]


async def judge_objections(
    database: Database, queue: App, ring: KeyRing, objection_ids: Sequence[uuid.UUID], *, withdrawn: bool = False
) -> None:
    """Let the relays and flags of some objections out as their numbers count now. Again changes nothing.

    With `withdrawn`, relays that no holder has read go back to waiting. Others are left alone, since their holders may
    be listing them at the same time.
    """
    snapshots = Snapshots(database)
    for objection_id in objection_ids:
        # A transaction for each: a holder that lists its relays locks them in another order than this.
        async with database.transaction() as session:
            objection = await session.get_one(Objection, objection_id)
            key = key_of_mark(ring, objection.mark)
            await begin_recording(session, ring, [key])
            relays = await _lock_with_relays(session, objection, withdrawn=withdrawn)
            holders = await holders_of_key(snapshots, key)
            await _judge(session, queue, objection, relays, holders)


async def _lock_with_relays(session: AsyncSession, objection: Objection, *, withdrawn: bool) -> Sequence[Relay]:
    """Lock what may change of an objection, and return those of its relays that may be let out or wait again.

    The relays come before the objection, as for a holder that ends its relay. Otherwise each could wait for the other.
    """
    states = [RelayState.WAITING, *([RelayState.PENDING] if withdrawn else [])]
    query = (
        select(Relay).where(Relay.objection_id == objection.id, col(Relay.state).in_(states)).order_by(col(Relay.id))
    )
    relays = (await session.exec(query.with_for_update())).all()
    await session.refresh(objection, with_for_update={"key_share": True})
    return relays


async def _judge(
    session: AsyncSession, queue: App, objection: Objection, relays: Sequence[Relay], holders: NumberHolders
) -> None:
    # One moment for all: the time between two rows would show how many others were let out in between.
    moment = now()
    if objection.relayed_at is None:
        assert objection.received_by_id is not None, "what a person records here reaches everybody at once"
        # What an organisation recorded before it erased the number reaches the others too.
        if not holders.counted_for(objection.received_by_id):
            return
        objection.relayed_at = moment
        await _relay_to_others(session, queue, objection, holders, moment)
    let_out_now = []
    for relay in relays:
        if relay.state == RelayState.WAITING and not holders.known_to(relay.holder_id):
            # It says that it never got the number, and has learned nothing of the objection. Nothing is left to ask.
            await session.delete(relay)
        elif _judge_relay(relay, objection, holders, moment):
            let_out_now.append(relay)
    flags = await session.exec(select(ObjectionFlag).where(ObjectionFlag.objection_id == objection.id))
    for flag in flags.all():
        _judge_flag(flag, holders, moment)
    if let_out_now:
        reopen(objection)
    await session.flush()
    await announce_relays(session, queue, let_out_now, moment)
    if objection.closed_at is None:
        await close_if_done(session, objection)


async def _relay_to_others(
    session: AsyncSession, queue: App, objection: Objection, holders: NumberHolders, moment: datetime
) -> None:
    """Make the relays of an objection that reaches others from now on, to those who hold the number now."""
    own = (await session.exec(select(Relay).where(Relay.objection_id == objection.id))).all()
    added = missing_relays(objection, holders, own, moment)
    await insert_rows(session, Relay, added)
    await announce_relays(session, queue, added, moment)


def _judge_relay(relay: Relay, objection: Objection, holders: NumberHolders, moment: datetime) -> bool:
    """Let a relay out or wait, and say whether it has just reached its holder's list."""
    counts = holders.counts_for(relay.holder_id)
    if relay.state == RelayState.WAITING:
        has_account = holders.snapshot.graph.facts.organisations[relay.holder_id].admitted_at is not None
        # A holder that erased the number meanwhile still has to answer the person.
        return let_out(relay, moment, holders, has_account=has_account, counts=holders.counted_for(relay.holder_id))
    if relay.state == RelayState.PENDING and holders.held_by(relay.holder_id) and not counts:
        hold_back(relay, objection)
    return False


def _judge_flag(flag: ObjectionFlag, holders: NumberHolders, moment: datetime) -> None:
    if holders.counts_for(flag.holder_id):
        flag.shown_at = flag.shown_at or moment
    elif holders.held_by(flag.holder_id):
        flag.shown_at = None
