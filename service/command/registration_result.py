"""The result of a registration: counts, and the rejected lines by reason or as a file."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
from rich.console import Console
from rich.table import Table

from service.command.client import CommandError, call, connection_errors, json_answer
from service.command.option_names import with_options
from service.command.terminal import printable


def print_columns(console: Console, parts: Sequence[dict[str, Any]], *, reads_consent: bool) -> None:
    """Print which columns of these parts were read, and which were not although they look relevant."""
    read = list(dict.fromkeys(column_words(column) for part in parts for column in part["read_columns"]))
    if read:
        console.print(printable(f"Columns read: {', '.join(read)}."), soft_wrap=True, highlight=False, markup=False)
    if hidden := sum(part["hidden_rows"] or 0 for part in parts):
        sentence = f"Hidden rows of the sheet are read like the others: {hidden:,}. Delete them if they do not belong."
        console.print(sentence, soft_wrap=True, highlight=False, markup=False)
    ignored = list(dict.fromkeys(name for part in parts for name in part["ignored_columns"]))
    if ignored:
        advice = (
            "Choose others by --column, --consented-at-column, --consent-record-id-column, --country-column or "
            "--consent-state-column."
            if reads_consent
            else "Consents are read only in a dataset of a collection (--collection). Choose other columns by --column "
            "or --country-column."
        )
        sentence = f"Not read, although they look relevant: {', '.join(ignored)}. {advice}"
        console.print(printable(sentence), soft_wrap=True, highlight=False, markup=False)


def column_words(column: dict[str, Any]) -> str:
    """A column that was read, in words: its role, and its name or position."""
    roles = {
        "phone": "numbers",
        "consented_at": "consent times",
        "consent_record_id": "consent record ids",
        "country": "countries",
        "consent_state": "whether the person agreed",
    }
    place = column["name"] or f"column {column['position']}"
    return f"{place} ({roles[column['role']]})"


def print_counts(console: Console, client: httpx2.Client, dataset: dict[str, Any]) -> None:
    """Print the counts of a sealed dataset."""
    table = _table(f"Dataset {dataset['id']}")
    table.add_row("numbers", _counted(dataset["number_count"]))
    table.add_row("repeated lines", f"{dataset['duplicate_count']:,}")
    table.add_row("rejected lines", f"{dataset['rejected_count']:,}")
    for reason, rejects in _rejects_by_reason(client, f"/v1/datasets/{dataset['id']}"):
        table.add_row(f"  {reason}", f"{len(rejects):,}")
    if dataset["number_count"] is not None:
        accepted = dataset["number_count"] + dataset["duplicate_count"]
        table.add_row(_UNALLOCATED, _of(dataset["unallocated_count"], accepted))
    _add_consents(table, dataset)
    table.add_row("numbers without a declared origin", _counted(dataset["orphan_count"]))
    console.print(table)


_UNALLOCATED = "possible, but not in use by the plan"


def _counted(count: int | None) -> str:
    """A count of a sealed dataset; none while it is made again, because something upstream changed."""
    return "being counted again" if count is None else f"{count:,}"


def _of(count: int, accepted: int) -> str:
    return f"{count:,} of {accepted:,}"


def _table(title: str) -> Table:
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    return table


def _add_consents(table: Table, of: dict[str, Any]) -> None:
    """A row with how many lines have a consent time, if consents are read: in a dataset of a collection."""
    if of["collection_id"] is not None:
        table.add_row("lines with a consent time", f"{of['consent_count']:,} of {of['accepted_count']:,}")


def print_rejects(console: Console, client: httpx2.Client, dataset_path: str, *, shows_command: bool) -> None:
    """Print why lines were rejected, how many and which are the first. Nothing if the key may not read numbers."""
    found = _rejects_by_reason(client, dataset_path)
    for reason, rejects in found:
        first = ", ".join(f"{reject['part']}:{reject['line']}" for reject in rejects[:_FIRST_LINES])
        more = ", …" if len(rejects) > _FIRST_LINES else ""
        lines = f"{len(rejects):,} line{'s' if len(rejects) > 1 else ''} rejected as {reason}"
        # Some explanations state what differs between lines.
        same = all(reject["explanation"] == rejects[0]["explanation"] for reject in rejects)
        which = "" if same else f"Of line {first.partition(',')[0]}: "
        sentence = f"{lines} (part:line {first}{more}). {which}{with_options(rejects[0]['explanation'])}"
        console.print(sentence, soft_wrap=True, highlight=False, markup=False)
    if found and shows_command:
        console.print("Run the same command with --rejects FILE for all of them, with their text.", soft_wrap=True)


_FIRST_LINES = 3


def _rejects_by_reason(client: httpx2.Client, dataset_path: str) -> list[tuple[str, list[dict[str, Any]]]]:
    """The rejected lines by reason, the most frequent first; empty if the key may not read numbers."""
    found: dict[str, list[dict[str, Any]]] = {}
    params = {"limit": "1000"}
    while True:
        try:
            page = call(client, "GET", f"{dataset_path}/rejects", params=params)
        except CommandError:
            break
        for reject in page["items"]:
            found.setdefault(reject["reason"], []).append(reject)
        if page["next"] is None:
            break
        params["after"] = page["next"]
    return sorted(found.items(), key=lambda entry: -len(entry[1]))


def print_parts(console: Console, dataset: dict[str, Any], parts: Sequence[dict[str, Any]]) -> None:
    """Print the counts of an open dataset."""
    table = _table(f"Dataset {dataset['id']}, open")
    table.add_row("parts", f"{len(parts):,}")
    accepted = sum(part["accepted_count"] for part in parts)
    table.add_row("accepted lines", f"{accepted:,}")
    table.add_row("rejected lines", f"{sum(part['rejected_count'] for part in parts):,}")
    table.add_row(_UNALLOCATED, _of(sum(part["unallocated_count"] for part in parts), accepted))
    counts = {name: sum(part[name] for part in parts) for name in ("accepted_count", "consent_count")}
    _add_consents(table, {**dataset, **counts})
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
