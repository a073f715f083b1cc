"""Recording an objection and its relays, in the same way for a person, a holder and a STOP reply."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from procrastinate import App
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core import locks
from service.core.clock import now
from service.core.ids import uuid7
from service.core.locks import Lock
from service.core.new_rows import insert_rows
from service.core.vocabulary import ObjectionKind, ObjectionScope, ObjectionSource, Purpose, RelayState
from service.number.keyring import KeyRing
from service.objection.answer_period import Resident, answer_due_at
from service.objection.applies import Use, covers
from service.objection.current_holders import NumberHolders
from service.objection.models import Objection, Relay
from service.provenance.answer.heirs import heirs_of
from service.webhook.delivery import announce
from service.wording.language import paris_day

OPEN_STATES: Final = (RelayState.PENDING, RelayState.DELIVERED, RelayState.ACKNOWLEDGED)
"""States of a relay in which its holder still has to act."""

UNFINISHED_STATES: Final = (RelayState.WAITING, *OPEN_STATES)
"""States of a relay that keep its objection from being closed."""

RELAY_CREATED: Final = "relay.created"
"""The event that is sent to a holder's webhooks for each new relay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewObjection:
    """An objection to be recorded. `asserted_by_id` is the organisation that reports it, None for the person.

    `received_by_id` is the organisation that the person turned to. It is None if the person objected here.
    """

    kind: ObjectionKind
    scope: ObjectionScope
    source: ObjectionSource
    occurred_at: datetime
    organisation_id: uuid.UUID | None = None
    purpose: Purpose | None = None
    campaign_id: uuid.UUID | None = None
    received_by_id: uuid.UUID | None = None
    dataset_id: uuid.UUID | None = None
    asserted_by_id: uuid.UUID | None = None
    asserted_through_id: uuid.UUID | None = None


