"""`migrate`: brings a database to the schema of this version."""

from service.command import schema
from service.core.embedded import server as embedded_server
from service.core.settings import read_settings


def migrate() -> None:
    """Migrate the database to the schema of this version."""
    settings = read_settings()
    if settings.database_url is not None:
        schema.upgrade((settings.database_owner_url or settings.database_url).get_secret_value())
        return
    with embedded_server.embedded(settings.data_dir) as server:
        schema.upgrade(server.owner_dsn)
