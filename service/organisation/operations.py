"""The operations on organisations."""

import uuid

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access import visibility
from service.access.actor import Actor
from service.access.visible_rows import get_visible
from service.core import locks
from service.core.clock import now
from service.core.errors import Conflict, Forbidden, NotFound
from service.core.locks import Lock
from service.core.paging import Page, read_slice
from service.core.settings import Settings
from service.core.vocabulary import Role, UsageKind
from service.organisation.models import Organisation
from service.organisation.schemas import OrganisationIn, OrganisationOut, canonical_number
from service.usage.quotas import add_usage


async def register_organisation(
    session: AsyncSession, actor: Actor | None, wanted: OrganisationIn, settings: Settings | None = None
) -> OrganisationOut:
    """Register an organisation. Without an `actor` and `settings`, the operator does so at the command line.

    Raises:
        TooManyRequests: the caller has registered as many today as it may. The operator has no limit.
        Conflict: the registration number is already registered; the problem has its `organisation_id`.
        Forbidden: only the operator registers regulators and operators.
    """
    by_operator = actor is None or actor.is_operator
    if not by_operator and {Role.REGULATOR, Role.OPERATOR} & set(wanted.roles):
        raise Forbidden("role_reserved", "Only the operator of the registry can register a regulator or an operator.")
    await _lock_number(session, wanted)
    await _refuse_duplicate(session, wanted)
    row = Organisation(
        **wanted.model_dump(),
        asserted_by_id=actor.organisation_id if actor else None,
        asserted_through_id=actor.through_id if actor else None,
        occurred_at=now(),
    )
    session.add(row)
    await session.flush()
    if actor is not None and settings is not None and not by_operator:
        await add_usage(session, settings, actor.organisation_id, UsageKind.ORGANISATIONS, 1)
    return OrganisationOut.model_validate(row.model_dump())


async def _lock_number(session: AsyncSession, wanted: OrganisationIn) -> None:
    """Make concurrent registrations of one number wait for each other, so that the second is refused."""
    if wanted.registration_number is None:
        return
    number = f"{wanted.country}:{wanted.registration_number}"
    await locks.take_in(session, Lock.REGISTRATION_NUMBER, locks.key_of(number))


async def _refuse_duplicate(session: AsyncSession, wanted: OrganisationIn) -> None:
    known = await _find_by_registration_number(session, wanted.country, wanted.registration_number)
    if known is not None:
        raise Conflict(
            "already_registered",
            "An organisation with this registration number is already registered. Use the id in `organisation_id`.",
            organisation_id=str(known.id),
        )


async def _find_by_registration_number(session: AsyncSession, country: str, number: str | None) -> Organisation | None:
    if number is None:
        return None
    query = select(Organisation).where(Organisation.country == country, Organisation.registration_number == number)
    return (await session.exec(query)).one_or_none()


async def get_organisation(session: AsyncSession, actor: Actor, organisation_id: uuid.UUID) -> OrganisationOut:
    """An organisation that the caller sees."""
    row = await get_visible(
        session, Organisation, visibility.visible_organisations(actor), organisation_id, "organisation"
    )
    return OrganisationOut.model_validate(row.model_dump())


async def list_organisations(
    session: AsyncSession,
    actor: Actor,
    country: str | None,
    registration_number: str | None,
    after: uuid.UUID | None,
    limit: int,
) -> Page[OrganisationOut]:
    """The organisations that the caller sees or, with a registration number, the one that has it.

    A registration number is public, and the other side of a transfer must be found to register it. So the organisation
    is found whether or not the caller deals with it. Without its number, nobody can list organisations of others.
    """
    if registration_number is not None:
        country = country or "FR"
        row = await _find_by_registration_number(session, country, canonical_number(country, registration_number))
        return Page(items=[await _as_seen(session, actor, row)] if row else [])
    query = select(Organisation).where(col(Organisation.id).in_(visibility.visible_organisations(actor)))
    if country is not None:
        query = query.where(Organisation.country == country)
    rows = await read_slice(session, query, after, limit, Organisation.id)
    return rows.page(OrganisationOut.model_validate(row.model_dump()) for row in rows)


_WITHHELD = {"asserted_by_id", "asserted_through_id", "occurred_at", "recorded_at", "privacy_contact"}


async def _as_seen(session: AsyncSession, actor: Actor, row: Organisation) -> OrganisationOut:
    """An organisation in full, or only what a public register says and its account if the caller does not see it."""
    query = select(Organisation.id).where(
        Organisation.id == row.id, col(Organisation.id).in_(visibility.visible_organisations(actor))
    )
    seen = (await session.exec(query)).first() is not None
    return OrganisationOut(**row.model_dump() | ({} if seen else dict.fromkeys(_WITHHELD)))


async def find_organisation(session: AsyncSession, organisation_id: uuid.UUID, field: str) -> Organisation:
    """The organisation named in `field` of a request.

    Raises:
        NotFound: no organisation has that id.
    """
    row = await session.get(Organisation, organisation_id)
    if row is None:
        raise NotFound(f"organisation as in `{field}`")
    return row


def may_assert_for(actor: Actor, organisation: Organisation) -> bool:
    """Whether `actor` may assert facts for `organisation`: its own, or one without an account, which cannot itself."""
    return organisation.id == actor.organisation_id or organisation.admitted_at is None


def require_may_assert_for(actor: Actor, organisation: Organisation) -> None:
    """Refuse an actor that asserts facts for another organisation with an account."""
    if not may_assert_for(actor, organisation):
        raise Forbidden(
            "has_own_account",
            "This organisation has an account here and registers its own facts. Ask it to do so.",
        )
