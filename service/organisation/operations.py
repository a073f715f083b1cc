"""The operations on organisations: they are registered, and named in requests."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.core.clock import now
from service.core.errors import Conflict, Forbidden, NotFound, Unprocessable
from service.core.settings import Settings
from service.core.time_zone import zone_of
from service.core.vocabulary import UsageKind
from service.organisation.identity import lock_number, refuse_similar, refuse_taken_number
from service.organisation.models import Detail, Organisation
from service.organisation.name_key import name_keys
from service.organisation.schemas import OrganisationIn, OrganisationOut
from service.organisation.search import shown_fields
from service.organisation.statements import RESERVED, new_statement
from service.usage.quotas import add_usage


async def register_organisation(
    session: AsyncSession, actor: Actor | None, wanted: OrganisationIn, settings: Settings | None = None
) -> OrganisationOut:
    """Register an organisation. Without an `actor` and `settings`, the operator does so at the command line.

    Raises:
        TooManyRequests: the caller has registered as many today as it may. The operator has no limit.
        Conflict: the registration number is already registered; the problem has its `organisation_id`. Or there is an
            organisation of that name in the country, and the caller did not say that it is another.
        Forbidden: only the operator registers regulators and operators.
    """
    by_operator = actor is None or actor.is_operator
    if not by_operator and RESERVED & set(wanted.roles):
        raise Forbidden("role_reserved", "Only the operator of the registry can register a regulator or an operator.")
    key = wanted.registration_key()
    await lock_number(session, wanted.country, wanted.registration_number)
    if key is not None:
        await refuse_taken_number(session, wanted.country, key)
    names = name_keys([wanted.legal_name, *wanted.aliases])
    await refuse_similar(session, actor, wanted.country, names, key, wanted.distinct_from_ids)
    moment, given = now(), {detail: getattr(wanted, detail, None) for detail in Detail}
    details: dict[Detail, Any] = {
        detail: value for detail, value in given.items() if value or detail is Detail.PRIVACY_CONTACT
    }
    row = Organisation(
        **{str(detail): value for detail, value in details.items()},
        registration_key=key,
        name_keys=names,
        asserted_by_id=actor.organisation_id if actor else None,
        asserted_through_id=actor.asserts_through_id if actor else None,
        occurred_at=moment,
        recorded_at=moment,
        stated_by_id=None if by_operator or actor is None else actor.organisation_id,
        stated_at=moment,
    )
    session.add(row)
    await session.flush()
    distinct = sorted(wanted.distinct_from_ids) or None
    session.add(new_statement(actor, row.id, details, moment, distinct_from_ids=distinct))
    if actor is not None and settings is not None and not by_operator:
        await add_usage(session, settings, actor.organisation_id, UsageKind.ORGANISATIONS, 1)
    return OrganisationOut(**shown_fields(row))


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


def require_active(organisation: Organisation, moment: datetime) -> None:
    """Refuse a fact that happened after an organisation had ceased.

    Raises:
        Conflict: the organisation closed on an earlier day, in its time zone or UTC.
    """
    zone = ZoneInfo(zone_of(organisation.country, organisation.time_zone) or "UTC")
    if organisation.closed_on is not None and moment.astimezone(zone).date() > organisation.closed_on:
        raise Conflict(
            "organisation_closed",
            f"An organisation that this names closed on {organisation.closed_on}, before this happened. Correct the "
            "time, name another organisation, or ask it or the operator to correct `closed_on`.",
        )


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
