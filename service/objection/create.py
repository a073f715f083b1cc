"""Recording an objection and its relays: the same for a person, a holder and a reply STOP."""

import calendar
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Final

from procrastinate import App
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core import locks
from service.core.clock import now
from service.core.locks import Lock
from service.core.vocabulary import ObjectionKind, ObjectionScope, ObjectionSource, Purpose, RelayState
from service.number.keyring import KeyRing
from service.objection.current_holders import NumberHolders
from service.objection.models import Objection, Relay
from service.webhook.delivery import announce
from service.wording.language import paris_day

OPEN: Final = (RelayState.PENDING, RelayState.DELIVERED, RelayState.ACKNOWLEDGED)
"""States in which a holder that can be told has something to do still."""

RELAY_CREATED: Final = "relay.created"
"""The event by which a holder's webhooks hear of a relay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewObjection:
    """What a person did against the use of their number, and who tells of it: null is the person."""

    kind: ObjectionKind
    scope: ObjectionScope
    source: ObjectionSource
    occurred_at: datetime
    organisation_id: uuid.UUID | None = None
    purpose: Purpose | None = None
    campaign_id: uuid.UUID | None = None
    asserted_by_id: uuid.UUID | None = None
    asserted_through_id: uuid.UUID | None = None


async def lock_objections(session: AsyncSession) -> None:
    """Wait until no other transaction records objections, and keep others waiting until this one ends.

    To be called before it is read who holds the number. Three things rest on it: relays get their cursors in the order
    in which they are committed, so that no reader of a feed passes one by; of two identical objections the second one
    finds the first; and a dataset that is sealed meanwhile is either found to hold the number or finds the objection.
    """
    await locks.take_in(session, Lock.OBJECTIONS)


async def record(
    session: AsyncSession,
    queue: App,
    ring: KeyRing,
    acts: Sequence[tuple[NumberHolders, NewObjection]],
    *,
    since_on: date | None = None,
) -> list[tuple[Objection, bool]]:
    """The objection that each act makes, with a relay to each holder that it concerns, and whether it is new.

    An identical one that is not closed yet, or that nobody is left to be told of, is given instead; holders that came
    to the number since are told of it too. What was done before `since_on` is of who had the number then, and is none.
    It is the caller's turn (see `lock_objections`).
    """
    known = await _known(session, [ring.mark(holding.key) for holding, _ in acts], since_on)
    told = await _told(session, known)
    recorded: list[tuple[Objection, bool]] = []
    relays: list[Relay] = []
    for holding, act in acts:
        mark, holders = ring.mark(holding.key), _concerned(holding, act)
        row = next((row for row in known[mark] if _is_same(row, act, anybody=bool(holders))), None)
        is_new = row is None
        if row is None:
            row = Objection(**asdict(act), recorded_at=now(), mark=mark, key=holding.key)
            known[mark].append(row)
        recorded.append((row, is_new))
        if is_new or row.closed_at is None:
            moment, of_row = row.recorded_at if is_new else now(), told[row.id]
            own = [_relay(row, one, holders[one], moment) for one in holders if _asks(row, of_row, one)]
            of_row += own
            relays += own
        if is_new and all(relay.state not in OPEN for relay in told[row.id]):
            row.key, row.closed_at = None, row.recorded_at
    session.add_all(row for row, is_new in recorded if is_new)
    await session.flush()
    session.add_all(relays)
    await session.flush()
    await _announce(session, queue, relays)
    return recorded


def _concerned(holding: NumberHolders, act: NewObjection) -> Mapping[uuid.UUID, bool]:
    holders = holding.organisations()
    if act.scope is ObjectionScope.ORGANISATION:
        return {one: has_account for one, has_account in holders.items() if one == act.organisation_id}
    return holders


async def _known(session: AsyncSession, marks: Sequence[bytes], since_on: date | None) -> dict[bytes, list[Objection]]:
    """The objections on some numbers by their marks, the latest first; those from a day on, if one is given."""
    query = select(Objection).where(col(Objection.mark).in_(marks)).order_by(col(Objection.recorded_at).desc())
    known: dict[bytes, list[Objection]] = defaultdict(list)
    for row in (await session.exec(query)).all():
        if since_on is None or paris_day(row.occurred_at) >= since_on:
            known[row.mark].append(row)
    return known


async def _told(session: AsyncSession, known: Mapping[bytes, Sequence[Objection]]) -> dict[uuid.UUID, list[Relay]]:
    """The relays of those of some objections that are not closed, by the objections' ids."""
    still = [row.id for rows in known.values() for row in rows if row.closed_at is None]
    told: dict[uuid.UUID, list[Relay]] = defaultdict(list)
    for relay in (await session.exec(select(Relay).where(col(Relay.objection_id).in_(still)))).all():
        told[relay.objection_id].append(relay)
    return told


def _asks(objection: Objection, told: Sequence[Relay], holder_id: uuid.UUID) -> bool:
    """Whether a holder is to be told: it was not yet, or it erased the number and holds it again."""
    states = {relay.state for relay in told if relay.holder_id == holder_id}
    return not states or (objection.kind == ObjectionKind.ERASURE and states == {RelayState.COMPLETED})


_IDENTITY: Final = ("kind", "scope", "source", "organisation_id", "purpose", "campaign_id", "asserted_by_id")


def _is_same(row: Objection, act: NewObjection, *, anybody: bool) -> bool:
    """Whether an act is one that is recorded already: under way, or with nobody to be told, or of the same moment."""
    if any(getattr(row, name) != getattr(act, name) for name in _IDENTITY):
        return False
    return row.closed_at is None or not anybody or row.occurred_at == act.occurred_at


def _relay(objection: Objection, holder_id: uuid.UUID, has_account: bool, moment: datetime) -> Relay:
    relay = Relay(
        objection_id=objection.id,
        holder_id=holder_id,
        state=RelayState.PENDING if has_account else RelayState.UNDELIVERABLE,
        recorded_at=moment,
        due_at=one_month_after(moment),
    )
    if holder_id == objection.asserted_by_id:
        # Who tells of an objection knows of it. That it acted on it is for it to say: it may have sold the number on.
        relay.state = RelayState.ACKNOWLEDGED
        relay.delivered_at = relay.acknowledged_at = moment
    return relay


async def _announce(session: AsyncSession, queue: App, relays: Sequence[Relay]) -> None:
    by_holder: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    for relay in relays:
        if relay.state == RelayState.PENDING:
            by_holder[relay.holder_id].append(relay.id)
    for holder_id, relay_ids in by_holder.items():
        await announce(session, queue, holder_id, RELAY_CREATED, *relay_ids)


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
