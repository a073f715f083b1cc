"""HTTP of objections: what persons file, what holders are told and report, and what is seen of both."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Path, Query

from service.access.idempotency import OnceRoute
from service.access.permit import FactsReader, HoldersReader, NumbersWriter, Regulator
from service.core.db import SessionDep
from service.core.errors import JSON_BODY, responses
from service.core.paging import After, Limit, Page
from service.core.task_queue import QueueDep
from service.number.app_keyring import RingDep
from service.objection import deadlines, flags, operations, relays, stops
from service.objection.schemas import (
    DeadlineTable,
    FlaggedNumber,
    FlagOut,
    ObjectionIn,
    ObjectionList,
    ObjectionOut,
    OverdueRelay,
    ReceivedObjectionsIn,
    RefusalIn,
    RelayOut,
    RelayPage,
    ReportResults,
    StopsIn,
)
from service.provenance.routes import SnapshotsDep
from service.verification.sessions import PersonDep

# Those of persons, and the table that is for everybody, ask for no API key.
persons = APIRouter(prefix="/v1/objections", tags=["objections"])
public = APIRouter(prefix="/v1/objections", tags=["objections"])
holders = APIRouter(prefix="/v1/objections", tags=["objections"], route_class=OnceRoute)
campaigns = APIRouter(prefix="/v1/campaigns", tags=["objections"], route_class=OnceRoute)

RelayId = Annotated[uuid.UUID, Path(description="The id of a relay.")]
Cursor = Annotated[int, Query(ge=0, le=2**63 - 1, description="The `next` of the page before; 0 for all.")]


@persons.post(
    "", status_code=201, summary="Object, or ask to be erased", responses=responses(*JSON_BODY, 401, 404, 422)
)
async def create_objection(
    body: ObjectionIn,
    session: SessionDep,
    snapshots: SnapshotsDep,
    ring: RingDep,
    queue: QueueDep,
    person: PersonDep,
) -> ObjectionOut:
    """One act, once for all, against everybody that holds your number, one organisation, or one purpose.

    It counts at once for every later screening. Each holder is told and has a month; one without an account here is
    `undeliverable`, and a letter has to be written. Sent again while it is under way, it is the same objection.
    """
    return await operations.create_objection(session, snapshots, ring, queue, person, body)


@persons.get("", summary="List your objections", responses=responses(401))
async def list_objections(session: SessionDep, ring: RingDep, person: PersonDep) -> ObjectionList:
    """All that is recorded on your number since it is yours, whoever recorded it, with how far every holder is."""
    return ObjectionList(items=await operations.list_objections(session, ring, person))


@holders.post(
    "/received", status_code=201, summary="Record objections that you received", responses=responses(*JSON_BODY, 409)
)
async def record_received_objections(
    body: ReceivedObjectionsIn,
    session: SessionDep,
    snapshots: SnapshotsDep,
    ring: RingDep,
    queue: QueueDep,
    actor: NumbersWriter,
) -> ReportResults:
    """By letter, by telephone or on your own page: of numbers that you hold. Every other holder is told.

    Your own relay counts as acknowledged; that you completed it, you report as for any other.
    """
    return await operations.record_received_objections(session, snapshots, ring, queue, actor, body)


@holders.get("/relays", summary="Read the objections relayed to you")
async def list_relays(
    session: SessionDep,
    snapshots: SnapshotsDep,
    ring: RingDep,
    actor: HoldersReader,
    after: Cursor = 0,
    limit: Limit = 100,
) -> RelayPage:
    """In the order in which they came to be, with the number of each that you hold still. What you read is delivered.

    Keep the `next` of the last page and ask with it again: no relay ever appears before it.
    """
    return await relays.list_relays(session, snapshots, ring, actor, after, limit)


@holders.post("/relays/{relay_id}/acknowledge", summary="Acknowledge a relay", responses=responses(404, 409, 413))
async def acknowledge_relay(relay_id: RelayId, session: SessionDep, ring: RingDep, actor: NumbersWriter) -> RelayOut:
    """You have seen it and are at it."""
    return await relays.acknowledge_relay(session, ring, actor, relay_id)


@holders.post("/relays/{relay_id}/complete", summary="Complete a relay", responses=responses(404, 409, 413))
async def complete_relay(relay_id: RelayId, session: SessionDep, ring: RingDep, actor: NumbersWriter) -> RelayOut:
    """You will not message this number again; after an erasure, none of your datasets holds it any more."""
    return await relays.complete_relay(session, ring, actor, relay_id)


@holders.post("/relays/{relay_id}/refuse", summary="Refuse a relay", responses=responses(*JSON_BODY, 404, 409))
async def refuse_relay(
    relay_id: RelayId, body: RefusalIn, session: SessionDep, ring: RingDep, actor: NumbersWriter
) -> RelayOut:
    """You do not do what the person asks, and tell why (GDPR 12(4))."""
    return await relays.refuse_relay(session, ring, actor, relay_id, body)


@holders.get("/flags", summary="List what holds objected numbers")
async def list_flags(session: SessionDep, actor: FactsReader, after: After = None, limit: Limit = 100) -> Page[FlagOut]:
    """Your datasets that were sealed, and campaigns that were registered, with numbers whose owners had objected."""
    return await flags.list_flags(session, actor, after, limit)


@holders.get("/flags/{subject_id}/numbers", summary="List the objected numbers in one", responses=responses(404))
async def list_flagged_numbers(
    subject_id: Annotated[uuid.UUID, Path(description="The id of a flagged dataset or campaign.")],
    session: SessionDep,
    snapshots: SnapshotsDep,
    ring: RingDep,
    actor: HoldersReader,
    after: After = None,
    limit: Limit = 100,
) -> Page[FlaggedNumber]:
    """Which numbers of a dataset or campaign of yours not to message, as far as you hold them still."""
    return await flags.list_flagged_numbers(session, snapshots, ring, actor, subject_id, after, limit)


@public.get("/deadlines", summary="See how organisations keep their deadlines")
async def list_deadlines(session: SessionDep) -> DeadlineTable:
    """For everybody: how many requests each organisation was told of, how long it takes, and how many are overdue.

    Counted are those that came from persons, up to the last midnight: nobody can read in it who else has a number.
    """
    return await deadlines.list_deadlines(session)


@holders.get("/overdue", summary="List overdue relays")
async def list_overdue_relays(
    session: SessionDep, actor: Regulator, after: After = None, limit: Limit = 100
) -> Page[OverdueRelay]:
    """For the supervisory authority, whose look is recorded: who has not answered within a month."""
    return await deadlines.list_overdue_relays(session, after, limit)


# Of this form alone: it would take the fixed addresses for ids, also where they have no GET.
@persons.get("/{objection_id:uuid}", summary="Get an objection of yours", responses=responses(401, 404, 422))
async def get_objection(
    objection_id: Annotated[uuid.UUID, Path(description="The id of an objection.")],
    session: SessionDep,
    ring: RingDep,
    person: PersonDep,
) -> ObjectionOut:
    """One objection on your number, hop by hop."""
    return await operations.get_objection(session, ring, person, objection_id)


@campaigns.post(
    "/{campaign_id}/stops", status_code=201, summary="Report replies STOP", responses=responses(*JSON_BODY, 404, 409)
)
async def report_stops(
    campaign_id: Annotated[uuid.UUID, Path(description="The id of a campaign.")],
    body: StopsIn,
    session: SessionDep,
    snapshots: SnapshotsDep,
    ring: RingDep,
    queue: QueueDep,
    actor: NumbersWriter,
) -> ReportResults:
    """By the party of a campaign or its sender. Each STOP is an objection against everybody, relayed to every holder.

    It never erases. A number that the campaign was not sent to is `not_messaged`, and not recorded.
    """
    return await stops.report_stops(session, snapshots, ring, queue, actor, campaign_id, body)
