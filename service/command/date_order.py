"""The order of day and month in consent times, on the command line: stated by an option, or confirmed when asked."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx2
import typer
from rich.console import Console

from service.command.client import CommandError, call
from service.command.upload import seal

_OPEN_QUESTIONS: Final = ("date_order_unstated", "date_order_in_doubt")
_ABOUT_DATES: Final = (
    "dates_month_first",
    "dates_in_both_orders",
    "dates_in_other_order",
    "dates_are_numbers",
    "dates_year_day_month",
    "date_format_contradicted",
)
_OPTIONS: Final = {
    **dict.fromkeys(_ABOUT_DATES, "--date-format"),
    **dict.fromkeys(("phone_column_unclear", "column_not_found"), "--column"),
    **dict.fromkeys(("sheet_unclear", "sheet_not_found"), "--sheet"),
    **dict.fromkeys(("header_unclear", "no_header"), "--header or --no-header"),
    "country_unreadable": "--country-column",
}
_OPTIONS_OF_FIELDS: Final = {"default_region": "--region", "holder_id": "--holder", "collection_id": "--collection"}
# The command finds out by itself in which format a file is.
_OF_HTTP: Final = re.compile(r",? with Content-Type [a-z0-9./+-]*[a-z0-9]")
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


@contextmanager
def naming_the_option() -> Iterator[None]:
    """Name in a refusal the options of the command, and nothing that only callers over HTTP can set."""
    try:
        yield
    except CommandError as refusal:
        option = _OPTIONS.get(refusal.problem or "")
        text = _OF_HTTP.sub("", str(refusal)) + (f" The option of this command is {option}." if option else "")
        if refusal.reasons:
            invalid = [f"Invalid value for {_option(at)}: {why.rstrip('.')}." for at, why in refusal.reasons.items()]
            text = " ".join(invalid)
        raise CommandError(text, refusal.problem) from None


def _option(place: str) -> str:
    """The option that stands for a field of a request, such as `body.default_region`."""
    name = place.partition(".")[2].partition(".")[0]
    return _OPTIONS_OF_FIELDS.get(name, f"--{name.replace('_', '-')}")


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
