"""What a file would become, shown before anything is sent, and the questions that follow."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx2
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.command.client import CommandError, call
from service.command.file_parts import Form, parts_of, pieces_of
from service.command.option_names import with_options
from service.command.registration_result import print_columns
from service.command.terminal import printable

_PREVIEW_BYTES: Final = 2 << 20
# A larger file that has to be sent whole would be sent twice.
_MOST_WHOLE_BYTES: Final = 64 << 20
_ASKED_FROM_SHARE: Final = 0.01


def show_preview(
    console: Console, client: httpx2.Client, path: Path, form: Form, body: Mapping[str, Any], params: Mapping[str, str]
) -> None:
    """Print how the beginning of a file would be read, and the dataset that would be registered.

    Raises:
        CommandError: the service cannot be reached, or the file cannot be read.
    """
    part = next(parts_of(path, form, _PREVIEW_BYTES))
    if part.size > _MOST_WHOLE_BYTES:
        console.print(f"{path.name} is too large for a preview in this format.", soft_wrap=True)
    else:
        seen = _ask_service(client, b"".join(pieces_of(path, part)), form, body, params)
        reads_consent = body["collection_id"] is not None
        _print_layout(console, path, seen, reads_consent=reads_consent)
        _print_lines(console, seen)
        _print_reasons(console, seen, reads_consent=reads_consent)
    at, region, zone = body["occurred_at"], body["default_region"], body["time_zone"]
    console.print(
        f"Dataset: {body['name']}, made on {at}. Numbers without a country code: {region}. Times without an offset: "
        f"{f'{zone}, or as the name of their column says' if zone else 'not read'}.",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )


def _ask_service(
    client: httpx2.Client, content: bytes, form: Form, body: Mapping[str, Any], params: Mapping[str, str]
) -> Any:
    wanted = {"default_region", "time_zone", "collection_id", "occurred_at"}
    dataset = {name: value for name, value in body.items() if name in wanted and value is not None}
    return call(client, "POST", "/v1/previews", params={**dataset, **params}, content=content, headers=form.headers)


def _print_layout(console: Console, path: Path, seen: Mapping[str, Any], *, reads_consent: bool) -> None:
    layout = [seen["format"].upper()]
    layout += [seen["encoding"]] if seen["encoding"] else []
    layout += [f"delimiter {seen['delimiter']!r}"] if seen["delimiter"] and seen["delimiter"].isprintable() else []
    if seen["has_header"] is not None:
        layout.append("with a header" if seen["has_header"] else "without a header")
    console.print(printable(f"{path.name}: {', '.join(layout)}."), soft_wrap=True, highlight=False, markup=False)
    print_columns(console, [dict(seen)], reads_consent=reads_consent)


def _print_lines(console: Console, seen: Mapping[str, Any]) -> None:
    roles = {column["role"] for column in seen["read_columns"]}
    shown = [("number", "number")]
    shown += [("consented_at", "consent time")] if "consented_at" in roles else []
    shown += [("consent_record_id", "consent record")] if "consent_record_id" in roles else []
    table = Table(title="The first lines, as they would be stored", title_justify="left")
    for _, title in shown:
        table.add_column(title)
    for line in seen["lines"]:
        # Texts of a file are no markup of a terminal.
        table.add_row(*(Text(printable(line[name] or "unknown")) for name, _ in shown))
    if seen["lines"]:
        console.print(table)


def _print_reasons(console: Console, seen: Mapping[str, Any], *, reads_consent: bool) -> None:
    first = "" if seen["whole"] else "the first "
    lines = f"{seen['line_count']:,} line{'' if seen['line_count'] == 1 else 's'}"
    sentences = [f"Of {first}{lines}, {seen['rejected_count']:,} would be rejected."]
    if reads_consent and seen["accepted_count"]:
        sentences.append(f"{seen['consent_count']:,} of {seen['accepted_count']:,} would have a consent time.")
    for reason in seen["reasons"]:
        examples = [reject["value"] for reject in seen["rejects"] if reject["reason"] == reason["reason"]]
        example = f" Such as: {examples[0]}" if examples else ""
        sentences.append(f"{reason['count']:,} as {reason['reason']}: {with_options(reason['explanation'])}{example}")
    for sentence in sentences:
        console.print(printable(sentence), soft_wrap=True, highlight=False, markup=False)


def confirm(question: str) -> None:
    """Ask somebody at a terminal. Ends the command if the answer is no.

    Raises:
        CommandError: nobody is there.
    """
    if not sys.stdin.isatty():
        raise CommandError(f"{question} Nobody can be asked here. Pass --yes to answer yes to every question.")
    if not typer.confirm(question, err=True):
        typer.echo("Nothing more was sent. Run the command again when the file or the options are as they should be.")
        raise typer.Exit(1)


def asks_before_sealing(parts: list[dict[str, Any]]) -> str | None:
    """The question before a dataset is sealed of which many lines were rejected; None if there are few."""
    lines = sum(part["line_count"] for part in parts)
    rejected = sum(part["rejected_count"] for part in parts)
    if not rejected or rejected <= lines * _ASKED_FROM_SHARE:
        return None
    return f"{rejected:,} of {lines:,} lines were rejected. Seal the dataset without them?"
