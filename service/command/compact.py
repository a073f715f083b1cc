"""`compact`: the blocks of small datasets are merged at once and at full speed, which the worker does at leisure."""

import asyncio
from time import monotonic
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from service.command.serve import database
from service.core.db import Database
from service.core.settings import Settings, read_settings
from service.main import running
from service.membership import compaction, operations
from service.membership.compaction import Merge
from service.membership.schemas import CompactionOut
from service.number.keyring import KeyRing

_INTERRUPTED = 130


def compact(
    thoroughly: Annotated[
        bool,
        typer.Option("--thoroughly", help="Also merge what is hardly worth it yet: for a base that will not grow."),
    ] = False,
) -> None:
    """Merge the blocks of many small datasets, so that a lookup reads few. The service may run meanwhile."""
    settings = read_settings()
    with database(settings) as dsn:
        try:
            asyncio.run(_compact(settings, dsn, thoroughly=thoroughly))
        except KeyboardInterrupt:
            typer.echo("Interrupted. Nothing is lost: the worker, or the same command, goes on from here.", err=True)
            raise typer.Exit(_INTERRUPTED) from None


async def _compact(settings: Settings, dsn: str, *, thoroughly: bool) -> None:
    began = monotonic()
    async with running(settings, dsn) as resources:
        registry = resources.get(Database)
        before = await _state(registry)
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            lines: dict[int, TaskID] = {}

            async def show(merge: Merge, _seconds: float, done: float) -> None:
                if merge.id not in lines:
                    what = f"{merge.datasets:,} datasets, {merge.memberships:,} memberships"
                    lines[merge.id] = progress.add_task(what, total=1)
                progress.update(lines[merge.id], completed=done)

            await compaction.compact(registry, resources.get(KeyRing), show, thoroughly=thoroughly)
        typer.echo(_summary(before, await _state(registry), monotonic() - began))


async def _state(registry: Database) -> CompactionOut:
    async with registry.transaction() as session:
        return await operations.get_compaction(session)


def _summary(before: CompactionOut, after: CompactionOut, seconds: float) -> str:
    return (
        f"{before.segment_count:,} segments before, {after.segment_count:,} after; "
        f"{after.membership_count:,} memberships in {before.byte_count:,} bytes before, {after.byte_count:,} after; "
        f"{seconds:.1f} s"
    )
