"""Recording an objection and its relays: the same for a person, a holder and a reply STOP."""

import calendar
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from procrastinate import App
from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import run
from service.core.vocabulary import Purpose
from service.membership.pseudonym import KeyRing
from service.objection.holders import Holding
from service.objection.models import Kind, Objection, Relay, RelayState, ScopeOfObjection, Source
from service.webhook.delivery import announce

OPEN: Final = (RelayState.PENDING, RelayState.DELIVERED, RelayState.ACKNOWLEDGED)
"""States in which a holder that can be told has something to do still."""

RELAY_CREATED: Final = "relay.created"
"""The event by which a holder's webhooks hear of a relay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What a person did against the use of their number, and who tells of it: null is the person."""

    kind: Kind
    scope: ScopeOfObjection
    source: Source
    occurred_at: datetime
    organisation_id: uuid.UUID | None = None
    purpose: Purpose | None = None
    campaign_id: uuid.UUID | None = None
    asserted_by_id: uuid.UUID | None = None
    asserted_through_id: uuid.UUID | None = None


# Any number that nobody else locks by.
_LOCK: Final = 0x66696C6F
_TAKE_TURN: Final = text("SELECT pg_advisory_xact_lock(:lock)")


async def take_turn(session: AsyncSession) -> None:
    """Wait until no other transaction records objections, and keep others waiting until this one ends.

    To be called before it is read who holds the number. Three things rest on it: relays get their cursors in the order
    in which they are committed, so that no reader of a feed passes one by; of two identical objections the second one
    finds the first; and a dataset that is sealed meanwhile is either found to hold the number or finds the objection.
    """
    await run(session, _TAKE_TURN, {"lock": _LOCK})


async def record(
    session: AsyncSession, queue: App, ring: KeyRing, holding: Holding, act: Act
) -> tuple[Objection, bool]:
    """The objection that `act` makes, with a relay to each holder that it concerns, and whether it is new.

    An identical one that is not closed yet, or that nobody is left to be told of, is given instead. It is the caller's
    turn (see `take_turn`).
    """
    mark = ring.mark(holding.key)
    holders = _concerned(holding, act)
    known = await _known(session, mark, act, anybody=bool(holders))
    if known is not None:
        return known, False
    row = Objection(**asdict(act), recorded_at=now(), mark=mark, key=holding.key)
    session.add(row)
    await session.flush()
    relays = [_relay(row, holder_id, has_account) for holder_id, has_account in holders.items()]
    session.add_all(relays)
    await session.flush()
    await close_if_done(session, row)
    for relay in relays:
        if relay.state == RelayState.PENDING:
            await announce(session, queue, relay.holder_id, RELAY_CREATED, relay.id)
    return row, True


def _concerned(holding: Holding, act: Act) -> Mapping[uuid.UUID, bool]:
    holders = holding.organisations()
    if act.scope is ScopeOfObjection.ORGANISATION:
        return {one: has_account for one, has_account in holders.items() if one == act.organisation_id}
    return holders


async def _known(session: AsyncSession, mark: bytes, act: Act, *, anybody: bool) -> Objection | None:
    query = select(Objection).where(
        Objection.mark == mark,
        Objection.kind == act.kind,
        Objection.scope == act.scope,
        Objection.source == act.source,
        col(Objection.organisation_id).is_not_distinct_from(act.organisation_id),
        col(Objection.purpose).is_not_distinct_from(act.purpose),
        col(Objection.campaign_id).is_not_distinct_from(act.campaign_id),
        col(Objection.asserted_by_id).is_not_distinct_from(act.asserted_by_id),
    )
    rows = (await session.exec(query.order_by(col(Objection.recorded_at).desc()))).all()
    return next(
        (row for row in rows if row.closed_at is None or not anybody or row.occurred_at == act.occurred_at), None
    )


def _relay(objection: Objection, holder_id: uuid.UUID, has_account: bool) -> Relay:
    relay = Relay(
        objection_id=objection.id,
        holder_id=holder_id,
        state=RelayState.PENDING if has_account else RelayState.UNDELIVERABLE,
        recorded_at=objection.recorded_at,
        due_at=one_month_after(objection.recorded_at),
    )
    if holder_id == objection.asserted_by_id:
        # Who tells of an objection knows of it. That it acted on it is for it to say: it may have sold the number on.
        relay.state = RelayState.ACKNOWLEDGED
        relay.delivered_at = relay.acknowledged_at = objection.recorded_at
    return relay


def one_month_after(moment: datetime) -> datetime:
    """The deadline of GDPR 12(3): the same day of the next month, or that month's last if it is shorter."""
    year, month = (moment.year, moment.month + 1) if moment.month < 12 else (moment.year + 1, 1)
    return moment.replace(year=year, month=month, day=min(moment.day, calendar.monthrange(year, month)[1]))


async def close_if_done(session: AsyncSession, objection: Objection) -> None:
    """Forget the pseudonym once no holder that can be told has anything to do: the mark stays."""
    waiting = select(Relay.id).where(Relay.objection_id == objection.id, col(Relay.state).in_(OPEN)).limit(1)
    if (await session.exec(waiting)).first() is None:
        objection.key, objection.closed_at = None, now()
        session.add(objection)
        await session.flush()
