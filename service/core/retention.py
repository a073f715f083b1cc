"""What the registry deletes by itself, and when. Each package declares the rules for its own tables.

Data that has served its purpose is not kept (GDPR Art. 5(1)(e)). The privacy pages and `docs/retention.md` state the
same periods, and tests compare them with the rules.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Table, Update, delete, update
from sqlalchemy.sql.dml import Delete
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import Database, run
from service.core.resources import Resources
from service.core.settings import Settings
from service.core.task_queue import task

Work = Callable[[AsyncSession, datetime], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Rows of a table are deleted, or a column of theirs is emptied, some time after a moment in the row.

    `data` and `since` say in words what is deleted, and what the time is counted from. `setting` is the setting that
    states the time in days, if there is one; `kept` is then its default. Where one statement is not enough, `work` does
    it, given the moment before which data has been kept too long.
    """

    table: type[SQLModel]
    moment: str
    kept: timedelta
    data: str
    since: str
    emptied: str | None = None
    setting: str | None = None
    work: Work | None = None

    def __post_init__(self) -> None:
        # A misspelt column fails at the start, and not at four in the morning.
        columns = self._columns().c
        assert self.moment in columns, self.moment
        assert self.emptied is None or self.emptied in columns, self.emptied
        assert self.setting is None or Settings.model_fields[self.setting].default == self.kept.days, self.setting

    def _columns(self) -> Table:
        table: Any = self.table
        found: Table = table.__table__
        return found

    def statement(self, at: datetime, kept: timedelta | None = None) -> Delete | Update:
        """The statement that deletes what has been kept too long at a moment, or longer than a time `kept` as set."""
        table = self._columns()
        is_over = table.c[self.moment] < at - (self.kept if kept is None else kept)
        if self.emptied is None:
            return delete(table).where(is_over)
        column = table.c[self.emptied]
        nothing = None if column.nullable else b""
        return update(table).where(is_over, column.is_distinct_from(nothing)).values({column: nothing})

    async def apply(self, session: AsyncSession, at: datetime, kept: timedelta) -> None:
        """Delete what has been kept longer than `kept` at a moment."""
        if self.work is None:
            await run(session, self.statement(at, kept))
        else:
            await self.work(session, at - kept)


_RULES: Final[list[Rule]] = []


def rules() -> Iterator[Rule]:
    """Every rule of the packages that have been imported."""
    yield from _RULES


def declare(rule: Rule) -> None:
    """Declare a rule that a task of its own applies, because it needs more than a transaction."""
    _RULES.append(rule)


def forget(task_name: str, cron: str, *declared: Rule) -> None:
    """Declare rules, and register a periodic task that applies them at the minutes of `cron`."""
    _RULES.extend(declared)

    @task(task_name, cron=cron)
    async def forget_expired(resources: Resources) -> None:
        async with resources.get(Database).transaction() as session:
            for rule in declared:
                days = getattr(resources.get(Settings), rule.setting) if rule.setting else None
                await rule.apply(session, now(), rule.kept if days is None else timedelta(days=days))
