"""The result of a registration: counts, and the rejected lines by reason or as a file."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
from rich.console import Console
from rich.table import Table

from service.command.client import CommandError, call, connection_errors, json_answer


def print_counts(console: Console, client: httpx2.Client, dataset: dict[str, Any]) -> None:
    """Print the counts of a sealed dataset."""
    table = _table(f"Dataset {dataset['id']}")
    table.add_row("numbers", f"{dataset['number_count']:,}")
    table.add_row("repeated lines", f"{dataset['duplicate_count']:,}")
    table.add_row("rejected lines", f"{dataset['rejected_count']:,}")
    for reason, count in _reasons(client, dataset).most_common():
        table.add_row(f"  {reason}", f"{count:,}")
    table.add_row("numbers without a declared origin", f"{dataset['orphan_count']:,}")
    console.print(table)


def _table(title: str) -> Table:
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    return table


def _reasons(client: httpx2.Client, dataset: dict[str, Any]) -> Counter[str]:
    """How many lines were rejected for which reason; empty if the key may not read numbers."""
    reasons: Counter[str] = Counter()
    params = {"limit": "1000"}
    while dataset["rejected_count"]:
        try:
            page = call(client, "GET", f"/v1/datasets/{dataset['id']}/rejects", params=params)
        except CommandError:
            break
        reasons.update(reject["reason"] for reject in page["items"])
        if page["next"] is None:
            break
        params["after"] = page["next"]
    return reasons


def print_parts(console: Console, dataset_id: str, parts: Sequence[dict[str, Any]]) -> None:
    """Print the counts of an open dataset."""
    table = _table(f"Dataset {dataset_id}, open")
    table.add_row("parts", f"{len(parts):,}")
    table.add_row("accepted lines", f"{sum(part['accepted_count'] for part in parts):,}")
    table.add_row("rejected lines", f"{sum(part['rejected_count'] for part in parts):,}")
    console.print(table)


def write_rejects(client: httpx2.Client, dataset_path: str, target: Path) -> None:
    """Write the rejected lines, with their values, to a file that only its owner can read.

    Raises:
        CommandError: the service refuses, or the file cannot be written.
    """
    with connection_errors(client), client.stream("GET", f"{dataset_path}/rejects.csv") as response:
        if not response.is_success:
            response.read()
            json_answer(response)
        try:
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                for piece in response.iter_bytes():
                    file.write(piece)
        except OSError as error:
            raise CommandError(
                f"The rejected lines cannot be written to {target}: {error.strerror}. Choose another file."
            ) from None
