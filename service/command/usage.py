"""`usage alerts`: the operator lists the days on which organisations did far more than usual."""

import typer
from rich.console import Console
from rich.table import Table

from service.command.client import DEFAULT_URL, KeyFile, Url, call, connect, exit_on_error, read_key

usage = typer.Typer(help="Watch how organisations use the registry.", no_args_is_help=True)


@usage.callback()
def _usage() -> None:
    """Keep `alerts` a command of its own name, although it is the only one."""


@usage.command("alerts")
def list_alerts(url: Url = DEFAULT_URL, key_file: KeyFile = None) -> None:
    """List days of unusual usage, with the operator's key."""
    with exit_on_error(), connect(url, read_key(key_file)) as client:
        table = Table("day", "organisation", "what", "count", "usual")
        after: str | None = None
        while True:
            page = call(client, "GET", "/v1/usage/alerts", params={"after": after} if after else {})
            for alert in page["items"]:
                counts = f"{alert['count']:,}", f"{alert['usual_count']:,}"
                table.add_row(alert["day"], alert["organisation_id"], alert["kind"], *counts)
            after = page["next"]
            if after is None:
                break
        Console().print(table)
