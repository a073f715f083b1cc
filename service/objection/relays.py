"""Relays: what holders are told of objections and report of them, hop by hop. States only go forward."""

import uuid
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.core.clock import now
from service.core.errors import Conflict, NotFound, Unprocessable
from service.core.text import holds_a_number
from service.core.vocabulary import ObjectionKind, RelayState
from service.dataset.erasure import exclude_holder
from service.number.keyring import KeyRing
from service.number.normalisation import e164
from service.objection.create import OPEN, RELAY_CREATED, close_if_done, one_month_after
from service.objection.current_holders import holds_now, key_of_mark, number_of_key, numbers_held
from service.objection.models import Objection, Relay
from service.objection.schemas import RefusalIn, RelayOut, RelayPage, RelayWithNumber
from service.provenance.graph.snapshot import Snapshots
from service.webhook.delivery import ON_DELIVERY, PAYLOADS

_ENDED = (RelayState.COMPLETED, RelayState.REFUSED)


async def list_relays(
    session: AsyncSession, snapshots: Snapshots, ring: KeyRing, actor: Actor, after: int, limit: int
) -> RelayPage:
    """The relays to the caller after a cursor, in its order, which from then on count as delivered."""
    query = select(Relay, Objection).join(Objection, col(Objection.id) == col(Relay.objection_id))
    query = query.where(Relay.holder_id == actor.organisation_id, col(Relay.cursor) > after)
    query = query.order_by(col(Relay.cursor)).limit(limit).with_for_update(of=Relay)
    rows = (await session.exec(query)).all()
    for relay, objection in rows:
        _deliver(ring, relay, objection)
    await session.flush()
    wanted = [objection.key for relay, objection in rows if relay.state in OPEN and objection.key is not None]
    numbers = await numbers_held(snapshots, ring, actor.organisation_id, wanted)
    items = []
    for relay, objection in rows:
        number = numbers.get(objection.key or b"") if relay.state in OPEN else None
        told = None if number is None else e164(number)
        items.append(RelayWithNumber(**_told(relay, objection), cursor=relay.cursor or 0, number=told))
    return RelayPage(items=items, next=items[-1].cursor if items else None)


def _deliver(ring: KeyRing, relay: Relay, objection: Objection) -> None:
    """Note that a holder has been told, if it had not been. From then on its objection has a pseudonym, also anew."""
    if relay.state == RelayState.UNDELIVERABLE:
        # It has an account by now. Before, nobody told it, so that its month begins with this.
        relay.due_at = one_month_after(now())
        objection.key, objection.closed_at = key_of_mark(ring, objection.mark), None
    if relay.state in (RelayState.PENDING, RelayState.UNDELIVERABLE):
        relay.state, relay.delivered_at = RelayState.DELIVERED, now()


def _told(relay: Relay, objection: Objection) -> dict[str, Any]:
    return relay.model_dump(exclude={"cursor", "objection_id", "holder_id"}) | objection.model_dump(
        include={"kind", "scope", "purpose", "occurred_at"}
    )


async def relay_payload(session: AsyncSession, ring: KeyRing, relay_id: uuid.UUID) -> dict[str, Any] | None:
    """What a holder's webhook is told of a relay: what its feed tells, but for the cursor. None once it is ended."""
    relay = await session.get_one(Relay, relay_id)
    objection = await session.get_one(Objection, relay.objection_id)
    if relay.state not in OPEN:
        return None
    assert objection.key is not None, "kept as long as a relay is open"
    held = await holds_now(session, ring, objection.key, relay.holder_id)
    number = e164(number_of_key(ring, objection.key)) if held else None
    return RelayOut.model_validate(_told(relay, objection)).model_dump(mode="json") | {"number": number}


async def relay_delivered(session: AsyncSession, relay_id: uuid.UUID) -> None:
    """A holder's webhook took a relay: it is delivered, as if the holder had read its feed."""
    relay = await session.get_one(Relay, relay_id, with_for_update=True)
    if relay.state == RelayState.PENDING:
        relay.state, relay.delivered_at = RelayState.DELIVERED, now()


PAYLOADS[RELAY_CREATED] = relay_payload
ON_DELIVERY[RELAY_CREATED] = relay_delivered


async def acknowledge_relay(session: AsyncSession, ring: KeyRing, actor: Actor, relay_id: uuid.UUID) -> RelayOut:
    """The caller has seen a relay. What is further on already stays as it is."""
    relay, objection = await _own(session, ring, actor, relay_id)
    if relay.state not in (*_ENDED, RelayState.ACKNOWLEDGED):
        relay.state, relay.acknowledged_at = RelayState.ACKNOWLEDGED, now()
        session.add(relay)
    return RelayOut.model_validate(_told(relay, objection))


async def complete_relay(session: AsyncSession, ring: KeyRing, actor: Actor, relay_id: uuid.UUID) -> RelayOut:
    """The caller has done what was asked. After an erasure none of its datasets holds the number any more.

    Raises:
        Conflict: it refused before.
    """
    relay, objection = await _own(session, ring, actor, relay_id)
    _refuse_ended(relay, RelayState.COMPLETED)
    if relay.state != RelayState.COMPLETED:
        if objection.kind == ObjectionKind.ERASURE:
            assert objection.key is not None, "kept as long as a relay is open"
            await exclude_holder(session, ring, objection.key, relay.holder_id)
        await _end(session, relay, objection, RelayState.COMPLETED)
    return RelayOut.model_validate(_told(relay, objection))


async def refuse_relay(
    session: AsyncSession, ring: KeyRing, actor: Actor, relay_id: uuid.UUID, wanted: RefusalIn
) -> RelayOut:
    """The caller does not do what was asked, and says why.

    Raises:
        Conflict: it completed before, or refused with another reason.
        Unprocessable: the reason holds what could be a number.
    """
    if holds_a_number(wanted.reason):
        raise Unprocessable(
            "reason_holds_a_number",
            "The reason holds nine digits or more in a row, as a phone number does. Kept in clear: take them out.",
        )
    relay, objection = await _own(session, ring, actor, relay_id)
    _refuse_ended(relay, RelayState.REFUSED)
    if relay.state == RelayState.REFUSED and relay.refusal != wanted.reason:
        raise Conflict("refused_already", "You refused with another reason, which the person has been told.")
    if relay.state != RelayState.REFUSED:
        relay.refusal = wanted.reason
        await _end(session, relay, objection, RelayState.REFUSED)
    return RelayOut.model_validate(_told(relay, objection))


def _refuse_ended(relay: Relay, state: RelayState) -> None:
    if relay.state in _ENDED and relay.state != state:
        raise Conflict("relay_ended", f"You reported this one as {relay.state}, and that stands.")


async def _own(session: AsyncSession, ring: KeyRing, actor: Actor, relay_id: uuid.UUID) -> tuple[Relay, Objection]:
    """A relay to the caller, told by now, with its objection; both locked: of two holders that end, one ends last."""
    query = select(Relay).where(Relay.id == relay_id, Relay.holder_id == actor.organisation_id)
    found = (await session.exec(query)).one_or_none()
    if found is None:
        raise NotFound("relay")
    objection = await session.get_one(Objection, found.objection_id, with_for_update=True)
    await session.refresh(found, with_for_update=True)
    _deliver(ring, found, objection)
    return found, objection


async def _end(session: AsyncSession, relay: Relay, objection: Objection, state: RelayState) -> None:
    relay.state, relay.ended_at = state, now()
    session.add(relay)
    await session.flush()
    await close_if_done(session, objection)
