"""What is stated of an organisation, by whom, and whose word counts. Nothing stated is overwritten."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import any_, text
from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access import visibility
from service.access.actor import Actor
from service.access.assertion import CLOCK_SKEW
from service.access.visible_rows import get_visible
from service.core import locks
from service.core.clock import now
from service.core.db import run
from service.core.errors import Conflict, Forbidden, NotFound, Unprocessable
from service.core.locks import Lock
from service.core.paging import Page, read_slice
from service.core.vocabulary import Role
from service.organisation.identity import lock_number, refuse_taken_number
from service.organisation.models import Detail, Organisation, OrganisationStatement
from service.organisation.name_key import name_keys
from service.organisation.registration_number import comparison_key, shown_number
from service.organisation.schemas import OrganisationStatementIn, OrganisationStatementOut
from service.organisation.succession import check_succession, end_keys_of_former_heirs

RESERVED: Final = frozenset({Role.REGULATOR, Role.OPERATOR})
"""The roles that only the operator gives and takes."""
_NAME_AND_CONTACT: Final = frozenset({Detail.LEGAL_NAME, Detail.PRIVACY_CONTACT})
_BY_OTHERS: Final = frozenset({*_NAME_AND_CONTACT, Detail.ALIASES})
_SUCCESSION: Final = frozenset({Detail.SUCCEEDED_BY_ID, Detail.SUCCEEDED_ON})
_BY_OPERATOR: Final = frozenset({Detail.COUNTRY, *_SUCCESSION})
_BY_ITSELF: Final = frozenset(Detail) - _BY_OPERATOR
_BY_FIRST_NAMER: Final = _BY_ITSELF - {Detail.CLOSED_ON}


def new_statement(
    actor: Actor | None,
    organisation_id: uuid.UUID,
    stated: Mapping[Detail, Any],
    moment: datetime,
    *,
    effective: bool = True,
    **more: Any,
) -> OrganisationStatement:
    """A statement of these details. `actor` None is the operator at the command line."""
    return OrganisationStatement(
        **{str(detail): value for detail, value in stated.items()},
        stated=[detail for detail in Detail if detail in stated],
        organisation_id=organisation_id,
        effective=effective,
        asserted_by_id=actor.organisation_id if actor else None,
        asserted_through_id=actor.asserts_through_id if actor else None,
        recorded_at=moment,
        **more,
    )


async def state_organisation(
    session: AsyncSession, actor: Actor | None, organisation_id: uuid.UUID, wanted: OrganisationStatementIn
) -> OrganisationStatementOut:
    """Record what the caller states of an organisation. `actor` None is the operator at the command line.

    What the organisation states of itself counts from then on, and so does what the operator states. Until then that of
    its first namer counts, which may correct itself. A statement of another namer stands beside it.

    Raises:
        NotFound: no organisation has the id, or the caller may not see it.
        Unprocessable: the operator gave no reason, or the registration number is not one of the country.
        Forbidden: the caller may not state one of the details.
        Conflict: the organisation speaks for itself, or another one has the registration number.
    """
    await _lock(session, organisation_id, wanted)
    if actor is None or actor.is_operator:
        found = await session.get(Organisation, organisation_id, populate_existing=True)
        if found is None:
            raise NotFound("organisation")
        row = found
    else:
        visible = visibility.visible_organisations(actor)
        row = await get_visible(session, Organisation, visible, organisation_id, "organisation")
    latest = await _latest(session, [row.id])
    effective = _is_effective(actor, row, wanted, latest)
    stated = _details(row, wanted)
    if effective:
        await _check(session, row, stated)
    moment = now()
    statement = new_statement(actor, row.id, stated, moment, effective=effective, reason=wanted.reason)
    session.add(statement)
    if effective:
        _apply(row, stated)
        if _SUCCESSION & stated.keys():
            await session.flush()
            await end_keys_of_former_heirs(session, moment)
        if _NAME_AND_CONTACT & stated.keys():
            by_operator = actor is None or actor.is_operator
            row.stated_by_id, row.stated_at = None if by_operator else actor.organisation_id, moment  # type: ignore[union-attr]
        session.add(row)
    await session.flush()
    return _shown(statement, stated if effective else (), by_operator=actor is None or actor.is_operator)


async def _lock(session: AsyncSession, organisation_id: uuid.UUID, wanted: OrganisationStatementIn) -> None:
    """Let two statements at once wait for each other, so that the later one counts; then two of one number."""
    query = select(Organisation.country, Organisation.registration_number).where(Organisation.id == organisation_id)
    if {Detail.COUNTRY, Detail.REGISTRATION_NUMBER} & set(wanted.stated()):
        found = (await session.exec(query)).one_or_none()
        if found is not None:
            country = wanted.country or found[0]
            stated = Detail.REGISTRATION_NUMBER in wanted.stated()
            await lock_number(session, country, wanted.registration_number if stated else found[1])
    if _SUCCESSION & set(wanted.stated()):
        await locks.take_in(session, Lock.SUCCESSION)
    locking = select(Organisation.id).where(Organisation.id == organisation_id)
    await session.exec(locking.with_for_update(key_share=True))


def _is_effective(
    actor: Actor | None,
    row: Organisation,
    wanted: OrganisationStatementIn,
    latest: Mapping[tuple[uuid.UUID, Detail], OrganisationStatement],
) -> bool:
    """Whether a statement of `actor` counts in place of what counts now; otherwise it stands beside.

    Raises:
        Unprocessable: the operator gave no reason.
        Forbidden: the caller may not state one of the details.
        Conflict: the organisation speaks for itself.
    """
    stated = set(wanted.stated())
    if actor is None or actor.is_operator:
        if wanted.reason is None:
            raise Unprocessable("reason_required", "Give the reason of this statement in `reason`. It is recorded.")
        return True
    if wanted.roles is not None and RESERVED & set(wanted.roles) != RESERVED & set(row.roles):
        raise Forbidden(
            "role_reserved",
            "Only the operator of the registry can give or take the role of a regulator or an operator.",
        )
    if row.id == actor.organisation_id:
        if actor.through_id is not None:
            raise Forbidden("own_key_required", "Only a key of the organisation itself can state something of it.")
        _refuse_others(stated, _BY_ITSELF, "Only the operator of the registry can state")
        return True
    namers = {_asserter(latest, row, detail) for detail in stated}
    if namers == {actor.organisation_id} and row.admitted_at is None:
        _refuse_others(stated, _BY_FIRST_NAMER, "Only the organisation itself and the operator can state")
        return True
    _refuse_others(stated, _BY_OTHERS, "Only the organisation itself, its first namer and the operator can state")
    if row.stated_by_id in (None, row.id):
        raise Conflict(
            "speaks_for_itself",
            "This organisation, or the operator for it, states its name and contact. Ask it to correct them.",
        )
    return namers == {actor.organisation_id}


def _asserter(
    latest: Mapping[tuple[uuid.UUID, Detail], OrganisationStatement], row: Organisation, detail: Detail
) -> uuid.UUID | None:
    """Whose word a detail is. What nobody stated yet is the first namer's to state."""
    statement = latest.get((row.id, detail))
    return row.asserted_by_id if statement is None else statement.asserted_by_id


