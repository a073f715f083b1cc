"""Registration numbers that are taken, and names that are alike: what makes two organisations one."""

import uuid
from collections.abc import Collection, Sequence
from typing import Final

from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access import visibility
from service.access.actor import Actor
from service.core import locks
from service.core.errors import Conflict
from service.core.locks import Lock
from service.organisation.models import Organisation
from service.organisation.registration_number import comparison_key

_MOST_NAMED: Final = 100


async def lock_number(session: AsyncSession, country: str, number: str | None) -> None:
    """Make concurrent registrations of one number wait for each other, so that the second is refused.

    It is taken before the row of an organisation is locked.
    """
    if number is None:
        return
    try:
        key = comparison_key(country, number)
    except ValueError:
        # It is refused later, where it is said why.
        return
    await locks.take_in(session, Lock.REGISTRATION_NUMBER, locks.key_of(f"{country}:{key}"))


async def refuse_taken_number(session: AsyncSession, country: str, key: str, own_id: uuid.UUID | None = None) -> None:
    """Refuse a registration number that another organisation has than `own_id`.

    Raises:
        Conflict: the registration number is already registered; the problem has its `organisation_id`.
    """
    known = await organisation_with_number(session, country, key)
    if known is not None and known.id != own_id:
        raise Conflict(
            "already_registered",
            "An organisation with this registration number is already registered. Use the id in `organisation_id`.",
            organisation_id=str(known.id),
        )


async def refuse_similar(
    session: AsyncSession,
    actor: Actor | None,
    country: str,
    names: Sequence[str],
    number: str | None,
    distinct_from_ids: Collection[uuid.UUID],
) -> None:
    """Refuse a new organisation that may be one which the caller can find: it has a name of the new one.

    Of a name that only strangers know the caller is told nothing. Two organisations with different registration numbers
    are two. Concurrent registrations of one name wait for each other. `actor` None is the operator.

    Raises:
        Conflict: there are such organisations, and `distinct_from_ids` does not say that they are others.
    """
    await locks.take_in(session, Lock.ORGANISATION_NAME, *(locks.key_of(f"{country}:{name}") for name in names))
    query = select(Organisation.id).where(
        Organisation.country == country,
        col(Organisation.name_keys).bool_op("&&")(names),
        col(Organisation.id).not_in(distinct_from_ids),
    )
    if number is not None:
        query = query.where(or_(col(Organisation.registration_key).is_(None), Organisation.registration_key == number))
    if actor is not None:
        visible = col(Organisation.id).in_(visibility.visible_organisations(actor))
        query = query.where(or_(col(Organisation.admitted_at).is_not(None), visible))
    similar = (await session.exec(query.order_by(col(Organisation.id)).limit(_MOST_NAMED))).all()
    if similar:
        raise Conflict(
            "similar_organisation",
            "There is an organisation of this name in the country. Use an id of `organisation_ids` if that is the one "
            "you mean, or give these ids in `distinct_from_ids` if yours is another.",
            organisation_ids=[str(found) for found in similar],
        )


async def organisation_with_number(session: AsyncSession, country: str, key: str) -> Organisation | None:
    """The organisation of a country that has a registration number, by what its spellings have in common."""
    query = select(Organisation).where(Organisation.country == country, Organisation.registration_key == key)
    return (await session.exec(query)).one_or_none()
