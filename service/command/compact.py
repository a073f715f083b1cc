"""`compact`: merges the blocks of small datasets at once and without pauses.

The worker does the same in the background.
"""

import asyncio
from time import monotonic
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from service.command.database import database
from service.core.db import Database
from service.core.settings import Settings, read_settings
from service.main import running
from service.membership import compaction, operations
from service.membership.compaction import Merge
from service.membership.schemas import CompactionOut
from service.number.keyring import KeyRing

_INTERRUPTED = 130


def compact(
    all_segments: Annotated[
        bool,
        typer.Option(
            "--all", help="Merge every segment, even where it is hardly worth it: for a base that will not grow."
        ),
    ] = False,
) -> None:
    """Merge the blocks of small datasets, so that a lookup reads fewer. The service may be running."""
    settings = read_settings()
    with database(settings) as dsn:
        try:
            asyncio.run(_compact(settings, dsn, all_segments=all_segments))
        except KeyboardInterrupt:
            typer.echo("Interrupted. Nothing is lost: the worker or the same command continues from here.", err=True)
            raise typer.Exit(_INTERRUPTED) from None


async def _compact(settings: Settings, dsn: str, *, all_segments: bool) -> None:
    began = monotonic()
    async with running(settings, dsn, settings.job_limits()) as resources:
        registry = resources.get(Database)
        before = await _compaction(registry)
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task_ids: dict[int, TaskID] = {}

            async def show_progress(merge: Merge, _seconds: float, done: float) -> None:
                if merge.id not in task_ids:
                    description = f"{merge.datasets:,} datasets, {merge.memberships:,} memberships"
                    task_ids[merge.id] = progress.add_task(description, total=1)
                progress.update(task_ids[merge.id], completed=done)

            await compaction.compact(registry, resources.get(KeyRing), show_progress, thoroughly=all_segments)
        typer.echo(_summary(before, await _compaction(registry), monotonic() - began))


async def _compaction(registry: Database) -> CompactionOut:
    async with registry.transaction() as session:
        return await operations.get_compaction(session)


def _summary(before: CompactionOut, after: CompactionOut, seconds: float) -> str:
    return (
        f"{before.segment_count:,} segments before, {after.segment_count:,} after; "
        f"{after.membership_count:,} memberships in {before.byte_count:,} bytes before, {after.byte_count:,} after; "
        f"{seconds:.1f} s"
    )
