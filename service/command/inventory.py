"""`organisation list|show`, `key list` and `job list`: what the operator looks up before it acts, in the database."""

import sys
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.models import ApiKey
from service.command.terminal import printable
from service.command.transaction import in_transaction
from service.core.errors import NotFound
from service.job.models import Job, JobState
from service.organisation.models import Organisation, OrganisationStatement
from service.organisation.name_key import name_key
from service.organisation.registration_number import comparison_key

Row = dict[str, Any]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

_ID_WIDTH = 36


def list_organisations(
    name: Annotated[
        str | None, typer.Argument(help="Part of a name, whatever its accents, or the registration number.")
    ] = None,
    country: Annotated[str | None, typer.Option(help="Country code (ISO 3166-1 alpha-2).")] = None,
    as_json: Json = False,
) -> None:
    """List organisations, also those that others only named, with their ids."""

    async def read(session: AsyncSession) -> list[Organisation]:
        query = select(Organisation).order_by(col(Organisation.legal_name), col(Organisation.id))
        return [row for row in await session.exec(query) if _fits(row, name, country)]

    _print([_organisation(row) for row in in_transaction(read)], as_json=as_json)


def show_organisation(
    organisation_id: Annotated[uuid.UUID, typer.Argument(help="Id of the organisation.")],
) -> None:
    """Print an organisation, what is stated of it and by whom, and its keys, as JSON."""

    async def read(session: AsyncSession) -> Row:
        row = await session.get(Organisation, organisation_id)
        if row is None:
            raise NotFound("organisation")
        said = select(OrganisationStatement).where(OrganisationStatement.organisation_id == organisation_id)
        statements = await session.exec(said.order_by(col(OrganisationStatement.recorded_at)))
        keys = await session.exec(_keys_of(organisation_id))
        return row.model_dump() | {
            "statements": [statement.model_dump(exclude={"organisation_id"}) for statement in statements],
            "keys": [_key(found) for found in keys],
        }

    typer.echo(_json(in_transaction(read)))


def list_keys(
    organisation_id: Annotated[uuid.UUID | None, typer.Argument(help="Id of the organisation. Default: all.")] = None,
    as_json: Json = False,
) -> None:
    """List API keys, without their secrets: by their prefix `key rotate` and `key revoke` find them."""

    async def read(session: AsyncSession) -> list[ApiKey]:
        return list(await session.exec(_keys_of(organisation_id)))

    _print([_key(row) for row in in_transaction(read)], as_json=as_json)


def list_jobs(
    every: Annotated[bool, typer.Option("--all", help="Also those that succeeded.")] = False,
    as_json: Json = False,
) -> None:
    """List the jobs that wait, run or failed, the latest first."""

    async def read(session: AsyncSession) -> list[Job]:
        query = select(Job).order_by(col(Job.created_at).desc(), col(Job.id))
        return list(await session.exec(query if every else query.where(Job.state != JobState.SUCCEEDED)))

    _print([_job(row) for row in in_transaction(read)], as_json=as_json)


def _fits(row: Organisation, name: str | None, country: str | None) -> bool:
    if country is not None and row.country != country.upper():
        return False
    wanted = (name or "").casefold()
    known = [row.legal_name, *row.aliases]
    return any(wanted in of.casefold() or name_key(wanted) in name_key(of) for of in known) or _has_number(row, wanted)


def _has_number(row: Organisation, wanted: str) -> bool:
    try:
        return row.registration_key is not None and comparison_key(row.country, wanted) == row.registration_key
    except ValueError:
        return False


def _keys_of(organisation_id: uuid.UUID | None) -> Any:
    query = select(ApiKey).order_by(col(ApiKey.organisation_id), col(ApiKey.created_at))
    return query if organisation_id is None else query.where(ApiKey.organisation_id == organisation_id)


def _organisation(row: Organisation) -> Row:
    shown = row.model_dump(include={"id", "legal_name", "country", "registration_number", "admitted_at"})
    return {name: shown[name] for name in ("id", "legal_name", "country", "registration_number")} | {
        "roles": row.roles,
        "admitted_at": row.admitted_at,
    }


def _key(row: ApiKey) -> Row:
    names = ("prefix", "id", "organisation_id", "acts_for_id", "label", "scopes", "created_at", "expires_at")
    return {name: getattr(row, name) for name in (*names, "revoked_at", "last_used_at")}


def _job(row: Job) -> Row:
    names = ("id", "organisation_id", "kind", "subject_id", "state", "done", "total", "created_at")
    return {name: getattr(row, name) for name in names} | {"problem": row.problem and row.problem.get("detail")}


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _print(rows: Sequence[Row], *, as_json: bool) -> None:
    """Print rows: as JSON, as a table on a terminal, else as lines of fields between tabs, which programs read."""
    if as_json:
        typer.echo(_json(rows))
    elif not rows:
        typer.echo("None.", err=True)
    elif not sys.stdout.isatty():
        typer.echo("\n".join("\t".join(_cell(value) for value in row.values()) for row in rows))
    else:
        table = Table(*(name.removesuffix("_at").replace("_", " ") for name in rows[0]))
        for at, value in enumerate(rows[0].values()):
            table.columns[at].min_width = _ID_WIDTH if isinstance(value, uuid.UUID) else None
        for row in rows:
            table.add_row(*(Text(_cell(value)) for value in row.values()))
        Console().print(table)


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}Z"
    if isinstance(value, list):
        return " ".join(value)
    return "" if value is None else printable(str(value))
