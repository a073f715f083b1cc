"""HTTP routes of organisations."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Path, Query

from service.access.idempotency import IdempotentRoute
from service.access.permit import DirectoryReader, DirectoryWriter
from service.core.db import SessionDep
from service.core.disk import NEEDS_ROOM
from service.core.errors import JSON_BODY, responses
from service.core.paging import After, Limit, Page
from service.core.settings import SettingsDep
from service.core.text import Line, RegistrationNumber
from service.organisation import operations, search, statements
from service.organisation.schemas import (
    Country,
    OrganisationIn,
    OrganisationOut,
    OrganisationSearch,
    OrganisationStatementIn,
    OrganisationStatementOut,
)

router = APIRouter(prefix="/v1/organisations", tags=["organisations"], route_class=IdempotentRoute)


@router.post(
    "",
    status_code=201,
    summary="Register an organisation",
    dependencies=[NEEDS_ROOM],
    responses=responses(*JSON_BODY, 409, 429, 507),
)
async def register_organisation(
    body: OrganisationIn, session: SessionDep, settings: SettingsDep, actor: DirectoryWriter
) -> OrganisationOut:
    """Names an organisation that you deal with. It gets an account once the operator issues a key for it.

    If there is one of that name in the country, you are asked about it first (`similar_organisation`). Use it, or say
    in `distinct_from_ids` that yours is another.

    You may register a number of organisations in a day (UTC) that the operator sets.
    """
    return await operations.register_organisation(session, actor, body, settings)


@router.get("", summary="List organisations")
async def list_organisations(
    session: SessionDep,
    actor: DirectoryReader,
    country: Annotated[Country | None, Query(description="Country of the organisation (ISO 3166-1 alpha-2).")] = None,
    registration_number: Annotated[
        RegistrationNumber | None,
        Query(description="Returns only the organisation with this number; in France the SIREN."),
    ] = None,
    name: Annotated[
        Line | None,
        Query(
            description="Returns only the organisations with an account that have this name or alias, and those that "
            "you see whose name has words that begin so. Case, accents, punctuation and legal forms are set aside."
        ),
    ] = None,
    after: After = None,
    limit: Limit = 100,
) -> Page[OrganisationOut]:
    """The organisations that you named or deal with, and those upstream of what you hold.

    By its number any organisation is found, by its name any with an account: what a public register says of it.
    """
    wanted = OrganisationSearch(country, registration_number, name)
    return await search.list_organisations(session, actor, wanted, after, limit)


@router.get("/{organisation_id}", summary="Get an organisation", responses=responses(404))
async def get_organisation(
    organisation_id: Annotated[uuid.UUID, Path(description="The id of an organisation.")],
    session: SessionDep,
    actor: DirectoryReader,
) -> OrganisationOut:
    """An organisation, with its roles and contact."""
    return await search.get_organisation(session, actor, organisation_id)


@router.post(
    "/{organisation_id}/statements",
    status_code=201,
    summary="State the name, contact and other details of an organisation",
    responses=responses(*JSON_BODY, 404, 409),
)
async def state_organisation(
    organisation_id: Annotated[uuid.UUID, Path(description="The id of an organisation.")],
    body: OrganisationStatementIn,
    session: SessionDep,
    actor: DirectoryWriter,
) -> OrganisationStatementOut:
    """What an organisation states of itself counts from then on, and so does what the operator states with a reason.

    A detail that is left out stays as it is, and null says that there is none. Only the operator states the country,
    and gives or takes the roles of regulators and operators. Until an organisation speaks, the word of its first namer
    counts, and is shown as that namer's. A statement of its name, contact or aliases by another namer stands beside it.
    Earlier statements stay recorded.
    """
    return await statements.state_organisation(session, actor, organisation_id, body)


@router.get("/{organisation_id}/statements", summary="List statements on an organisation", responses=responses(404))
async def list_organisation_statements(
    organisation_id: Annotated[uuid.UUID, Path(description="The id of an organisation.")],
    session: SessionDep,
    actor: DirectoryReader,
    after: After = None,
    limit: Limit = 100,
) -> Page[OrganisationStatementOut]:
    """What was stated of it by you, by organisations that you see, and by the operator, and what of it counts."""
    return await statements.list_organisation_statements(session, actor, organisation_id, after, limit)
