"""Bringing a database to the schema of this version, and seeing whether it is there."""

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


def scripts() -> Path:
    """The folder of the migrations: beside the package, in a checkout and in the image."""
    return Path(__file__).resolve().parents[2] / "alembic"


def _config(dsn: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts()).replace("%", "%%"))
    config.attributes["dsn"] = dsn
    return config


def upgrade(dsn: str) -> None:
    """Bring the database to this version's schema; nothing happens if it is there.

    Raises:
        ConfigurationError: the database cannot be reached.
    """
    with _reached():
        command.upgrade(_config(dsn), "head")


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except OperationalError as problem:
        # Only the first line: what follows is about the driver. Neither repeats the password.
        reason = str(problem.orig).partition("\n")[0]
        raise ConfigurationError(f"The database cannot be reached: {reason}. Check DATABASE_URL.") from None


def require_current(dsn: str) -> None:
    """Refuse a database whose schema is another version's.

    Raises:
        ConfigurationError: it has to be migrated first, or cannot be reached.
    """
    wanted = ScriptDirectory.from_config(_config(dsn)).get_current_head()
    engine = create_engine(driver_url(dsn), poolclass=NullPool)
    with _reached(), engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    engine.dispose()
    if found != wanted:
        raise ConfigurationError(
            f"The database has schema {found or 'none'}, and this version needs {wanted}: run `filiation migrate`."
        )
