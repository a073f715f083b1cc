"""Routes of objections, for persons, holders, senders, the regulator and the public."""

import time
import uuid
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from service.access.idempotency import IdempotentRoute
from service.access.permit import FactsReader, HoldersReader, NumbersWriter, Regulator
from service.core.body_limits import Body, reads
from service.core.bounded_route import BoundedRoute
from service.core.db import SessionDep
from service.core.errors import JSON_BODY, responses
from service.core.paging import After, Limit, Page
from service.core.task_queue import QueueDep
from service.core.threads import WorkThreads
from service.core.tick import TICK_SECONDS, wait_for_tick
from service.core.turns import served_first
from service.number.app_keyring import RingDep
from service.objection import contests, deadlines, flags, operations, publication, relays, stops
from service.objection.contest_schemas import ContestAnswerIn, ContestIn
from service.objection.figures import Publication, publication_csv
from service.objection.reporting import ReportingDep
from service.objection.schemas import (
    ExactCounts,
    ExtensionIn,
    FlaggedNumber,
    FlagOut,
    ObjectionIn,
    ObjectionList,
    ObjectionOut,
    OverdueRelay,
    PublicationList,
    ReceivedObjectionsIn,
    RefusalIn,
    RelayOut,
    RelayPage,
    ReportResults,
    StopsIn,
)
from service.provenance.routes import SnapshotsDep
from service.verification.repeated_requests import PersonRoute
from service.verification.sessions import PersonDep

_CSV_EXAMPLE = (
    "quarter,version,published_on,reason,organisation_id,legal_name,in_time,late,refused,withdrawn,open,received,"
    "in_time_percent,median_days,mean_days\r\n"
    "2026-Q3,1,2026-11-15,,01890000-0000-7000-8000-000000000000,Contact Direct SAS,120,fewer than 10,fewer than 10,"
    "fewer than 10,fewer than 10,,,6,8\r\n"
)

# The routes for persons and for the public need no API key.
persons = APIRouter(prefix="/v1/objections", tags=["objections"], route_class=PersonRoute)
public = APIRouter(prefix="/v1/objections", tags=["objections"], route_class=BoundedRoute)
holders = APIRouter(prefix="/v1/objections", tags=["objections"], route_class=IdempotentRoute)
campaigns = APIRouter(prefix="/v1/campaigns", tags=["objections"], route_class=IdempotentRoute)

# A quarter has a line for each organisation, and anybody may ask for it.
_TABLES = WorkThreads("table", 1, 8)

RelayId = Annotated[uuid.UUID, Path(description="The id of a relay.")]
PublishedQuarter = Annotated[
    str, Path(pattern=r"^20\d\d-Q[1-4]$", description="A published quarter.", examples=["2026-Q3"])
]
Version = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="A version; the newest unless given.")]
Cursor = Annotated[int, Query(ge=0, le=2**63 - 1, description="The `next` of the previous page; 0 to begin.")]


@persons.post(
    "",
    status_code=201,
    summary="Create an objection or a request for erasure",
    responses=responses(*JSON_BODY, 401, 404, 409, 422),
)
@reads(Body.SMALL)
@served_first
async def create_objection(
    body: ObjectionIn,
    session: SessionDep,
    snapshots: SnapshotsDep,
    ring: RingDep,
    queue: QueueDep,
    person: PersonDep,
) -> ObjectionOut:
    """Object to every use of your number, to its use by one organisation, or to one purpose.

    It applies at once. It is relayed to every holder, who has a month to answer. A relay to a holder without an
    account here is `undeliverable`: send a letter. An identical objection that is still open is returned again.
    """
    return await operations.create_objection(session, snapshots, ring, queue, person, body)


@persons.post(
    "/contests",
    status_code=201,
    summary="Contest an agreement",
    responses=responses(*JSON_BODY, 401, 404, 409, 422),
)
@reads(Body.SMALL)
@served_first
async def contest_origin(
    body: ContestIn,
    session: SessionDep,
    snapshots: SnapshotsDep,
    ring: RingDep,
    queue: QueueDep,
    person: PersonDep,
) -> ObjectionOut:
    """State that you did not give the agreement which one origin of your number states (GDPR 16, 18).

    It is relayed to the collector, who answers with its record, and to those who hold the number from there. Your
    answer, and theirs, show it. You can take it back.
    """
    return await contests.contest_origin(session, snapshots, ring, queue, person, body)


@persons.get("", summary="List your objections", responses=responses(401))
async def list_objections(session: SessionDep, ring: RingDep, person: PersonDep) -> ObjectionList:
    """Returns every objection recorded for your number since you have owned it, with its relays."""
    return ObjectionList(items=await operations.list_objections(session, ring, person))


