"""Migrates a database to the schema of this version, and checks that it has it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import psycopg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import OperationalError

from service.core import server_check
from service.core.db import driver_url
from service.core.errors import ConfigurationError
from service.models import metadata


def migrations_folder() -> Path:
    """The folder of the migrations: in the package as a wheel brings it, beside it in a checkout and in the image."""
    package = Path(__file__).resolve().parents[1]
    in_package = package / "migrations"
    return in_package if in_package.is_dir() else package.parent / "alembic"


def _config(dsn: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes["dsn"] = dsn
    return config


# What the registry creates, of which a role must own all, or may read and write all. The queue has more tables.
_TABLES: Final = (*metadata.tables, "alembic_version", "procrastinate_jobs")


class Migrated(NamedTuple):
    """The revision of the schema before and after a migration; None for an empty database."""

    before: str | None
    after: str

    def __str__(self) -> str:
        if self.before == self.after:
            return f"The schema is already at {self.after}: nothing to migrate."
        return f"The schema was migrated from {self.before or 'nothing'} to {self.after}."


def upgrade(dsn: str, *, variable: str = "DATABASE_URL") -> Migrated:
    """Migrate the database to the schema of this version. Without effect if it already has it.

    Raises:
        ConfigurationError: the database cannot be reached or migrated. `variable` holds its address.
    """
    server_check.look(dsn, _TABLES, migrates=True, variable=variable)
    config = _config(dsn)
    before: list[str | None] = []
    # Of several migrators, each says what it found when its turn came.
    config.attributes["on_start"] = before.append
    with _connection_errors(variable):
        _migrate(config)
    return Migrated(before[0], _newest(config))


# What a running service works on cannot be locked at any moment, and two that lock several tables can wait for each
# other. Nothing was written by then, and the next attempt finds another moment.
_IN_USE: Final = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
_PAUSES_SECONDS: Final = (1.0, 2.0, 4.0, 8.0)


def _migrate(config: Config) -> None:
    """Migrate to the newest schema, in some attempts where tables are in use."""
    for pause in _PAUSES_SECONDS:
        try:
            command.upgrade(config, "head")
        except OperationalError as error:
            if not isinstance(error.orig, _IN_USE):
                raise
            time.sleep(pause)
        else:
            return
    command.upgrade(config, "head")


@contextmanager
def _connection_errors(variable: str) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        # The other lines are about the driver. None of them contains the password.
        reason = str(error.orig).partition("\n")[0]
        if isinstance(error.orig, _IN_USE):
            raise ConfigurationError(
                f"The tables are in use ({reason}). What was not migrated is as before. Stop the API and the worker, "
                "then run `filiation migrate` again."
            ) from None
        raise ConfigurationError(f"The database cannot be reached: {reason}. Check {variable}.") from None


def _newest(config: Config) -> str:
    newest = ScriptDirectory.from_config(config).get_current_head()
    assert newest is not None
    return newest


def require_current(dsn: str) -> None:
    """Check that the service can work on the database, and that this has the schema of this version.

    Raises:
        ConfigurationError: the schema is that of another version, or the database cannot be reached or used.
    """
    server_check.look(dsn, _TABLES, migrates=False)
    needed = _newest(_config(dsn))
    engine = create_engine(driver_url(dsn, server_check.LIMITS), poolclass=NullPool)
    with _connection_errors("DATABASE_URL"), engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    engine.dispose()
    if found != needed:
        raise ConfigurationError(
            f"The database has schema {found or 'none'}, but this version needs {needed}. Run `filiation migrate`."
        )
