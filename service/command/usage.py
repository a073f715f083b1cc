"""`usage alerts|limit`: the operator lists days that stand out, and sets how much an organisation may do."""

import uuid
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from service.command.client import DEFAULT_URL, KeyFile, Url, call, connect, exit_on_error, read_key
from service.core.vocabulary import UsageKind

usage = typer.Typer(help="Watch how organisations use the registry.", no_args_is_help=True)


@usage.command("alerts")
def list_alerts(url: Url = DEFAULT_URL, key_file: KeyFile = None) -> None:
    """List days of unusual usage and limits that were reached, with the operator's key."""
    with exit_on_error(), connect(url, read_key(key_file)) as client:
        table = Table("day", "organisation", "what", "count", "usual", "limit")
        after: str | None = None
        while True:
            page = call(client, "GET", "/v1/usage/alerts", params={"after": after} if after else {})
            for alert in page["items"]:
                counts = f"{alert['count']:,}", f"{alert['usual_count']:,}"
                reached = "" if alert["reached_limit"] is None else f"{alert['reached_limit']:,}"
                whose = alert["organisation_id"] or "the registry"
                table.add_row(alert["day"], whose, alert["kind"], *counts, reached)
            after = page["next"]
            if after is None:
                break
        Console().print(table)


@usage.command("limit")
def set_limit(
    organisation_id: Annotated[uuid.UUID, typer.Argument(help="Id of the organisation.")],
    kind: Annotated[UsageKind, typer.Argument(help="What is limited.")],
    daily_limit: Annotated[int, typer.Argument(min=0, help="How much of it in a day (UTC).")],
    url: Url = DEFAULT_URL,
    key_file: KeyFile = None,
) -> None:
    """Set how much an organisation may do in a day, with the operator's key."""
    with exit_on_error(), connect(url, read_key(key_file)) as client:
        body = {"organisation_id": str(organisation_id), "kind": kind, "daily_limit": daily_limit}
        made = call(client, "POST", "/v1/usage/limits", json=body)
    typer.echo(f"{made['kind']}: {made['daily_limit']:,} a day")
