"""Operations on API keys: issue, list, rotate, revoke."""

import uuid
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import and_, or_, text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor, Scope
from service.access.keys import new_key
from service.access.models import ApiKey
from service.access.schemas import IssuedKey, KeyIn, KeyOut
from service.core import locks
from service.core.clock import now
from service.core.db import run
from service.core.errors import Conflict, Forbidden, NotFound, TooManyRequests, Unprocessable
from service.core.locks import Lock
from service.core.paging import Page, read_slice
from service.core.settings import Settings
from service.core.vocabulary import Role

_ADMIT = text("UPDATE organisation SET admitted_at = COALESCE(admitted_at, :now) WHERE id = :id RETURNING roles")
_ROLES = text("SELECT roles FROM organisation WHERE id = :id")
_HEIR = text("SELECT heir_of_key(:id)")
_SUCCEEDS = text("SELECT succeeds(:heir_id, :predecessor_id)")

# After a rotation the old key stays valid for this time, so that a running client can switch to the new one.
ROTATION_OVERLAP = timedelta(hours=24)


async def issue_key(session: AsyncSession, wanted: KeyIn, actor: Actor | None = None) -> IssuedKey:
    """Issue a key. An organisation gets an account with its first key. `actor` None is the operator's command line.

    The organisation's other keys see who issued it, and its webhooks get an event. So the operator, which sees no
    numbers, cannot give itself another's key unnoticed.

    Raises:
        NotFound: no such organisation.
        Unprocessable: the scopes or `acts_for_id` do not fit its roles.
    """
    as_heir = await _is_heir(session, wanted)
    roles = await session.scalar(_ADMIT, {"id": wanted.organisation_id, "now": now()})
    if roles is None:
        raise NotFound("organisation")
    if as_heir:
        # It is reached from now on, by its heir.
        await session.scalar(_ADMIT, {"id": wanted.acts_for_id, "now": now()})
    else:
        await _check_acts_for(session, wanted, roles)
    _check_scopes(wanted, roles)
    row = ApiKey(**wanted.model_dump(exclude={"scopes"}), scopes=sorted(set(wanted.scopes)), as_heir=as_heir)
    row.issued_by_id = None if actor is None else actor.organisation_id
    return await _store(session, row)


async def _is_heir(session: AsyncSession, wanted: KeyIn) -> bool:
    """Whether a key acts for an organisation that its own succeeded. A correction of that ends the key (see `Lock`)."""
    if wanted.acts_for_id is None:
        return False
    await locks.take_in(session, Lock.SUCCESSION)
    ids = {"heir_id": wanted.organisation_id, "predecessor_id": wanted.acts_for_id}
    return bool(await session.scalar(_SUCCEEDS, ids))


async def usual_scopes(session: AsyncSession, organisation_id: uuid.UUID) -> list[Scope]:
    """Every scope that the roles of an organisation can use."""
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
        raise Unprocessable("acts_for_missing", "A processor's key acts for one party. Give its id in `acts_for_id`.")
    if wanted.acts_for_id is None:
        return
    if Role.PROCESSOR not in roles:
        raise Unprocessable(
            "not_a_processor",
            "Only the key of a processor or of an heir acts for another organisation. Leave out `acts_for_id`, or "
            "record the succession first.",
        )
    principal = await session.scalar(_ROLES, {"id": wanted.acts_for_id})
    if principal is None or Role.PARTY not in principal:
        raise Unprocessable("not_a_party", "No party has the id in `acts_for_id`. A processor's key acts for a party.")


def _check_scopes(wanted: KeyIn, roles: list[str]) -> None:
    number_scopes = {Scope.NUMBERS_READ, Scope.NUMBERS_WRITE}
    if Role.OPERATOR in roles and number_scopes & set(wanted.scopes):
        raise Unprocessable(
            "scope_not_for_operator", "The operator sees no numbers. Leave out the scopes that begin with `numbers:`."
        )


async def _store(session: AsyncSession, row: ApiKey) -> IssuedKey:
    """Store a key with a new text, and return it with that text."""
    key = new_key()
    row.prefix, row.digest = key.prefix, key.digest
    session.add(row)
    await session.flush()
    return IssuedKey(**_shown(row), key=key.text)


def _shown(row: ApiKey) -> dict[str, Any]:
    """What is shown of a key, without its text."""
    return row.model_dump(include=set(KeyOut.model_fields))


async def _lock_key(session: AsyncSession, actor: Actor | None, key_id: uuid.UUID) -> ApiKey:
    """Lock a key that the caller manages. `actor` None is the operator at the command line, who manages every key."""
    row = await session.get(ApiKey, key_id, with_for_update=True)
    if row is None or not (actor is None or actor.is_operator or _manages(actor, row)):
        raise NotFound("key")
    return row


def _manages(actor: Actor, row: ApiKey) -> bool:
    """Whether a key belongs to the caller, or acts for the calling party, which can revoke it (GDPR 28)."""
    acts_for_caller = actor.asserts_through_id is None and row.acts_for_id == actor.organisation_id and not row.as_heir
    return acts_for_caller or (row.organisation_id, row.acts_for_id) == _owner(actor)


