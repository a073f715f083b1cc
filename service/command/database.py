"""The database of a command: the embedded one, or another server's."""

from collections.abc import Iterator
from contextlib import contextmanager

from service.command import schema
from service.core.embedded import server as embedded_server
from service.core.settings import Settings


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
    with embedded_server.embedded(settings.data_dir, watched=watched) as server:
        schema.upgrade(server.owner_dsn)
        yield server.dsn
