"""One function per operation on API keys."""

import uuid
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor, Scope
from service.access.keys import new_key
from service.access.models import ApiKey, Inspection
from service.access.schemas import InspectionOut, IssuedKey, KeyIn, KeyOut
from service.core.clock import now
from service.core.errors import Conflict, Forbidden, NotFound, Unprocessable
from service.core.paging import Page, read_slice
from service.core.vocabulary import Role

_ADMIT = text("UPDATE organisation SET admitted_at = COALESCE(admitted_at, :now) WHERE id = :id RETURNING roles")
_ROLES = text("SELECT roles FROM organisation WHERE id = :id")

# The old key of a rotation stays good this long, so that a running client can change over.
ROTATION_OVERLAP = timedelta(hours=24)


async def issue_key(session: AsyncSession, wanted: KeyIn) -> IssuedKey:
    """Issue a key, and thereby give the organisation an account here if it had none."""
    roles = await session.scalar(_ADMIT, {"id": wanted.organisation_id, "now": now()})
    if roles is None:
        raise NotFound("organisation")
    session.info["graph_changed"] = True
    await _check_acts_for(session, wanted, roles)
    _check_scopes(wanted, roles)
    return await _store(session, wanted.organisation_id, wanted.acts_for_id, wanted.scopes, wanted.expires_at)


async def usual_scopes(session: AsyncSession, organisation_id: uuid.UUID) -> list[Scope]:
    """What a key of this organisation is for: all that its roles may do."""
    roles = await session.scalar(_ROLES, {"id": organisation_id})
    if roles is None:
        raise NotFound("organisation")
    if Role.OPERATOR in roles:
        return [Scope.ACCOUNTS, Scope.FACTS_READ, Scope.FACTS_WRITE]
    if Role.REGULATOR in roles:
        return [Scope.ACCOUNTS, Scope.FACTS_READ, Scope.NUMBERS_READ]
    return list(Scope)


async def _check_acts_for(session: AsyncSession, wanted: KeyIn, roles: list[str]) -> None:
    if Role.PROCESSOR in roles and wanted.acts_for_id is None and len(roles) == 1:
        raise Unprocessable("acts_for_missing", "A processor's key acts for one party: name it in `acts_for_id`.")
    if wanted.acts_for_id is None:
        return
    if Role.PROCESSOR not in roles:
        raise Unprocessable("not_a_processor", "Only a processor's key acts for another: leave `acts_for_id` out.")
    principal = await session.scalar(_ROLES, {"id": wanted.acts_for_id})
    if principal is None or Role.PARTY not in principal:
        raise Unprocessable("not_a_party", "`acts_for_id` must name a party: a processor's key acts for a party.")


def _check_scopes(wanted: KeyIn, roles: list[str]) -> None:
    numbers = {Scope.NUMBERS_READ, Scope.NUMBERS_WRITE}
    if Role.OPERATOR in roles and numbers & set(wanted.scopes):
        raise Unprocessable("operator_sees_no_numbers", "An operator's key cannot have a `numbers:` scope.")


async def _store(
    session: AsyncSession,
    organisation_id: uuid.UUID,
    acts_for_id: uuid.UUID | None,
    scopes: list[Scope],
    expires_at: datetime | None,
) -> IssuedKey:
    made = new_key()
    row = ApiKey(
        organisation_id=organisation_id,
        acts_for_id=acts_for_id,
        prefix=made.prefix,
        digest=made.digest,
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
    )
    session.add(row)
    await session.flush()
    return IssuedKey(**row.model_dump(exclude={"digest"}), key=made.text)


async def _find(session: AsyncSession, actor: Actor | None, key_id: uuid.UUID) -> ApiKey:
    """A key that the caller looks after; any for the operator (`actor` None: the operator at the command line)."""
    row = await session.get(ApiKey, key_id, with_for_update=True)
    if row is None or not (actor is None or actor.is_operator or _looks_after(actor, row)):
        raise NotFound("key")
    return row


