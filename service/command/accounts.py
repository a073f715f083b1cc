"""`organisation add` and `key issue|rotate|revoke`: the operator makes the first accounts, before any key exists.

What there is, is listed by `inventory`.
"""

import uuid
from datetime import timedelta
from typing import Annotated

import typer
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access import operations as keys
from service.access.actor import Scope
from service.access.schemas import IssuedKey, KeyIn
from service.command import inventory, organisation_correction, release
from service.command.organisation_correction import shown_as_usage_errors
from service.command.transaction import in_transaction
from service.core.clock import now
from service.core.settings import read_settings
from service.core.vocabulary import Role
from service.organisation import operations as organisations
from service.organisation.schemas import OrganisationIn

organisation = typer.Typer(help="Manage organisations with an account.", no_args_is_help=True)
organisation.command("release")(release.release_organisation)
organisation.command("correct")(organisation_correction.correct_organisation)
organisation.command("succeed")(organisation_correction.succeed_organisation)
organisation.command("list")(inventory.list_organisations)
organisation.command("show")(inventory.show_organisation)
key = typer.Typer(help="Manage API keys.", no_args_is_help=True)
key.command("list")(inventory.list_keys)
job = typer.Typer(help="Look after jobs.", no_args_is_help=True)
job.command("list")(inventory.list_jobs)


@job.callback()
def _job() -> None:
    """Keep `list` a command of its own name, although it is the only one."""


@organisation.command("add")
def add_organisation(
    legal_name: Annotated[str, typer.Argument(help="Legal name, as in the company register.")],
    role: Annotated[list[Role], typer.Option(help="Role of the organisation (repeatable).")],
    country: Annotated[str, typer.Option(help="Country code (ISO 3166-1 alpha-2).")] = "FR",
    registration_number: Annotated[
        str | None, typer.Option(help="Official number of the legal person; in France the SIREN.")
    ] = None,
    privacy_contact: Annotated[
        str | None, typer.Option(help="Address to which persons write about their data.")
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="Zone of its days, such as Europe/Paris. Default: the only one of its country.")
    ] = None,
    alias: Annotated[list[str] | None, typer.Option(help="Other name of the organisation (repeatable).")] = None,
    distinct_from: Annotated[
        list[uuid.UUID] | None,
        typer.Option(help="Id of an organisation of the same name that is another (repeatable)."),
    ] = None,
) -> None:
    """Register an organisation and print its id."""
    with shown_as_usage_errors():
        wanted = OrganisationIn(
            legal_name=legal_name,
            country=country,
            registration_number=registration_number,
            roles=role,
            privacy_contact=privacy_contact,
            time_zone=time_zone,
            aliases=alias or [],
            distinct_from_ids=distinct_from or [],
        )
    registered = in_transaction(lambda session: organisations.register_organisation(session, None, wanted))
    typer.echo(registered.id)


@key.command("issue")
def issue_key(
    organisation_id: Annotated[uuid.UUID, typer.Argument(help="Id of the organisation that gets the key.")],
    scope: Annotated[
        list[Scope] | None,
        typer.Option(help="Scope to grant (repeatable). Default: every scope of the organisation's roles."),
    ] = None,
    acts_for: Annotated[
        uuid.UUID | None, typer.Option(help="Id of the party of a processor, or of who an heir succeeded.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="What the key is for, as its owner will read it.")] = None,
    days: Annotated[
        int | None, typer.Option(min=1, help="Days until the key expires. Default: it does not expire.")
    ] = None,
) -> None:
    """Issue a key and print it. It cannot be shown again."""
    expires_at = now() + timedelta(days=days) if days else None

    async def issue(session: AsyncSession) -> IssuedKey:
        scopes = scope or await keys.usual_scopes(session, organisation_id)
        wanted = KeyIn(
            organisation_id=organisation_id, acts_for_id=acts_for, label=label, scopes=scopes, expires_at=expires_at
        )
        return await keys.issue_key(session, wanted)

    _print_key(in_transaction(issue))


@key.command("rotate")
def rotate_key(name: Annotated[str, typer.Argument(help="Prefix or id of the key.")]) -> None:
    """Print a new key with the same scopes. The old key remains valid for 24 hours."""

    async def rotate(session: AsyncSession) -> IssuedKey:
        return await keys.rotate_key(session, read_settings(), None, await keys.find_key(session, name))

    _print_key(in_transaction(rotate))


@key.command("revoke")
def revoke_key(name: Annotated[str, typer.Argument(help="Prefix or id of the key.")]) -> None:
    """Revoke a key at once."""

    async def revoke(session: AsyncSession) -> None:
        await keys.revoke_key(session, None, await keys.find_key(session, name))

    in_transaction(revoke)
    typer.echo("revoked")


def _print_key(issued: IssuedKey) -> None:
    typer.echo(issued.key)
