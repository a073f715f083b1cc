"""The operations of persons on their objections, and of holders that received objections elsewhere."""

import uuid

from procrastinate import App
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.access.assertion import assertion_columns
from service.core.clock import now
from service.core.errors import Forbidden, NotFound
from service.core.turns import in_turns
from service.core.vocabulary import ObjectionSource
from service.number.keyring import KeyRing
from service.objection.create import NewObjection, begin_recording, record_objections
from service.objection.current_holders import NumberHolders, holders_of_key
from service.objection.models import Objection
from service.objection.past_holdings import erase_past_holdings
from service.objection.reporting import Report, Reporting, read_number
from service.objection.schemas import (
    ObjectionIn,
    ObjectionOut,
    ReceivedObjectionsIn,
    ReportOutcome,
    ReportResults,
)
from service.objection.views import objection_views, objections_on_number, recorded_view
from service.organisation.operations import find_organisation
from service.provenance.snapshot import Snapshots
from service.verification.sessions import Person


async def create_objection(
    session: AsyncSession, snapshots: Snapshots, ring: KeyRing, queue: App, person: Person, wanted: ObjectionIn
) -> ObjectionOut:
    """Record a person's objection, which applies at once, with a relay to each holder it covers.

    An identical objection that is still open is returned instead.

    Raises:
        NotFound: no organisation has the id `organisation_id`.
    """
    if wanted.organisation_id is not None:
        await find_organisation(session, wanted.organisation_id, "organisation_id")
    await snapshots.load()
    await begin_recording(session, ring, [person.key])
    new = NewObjection(**wanted.model_dump(), source=ObjectionSource.PERSON, occurred_at=now())
    holders = await holders_of_key(snapshots, person.key)
    holders = await erase_past_holdings(session, snapshots, ring, holders, new)
    (recorded,) = await record_objections(session, queue, ring, [(holders, new)], since_on=person.owned_since)
    return await recorded_view(session, recorded)


async def list_objections(session: AsyncSession, ring: KeyRing, person: Person) -> list[ObjectionOut]:
    """Every objection to the use of the person's number since they own it, the latest first."""
    found = await objections_on_number(session, ring, person.key)
    return [objection for objection in found if person.owned_at(objection.occurred_at)]


async def get_objection(session: AsyncSession, ring: KeyRing, person: Person, objection_id: uuid.UUID) -> ObjectionOut:
    """An objection to the use of the person's number.

    Raises:
        NotFound: no objection has this id, or it is about another number, or it is a former owner's.
    """
    row = await session.get(Objection, objection_id)
    if row is None or row.mark != ring.mark(person.key) or not person.owned_at(row.occurred_at):
        raise NotFound("objection")
    return (await objection_views(session, [row]))[0]


async def record_received_objections(reporting: Reporting, actor: Actor, wanted: ReceivedObjectionsIn) -> ReportResults:
    """Record objections that a holder received elsewhere, and relay them to all other holders.

    They are relayed to others once their numbers count for the holder. The response is the same before and after.

    Raises:
        Forbidden: they are against an organisation other than the caller.
        Unprocessable: the region is unknown, or an objection was received in the future.
        TooManyRequests: the caller would record more objections today than it may.
    """
    if wanted.organisation_id not in (None, actor.organisation_id):
        raise Forbidden(
            "against_another_organisation",
            "You cannot record an objection against another organisation. Use your own id or another scope.",
        )
    common = wanted.model_dump(include={"kind", "scope", "organisation_id", "purpose"})
    new_objections = [
        NewObjection(
            **common,
            source=ObjectionSource.HOLDER,
            received_by_id=actor.organisation_id,
            **assertion_columns(actor, received.occurred_at, f"numbers.{place}.occurred_at"),
        )
        for place, received in enumerate(wanted.numbers)
    ]

    def report(place: int, holders: NumberHolders) -> Report:
        # Otherwise anybody could object in the name of any person by guessing numbers.
        return new_objections[place] if holders.held_by(actor.organisation_id) else ReportOutcome.NOT_HELD

    reported = [read_number(received.number, wanted.region) async for received in in_turns(wanted.numbers)]
    return await reporting.record(actor, reported, report)
