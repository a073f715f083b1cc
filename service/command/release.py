"""`dataset waiting|release` and `organisation release`: the operator releases files of a running service."""

import uuid
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from service.command.client import DEFAULT_URL, KeyFile, Url, call, connect, exit_on_error, read_key

DatasetId = Annotated[uuid.UUID, typer.Argument(help="Id of a sealed dataset.")]
Comment = Annotated[str | None, typer.Option(help="Why, for the operator's own record.")]


def list_waiting(url: Url = DEFAULT_URL, key_file: KeyFile = None) -> None:
    """List the datasets that wait for a release, with the operator's key."""
    with exit_on_error(), connect(url, read_key(key_file)) as client:
        table = Table("dataset", "holder", "numbers", "contract", "due", "blocks by fill", "all files together")
        after: str | None = None
        overdue = 0
        while True:
            params = {"after": after} if after else {}
            page = call(client, "GET", "/v1/releases/waiting", params=params)
            for item in page["items"]:
                table.add_row(*_cells(item))
                overdue += item["overdue"]
            after = page["next"]
            if after is None:
                break
        Console().print(table)
        if overdue:
            typer.echo(f"{overdue:,} overdue: release them, or ask their holders. Persons read that you are late.")


def _cells(item: dict[str, Any]) -> list[str]:
    due = item["due_at"][:10] + (" (overdue)" if item["overdue"] else "")
    return [
        item["dataset_id"],
        item["holder"]["legal_name"],
        f"{item['number_count']:,}",
        item["contract"] or "–",
        due,
        _fill(item["block_fill"]),
        _fill(item["organisation_block_fill"]),
    ]


def _fill(spans: list[dict[str, int]] | None) -> str:
    filled = [span for span in spans or () if span["block_count"]]
    return ", ".join(f"{_span(span)}: {span['block_count']}" for span in filled) or "being counted"


def _span(span: dict[str, int]) -> str:
    first, last = span["from_count"], span["to_count"]
    return f"{first:,}" if first == last else f"{first:,}-{last:,}"


def release_dataset(
    dataset_id: DatasetId, comment: Comment = None, url: Url = DEFAULT_URL, key_file: KeyFile = None
) -> None:
    """Release a dataset: its numbers count from now on. Uses the operator's key."""
    _act(f"/v1/datasets/{dataset_id}/release", {"comment": comment}, url, key_file)
    typer.echo("released")


def withdraw_release(
    dataset_id: DatasetId, comment: Comment = None, url: Url = DEFAULT_URL, key_file: KeyFile = None
) -> None:
    """Withdraw the release of a dataset: it waits again. Uses the operator's key."""
    _act(f"/v1/datasets/{dataset_id}/release/withdraw", {"comment": comment}, url, key_file)
    typer.echo("withdrawn")


def release_organisation(
    organisation_id: Annotated[uuid.UUID, typer.Argument(help="Id of an organisation.")],
    up_to: Annotated[int, typer.Option(min=0, help="The most numbers that are released in 24 hours. 0 ends it.")],
    comment: Comment = None,
    url: Url = DEFAULT_URL,
    key_file: KeyFile = None,
) -> None:
    """Release an organisation's later files as they are sealed, up to a count in 24 hours. Uses the operator's key."""
    body = {"up_to_count": up_to, "comment": comment}
    _act(f"/v1/organisations/{organisation_id}/standing-release", body, url, key_file)
    typer.echo("set")


def _act(path: str, body: dict[str, Any], url: str, key_file: Any) -> None:
    with exit_on_error(), connect(url, read_key(key_file)) as client:
        call(client, "POST", path, json=body)
