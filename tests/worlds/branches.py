"""Histories that begin alike. The beginning is told once; each history goes on in a copy of its database."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace

import psycopg

from service.core.settings import Settings
from tests.callers import Caller
from tests.callers import Registry as Accounts
from tests.conftest import as_service, temporary_database
from tests.direct_client import DirectClient
from tests.kept import kept_app
from tests.worlds.act import Act
from tests.worlds.told import Stage, Told, begin, stage, tell


@dataclass(frozen=True)
class Beginning:
    """A world as it was told, and the name of its database. Its application has ended."""

    told: Told
    database: str


@contextmanager
def told_once(cluster: str, settings: Settings, acts: tuple[Act, ...]) -> Iterator[Beginning]:
    """The world of these acts, of whose database histories take copies."""
    with temporary_database(cluster) as dsn:
        with stage(settings, dsn) as running:
            told = begin(running)
            for act in acts:
                tell(told, act)
            running.settle()
        yield Beginning(told, str(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]))


@contextmanager
def going_on(cluster: str, settings: Settings, beginning: Beginning) -> Iterator[Told]:
    """The world of a beginning in a database of its own, to which more can be told."""
    told = beginning.told
    with (
        temporary_database(cluster, beginning.database) as dsn,
        DirectClient(kept_app(settings, as_service(dsn))) as client,
    ):

        def same(caller: Caller) -> Caller:
            return replace(caller, client=client)

        running = Stage(client, dsn, Accounts(client, dsn), same(told.stage.operator), same(told.stage.regulator), 1)
        yield Told(
            running,
            deepcopy(told.world),
            dict(told.names),
            dict(told.ids),
            {name: same(caller) for name, caller in told.callers.items()},
            moments=dict(told.moments),
            acts=list(told.acts),
            first=told.first,
        )
