"""`dataset discard`: a holder throws a dataset away that it has not sealed."""

import uuid
from typing import Annotated

import typer

from service.command.client import DEFAULT_URL, KeyFile, Url, call, connect, exit_on_error, read_key
from service.command.preview import confirm

OpenDataset = Annotated[uuid.UUID, typer.Argument(help="Id of a dataset that is not sealed.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def discard(dataset_id: OpenDataset, yes: Yes = False, url: Url = DEFAULT_URL, key_file: KeyFile = None) -> None:
    """Throw an open dataset away, with its parts and rejected lines."""
    path = f"/v1/datasets/{dataset_id}"
    with exit_on_error(), connect(url, read_key(key_file)) as client:
        if not yes:
            name = call(client, "GET", path)["name"]
            confirm(f"Throw the dataset “{name}” away?")
        call(client, "DELETE", path)
    typer.echo("thrown away")
