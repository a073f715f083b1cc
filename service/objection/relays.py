"""Relays: how holders learn of objections and answer them. The state of a relay only moves forward."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from procrastinate import App
from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.core import locks
from service.core.clock import now
from service.core.db import Database, run
from service.core.errors import Conflict, NotFound
from service.core.locks import Lock
from service.core.resources import Resources
from service.core.task_queue import TaskName, task
from service.core.turns import in_turns
from service.core.vocabulary import ObjectionKind, RelayState
from service.dataset.erasure import exclude_holder
from service.number.keyring import KeyRing
from service.number.normalisation import e164
from service.objection.answer_period import answer_due_at
from service.objection.contest_schemas import ContestAnswerIn
from service.objection.contests import answer_contest
from service.objection.create import OPEN_STATES, RELAY_CREATED, close_if_done, hold_back
from service.objection.current_holders import (
    NumberHolders,
    holders_of_objections,
    key_of_mark,
    number_of_key,
)
from service.objection.feed import give_cursors
from service.objection.models import Objection, Relay
from service.objection.recorder import Recorder, as_holder, is_by_person, recorders_of
from service.objection.schemas import ExtensionIn, RefusalIn, RelayOut, RelayPage, RelayWithNumber
from service.objection.undeliverable import judge_all_undeliverable, judge_undeliverable, must_wait, reach
from service.organisation.models import Organisation
from service.provenance.snapshot import Snapshots
from service.webhook.delivery import ON_DELIVERY, PAYLOADS, UNTIL_DELIVERED, announce_to

_ENDED = (RelayState.COMPLETED, RelayState.REFUSED, RelayState.WITHDRAWN)


async def list_relays(
    session: AsyncSession, snapshots: Snapshots, ring: KeyRing, actor: Actor, after: int, limit: int
) -> RelayPage:
    """List the caller's relays after a cursor, in order. They are delivered by being read."""
    await judge_undeliverable(session, snapshots, ring, actor.organisation_id)
    await give_cursors(session, actor.organisation_id)
    query = select(Relay, Objection).join(Objection, col(Objection.id) == col(Relay.objection_id))
    query = query.where(
        Relay.holder_id == actor.organisation_id, col(Relay.cursor) > after, Relay.state != RelayState.WAITING
    )
    query = query.order_by(col(Relay.cursor)).limit(limit).with_for_update(of=Relay)
    rows = (await session.exec(query)).all()
    holders, held_back = await _hold_back(session, snapshots, ring, rows)
    listed = []
    async for relay, objection in in_turns(rows):
        if relay.id in held_back:
            continue
        await _mark_delivered(session, relay, objection)
        number = None if relay.state in _ENDED else _number_shown(ring, relay, objection, holders[objection.id])
        listed.append((relay, objection, number))
    await session.flush()
    recorders = await recorders_of(actor, (objection for _, objection, _ in listed), holders)
    items = [
        RelayWithNumber(
            **_relay_fields(relay, objection, recorders[objection.id]), cursor=relay.cursor or 0, number=number
        )
        async for relay, objection, number in in_turns(listed)
    ]
    return RelayPage(items=items, next=items[-1].cursor if items else None)


def _is_to_be_held_back(relay: Relay, objection: Objection, holders: NumberHolders) -> bool:
    return relay.state == RelayState.PENDING and must_wait(relay, objection, holders)


