"""The operations on organisations."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access import visibility
from service.access.actor import Actor
from service.access.visible_rows import get_visible, visible_organisations_among
from service.core import locks
from service.core.clock import now
from service.core.errors import Conflict, Forbidden, NotFound, Unprocessable
from service.core.locks import Lock
from service.core.paging import Page, read_slice
from service.core.settings import Settings
from service.core.time_zone import zone_of
from service.core.vocabulary import Role, UsageKind
from service.organisation.models import Organisation, OrganisationStatement
from service.organisation.registration_number import comparison_key
from service.organisation.schemas import (
    OrganisationIn,
    OrganisationOut,
    OrganisationStatementIn,
    OrganisationStatementOut,
)
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
    moment = now()
    row = Organisation(
        **wanted.model_dump(),
        registration_key=wanted.registration_key(),
        asserted_by_id=actor.organisation_id if actor else None,
        asserted_through_id=actor.through_id if actor else None,
        occurred_at=moment,
        recorded_at=moment,
        stated_by_id=None if by_operator or actor is None else actor.organisation_id,
        stated_at=moment,
    )
    session.add(row)
    await session.flush()
    stated = OrganisationStatementIn(legal_name=row.legal_name, privacy_contact=row.privacy_contact)
    session.add(_statement(actor, row.id, stated, moment))
    if actor is not None and settings is not None and not by_operator:
        await add_usage(session, settings, actor.organisation_id, UsageKind.ORGANISATIONS, 1)
    return OrganisationOut(**_fields(row))


def _statement(
    actor: Actor | None, organisation_id: uuid.UUID, stated: OrganisationStatementIn, moment: datetime
) -> OrganisationStatement:
    return OrganisationStatement(
        **stated.model_dump(),
        organisation_id=organisation_id,
        asserted_by_id=actor.organisation_id if actor else None,
        asserted_through_id=actor.through_id if actor else None,
        recorded_at=moment,
    )


async def state_organisation(
    session: AsyncSession, actor: Actor, organisation_id: uuid.UUID, wanted: OrganisationStatementIn
) -> OrganisationStatementOut:
    """Record what the caller states of an organisation's name and contact.

    The organisation's own statement counts from then on, and so does the operator's. Until then that of its first namer
    counts, which may correct itself. A statement of another namer stands beside it.

    Raises:
        NotFound: no organisation has the id, or the caller may not see it.
        Unprocessable: the operator gave no reason.
        Forbidden: a processor's key cannot speak for the organisation.
        Conflict: the organisation speaks for itself.
    """
    # Two statements at once wait for each other, so that the later one counts.
    await session.exec(select(Organisation.id).where(Organisation.id == organisation_id).with_for_update())
    if actor.is_operator:
        row = await find_organisation(session, organisation_id, "organisation_id")
        if wanted.reason is None:
            raise Unprocessable("reason_required", "Give the reason of this statement in `reason`. It is recorded.")
    else:
        visible = visibility.visible_organisations(actor)
        row = await get_visible(session, Organisation, visible, organisation_id, "organisation")
    counts = actor.is_operator or _may_replace(actor, row)
    moment = now()
    statement = _statement(actor, row.id, wanted, moment)
    session.add(statement)
    if counts:
        row.legal_name, row.privacy_contact = wanted.legal_name, wanted.privacy_contact
        row.stated_by_id, row.stated_at = None if actor.is_operator else actor.organisation_id, moment
        session.add(row)
    await session.flush()
    return OrganisationStatementOut(**statement.model_dump(), counts=counts)


def _may_replace(actor: Actor, row: Organisation) -> bool:
    """Whether a statement of `actor` counts in place of the one that counts now."""
    if row.id == actor.organisation_id:
        if actor.through_id is not None:
            raise Forbidden("own_key_required", "Only a key of the organisation itself can state its name and contact.")
        return True
    if row.stated_by_id in (None, row.id):
        raise Conflict(
            "speaks_for_itself",
            "This organisation, or the operator for it, states its name and contact. Ask it to correct them.",
        )
    return row.stated_by_id == actor.organisation_id


async def list_organisation_statements(
    session: AsyncSession, actor: Actor, organisation_id: uuid.UUID, after: uuid.UUID | None, limit: int
) -> Page[OrganisationStatementOut]:
    """What is stated of an organisation: by the caller, and by organisations that the caller sees."""
    visible = visibility.visible_organisations(actor)
    row = await get_visible(session, Organisation, visible, organisation_id, "organisation")
    asserter = col(OrganisationStatement.asserted_by_id)
    query = select(OrganisationStatement).where(
        OrganisationStatement.organisation_id == row.id, or_(asserter.is_(None), asserter.in_(visible))
    )
    rows = await read_slice(session, query, after, limit, OrganisationStatement.id)
    return rows.page(
        OrganisationStatementOut(**found.model_dump(), counts=found.recorded_at == row.stated_at) for found in rows
    )


async def _lock_number(session: AsyncSession, wanted: OrganisationIn) -> None:
    """Make concurrent registrations of one number wait for each other, so that the second is refused."""
    key = wanted.registration_key()
    if key is None:
        return
    number = f"{wanted.country}:{key}"
    await locks.take_in(session, Lock.REGISTRATION_NUMBER, locks.key_of(number))


async def _refuse_duplicate(session: AsyncSession, wanted: OrganisationIn) -> None:
    known = await _find_by_registration_key(session, wanted.country, wanted.registration_key())
    if known is not None:
        raise Conflict(
            "already_registered",
            "An organisation with this registration number is already registered. Use the id in `organisation_id`.",
            organisation_id=str(known.id),
        )


async def _find_by_registration_number(session: AsyncSession, country: str, number: str) -> Organisation | None:
    try:
        key = comparison_key(country, number)
    except ValueError:
        # No organisation can have been registered with it.
        return None
    return await _find_by_registration_key(session, country, key)


async def _find_by_registration_key(session: AsyncSession, country: str, key: str | None) -> Organisation | None:
    if key is None:
        return None
    query = select(Organisation).where(Organisation.country == country, Organisation.registration_key == key)
    return (await session.exec(query)).one_or_none()


async def get_organisation(session: AsyncSession, actor: Actor, organisation_id: uuid.UUID) -> OrganisationOut:
    """An organisation that the caller sees."""
    row = await get_visible(
        session, Organisation, visibility.visible_organisations(actor), organisation_id, "organisation"
    )
    return (await _as_told(session, actor, [row]))[0]


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
        row = await _find_by_registration_number(session, country or "FR", registration_number)
        return Page(items=[await _as_seen(session, actor, row)] if row else [])
    query = select(Organisation).where(col(Organisation.id).in_(visibility.visible_organisations(actor)))
    if country is not None:
        query = query.where(Organisation.country == country)
    rows = await read_slice(session, query, after, limit, Organisation.id)
    return rows.page(await _as_told(session, actor, rows.rows))


_NAMERS = ("asserted_by_id", "asserted_through_id", "stated_by_id")


async def _as_told(session: AsyncSession, actor: Actor, rows: Sequence[Organisation]) -> list[OrganisationOut]:
    """Organisations, without the ids of namers that the caller does not see."""
    namers = (getattr(row, name) for row in rows for name in _NAMERS)
    seen = await visible_organisations_among(session, actor, namers)
    return [
        OrganisationOut(**_fields(row) | {name: visibility.named(seen, getattr(row, name)) for name in _NAMERS})
        for row in rows
    ]


_WITHHELD = {*_NAMERS, "occurred_at", "recorded_at", "privacy_contact", "stated_at"}


async def _as_seen(session: AsyncSession, actor: Actor, row: Organisation) -> OrganisationOut:
    """An organisation in full, or only what a public register says and its account if the caller does not see it."""
    query = select(Organisation.id).where(
        Organisation.id == row.id, col(Organisation.id).in_(visibility.visible_organisations(actor))
    )
    seen = (await session.exec(query)).first() is not None
    if seen:
        return (await _as_told(session, actor, [row]))[0]
    return OrganisationOut(**_fields(row) | dict.fromkeys(_WITHHELD))


def _fields(row: Organisation) -> dict[str, Any]:
    """What is shown of an organisation to those who see it."""
    return row.model_dump() | {"time_zone": zone_of(row.country, row.time_zone)}


async def find_organisation(session: AsyncSession, organisation_id: uuid.UUID, field: str) -> Organisation:
    """The organisation named in `field` of a request.

    Raises:
        NotFound: no organisation has that id.
    """
    row = await session.get(Organisation, organisation_id)
    if row is None:
        raise _no_organisation(field)
    return row


async def require_organisations(session: AsyncSession, named: Mapping[str, uuid.UUID]) -> None:
    """Refuse a request that names an organisation which does not exist. `named` has the ids by field.

    Raises:
        NotFound: no organisation has one of the ids.
    """
    if not named:
        return
    known = set(
        (await session.exec(select(Organisation.id).where(col(Organisation.id).in_(set(named.values()))))).all()
    )
    for field, organisation_id in named.items():
        if organisation_id not in known:
            raise _no_organisation(field)


def _no_organisation(field: str) -> NotFound:
    return NotFound(f"organisation as in `{field}`")


def require_zone(organisation: Organisation, field: str) -> str:
    """The time zone of an organisation, for a request that does not state one in `field`.

    Raises:
        Unprocessable: its country has several, and none is stated of it.
    """
    zone = zone_of(organisation.country, organisation.time_zone)
    if zone is None:
        raise Unprocessable(
            "time_zone_missing",
            f"{organisation.country} does not have a single time zone, and none is stated of this organisation. State "
            f"`{field}` by its name in the IANA database, such as America/Denver.",
        )
    return zone


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
