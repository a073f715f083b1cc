"""`fsck`: whether what is stored of memberships is what it should be."""

import json
import time
from typing import Annotated, NoReturn

import psycopg
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from sqlalchemy.exc import SQLAlchemyError

from service.command.serve import database
from service.core.errors import ConfigurationError
from service.core.settings import read_settings
from service.membership.fsck.check import Report, check
from service.membership.fsck.report import Finding
from service.number.app_keyring import open_key_ring

_VIOLATED, _UNCHECKED = 1, 2


def fsck(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check every stored membership; the service may be running. Status 1 for violations, 2 if the check fails."""
    began = time.monotonic()
    try:
        report = _checked()
    except ConfigurationError as refusal:
        _give_up(str(refusal))
    except KeyboardInterrupt:
        _give_up("Interrupted: the check is incomplete.")
    except (psycopg.Error, SQLAlchemyError) as problem:
        _give_up(f"The database does not answer as it should: {_first_line(problem)}")
    seconds = time.monotonic() - began
    if as_json:
        typer.echo(json.dumps(_document(report, seconds), indent=2))
    else:
        _tell(report, seconds)
    if report.violations:
        raise typer.Exit(_VIOLATED)


def _checked() -> Report:
    settings = read_settings()
    ring = open_key_ring(settings)
    console = Console(stderr=True)
    columns = (
        *(TextColumn("{task.description}"), BarColumn(), TaskProgressColumn()),
        *(MofNCompleteColumn(), TimeRemainingColumn()),
    )
    with database(settings) as dsn, Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("Checking", total=None)
        return check(dsn, ring, lambda rows, total: progress.update(task, total=total, advance=rows))


def _give_up(reason: str) -> NoReturn:
    typer.echo(f"filiation: {reason}", err=True)
    raise typer.Exit(_UNCHECKED)


def _first_line(problem: Exception) -> str:
    return str(problem).partition("\n")[0]


def _tell(report: Report, seconds: float) -> None:
    for finding in report.violations:
        typer.echo(f"violation: {finding}")
    for finding in report.leftovers:
        typer.echo(f"leftover: {finding}")
    typer.echo(
        f"{report.blocks:,} blocks with {report.memberships:,} memberships in {report.bytes / 1e6:,.1f} MB "
        f"checked in {seconds:.1f} s: {_verdict(report)}"
    )


def _verdict(report: Report) -> str:
    violations, leftovers = len(report.violations), len(report.leftovers)
    left = f", {leftovers:,} leftover{'s' * (leftovers > 1)} of interruptions" if leftovers else ""
    return (f"{violations:,} violation{'s' * (violations > 1)}" if violations else "no violations") + left


def _document(report: Report, seconds: float) -> dict[str, object]:
    return {
        "violations": [_place(finding) for finding in report.violations],
        "leftovers": [_place(finding) for finding in report.leftovers],
        "blocks": report.blocks,
        "memberships": report.memberships,
        "bytes": report.bytes,
        "seconds": round(seconds, 1),
    }


def _place(finding: Finding) -> dict[str, object]:
    place = finding._asdict()
    dataset_id = place["dataset_id"]
    return place | {"kind": str(finding.kind), "dataset_id": None if dataset_id is None else str(dataset_id)}