async def _hold_back(
    session: AsyncSession, snapshots: Snapshots, ring: KeyRing, rows: Sequence[tuple[Relay, Objection]]
) -> tuple[dict[uuid.UUID, NumberHolders], set[uuid.UUID]]:
    """Let those relays wait for a release that nobody has read, if the release that let them out was taken back.

    The task of the withdrawal may not have run yet. Sent without its number, a relay would tell its holder of an
    objection, and the number would not follow. Returns who holds the numbers, by the objections' ids, as far as it is
    needed to show the relays, and the ids of the relays that wait.
    """
    needed = [objection for relay, objection in rows if relay.state not in _ENDED or not is_by_person(objection)]
    holders = await holders_of_objections(snapshots, ring, needed)
    doubtful = {
        relay.id: (relay, objection)
        for relay, objection in rows
        if relay.state not in _ENDED and _is_to_be_held_back(relay, objection, holders[objection.id])
    }
    if not doubtful:
        return holders, set()
    # A release that is recorded meanwhile waits for this, and so finds the relays that wait for it.
    await locks.take_own(session, Lock.RECORDING)
    locked = select(Relay).where(col(Relay.id).in_(doubtful)).order_by(col(Relay.id)).with_for_update()
    await session.exec(locked.execution_options(populate_existing=True))
    holders |= await holders_of_objections(snapshots, ring, (objection for _, objection in doubtful.values()))
    held_back = set()
    for relay, objection in doubtful.values():
        if _is_to_be_held_back(relay, objection, holders[objection.id]):
            hold_back(relay, objection)
            held_back.add(relay.id)
    await session.flush()
    return holders, held_back


def _number_shown(ring: KeyRing, relay: Relay, objection: Objection, holders: NumberHolders) -> str | None:
    """The number of an open relay, if its holder still holds it and it counts, or if the holder reported it itself."""
    reported = objection.asserted_by_id == relay.holder_id and holders.held_by(relay.holder_id)
    if not (reported or holders.counts_for(relay.holder_id)):
        return None
    return e164(number_of_key(ring, holders.key))


async def _mark_delivered(session: AsyncSession, relay: Relay, objection: Objection) -> None:
    """Record that a holder has received its relay, if it had not. An objection that was closed opens again."""
    if relay.state == RelayState.UNDELIVERABLE:
        await reach(session, relay, objection)
    if relay.state == RelayState.PENDING:
        relay.state, relay.delivered_at = RelayState.DELIVERED, now()


def _relay_fields(relay: Relay, objection: Objection, recorder: Recorder) -> dict[str, Any]:
    of_relay = relay.model_dump(exclude={"cursor", "objection_id", "holder_id"})
    # A contest reaches its holder by a path from the origin, which the holder sees.
    of_relay["origin_dataset_id"] = objection.dataset_id
    return of_relay | objection.model_dump(include={"kind", "scope", "purpose", "occurred_at"}) | recorder


async def _relay_out(snapshots: Snapshots, ring: KeyRing, actor: Actor, relay: Relay, objection: Objection) -> RelayOut:
    holders = await holders_of_objections(snapshots, ring, [] if is_by_person(objection) else [objection])
    recorders = await recorders_of(actor, [objection], holders)
    return RelayOut.model_validate(_relay_fields(relay, objection, recorders[objection.id]))


async def relay_payload(resources: Resources, session: AsyncSession, relay_id: uuid.UUID) -> dict[str, Any] | None:
    """What a holder's webhook receives about a relay: the listed relay without its cursor.

    None once it has ended, or while it waits.
    """
    ring, snapshots = resources.get(KeyRing), resources.get(Snapshots)
    relay = await session.get_one(Relay, relay_id)
    objection = await session.get_one(Objection, relay.objection_id)
    if relay.state not in OPEN_STATES:
        return None
    holders, held_back = await _hold_back(session, snapshots, ring, [(relay, objection)])
    if held_back:
        return None
    recorders = await recorders_of(as_holder(relay.holder_id), [objection], holders)
    out = RelayOut.model_validate(_relay_fields(relay, objection, recorders[objection.id]))
    return out.model_dump(mode="json") | {"number": _number_shown(ring, relay, objection, holders[objection.id])}


async def relay_delivered(session: AsyncSession, relay_id: uuid.UUID) -> None:
    """Mark a relay as delivered because the holder's webhook accepted it, as if the holder had listed it."""
    relay = await session.get_one(Relay, relay_id, with_for_update=True)
    if relay.state == RelayState.PENDING:
        relay.state, relay.delivered_at = RelayState.DELIVERED, now()