def _looks_after(actor: Actor, row: ApiKey) -> bool:
    """Its own organisation's keys, and for a party also those that act for it: a controller can end them (GDPR 28)."""
    acts_for_caller = actor.through_id is None and row.acts_for_id == actor.organisation_id
    return acts_for_caller or (row.organisation_id, row.acts_for_id) == _own(actor)


def _own(actor: Actor) -> tuple[uuid.UUID, uuid.UUID | None]:
    """Whose keys the caller looks after, and for whom they act: a processor's key reaches none for another party."""
    if actor.through_id is None:
        return actor.organisation_id, None
    return actor.through_id, actor.organisation_id


async def list_keys(session: AsyncSession, actor: Actor, after: uuid.UUID | None, limit: int) -> Page[KeyOut]:
    """The keys of the caller's organisation; for the operator, all."""
    query = select(ApiKey)
    if not actor.is_operator:
        owner_id, acts_for_id = _own(actor)
        own = and_(col(ApiKey.organisation_id) == owner_id, col(ApiKey.acts_for_id).is_not_distinct_from(acts_for_id))
        query = query.where(own if actor.through_id else or_(own, col(ApiKey.acts_for_id) == owner_id))
    rows = await read_slice(session, query, after, limit, ApiKey.id)
    return rows.page(KeyOut(**row.model_dump(exclude={"digest"})) for row in rows)


async def rotate_key(session: AsyncSession, actor: Actor | None, key_id: uuid.UUID) -> IssuedKey:
    """A new key like the old one, which stays good for a day more."""
    old = await _find(session, actor, key_id)
    _check_rotation(actor, old)
    moment = now()
    if old.revoked_at or (old.expires_at and old.expires_at <= moment):
        raise Conflict("key_over", "This key is expired or revoked already: ask the operator for a new one.")
    lasting = old.expires_at
    end = moment + ROTATION_OVERLAP
    old.expires_at = min(old.expires_at, end) if old.expires_at else end
    return await _store(session, old.organisation_id, old.acts_for_id, [Scope(s) for s in old.scopes], lasting)


def _check_rotation(actor: Actor | None, old: ApiKey) -> None:
    """The text of the new key goes to the caller, who must not get more by it than it has."""
    if actor is None or old.id == actor.key_id:
        return
    same = (old.organisation_id, old.acts_for_id) == _own(actor)
    if not same or not set(old.scopes) <= actor.scopes:
        raise Forbidden(
            "not_your_key", "A key is rotated with itself, or with one of the same organisation that may do all it may."
        )


async def revoke_key(session: AsyncSession, actor: Actor | None, key_id: uuid.UUID) -> KeyOut:
    """End a key at once. Revoking it again changes nothing."""
    row = await _find(session, actor, key_id)
    row.revoked_at = row.revoked_at or now()
    await session.flush()
    return KeyOut(**row.model_dump(exclude={"digest"}))


async def key_named(session: AsyncSession, name: str) -> uuid.UUID:
    """The id of the key whose prefix or id is `name`."""
    by_id = [ApiKey.id == uuid.UUID(name)] if len(name) >= 32 else []
    found = (await session.exec(select(ApiKey.id).where(or_(ApiKey.prefix == name, *by_id)))).one_or_none()  # type: ignore[arg-type]
    if found is None:
        raise NotFound("key")
    return found


async def list_inspections(
    session: AsyncSession, actor: Actor, after: uuid.UUID | None, limit: int
) -> Page[InspectionOut]:
    """The looks that the caller's authority took."""
    query = select(Inspection).where(Inspection.organisation_id == actor.organisation_id)
    rows = await read_slice(session, query, after, limit, Inspection.id)
    return rows.page(map(_inspection_out, rows))


def _inspection_out(row: Inspection) -> InspectionOut:
    fingerprint = row.number_fingerprint.hex() if row.number_fingerprint else None
    return InspectionOut(**row.model_dump() | {"number_fingerprint": fingerprint})
