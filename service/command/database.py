"""The database of a command: the embedded one, or another server's."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from service.command import schema
from service.core.embedded import server as embedded_server
from service.core.embedded.server import EmbeddedServer
from service.core.settings import Settings

log = logging.getLogger(__name__)


@contextmanager
def database(settings: Settings, *, watched: bool = False) -> Iterator[str]:
    """The address of the database, with the schema of this version.

    Without `DATABASE_URL` it is the embedded one, which is started for the block and migrated by each process. If it is
    `watched`, it is started again whenever it ends. Another server is migrated by `filiation migrate` alone.
    """
    if settings.database_url is not None:
        dsn = settings.database_url.get_secret_value()
        schema.require_current(dsn)
        yield dsn
        return
    with own_server(settings, watched=watched) as server:
        schema.upgrade(server.owner_dsn)
        yield server.dsn


@contextmanager
def own_server(settings: Settings, *, watched: bool = False) -> Iterator[EmbeddedServer]:
    """The embedded server, during the block. Its master secret comes first, so that no database is without one."""
    settings.secret()
    with embedded_server.embedded(settings.data_dir, watched=watched) as server:
        log.info("The database and its master secret are in %s.", settings.data_dir.absolute())
        yield server
