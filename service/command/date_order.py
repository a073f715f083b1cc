"""The order of day and month in consent times, on the command line: stated by an option, or confirmed when asked."""

import sys
from typing import Any, Final

import httpx2
import typer
from rich.console import Console

from service.command.client import CommandError, call
from service.command.upload import seal

_OPEN_QUESTIONS: Final = ("date_order_unstated", "date_order_in_doubt")
_AS_READ: Final = "day_first"


def state_date_format(client: httpx2.Client, dataset: dict[str, Any], stated: str | None) -> None:
    """State the format of consent times for an open dataset, unless it is stated already.

    Raises:
        CommandError: the service refuses the format.
    """
    if stated is not None and dataset["date_format"] != stated:
        call(client, "PUT", f"/v1/datasets/{dataset['id']}/date-format", json={"date_format": stated})


def was_read_with(part: dict[str, Any], stated: str | None) -> bool:
    """Whether a part that the service has was read with the stated format. Without a statement the day is first."""
    return stated is None or (part["date_format"] or _AS_READ) == stated


def seal_when_confirmed(console: Console, client: httpx2.Client, dataset_path: str, *, asks: bool) -> None:
    """Seal the dataset. If only its holder knows whether its dates have the day or the month first, ask on a terminal.

    `--yes` is no answer to that: what is true of the file is stated by `--date-format`.

    Raises:
        CommandError: the service refuses, or nobody confirms that the day comes first.
    """
    try:
        seal(console, client, dataset_path)
    except CommandError as refusal:
        if refusal.problem not in _OPEN_QUESTIONS:
            raise
        if not (asks and _confirmed(refusal)):
            raise CommandError(
                f"{refusal} Run the same command again with --date-format day_first or --date-format month_first."
            ) from None
        call(client, "PUT", f"{dataset_path}/date-format", json={"date_format": _AS_READ})
        seal(console, client, dataset_path)


def _confirmed(refusal: CommandError) -> bool:
    if not sys.stdin.isatty():
        return False
    typer.echo(str(refusal), err=True)
    return typer.confirm("Are all dates of the file written with the day first, as in 26/03/2023?", err=True)
