"""Organisations that a caller sees, and those that it finds by what is public of them: a number, or a name."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ARRAY, ColumnElement, Text, and_, bindparam, text
from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access import visibility
from service.access.actor import Actor
from service.access.visible_rows import get_visible, visible_organisations_among
from service.core.errors import Unprocessable
from service.core.paging import Page, read_slice
from service.core.time_zone import zone_of
from service.organisation.identity import organisation_with_number
from service.organisation.models import Organisation
from service.organisation.name_key import name_key
from service.organisation.registration_number import comparison_key
from service.organisation.schemas import OrganisationOut, OrganisationSearch


async def get_organisation(session: AsyncSession, actor: Actor, organisation_id: uuid.UUID) -> OrganisationOut:
    """An organisation that the caller sees."""
    visible = visibility.visible_organisations(actor)
    row = await get_visible(session, Organisation, visible, organisation_id, "organisation")
    return (await _as_seen(session, actor, [row]))[0]


async def list_organisations(
    session: AsyncSession, actor: Actor, wanted: OrganisationSearch, after: uuid.UUID | None, limit: int
) -> Page[OrganisationOut]:
    """The organisations that the caller sees or, with a number or a name, those that have it.

    A registration number is public, and the other side of a transfer must be found to register it. So the organisation
    is found whether or not the caller deals with it. By its name, as far as that says anything, an organisation with an
    account is found likewise. Without either, nobody can list organisations of others.

    Raises:
        Unprocessable: both a number and a name are given.
    """
    if wanted.registration_number is not None:
        if wanted.name is not None:
            raise Unprocessable("two_searches", "Search by `name` or by `registration_number`. Leave one of them out.")
        row = await _with_number(session, wanted.country or "FR", wanted.registration_number)
        return Page(items=await _as_seen(session, actor, [row] if row else []))
    condition: ColumnElement[bool] = col(Organisation.id).in_(visibility.visible_organisations(actor))
    if wanted.name is not None:
        condition = or_(_is_known_as(wanted.name), and_(condition, _has_words_of(wanted.name)))
    query = select(Organisation).where(condition)
    if wanted.country is not None:
        query = query.where(Organisation.country == wanted.country)
    rows = await read_slice(session, query, after, limit, Organisation.id)
    return rows.page(await _as_seen(session, actor, rows.rows))


async def _with_number(session: AsyncSession, country: str, number: str) -> Organisation | None:
    try:
        key = comparison_key(country, number)
    except ValueError:
        # No organisation can have been registered with it.
        return None
    return await organisation_with_number(session, country, key)


def _is_known_as(name: str) -> ColumnElement[bool]:
    """Whether an organisation with an account has a name or alias, in some spelling."""
    return and_(col(Organisation.name_keys).bool_op("@>")([name_key(name)]), col(Organisation.admitted_at).is_not(None))


_WORDS: Final = (
    "EXISTS (SELECT FROM unnest(organisation.name_keys) AS known (name) WHERE ' ' || known.name LIKE ALL (:patterns))"
)


def _has_words_of(name: str) -> ColumnElement[bool]:
    """Whether words of one name or alias begin as these do. Only those who see an organisation may search so."""
    words = name_key(name).replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_").split()
    patterns = bindparam("patterns", [f"% {word}%" for word in words], ARRAY(Text))
    return text(_WORDS).bindparams(patterns)  # type: ignore[return-value]


_NAMERS: Final = ("asserted_by_id", "asserted_through_id", "stated_by_id")
_WITHHELD: Final = {*_NAMERS, "occurred_at", "recorded_at", "privacy_contact", "stated_at"}


async def _as_seen(session: AsyncSession, actor: Actor, rows: Sequence[Organisation]) -> list[OrganisationOut]:
    """Organisations, without the ids of namers that the caller does not see.

    Of one that it does not see itself there is only what a public register says, and its account.
    """
    namers = (getattr(row, name) for row in rows for name in _NAMERS)
    seen = await visible_organisations_among(session, actor, {*namers, *(row.id for row in rows)})
    return [
        OrganisationOut(**shown_fields(row) | {name: visibility.named(seen, getattr(row, name)) for name in _NAMERS})
        if row.id in seen
        else OrganisationOut(**shown_fields(row) | dict.fromkeys(_WITHHELD))
        for row in rows
    ]


def shown_fields(row: Organisation) -> dict[str, Any]:
    """What is shown of an organisation to those who see it."""
    return row.model_dump() | {"time_zone": zone_of(row.country, row.time_zone)}