@holders.post(
    "/received",
    status_code=201,
    summary="Record objections received elsewhere",
    responses=responses(*JSON_BODY, 409, 429),
)
async def record_received_objections(
    body: ReceivedObjectionsIn,
    reporting: ReportingDep,
    actor: NumbersWriter,
) -> ReportResults:
    """Record objections that you received by letter, by telephone or on your website, for numbers that you hold.

    They are relayed to every other holder. Your own relay is acknowledged at once; complete it as any other relay. A
    call that would exceed your limit of objections in a day (UTC) is refused whole.
    """
    began = time.monotonic()
    results = await operations.record_received_objections(reporting, actor, body)
    # Each number has its own tick, so that the time of all does not say how many others hold them.
    await wait_for_tick(began, TICK_SECONDS * len(body.numbers))
    return results


@holders.get("/relays", summary="List relays")
async def list_relays(
    session: SessionDep,
    snapshots: SnapshotsDep,
    ring: RingDep,
    actor: HoldersReader,
    after: Cursor = 0,
    limit: Limit = 100,
) -> RelayPage:
    """The objections relayed to you, in the order in which they reach your list, with each number that you still hold.

    A relay is delivered once you have read it. Keep the last `next` that you got: new relays always come after it.
    `recorder` says whether the person recorded the objection. An organisation that did is named if you see it on a path
    of this number.
    """
    return await relays.list_relays(session, snapshots, ring, actor, after, limit)


@holders.post("/relays/{relay_id}/acknowledge", summary="Acknowledge a relay", responses=responses(404, 409, 413))
async def acknowledge_relay(
    relay_id: RelayId, session: SessionDep, snapshots: SnapshotsDep, ring: RingDep, actor: NumbersWriter
) -> RelayOut:
    """State that you have received the objection and are processing it."""
    return await relays.acknowledge_relay(session, snapshots, ring, actor, relay_id)


@holders.post("/relays/{relay_id}/complete", summary="Complete a relay", responses=responses(404, 409, 413))
async def complete_relay(
    relay_id: RelayId, session: SessionDep, snapshots: SnapshotsDep, ring: RingDep, actor: NumbersWriter
) -> RelayOut:
    """State that you will send no further messages. An erasure also removes the number from all your datasets."""
    return await relays.complete_relay(session, snapshots, ring, actor, relay_id)


@holders.post("/relays/{relay_id}/refuse", summary="Refuse a relay", responses=responses(*JSON_BODY, 404, 409))
async def refuse_relay(
    relay_id: RelayId,
    body: RefusalIn,
    session: SessionDep,
    snapshots: SnapshotsDep,
    ring: RingDep,
    actor: NumbersWriter,
) -> RelayOut:
    """State that you refuse what the person asks, with the reason that the person will read (GDPR 12(4))."""
    return await relays.refuse_relay(session, snapshots, ring, actor, relay_id, body)


@holders.post("/relays/{relay_id}/extend", summary="Extend a relay", responses=responses(*JSON_BODY, 404, 409))
async def extend_relay(
    relay_id: RelayId,
    body: ExtensionIn,
    session: SessionDep,
    snapshots: SnapshotsDep,
    ring: RingDep,
    actor: NumbersWriter,
) -> RelayOut:
    """Take two more months to answer, within the first, with reasons that the person will read (GDPR 12(3))."""
    return await relays.extend_relay(session, snapshots, ring, actor, relay_id, body)


@holders.post("/relays/{relay_id}/answer", summary="Answer a contest", responses=responses(*JSON_BODY, 403, 404, 409))
async def answer_contest(
    relay_id: RelayId,
    body: ContestAnswerIn,
    session: SessionDep,
    snapshots: SnapshotsDep,
    ring: RingDep,
    actor: NumbersWriter,
) -> RelayOut:
    """As the collector of a contested origin, state which record you keep of the agreement. The person reads it.

    It completes the relay. A later answer is shown beside the earlier ones.
    """
    return await relays.answer_relay(session, snapshots, ring, actor, relay_id, body)


@holders.get("/flags", summary="List flagged datasets and campaigns")
async def list_flags(session: SessionDep, actor: FactsReader, after: After = None, limit: Limit = 100) -> Page[FlagOut]:
    """Your sealed datasets and registered campaigns that contain numbers whose owners had objected before."""
    return await flags.list_flags(session, actor, after, limit)