PAYLOADS[RELAY_CREATED] = relay_payload
ON_DELIVERY[RELAY_CREATED] = relay_delivered
# A holder that has only a webhook must learn of an objection, however long its receiver was down.
UNTIL_DELIVERED.add(RELAY_CREATED)


_HOLDER_OF_ENDPOINT: Final = text("SELECT organisation_id FROM webhook_endpoint WHERE id = :id AND removed_at IS NULL")
_UNSENT: Final = text("""
    SELECT id FROM relay
    WHERE holder_id = :holder_id AND state = 'pending' AND NOT EXISTS (
        SELECT FROM webhook_delivery WHERE subject_id = relay.id AND endpoint_id = :endpoint_id)
    ORDER BY recorded_at LIMIT :limit
""")
_SENT_AT_ONCE: Final = 1000


@task(TaskName.SEND_UNREAD_RELAYS, until_done=True)
async def send_unread_relays(resources: Resources, endpoint_id: str) -> None:
    """Let the relays out that an organisation got before its account, and send its endpoint all that it has not read.

    An organisation that never lists its relays would not learn of those from before it had the webhook.
    """
    database, ring, queue = resources.get(Database), resources.get(KeyRing), resources.get(App)
    snapshots, wanted = Snapshots(database), uuid.UUID(endpoint_id)
    async with database.transaction() as session:
        holder_id = await session.scalar(_HOLDER_OF_ENDPOINT, {"id": wanted})
    if holder_id is None:
        return
    await judge_all_undeliverable(database, snapshots, ring, holder_id)
    sent = True
    while sent:
        async with database.transaction() as session:
            sent = await _send_batch(session, queue, holder_id, wanted)


async def _send_batch(session: AsyncSession, queue: App, holder_id: uuid.UUID, endpoint_id: uuid.UUID) -> bool:
    found = await run(session, _UNSENT, {"holder_id": holder_id, "endpoint_id": endpoint_id, "limit": _SENT_AT_ONCE})
    relay_ids = [row.id for row in found]
    await announce_to(session, queue, RELAY_CREATED, {endpoint_id: relay_ids}, moment=now())
    return bool(relay_ids)


async def acknowledge_relay(
    session: AsyncSession, snapshots: Snapshots, ring: KeyRing, actor: Actor, relay_id: uuid.UUID
) -> RelayOut:
    """Record that the caller is processing a relay. A relay that has got further stays as it is."""
    relay, objection = await _lock_own_relay(session, actor, relay_id)
    if relay.state not in (*_ENDED, RelayState.ACKNOWLEDGED):
        relay.state, relay.acknowledged_at = RelayState.ACKNOWLEDGED, now()
        session.add(relay)
    return await _relay_out(snapshots, ring, actor, relay, objection)


async def complete_relay(
    session: AsyncSession, snapshots: Snapshots, ring: KeyRing, actor: Actor, relay_id: uuid.UUID
) -> RelayOut:
    """Record that the caller has done what the person asked. An erasure removes the number from all its datasets.

    Raises:
        NotFound: the caller has no such relay.
        Conflict: the caller has refused it.
    """
    relay, objection = await _lock_own_relay(session, actor, relay_id)
    _refuse_ended(relay, RelayState.COMPLETED)
    if relay.state != RelayState.COMPLETED:
        if objection.kind == ObjectionKind.ERASURE:
            await exclude_holder(session, ring, key_of_mark(ring, objection.mark), relay.holder_id)
        await _end_relay(session, relay, objection, RelayState.COMPLETED)
    return await _relay_out(snapshots, ring, actor, relay, objection)


async def answer_relay(
    session: AsyncSession,
    snapshots: Snapshots,
    ring: KeyRing,
    actor: Actor,
    relay_id: uuid.UUID,
    wanted: ContestAnswerIn,
) -> RelayOut:
    """Record what the caller, the collector of a contested origin, answers. It completes the relay.

    Raises:
        NotFound: the caller has no such relay.
        Conflict: it is of no contest, or the person took the contest back.
        Forbidden: the caller is not the collector.
    """
    relay, objection = await _lock_own_relay(session, actor, relay_id)
    await answer_contest(session, actor, relay, objection, wanted)
    return await _relay_out(snapshots, ring, actor, relay, objection)


