"""`dataset discard|end|withdraw`: what a holder does with a dataset that is not to be, or that it no longer has."""

import uuid
from datetime import datetime
from typing import Annotated

import typer

from service.command.client import DEFAULT_URL, KeyFile, Url, call, connect, exit_on_error, read_key
from service.command.preview import confirm
from service.core.vocabulary import EndReason

OpenDataset = Annotated[uuid.UUID, typer.Argument(help="Id of a dataset that is not sealed.")]
SealedDataset = Annotated[uuid.UUID, typer.Argument(help="Id of a sealed dataset.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Since = Annotated[datetime, typer.Option(help="Since when you no longer have it, in UTC.")]
Why = Annotated[EndReason, typer.Option(help="Why you no longer have it.")]
Comment = Annotated[str | None, typer.Option(help="What you add. Persons read it.")]
Reason = Annotated[str, typer.Option(help="Why it was never so. Persons read it.")]


def discard(dataset_id: OpenDataset, yes: Yes = False, url: Url = DEFAULT_URL, key_file: KeyFile = None) -> None:
    """Throw an open dataset away, with its parts and rejected lines."""
    path = f"/v1/datasets/{dataset_id}"
    with exit_on_error(), connect(url, read_key(key_file)) as client:
        if not yes:
            name = call(client, "GET", path)["name"]
            confirm(f"Throw the dataset “{name}” away?")
        call(client, "DELETE", path)
    typer.echo("thrown away")


def end(
    dataset_id: SealedDataset,
    since: Since,
    why: Why,
    reason: Comment = None,
    url: Url = DEFAULT_URL,
    key_file: KeyFile = None,
) -> None:
    """State that you no longer have a dataset. No relay, flag or campaign counts it from then on."""
    body = {"occurred_at": f"{since.isoformat()}Z", "end_reason": why, "reason": reason}
    _post(f"/v1/datasets/{dataset_id}/end", body, url, key_file)
    typer.echo("ended")


def take_end_back(
    dataset_id: SealedDataset, reason: Comment = None, url: Url = DEFAULT_URL, key_file: KeyFile = None
) -> None:
    """State that you have a dataset after all, whose end you stated by mistake."""
    _post(f"/v1/datasets/{dataset_id}/end/take-back", {"reason": reason}, url, key_file)
    typer.echo("taken back")


def withdraw(dataset_id: SealedDataset, reason: Reason, url: Url = DEFAULT_URL, key_file: KeyFile = None) -> None:
    """State that a sealed dataset was never so. Its persons and the authority still see it."""
    _post(f"/v1/datasets/{dataset_id}/withdrawal", {"reason": reason}, url, key_file)
    typer.echo("withdrawn")


def take_withdrawal_back(
    dataset_id: SealedDataset, reason: Comment = None, url: Url = DEFAULT_URL, key_file: KeyFile = None
) -> None:
    """State that a withdrawn dataset was so after all."""
    _post(f"/v1/datasets/{dataset_id}/withdrawal/take-back", {"reason": reason}, url, key_file)
    typer.echo("taken back")


def _post(path: str, body: dict[str, str | None], url: str, key_file: KeyFile) -> None:
    with exit_on_error(), connect(url, read_key(key_file)) as client:
        call(client, "POST", path, json=body)