@holders.get(
    "/flags/{subject_id}/numbers", summary="List a flagged dataset's or campaign's numbers", responses=responses(404)
)
async def list_flagged_numbers(
    subject_id: Annotated[uuid.UUID, Path(description="The id of a flagged dataset or campaign.")],
    session: SessionDep,
    snapshots: SnapshotsDep,
    ring: RingDep,
    actor: HoldersReader,
    after: After = None,
    limit: Limit = 100,
) -> Page[FlaggedNumber]:
    """Returns the numbers that were objected to before, if you still hold them. Do not message them."""
    return await flags.list_flagged_numbers(session, snapshots, ring, actor, subject_id, after, limit)


@public.get("/deadlines", summary="List the published quarters")
async def list_publications(session: SessionDep) -> PublicationList:
    """How organisations meet their deadlines is published once for each quarter, for everybody.

    The publication appears on the 15th of the second month after the quarter and never changes. A correction is a new
    version, with its reason.
    """
    return PublicationList(items=await publication.list_publications(session))


@public.get(
    "/deadlines/{quarter}",
    summary="Get the figures of a quarter",
    response_model=Publication,
    responses=responses(404, 422),
)
async def get_publication(quarter: PublishedQuarter, session: SessionDep, version: Version = None) -> Response:
    """For each organisation: how many requests it completed in time, late, refused or left open, and how fast.

    Counts are rounded to the nearest 10, and counts under 10 are withheld, so that nobody can learn who holds a number.
    A sum or a share appears only if every count that it is made of does.
    """
    document = await publication.read_document(session, quarter, version)
    return Response(document, media_type="application/json")


@public.get(
    "/deadlines/{quarter}/counts.csv",
    summary="Download the figures of a quarter",
    response_class=Response,
    responses={
        200: {"content": {"text/csv": {"schema": {"type": "string"}, "example": _CSV_EXAMPLE}}},
        **responses(404, 422),
    },
)
async def download_publication(quarter: PublishedQuarter, session: SessionDep, version: Version = None) -> Response:
    """The same figures as CSV. The last line is the total; an empty cell is a figure that is left out."""
    document = await publication.read_document(session, quarter, version)
    table = await _TABLES.run(lambda: publication_csv(Publication.model_validate_json(document)))
    headers = {"Content-Disposition": f'attachment; filename="deadlines-{quarter}.csv"'}
    return Response(table, media_type="text/csv", headers=headers)


@holders.get("/deadlines/{quarter}/exact", summary="List exact counts of a quarter", responses=responses(404))
async def list_exact_counts(
    quarter: PublishedQuarter,
    session: SessionDep,
    actor: FactsReader,
    version: Version = None,
    after: After = None,
    limit: Limit = 100,
) -> Page[ExactCounts]:
    """The exact counts behind a published quarter: your own, or those of every organisation for a regulator."""
    return await publication.list_exact_counts(session, actor, quarter, version, after, limit)


@holders.get("/overdue", summary="List overdue relays")
async def list_overdue_relays(
    session: SessionDep, actor: Regulator, after: After = None, limit: Limit = 100
) -> Page[OverdueRelay]:
    """Returns the relays that passed their deadline, to a regulator only. Each inspection is recorded."""
    return await deadlines.list_overdue_relays(session, after, limit)


# Only ids match here: otherwise this route would take the fixed paths for ids, even those without a GET.
@persons.get("/{objection_id:uuid}", summary="Get an objection", responses=responses(401, 404, 422))
async def get_objection(
    objection_id: Annotated[uuid.UUID, Path(description="The id of an objection.")],
    session: SessionDep,
    ring: RingDep,
    person: PersonDep,
) -> ObjectionOut:
    """One objection to the use of your number, with its relays and flags."""
    return await operations.get_objection(session, ring, person, objection_id)


@persons.post(
    "/{objection_id:uuid}/withdraw", summary="Take a contest back", responses=responses(401, 404, 409, 413, 422)
)
async def withdraw_contest(
    objection_id: Annotated[uuid.UUID, Path(description="The id of a contest.")],
    session: SessionDep,
    ring: RingDep,
    person: PersonDep,
) -> ObjectionOut:
    """Take back that you contested an agreement. What was answered stays."""
    return await contests.withdraw_contest(session, ring, person, objection_id)


@campaigns.post(
    "/{campaign_id}/stops",
    status_code=201,
    summary="Report STOP replies",
    responses=responses(*JSON_BODY, 404, 409, 429),
)
async def report_stops(
    campaign_id: Annotated[uuid.UUID, Path(description="The id of a campaign.")],
    body: StopsIn,
    session: SessionDep,
    reporting: ReportingDep,
    actor: NumbersWriter,
) -> ReportResults:
    """For the party or the sender of a campaign. Each STOP is an objection to every use, relayed to every holder.

    It never erases. A reply from a number that the campaign was not sent to is `not_messaged` and is not recorded.
    """
    return await stops.report_stops(session, reporting, actor, campaign_id, body)
