"""Runs migrations: each in a transaction of its own, one migrator at a time, without waiting long for a lock."""

from alembic import context
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.schema import SchemaItem

from service.core import locks
from service.core.db import driver_url
from service.core.embedded import server as embedded_server
from service.core.settings import Settings
from service.models import metadata


def _ours(_item: SchemaItem, name: str | None, kind: str, _reflected: bool, _compared: SchemaItem | None) -> bool:
    """Whether Alembic compares an object. The queue's tables belong to its library, partitions to their table."""
    return not (kind == "table" and (name or "").startswith(("procrastinate_", "membership_block_")))


def _migrate(dsn: str) -> None:
    engine = create_engine(driver_url(dsn, Settings().migration_limits()), poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": locks.MIGRATION})
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=metadata,
            include_object=_ours,
            transaction_per_migration=True,
            compare_type=True,
        )
        if (on_start := context.config.attributes.get("on_start")) is not None:
            on_start(context.get_context().get_current_revision())
            connection.rollback()
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


def _run() -> None:
    """Migrate the database that the caller names, or the one that the service itself would use."""
    given: str | None = context.config.attributes.get("dsn")
    if given is not None:
        _migrate(given)
        return
    settings = Settings()
    if settings.database_url is not None:
        _migrate((settings.database_owner_url or settings.database_url).get_secret_value())
    else:
        with embedded_server.embedded(settings.data_dir) as server:
            _migrate(server.owner_dsn)


_run()
