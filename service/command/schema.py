"""Migrates a database to the schema of this version, and checks that it has it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import OperationalError

from service.core.db import driver_url
from service.core.errors import ConfigurationError


def migrations_folder() -> Path:
    """The folder of the migrations, beside the package in a checkout and in the image."""
    return Path(__file__).resolve().parents[2] / "alembic"


def _config(dsn: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes["dsn"] = dsn
    return config


def upgrade(dsn: str) -> None:
    """Migrate the database to the schema of this version. Without effect if it already has it.

    Raises:
        ConfigurationError: the database cannot be reached.
    """
    with _connection_errors():
        command.upgrade(_config(dsn), "head")


@contextmanager
def _connection_errors() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        # The other lines are about the driver. None of them contains the password.
        reason = str(error.orig).partition("\n")[0]
        raise ConfigurationError(f"The database cannot be reached: {reason}. Check DATABASE_URL.") from None


def require_current(dsn: str) -> None:
    """Check that the database has the schema of this version.

    Raises:
        ConfigurationError: the schema is that of another version, or the database cannot be reached.
    """
    needed = ScriptDirectory.from_config(_config(dsn)).get_current_head()
    engine = create_engine(driver_url(dsn), poolclass=NullPool)
    with _connection_errors(), engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    engine.dispose()
    if found != needed:
        raise ConfigurationError(
            f"The database has schema {found or 'none'}, but this version needs {needed}. Run `filiation migrate`."
        )