_SAID: Final = tuple(NewObjection.__dataclass_fields__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectionRow(NewObjection):
    """A new row of `Objection`."""

    id: uuid.UUID
    recorded_at: datetime
    relayed_at: datetime | None
    mark: bytes
    closed_at: datetime | None = None
    withdrawn_at: None = None


@dataclass(slots=True, kw_only=True)
class RelayRow:
    """A new row of `Relay`."""

    id: uuid.UUID
    objection_id: uuid.UUID
    holder_id: uuid.UUID
    recorded_at: datetime
    state: RelayState = RelayState.WAITING
    received_at: datetime | None = None
    due_at: datetime | None = None
    delivered_at: datetime | None = None
    acknowledged_at: datetime | None = None
    # No new relay is answered yet.
    refusal: None = None
    delay: None = None
    extended_at: None = None
    ended_at: None = None


AnyObjection = Objection | ObjectionRow
AnyRelay = Relay | RelayRow


async def begin_recording(session: AsyncSession, ring: KeyRing, keys: Iterable[bytes]) -> None:
    """Begin to record objections to the use of the numbers with these pseudonyms.

    Call it in a new transaction before reading who holds the numbers, with at least one. The numbers are locked, so
    that the second of two identical objections finds the first. Objections to other numbers do not wait. How a dataset
    that is sealed meanwhile comes to be flagged is said in `wait_for_recording`.
    """
    await locks.take_own(session, Lock.RECORDING, *((Lock.NUMBER, locks.key_of(ring.mark(key))) for key in keys))


async def wait_for_recording(session: AsyncSession) -> None:
    """Wait until all objections that are being recorded now are committed, so that what follows here sees them.

    Call it after the transaction that sealed a dataset, to find the objections that it must be flagged for. None
    is missed. One whose transaction has ended is visible. One whose transaction holds `RECORDING` now is waited for.
    One that takes `RECORDING` later reads the holders after that, and so sees the sealed dataset and relays to its
    holder. Objections never wait for this transaction.
    """
    await locks.wait_for_holders(session, Lock.RECORDING)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An objection as it is recorded now: whether it is new, and those of its relays that were read or made."""

    objection: AnyObjection
    is_new: bool
    relays: Sequence[AnyRelay]


async def record_objections(
    session: AsyncSession,
    queue: App,
    ring: KeyRing,
    wanted: Sequence[tuple[NumberHolders, NewObjection]],
    *,
    since_on: date | None = None,
) -> list[Recorded]:
    """Record objections with a relay to each holder they cover.

    An identical objection is returned instead if it is still open, or if there is no holder to relay to. Holders that
    have obtained the number since then get a relay too. Objections from before `since_on` are the former owner's and
    are ignored. The caller must have called `begin_recording`. The statements are as many for any number of holders.
    """
    marks = {holders.key: ring.mark(holders.key) for holders, _ in wanted}
    existing = await _existing_objections(session, list(marks.values()), since_on)
    relays_of = await _relays_of_open(session, existing)
    recorded: list[Recorded] = []
    new_objections: list[ObjectionRow] = []
    new_relays: list[RelayRow] = []
    # One moment for all: the time between two rows would show how many others were made in between.
    moment = now()
    for holders, new in wanted:
        mark, has_holders = marks[holders.key], bool(_covered_holders(holders, new))
        found = next(
            (row for row in existing[mark] if _is_same(row, relays_of[row.id], new, has_holders=has_holders)), None
        )
        if found is None:
            made, added = _new_objection(holders, new, mark, moment)
            existing[mark].append(made)
            new_objections.append(made)
        else:
            added = [] if found.closed_at else missing_relays(found, holders, relays_of[found.id], moment)
        objection = found or new_objections[-1]
        relays_of[objection.id] += added
        new_relays += added
        recorded.append(Recorded(objection, found is None, relays_of[objection.id]))
    await insert_rows(session, Objection, new_objections)
    await insert_rows(session, Relay, new_relays)
    await announce_relays(session, queue, new_relays, moment)
    return recorded


def _new_objection(
    holders: NumberHolders, new: NewObjection, mark: bytes, moment: datetime
) -> tuple[ObjectionRow, list[RelayRow]]:
    """A new objection with its relays. It is closed at once if nobody has anything to do."""
    reaches_others = new.received_by_id is None or holders.counted_for(new.received_by_id)
    made = ObjectionRow(
        **{name: getattr(new, name) for name in _SAID},
        id=uuid7(moment),
        recorded_at=moment,
        relayed_at=moment if reaches_others else None,
        mark=mark,
    )
    relays = missing_relays(made, holders, (), moment)
    return replace(made, closed_at=moment) if _is_finished(made, relays) else made, relays


def missing_relays(
    objection: AnyObjection, holders: NumberHolders, relays: Sequence[AnyRelay], moment: datetime
) -> list[RelayRow]:
    """The relays that an open objection lacks to the holders it covers, which are not stored yet.

    One that does not reach others yet is relayed to the organisation alone that received it. What it writes, and so
    how long it takes, does not tell that organisation how many others hold the number.
    """
    covered = _covered_holders(holders, objection)
    if objection.relayed_at is None:
        covered = {holder_id: covered[holder_id] for holder_id in covered if holder_id == objection.received_by_id}
    return [
        _new_relay(objection, holders, holder_id, has_account, moment)
        for holder_id, has_account in covered.items()
        if _needs_relay(objection, relays, holder_id)
    ]


def _covered_holders(holders: NumberHolders, scoped: AnyObjection | NewObjection) -> Mapping[uuid.UUID, bool]:
    if scoped.dataset_id is not None:
        return holders.on_paths_from(scoped.dataset_id)
    # What a holder uses a number for is not known here, so that an objection to a purpose is relayed to every holder.
    return {
        holder_id: has_account
        for holder_id, has_account in holders.ids_with_account().items()
        if covers(scoped, Use(answering_for(holders, holder_id), None))
    }


def answering_for(holders: NumberHolders, holder_id: uuid.UUID) -> list[uuid.UUID]:
    """A holder and its heirs: an objection to an heir concerns what those hold that it succeeded."""
    organisations = holders.snapshot.graph.facts.organisations
    return [holder_id, *(heir.id for heir in heirs_of(organisations, organisations[holder_id]))]


async def _existing_objections(
    session: AsyncSession, marks: Sequence[bytes], since_on: date | None
) -> dict[bytes, list[AnyObjection]]:
    """The objections on some numbers by mark, the latest first. With `since_on`, only those made since that day.

    They are locked, so that none is closed while relays are added to it. All who lock several do so in this order.
    """
    query = select(Objection).where(col(Objection.mark).in_(marks)).order_by(col(Objection.id))
    rows = (await session.exec(query.with_for_update(key_share=True))).all()
    existing: dict[bytes, list[AnyObjection]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.recorded_at, reverse=True):
        if since_on is None or paris_day(row.occurred_at) >= since_on:
            existing[row.mark].append(row)
    return existing


async def _relays_of_open(
    session: AsyncSession, existing: Mapping[bytes, Sequence[AnyObjection]]
) -> dict[uuid.UUID, list[AnyRelay]]:
    """The relays of those objections that are not closed, by the objection's id."""
    open_ids = [row.id for rows in existing.values() for row in rows if row.closed_at is None]
    relays_of: dict[uuid.UUID, list[AnyRelay]] = defaultdict(list)
    if not open_ids:
        return relays_of
    for relay in (await session.exec(select(Relay).where(col(Relay.objection_id).in_(open_ids)))).all():
        relays_of[relay.objection_id].append(relay)
    return relays_of


def _needs_relay(objection: AnyObjection, relays: Sequence[AnyRelay], holder_id: uuid.UUID) -> bool:
    """Whether a holder needs a relay: it has none yet, or it erased the number and holds it again."""
    states = {relay.state for relay in relays if relay.holder_id == holder_id}
    return not states or (objection.kind == ObjectionKind.ERASURE and states == {RelayState.COMPLETED})


_IDENTITY: Final = (
    "kind",
    "scope",
    "source",
    "organisation_id",
    "purpose",
    "campaign_id",
    "dataset_id",
    "asserted_by_id",
)


def _is_same(row: AnyObjection, relays: Sequence[AnyRelay], new: NewObjection, *, has_holders: bool) -> bool:
    """Whether an objection is already recorded: still open, without any holder, or made at the same moment.

    What an organisation received is open as long as its own relay is. Otherwise the answer to a second report would
    tell it whether others hold the number.
    """
    if row.withdrawn_at is not None or any(getattr(row, name) != getattr(new, name) for name in _IDENTITY):
        return False
    if row.occurred_at == new.occurred_at:
        return True
    if row.kind == ObjectionKind.CONTEST:
        return True
    if row.received_by_id is None:
        return row.closed_at is None or not has_holders
    return any(relay.holder_id == row.received_by_id and relay.state in UNFINISHED_STATES for relay in relays)


def _new_relay(
    objection: AnyObjection, holders: NumberHolders, holder_id: uuid.UUID, has_account: bool, moment: datetime
) -> RelayRow:
    relay = RelayRow(id=uuid7(moment), objection_id=objection.id, holder_id=holder_id, recorded_at=moment)
    if holder_id == objection.asserted_by_id:
        # The holder that reports an objection knows of it. It must still state that it has completed it.
        start_month(relay, RelayState.ACKNOWLEDGED, moment, holders.organisation(holder_id))
        relay.delivered_at = relay.acknowledged_at = moment
    elif objection.relayed_at is not None:
        counts = holders.counts_for(holder_id)
        if objection.dataset_id is not None:
            # A collector that never held the number, or no longer does, is asked about a contest all the same.
            counts = holders.counted_for(holder_id) or not holders.known_to(holder_id)
        let_out(relay, moment, holders, has_account=has_account, counts=counts)
    return relay


def let_out(relay: AnyRelay, moment: datetime, holders: NumberHolders, *, has_account: bool, counts: bool) -> bool:
    """Let a relay out that waits for its holder, if it can be; returns whether it has reached the holder's list."""
    holder = holders.organisation(relay.holder_id)
    if not has_account:
        # No month runs: the person is shown until when a letter should be answered.
        relay.state, relay.due_at = RelayState.UNDELIVERABLE, answer_due_at(moment, holder)
        return False
    if counts:
        start_month(relay, RelayState.PENDING, moment, holder)
    return counts


def hold_back(relay: Relay, objection: Objection) -> None:
    """Let a relay wait that its holder has not read, for a release. Its objection stays open, or opens again."""
    relay.state, relay.received_at, relay.due_at, relay.cursor = RelayState.WAITING, None, None, None
    reopen(objection)


def start_month(relay: AnyRelay, state: RelayState, moment: datetime, holder: Resident) -> None:
    """Begin the month that a holder has to answer, by the days of its country."""
    relay.state, relay.received_at, relay.due_at = state, moment, answer_due_at(moment, holder)


async def announce_relays(session: AsyncSession, queue: App, relays: Sequence[AnyRelay], moment: datetime) -> None:
    """Send the event of each relay that its holder has not received yet."""
    by_holder: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    for relay in relays:
        if relay.state == RelayState.PENDING:
            by_holder[relay.holder_id].append(relay.id)
    await announce(session, queue, RELAY_CREATED, by_holder, moment=moment)


def _is_finished(objection: AnyObjection, relays: Iterable[AnyRelay]) -> bool:
    """Whether nobody has anything left to do: the objection reaches others, and none of its relays is open or waits."""
    return objection.relayed_at is not None and all(relay.state not in UNFINISHED_STATES for relay in relays)


async def close_if_done(session: AsyncSession, objection: Objection) -> None:
    """Close an objection once it is finished."""
    unfinished = select(Relay).where(Relay.objection_id == objection.id, col(Relay.state).in_(UNFINISHED_STATES))
    if _is_finished(objection, (await session.exec(unfinished.limit(1))).all()):
        objection.closed_at = now()
        session.add(objection)
        await session.flush()


def reopen(objection: Objection) -> None:
    """Open an objection whose relay is not finished any more."""
    objection.closed_at = None
