"""`organisation add` and `key issue|rotate|revoke`: how the operator makes the first accounts, without a key."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access import operations as keys
from service.access.actor import Scope
from service.access.schemas import IssuedKey, KeyIn
from service.command.serve import database
from service.core.clock import now
from service.core.db import Database
from service.core.settings import read_settings
from service.core.vocabulary import Role
from service.organisation import operations as organisations
from service.organisation.schemas import OrganisationIn

organisation = typer.Typer(help="Organisations with an account here.", no_args_is_help=True)
key = typer.Typer(help="API keys.", no_args_is_help=True)

Result = TypeVar("Result")


def _in_transaction(action: Callable[[AsyncSession], Awaitable[Result]]) -> Result:
    async def act(dsn: str) -> Result:
        registry = Database(dsn, pool_size=1)
        try:
            async with registry.transaction() as session:
                return await action(session)
        finally:
            await registry.close()

    with database(read_settings()) as dsn:
        return asyncio.run(act(dsn))


@organisation.command("add")
def add_organisation(
    legal_name: Annotated[str, typer.Argument(help="Its name in the register.")],
    role: Annotated[list[Role], typer.Option(help="What it does; may be given several times.")],
    country: Annotated[str, typer.Option(help="ISO 3166-1 alpha-2.")] = "FR",
    registration_number: Annotated[str | None, typer.Option(help="In France the SIREN.")] = None,
    privacy_contact: Annotated[str | None, typer.Option(help="Where a person reaches it.")] = None,
) -> None:
    """Register an organisation and print its id."""
    try:
        wanted = OrganisationIn(
            legal_name=legal_name,
            country=country,
            registration_number=registration_number,
            roles=role,
            privacy_contact=privacy_contact,
        )
    except ValidationError as refused:
        raise typer.BadParameter("; ".join(error["msg"] for error in refused.errors())) from refused
    made = _in_transaction(lambda session: organisations.register_organisation(session, None, wanted))
    typer.echo(made.id)


@key.command("issue")
def issue_key(
    organisation_id: Annotated[uuid.UUID, typer.Argument(help="Whose key it is.")],
    scope: Annotated[
        list[Scope] | None,
        typer.Option(help="What it may do; may be given several times. All that is due, unless given."),
    ] = None,
    acts_for: Annotated[uuid.UUID | None, typer.Option(help="For a processor: the party it acts for.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="How long it stays good; for ever unless given.")] = None,
) -> None:
    """Issue a key and print it: it is shown this once."""
    expires_at = now() + timedelta(days=days) if days else None

    async def issue(session: AsyncSession) -> IssuedKey:
        scopes = scope or await keys.usual_scopes(session, organisation_id)
        wanted = KeyIn(organisation_id=organisation_id, acts_for_id=acts_for, scopes=scopes, expires_at=expires_at)
        return await keys.issue_key(session, wanted)

    _show(_in_transaction(issue))


@key.command("rotate")
def rotate_key(name: Annotated[str, typer.Argument(help="The key's prefix or id.")]) -> None:
    """Print a new key with the same rights; the old one stays good for 24 hours."""

    async def rotate(session: AsyncSession) -> IssuedKey:
        return await keys.rotate_key(session, None, await keys.key_named(session, name))

    _show(_in_transaction(rotate))


@key.command("revoke")
def revoke_key(name: Annotated[str, typer.Argument(help="The key's prefix or id.")]) -> None:
    """End a key at once."""

    async def revoke(session: AsyncSession) -> None:
        await keys.revoke_key(session, None, await keys.key_named(session, name))

    _in_transaction(revoke)
    typer.echo("revoked")


def _show(issued: IssuedKey) -> None:
    typer.echo(issued.key)