def _refuse_others(stated: Collection[Detail], allowed: Collection[Detail], who: str) -> None:
    refused = [f"`{detail}`" for detail in Detail if detail in stated and detail not in allowed]
    if refused:
        raise Forbidden("not_yours_to_state", f"{who} {' and '.join(refused)}. Leave that out.")


def _details(row: Organisation, wanted: OrganisationStatementIn) -> dict[Detail, Any]:
    """What is stated, by detail. Of the name and the contact, and of heir and day, the one left out is repeated."""
    stated = {detail: getattr(wanted, detail) for detail in wanted.stated()}
    if _NAME_AND_CONTACT & stated.keys():
        stated = {detail: getattr(row, detail) for detail in _NAME_AND_CONTACT} | stated
    if _SUCCESSION & stated.keys():
        stated = {detail: getattr(row, detail) for detail in _SUCCESSION} | stated
        if stated[Detail.SUCCEEDED_BY_ID] is None:
            stated[Detail.SUCCEEDED_ON] = None
    if Detail.ALIASES in stated:
        stated[Detail.ALIASES] = list(dict.fromkeys(stated[Detail.ALIASES] or []))
    return stated


async def _check(session: AsyncSession, row: Organisation, stated: Mapping[Detail, Any]) -> None:
    """Refuse what cannot be, and shorten the number as it is shown."""
    country = stated.get(Detail.COUNTRY, row.country)
    number = stated.get(Detail.REGISTRATION_NUMBER, row.registration_number)
    if number is not None:
        try:
            key = comparison_key(country, number)
        except ValueError as wrong:
            raise Unprocessable("registration_number_invalid", f"The registration number is {wrong}.") from wrong
        await refuse_taken_number(session, country, key, row.id)
    for detail in (Detail.CLOSED_ON, Detail.SUCCEEDED_ON):
        day = stated.get(detail)
        if day is not None and day > (now() + CLOCK_SKEW).date():
            raise Unprocessable("in_the_future", f"`{detail}` is in the future. Record it after it has happened.")
    if _SUCCESSION & stated.keys():
        await check_succession(session, row, stated[Detail.SUCCEEDED_BY_ID], stated[Detail.SUCCEEDED_ON])
    roles = stated.get(Detail.ROLES)
    if roles is not None and RESERVED & set(roles) != RESERVED & set(row.roles):
        await _refuse_with_keys(session, row.id)


