"""`migrate`: brings a database to the schema of this version."""

import typer

from service.command import schema
from service.command.database import own_server
from service.core.settings import read_settings


def migrate() -> None:
    """Migrate the database to the schema of this version, and print from which revision to which."""
    settings = read_settings()
    if settings.database_url is None:
        with own_server(settings) as server:
            typer.echo(schema.upgrade(server.owner_dsn))
        return
    if settings.database_owner_url is None:
        typer.echo(schema.upgrade(settings.database_url.get_secret_value()))
    else:
        owner = settings.database_owner_url.get_secret_value()
        typer.echo(schema.upgrade(owner, variable="DATABASE_OWNER_URL"))