def _owner(actor: Actor) -> tuple[uuid.UUID, uuid.UUID | None]:
    """The organisation whose keys the caller manages, and the one that they act for, if it is a processor or heir."""
    if actor.asserts_through_id is None:
        return actor.organisation_id, None
    return actor.asserts_through_id, actor.organisation_id


async def list_keys(session: AsyncSession, actor: Actor, after: uuid.UUID | None, limit: int) -> Page[KeyOut]:
    """The keys that the caller manages. The operator manages all."""
    query = select(ApiKey)
    if not actor.is_operator:
        owner_id, acts_for_id = _owner(actor)
        own = and_(col(ApiKey.organisation_id) == owner_id, col(ApiKey.acts_for_id).is_not_distinct_from(acts_for_id))
        acting = and_(col(ApiKey.acts_for_id) == owner_id, col(ApiKey.as_heir).is_(False))
        query = query.where(own if actor.asserts_through_id else or_(own, acting))
    rows = await read_slice(session, query, after, limit, ApiKey.id)
    return rows.page(KeyOut(**_shown(row)) for row in rows)


async def rotate_key(session: AsyncSession, settings: Settings, actor: Actor | None, key_id: uuid.UUID) -> IssuedKey:
    """Issue a new key with the rights of an old one, which expires a day later.

    The new key gets the webhooks and unfinished jobs of the old one (a trigger of the migration), and its open streams
    go on.

    Raises:
        NotFound: the caller manages no such key.
        Forbidden: the new key could do more than the calling key.
        Conflict: the old key has expired or was revoked.
        TooManyRequests: the organisation has as many valid keys as it may.
    """
    # A correction of a succession revokes the keys of the former heir, also one that is being made here.
    await locks.take_in(session, Lock.SUCCESSION)
    old = await _lock_key(session, actor, key_id)
    _check_rotation(actor, old)
    if actor is not None and not actor.is_operator:
        await _check_valid_keys(session, settings, old.organisation_id)
    moment = now()
    if old.revoked_at or (old.expires_at and old.expires_at <= moment):
        raise Conflict("key_inactive", "This key has expired or was revoked. Ask the operator for a new one.")
    # Of a key that is rotated again, because its replacement got lost, the replacement has the expiry that was meant.
    heir = await session.get_one(ApiKey, await session.scalar(_HEIR, {"id": old.id}))
    rights = old.model_dump(include={"organisation_id", "acts_for_id", "as_heir", "label", "scopes"}) | {
        "expires_at": heir.expires_at
    }
    end = moment + ROTATION_OVERLAP
    old.expires_at = min(old.expires_at, end) if old.expires_at else end
    return await _store(session, ApiKey(**rights, replaces_id=old.id, issue_announced_at=moment))


_VALID: Final = text("""
    SELECT count(*) AS valid_count, min(expires_at) AS first_end
    FROM api_key JOIN living_key ON living_key.id = api_key.id WHERE organisation_id = :id
""")


async def _check_valid_keys(session: AsyncSession, settings: Settings, organisation_id: uuid.UUID) -> None:
    found = (await run(session, _VALID, {"id": organisation_id})).one()
    if found.valid_count >= settings.keys_at_once:
        wait = min(found.first_end - now(), ROTATION_OVERLAP) if found.first_end else ROTATION_OVERLAP
        raise TooManyRequests(
            "key_quota",
            f"Your organisation may have {settings.keys_at_once:,} valid keys. Nothing was recorded. Revoke one that "
            "you do not use, or wait until one expires: rotated keys expire within 24 hours.",
            wait,
        )


def _check_rotation(actor: Actor | None, old: ApiKey) -> None:
    """The caller receives the new key, and must not gain rights by it."""
    if actor is None or old.id == actor.key_id:
        return
    is_own = (old.organisation_id, old.acts_for_id) == _owner(actor)
    if not is_own or not set(old.scopes) <= actor.scopes:
        raise Forbidden(
            "not_your_key",
            "Rotate this key with itself, or with a key of the same organisation that has all of its scopes.",
        )


async def revoke_key(session: AsyncSession, actor: Actor | None, key_id: uuid.UUID) -> KeyOut:
    """Revoke a key at once, and with it its webhooks (a trigger of the migration). Again changes nothing."""
    row = await _lock_key(session, actor, key_id)
    row.revoked_at = row.revoked_at or now()
    await session.flush()
    return KeyOut(**_shown(row))


async def find_key(session: AsyncSession, name: str) -> uuid.UUID:
    """The id of the key whose prefix or id is `name`."""
    by_id = [ApiKey.id == uuid.UUID(name)] if len(name) >= 32 else []
    found = (await session.exec(select(ApiKey.id).where(or_(ApiKey.prefix == name, *by_id)))).one_or_none()  # type: ignore[arg-type]
    if found is None:
        raise NotFound("key")
    return found
