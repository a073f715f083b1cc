"""`fsck`: checks everything stored about memberships."""

import json
import time
from typing import Annotated, NoReturn

import psycopg
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from sqlalchemy.exc import SQLAlchemyError

from service.command.database import database
from service.core.errors import ConfigurationError
from service.core.settings import read_settings
from service.membership.fsck.check import Report, check
from service.membership.fsck.report import Finding
from service.number.app_keyring import open_key_ring

_VIOLATED, _UNCHECKED = 1, 2


def fsck(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check stored memberships and jobs; the service may be running. Status 1 for violations, 2 if the check fails."""
    began = time.monotonic()
    try:
        report = _check()
    except ConfigurationError as error:
        _exit_unchecked(str(error))
    except KeyboardInterrupt:
        _exit_unchecked("Interrupted: the check is incomplete.")
    except (psycopg.Error, SQLAlchemyError) as error:
        _exit_unchecked(f"The database failed: {_first_line(error)}")
    seconds = time.monotonic() - began
    if as_json:
        typer.echo(json.dumps(_as_json(report, seconds), indent=2))
    else:
        _print_report(report, seconds)
    if report.violations:
        raise typer.Exit(_VIOLATED)


def _check() -> Report:
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


def _exit_unchecked(reason: str) -> NoReturn:
    typer.echo(f"filiation: {reason}", err=True)
    raise typer.Exit(_UNCHECKED)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _print_report(report: Report, seconds: float) -> None:
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
    suffix = f", {leftovers:,} leftover{'s' * (leftovers > 1)} of interruptions" if leftovers else ""
    return (f"{violations:,} violation{'s' * (violations > 1)}" if violations else "no violations") + suffix


def _as_json(report: Report, seconds: float) -> dict[str, object]:
    return {
        "violations": [_finding_as_json(finding) for finding in report.violations],
        "leftovers": [_finding_as_json(finding) for finding in report.leftovers],
        "blocks": report.blocks,
        "memberships": report.memberships,
        "bytes": report.bytes,
        "seconds": round(seconds, 1),
    }


def _finding_as_json(finding: Finding) -> dict[str, object]:
    fields = finding._asdict()
    dataset_id = fields["dataset_id"]
    return fields | {"kind": str(finding.kind), "dataset_id": None if dataset_id is None else str(dataset_id)}
