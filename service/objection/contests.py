"""Contests: a person did not give the agreement that one origin of their number states.

It is a request for rectification and restriction (GDPR 16, 18), relayed to the collector and to those who hold the
number by a path from that origin. It forbids nothing by itself, and cuts no path. The collector answers with the record
that it keeps. The person can take it back.
"""

import uuid

from procrastinate import App
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.core.clock import now
from service.core.errors import Conflict, Forbidden, NotFound
from service.core.vocabulary import ObjectionKind, ObjectionScope, ObjectionSource, RelayState
from service.number.keyring import KeyRing
from service.objection.contest_schemas import ContestAnswerIn, ContestIn
from service.objection.create import (
    UNFINISHED_STATES,
    NewObjection,
    begin_recording,
    close_if_done,
    record_objections,
)
from service.objection.current_holders import NumberHolders, holders_of_key
from service.objection.models import ContestAnswer, Objection, Relay
from service.objection.schemas import ObjectionOut
from service.objection.views import collectors_of_contests, objection_views, recorded_view
from service.provenance.snapshot import Snapshots
from service.verification.sessions import Person


def has_origin(holders: NumberHolders, dataset_id: uuid.UUID) -> bool:
    """Whether a collected dataset is an origin of a number: it holds the number, or held it until its erasure."""
    return dataset_id in holders.ever and holders.snapshot.graph.facts.datasets[dataset_id].collection_id is not None


async def contest_origin(
    session: AsyncSession, snapshots: Snapshots, ring: KeyRing, queue: App, person: Person, wanted: ContestIn
) -> ObjectionOut:
    """Record that a person did not give an agreement. One that is recorded and not taken back is returned instead.

    Raises:
        NotFound: the number has no such origin.
    """
    await snapshots.load()
    await begin_recording(session, ring, [person.key])
    holders = await holders_of_key(snapshots, person.key)
    if not has_origin(holders, wanted.dataset_id):
        raise NotFound("origin of your number")
    new = NewObjection(
        kind=ObjectionKind.CONTEST,
        scope=ObjectionScope.ORIGIN,
        source=ObjectionSource.PERSON,
        occurred_at=now(),
        dataset_id=wanted.dataset_id,
    )
    (recorded,) = await record_objections(session, queue, ring, [(holders, new)], since_on=person.owned_since)
    return await recorded_view(session, recorded)


async def withdraw_contest(
    session: AsyncSession, ring: KeyRing, person: Person, objection_id: uuid.UUID
) -> ObjectionOut:
    """Record that a person takes a contest back. Its relays end; what holders and the collector answered stays.

    The relays are locked before the objection, as for a holder that ends its relay.

    Raises:
        NotFound: no contest of the person has this id.
        Conflict: it is no contest, or it was taken back already.
    """
    # A repeated contest waits for this, and so finds it taken back.
    await begin_recording(session, ring, [person.key])
    row = await session.get(Objection, objection_id)
    if row is None or row.mark != ring.mark(person.key) or not person.owned_at(row.occurred_at):
        raise NotFound("objection")
    if row.kind != ObjectionKind.CONTEST:
        raise Conflict("not_a_contest", "Only a contest can be taken back here. Write to the holders instead.")
    relays = select(Relay).where(Relay.objection_id == row.id, col(Relay.state).in_(UNFINISHED_STATES))
    open_relays = (await session.exec(relays.order_by(col(Relay.id)).with_for_update())).all()
    await session.refresh(row, with_for_update=True)
    if row.withdrawn_at is not None:
        raise Conflict("already_withdrawn", "You have already taken this contest back. You need not do it again.")
    moment = now()
    for relay in open_relays:
        relay.state, relay.ended_at = RelayState.WITHDRAWN, moment
    row.withdrawn_at, row.closed_at = moment, row.closed_at or moment
    await session.flush()
    return (await objection_views(session, [row]))[0]


async def answer_contest(
    session: AsyncSession, actor: Actor, relay: Relay, objection: Objection, wanted: ContestAnswerIn
) -> None:
    """Record what the collector of a contested origin answers. Its relay, whose row is locked, is completed by it.

    Raises:
        Conflict: the relay is of no contest, or the person took the contest back.
        Forbidden: the caller is not the collector.
    """
    if objection.kind != ObjectionKind.CONTEST:
        raise Conflict("not_a_contest", "This relay is not of a contest. Complete or refuse it.")
    if relay.state == RelayState.WITHDRAWN:
        raise Conflict("contest_withdrawn", "The person took this contest back. No answer is needed.")
    if (await collectors_of_contests(session, [objection.id])).get(objection.id) != relay.holder_id:
        raise Forbidden("not_the_collector", "Only the collector answers a contest. Complete or refuse your relay.")
    answer = ContestAnswer(
        objection_id=objection.id,
        asserted_by_id=actor.organisation_id,
        asserted_through_id=actor.asserts_through_id,
        **wanted.model_dump(),
    )
    session.add(answer)
    if relay.state != RelayState.COMPLETED:
        relay.state, relay.ended_at = RelayState.COMPLETED, answer.recorded_at
    await session.flush()
    await close_if_done(session, objection)
