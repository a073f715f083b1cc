"""One function per operation of a person on objections, and of a holder that received some elsewhere."""

import uuid
from collections.abc import Sequence

from procrastinate import App
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.access.assertion import asserted
from service.core.clock import now
from service.core.errors import Forbidden, NotFound
from service.core.vocabulary import ObjectionSource
from service.number.keyring import KeyRing
from service.number.normalisation import NumberRejected, normalise_number
from service.number.request_number import unknown_region
from service.objection.create import NewObjection, lock_objections, record
from service.objection.current_holders import NumberHolders, holders_of_number
from service.objection.models import Objection
from service.objection.schemas import (
    ObjectionIn,
    ObjectionOut,
    ReceivedObjectionsIn,
    ReportOutcome,
    ReportResult,
    ReportResults,
)
from service.objection.views import objections_on_number, tell
from service.organisation.operations import require
from service.provenance.graph.snapshot import Snapshots
from service.verification.sessions import Person

Found = ReportOutcome | tuple[NumberHolders, NewObjection]
"""Why one of several reports is not recorded; or what is to be recorded of it."""


async def create_objection(
    session: AsyncSession, snapshots: Snapshots, ring: KeyRing, queue: App, person: Person, wanted: ObjectionIn
) -> ObjectionOut:
    """Record what a person wants, in effect at once, with a relay to each holder that it concerns.

    An identical objection that is still under way is given again.

    Raises:
        NotFound: `organisation_id` names none.
    """
    if wanted.organisation_id is not None:
        await require(session, wanted.organisation_id, "organisation_id")
    await lock_objections(session)
    act = NewObjection(**wanted.model_dump(), source=ObjectionSource.PERSON, occurred_at=now())
    holding = await holders_of_number(snapshots, ring, person.number)
    ((row, _),) = await record(session, queue, ring, [(holding, act)], since_on=person.owned_since)
    return (await tell(session, [row]))[0]


async def list_objections(session: AsyncSession, ring: KeyRing, person: Person) -> list[ObjectionOut]:
    """Every objection on the person's number since it is theirs, the latest first."""
    return [one for one in await objections_on_number(session, ring, person.key) if person.owned_at(one.occurred_at)]


async def get_objection(session: AsyncSession, ring: KeyRing, person: Person, objection_id: uuid.UUID) -> ObjectionOut:
    """One objection on the person's number.

    Raises:
        NotFound: there is none of that id, or it is on another number, or of who had the number before.
    """
    row = await session.get(Objection, objection_id)
    if row is None or row.mark != ring.mark(person.key) or not person.owned_at(row.occurred_at):
        raise NotFound("objection")
    return (await tell(session, [row]))[0]


async def record_received_objections(
    session: AsyncSession, snapshots: Snapshots, ring: KeyRing, queue: App, actor: Actor, wanted: ReceivedObjectionsIn
) -> ReportResults:
    """Record objections that a holder received elsewhere, relayed to all other holders.

    Raises:
        Forbidden: they are said to be against another organisation than the caller.
        Unprocessable: one is said to have been received in the future.
    """
    if wanted.organisation_id not in (None, actor.organisation_id):
        raise Forbidden("not_against_you", "Record what is against everybody, for one purpose, or against yourself.")
    common = wanted.model_dump(include={"kind", "scope", "organisation_id", "purpose"})
    acts = [
        NewObjection(
            **common, source=ObjectionSource.HOLDER, **asserted(actor, one.occurred_at, f"numbers.{at}.occurred_at")
        )
        for at, one in enumerate(wanted.numbers)
    ]
    await lock_objections(session)
    found: list[Found] = []
    for one, act in zip(wanted.numbers, acts, strict=True):
        holding = await find_holders(snapshots, ring, one.number, wanted.region)
        if holding is None:
            found.append(ReportOutcome.UNREADABLE)
        elif not holding.held_by(actor.organisation_id):
            # Else anybody could object in the name of persons of whom it knows no more than that numbers exist.
            found.append(ReportOutcome.NOT_HELD)
        else:
            found.append((holding, act))
    return await record_reports(session, queue, ring, found)


async def find_holders(snapshots: Snapshots, ring: KeyRing, number: str, region: str) -> NumberHolders | None:
    """Where a number that is written as people do is now; None if none can be read.

    Raises:
        Unprocessable: the region is none.
    """
    try:
        read = normalise_number(number, region)
    except NumberRejected:
        return None
    except ValueError:
        raise unknown_region() from None
    return await holders_of_number(snapshots, ring, read)


async def record_reports(session: AsyncSession, queue: App, ring: KeyRing, found: Sequence[Found]) -> ReportResults:
    """Record what is to be recorded, and say of each report in its order what became of it."""
    recorded = iter(await record(session, queue, ring, [one for one in found if not isinstance(one, ReportOutcome)]))
    results = []
    for one in found:
        if isinstance(one, ReportOutcome):
            results.append(ReportResult(outcome=one))
        else:
            row, is_new = next(recorded)
            outcome = ReportOutcome.RECORDED if is_new else ReportOutcome.ALREADY_RECORDED
            results.append(ReportResult(outcome=outcome, objection_id=row.id))
    return ReportResults(results=results)