_HAS_KEYS: Final = text("""
    SELECT 1 FROM api_key JOIN living_key ON living_key.id = api_key.id
    WHERE organisation_id = :id OR acts_for_id = :id LIMIT 1
""")


async def _refuse_with_keys(session: AsyncSession, organisation_id: uuid.UUID) -> None:
    """A regulator's key reads everything, and an operator's no numbers: keys of before would have other rights."""
    if (await run(session, _HAS_KEYS, {"id": organisation_id})).first() is not None:
        raise Conflict(
            "keys_in_use",
            "The rights of this organisation's keys would change with the role. Revoke its keys, correct the roles, "
            "and issue new keys.",
        )


def _apply(row: Organisation, stated: Mapping[Detail, Any]) -> None:
    """Let the statement count."""
    for detail, value in stated.items():
        setattr(row, detail, value)
    if row.registration_number is not None:
        row.registration_key = comparison_key(row.country, row.registration_number)
        row.registration_number = shown_number(row.country, row.registration_number)
    else:
        row.registration_key = None
    row.name_keys = name_keys([row.legal_name, *row.aliases])


_LATEST: Final = text("""
    SELECT DISTINCT ON (organisation_id, detail) organisation_statement.id
    FROM organisation_statement, unnest(stated) AS detail
    WHERE organisation_id = ANY(:ids) AND effective
    ORDER BY organisation_id, detail, recorded_at DESC, organisation_statement.id DESC
""")


async def _latest(
    session: AsyncSession, organisation_ids: Sequence[uuid.UUID]
) -> dict[tuple[uuid.UUID, Detail], OrganisationStatement]:
    """The statement that counts, by organisation and detail."""
    ids = [row.id for row in await run(session, _LATEST, {"ids": list(organisation_ids)})]
    rows = await session.exec(
        select(OrganisationStatement)
        .where(col(OrganisationStatement.id).in_(ids))
        .order_by(col(OrganisationStatement.recorded_at), col(OrganisationStatement.id))
    )
    return {(row.organisation_id, detail): row for row in rows for detail in row.stated}


async def list_organisation_statements(
    session: AsyncSession, actor: Actor, organisation_id: uuid.UUID, after: uuid.UUID | None, limit: int
) -> Page[OrganisationStatementOut]:
    """What is stated of an organisation: by the caller, by organisations that the caller sees, and by the operator."""
    visible = visibility.visible_organisations(actor)
    row = await get_visible(session, Organisation, visible, organisation_id, "organisation")
    operators = select(Organisation.id).where(any_(col(Organisation.roles)) == Role.OPERATOR)
    asserter = col(OrganisationStatement.asserted_by_id)
    query = select(OrganisationStatement).where(
        OrganisationStatement.organisation_id == row.id,
        or_(asserter.is_(None), asserter.in_(visible), asserter.in_(operators)),
    )
    rows = await read_slice(session, query, after, limit, OrganisationStatement.id)
    counting = await _latest(session, [row.id])
    by_operator = set((await session.exec(operators)).all())
    return rows.page(
        _shown(
            found,
            [detail for detail in Detail if (latest := counting.get((row.id, detail))) and latest.id == found.id],
            by_operator=found.asserted_by_id in by_operator,
        )
        for found in rows
    )


def _shown(
    statement: OrganisationStatement, counts_for: Collection[Detail], *, by_operator: bool
) -> OrganisationStatementOut:
    shown = statement.model_dump(exclude={"asserted_by_id"})
    return OrganisationStatementOut(
        **shown,
        asserted_by_id=None if by_operator else statement.asserted_by_id,
        counts_for=[detail for detail in Detail if detail in counts_for],
    )