async def refuse_relay(
    session: AsyncSession, snapshots: Snapshots, ring: KeyRing, actor: Actor, relay_id: uuid.UUID, wanted: RefusalIn
) -> RelayOut:
    """Record that the caller refuses what the person asked, and why.

    Raises:
        NotFound: the caller has no such relay.
        Conflict: the caller has completed it, or refused it for another reason.
    """
    relay, objection = await _lock_own_relay(session, actor, relay_id)
    _refuse_ended(relay, RelayState.REFUSED)
    if relay.state == RelayState.REFUSED and relay.refusal != wanted.reason:
        raise Conflict(
            "already_refused", "You have already refused this relay for another reason. The first reason stands."
        )
    if relay.state != RelayState.REFUSED:
        relay.refusal = wanted.reason
        await _end_relay(session, relay, objection, RelayState.REFUSED)
    return await _relay_out(snapshots, ring, actor, relay, objection)


async def extend_relay(
    session: AsyncSession, snapshots: Snapshots, ring: KeyRing, actor: Actor, relay_id: uuid.UUID, wanted: ExtensionIn
) -> RelayOut:
    """Record that the caller takes two more months to answer, and why (GDPR 12(3)).

    Raises:
        NotFound: the caller has no such relay.
        Conflict: it has ended, its month has, or it was extended for other reasons.
    """
    relay, objection = await _lock_own_relay(session, actor, relay_id)
    if relay.state in _ENDED:
        raise Conflict("relay_ended", f"You have already reported this relay as {relay.state}. That is final.")
    if relay.delay not in (None, wanted.reason):
        raise Conflict("already_extended", "You have already extended this relay for other reasons. The first stand.")
    if relay.extended_at is None:
        moment, holder = now(), await session.get_one(Organisation, relay.holder_id)
        assert relay.received_at is not None, "a relay that its holder can lock has reached it"
        if relay.due_at is None or moment >= relay.due_at:
            raise Conflict(
                "month_over",
                "The month in which you had to answer or to extend it is over (GDPR 12(3)). Answer the person now: "
                "complete or refuse the relay.",
            )
        relay.extended_at, relay.delay = moment, wanted.reason
        relay.due_at = answer_due_at(relay.received_at, holder, extended=True)
        relay.state, relay.acknowledged_at = RelayState.ACKNOWLEDGED, relay.acknowledged_at or moment
        session.add(relay)
    return await _relay_out(snapshots, ring, actor, relay, objection)


def _refuse_ended(relay: Relay, state: RelayState) -> None:
    if relay.state in _ENDED and relay.state != state:
        raise Conflict("relay_ended", f"You have already reported this relay as {relay.state}. That is final.")


async def _lock_own_relay(session: AsyncSession, actor: Actor, relay_id: uuid.UUID) -> tuple[Relay, Objection]:
    """Lock a relay of the caller with its objection, and mark it as delivered.

    Because the objection is locked too, of two holders that end their relays at once one sees that it is the last. It
    is locked after the relay, as by a holder that lists its relays.

    Raises:
        NotFound: the caller has no such relay.
    """
    query = select(Relay).where(
        Relay.id == relay_id, Relay.holder_id == actor.organisation_id, Relay.state != RelayState.WAITING
    )
    found = (await session.exec(query)).one_or_none()
    if found is None:
        raise NotFound("relay")
    await session.refresh(found, with_for_update=True)
    objection = await session.get_one(Objection, found.objection_id, with_for_update={"key_share": True})
    await _mark_delivered(session, found, objection)
    return found, objection


async def _end_relay(session: AsyncSession, relay: Relay, objection: Objection, state: RelayState) -> None:
    relay.state, relay.ended_at = state, now()
    session.add(relay)
    await session.flush()
    await close_if_done(session, objection)
