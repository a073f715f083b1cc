"""HTTP routes of notices, partner lists, evidence, collections and what collectors state of them."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Path, Response

from service.access.idempotency import IdempotentRoute
from service.access.permit import FactsReader, FactsWriter
from service.collection import notices as notice_operations
from service.collection import operations
from service.collection.evidence import AcceptedEvidenceDep
from service.collection.evidence_content import evidence_response
from service.collection.schemas import (
    CollectionIn,
    CollectionOut,
    CollectorStatementIn,
    EvidenceOut,
    NoticeIn,
    NoticeOut,
    PartnerListIn,
    PartnerListOut,
    WithdrawalIn,
)
from service.core.body_limits import Body, reads
from service.core.db import DatabaseDep, SessionDep
from service.core.disk import NEEDS_ROOM
from service.core.errors import JSON_BODY, responses
from service.core.paging import After, Limit, Page
from service.intake.evidence import EVIDENCE_TYPES
from service.number.app_keyring import RingDep

notices = APIRouter(prefix="/v1/notices", tags=["notices"], route_class=IdempotentRoute)
collections = APIRouter(prefix="/v1/collections", tags=["collections"], route_class=IdempotentRoute)

NoticeId = Annotated[uuid.UUID, Path(description="The id of a notice.")]
EvidenceId = Annotated[uuid.UUID, Path(description="The id of a piece of evidence.")]
CollectionId = Annotated[uuid.UUID, Path(description="The id of a collection.")]

_FILE = {"schema": {"type": "string", "format": "binary"}}


@notices.post(
    "",
    status_code=201,
    summary="Register a notice",
    dependencies=[NEEDS_ROOM],
    responses=responses(*JSON_BODY, 404, 409, 507),
)
async def register_notice(body: NoticeIn, session: SessionDep, ring: RingDep, actor: FactsWriter) -> NoticeOut:
    """Registers the wording of a form, verbatim. A notice never changes.

    A wording that was shown later is a new version, which `replaces_id` the old one. If a notice was recorded wrongly,
    a correction that `corrects_id` it says what was shown in truth: answers then show that, and what it said before.
    """
    return await notice_operations.register_notice(session, ring, actor, body)


@notices.get("", summary="List notices")
async def list_notices(
    session: SessionDep, actor: FactsReader, after: After = None, limit: Limit = 100
) -> Page[NoticeOut]:
    """Your own notices, and those upstream of what you hold."""
    return await notice_operations.list_notices(session, actor, after, limit)


@notices.get("/{notice_id}", summary="Get a notice", responses=responses(404))
async def get_notice(notice_id: NoticeId, session: SessionDep, actor: FactsReader) -> NoticeOut:
    """A notice with its partner lists and evidence."""
    return await notice_operations.get_notice(session, actor, notice_id)


@notices.post(
    "/{notice_id}/partner-lists",
    status_code=201,
    summary="Add a partner list",
    dependencies=[NEEDS_ROOM],
    responses=responses(*JSON_BODY, 404, 409, 507),
)
@reads(Body.LONG_LIST)
async def add_partner_list(
    notice_id: NoticeId, body: PartnerListIn, session: SessionDep, actor: FactsWriter
) -> PartnerListOut:
    """Adds the list in force from a day on. Earlier lists stay, because each person saw the list of their day."""
    return await notice_operations.add_partner_list(session, actor, notice_id, body)


@notices.post(
    "/{notice_id}/evidence",
    status_code=201,
    summary="Upload a screenshot of the form",
    dependencies=[NEEDS_ROOM],
    responses=responses(404, 409, 413, 415, 507),
    openapi_extra={"requestBody": {"required": True, "content": dict.fromkeys(EVIDENCE_TYPES, _FILE)}},
)
@reads(Body.EVIDENCE)
async def add_evidence(
    evidence: AcceptedEvidenceDep, notice_id: NoticeId, session: SessionDep, actor: FactsWriter
) -> EvidenceOut:
    """A complete PNG, JPEG, WebP or PDF file whose bytes match Content-Type. The response states its SHA-256.

    A PDF with scripts, actions, other files or encryption is refused, and what has too many pixels or pages.
    """
    return await notice_operations.add_evidence(session, actor, notice_id, evidence)


@notices.get(
    "/{notice_id}/evidence/{evidence_id}",
    summary="Download a screenshot of the form",
    response_class=Response,
    responses=responses(404) | {200: {"description": "The file.", "content": dict.fromkeys(EVIDENCE_TYPES, _FILE)}},
)
async def get_evidence(
    notice_id: NoticeId,
    evidence_id: EvidenceId,
    session: SessionDep,
    database: DatabaseDep,
    ring: RingDep,
    actor: FactsReader,
) -> Response:
    """The file as it was uploaded."""
    evidence = await notice_operations.get_evidence(session, actor, notice_id, evidence_id)
    return evidence_response(database, ring, evidence, {"Content-Disposition": "attachment"})


@notices.post(
    "/{notice_id}/evidence/{evidence_id}/withdrawal",
    status_code=201,
    summary="Withdraw a screenshot of the form",
    responses=responses(*JSON_BODY, 404, 409),
)
async def withdraw_evidence(
    notice_id: NoticeId, evidence_id: EvidenceId, body: WithdrawalIn, session: SessionDep, actor: FactsWriter
) -> EvidenceOut:
    """States that a file which you uploaded does not show the form as it was. It stays, marked as withdrawn."""
    return await notice_operations.withdraw_evidence(session, actor, notice_id, evidence_id, body)


@collections.post(
    "",
    status_code=201,
    summary="Register a collection",
    dependencies=[NEEDS_ROOM],
    responses=responses(*JSON_BODY, 404, 409, 507),
)
async def register_collection(
    body: CollectionIn, session: SessionDep, ring: RingDep, actor: FactsWriter
) -> CollectionOut:
    """Registers that a collector gathered numbers: where, under which notice, from when to when."""
    return await operations.register_collection(session, ring, actor, body)


@collections.get("", summary="List collections")
async def list_collections(
    session: SessionDep, actor: FactsReader, after: After = None, limit: Limit = 100
) -> Page[CollectionOut]:
    """Your own collections, and those upstream of what you hold."""
    return await operations.list_collections(session, actor, after, limit)


@collections.get("/{collection_id}", summary="Get a collection", responses=responses(404))
async def get_collection(collection_id: CollectionId, session: SessionDep, actor: FactsReader) -> CollectionOut:
    """A collection as it was registered, and what its collector states of it."""
    return await operations.get_collection(session, actor, collection_id)


@collections.post(
    "/{collection_id}/statements",
    status_code=201,
    summary="State whether a collection took place",
    responses=responses(*JSON_BODY, 404, 409),
)
async def state_collection(
    collection_id: CollectionId, body: CollectorStatementIn, session: SessionDep, actor: FactsWriter
) -> CollectionOut:
    """The collector attests or denies a collection that another organisation, its buyer, asserts in its name.

    A denial cuts no path and hides nothing. The origin is shown as denied by its collector, and counted apart.
    """
    return await operations.state_collection(session, actor, collection_id, body)
