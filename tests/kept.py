"""What the tests of a process keep from one to the next, because making it costs more than most tests: the SQL that
SQLAlchemy compiled, and what FastAPI works out of the routes.

The service makes both once in a process. A test process starts the application a thousand times.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from sqlalchemy import URL, Connection, Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg, PGDialectAsync_psycopg
from sqlalchemy.util import LRUCache

from service.core.settings import Settings
from service.main import create_app, lifespan

_compiled: LRUCache[Any, Any] = LRUCache(3000)
_idle: list[tuple[Settings, FastAPI]] = []
_dialects: dict[tuple[Any, ...], "KeptDialect"] = {}


class KeptDialect(PGDialectAsync_psycopg):
    """The dialect of psycopg, of which all engines with the same options share an instance and the compiled SQL.

    SQL is compiled for an instance. What an instance asks its first connection, such as the server's version, is the
    same in every database of the test run.
    """

    supports_statement_cache = True

    def __new__(cls, **options: Any) -> "KeptDialect":
        """The dialect with these options."""
        key = tuple(sorted((name, value) for name, value in options.items() if name != "dbapi"))
        if key not in _dialects:
            _dialects[key] = super().__new__(cls)
        return _dialects[key]

    def __init__(self, **options: Any) -> None:
        if not hasattr(self, "_initialized"):
            super().__init__(**options)  # type: ignore[no-untyped-call]
            self._initialized = False

    def initialize(self, connection: Connection) -> None:
        """Ask the server, the first time."""
        if not self._initialized:
            super().initialize(connection)  # type: ignore[no-untyped-call]
            self._initialized = True

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        """Let an engine use what others have compiled."""
        engine.update_execution_options(compiled_cache=_compiled)


class _Entry(PGDialect_psycopg):
    supports_statement_cache = True

    @classmethod
    def get_async_dialect_cls(cls, url: URL) -> type[KeptDialect]:
        return KeptDialect


def keep_compiled_statements() -> None:
    """Let all engines of this process share what they compile."""
    registry.register("postgresql.psycopg", __name__, _Entry.__name__)


def kept_app(settings: Settings, dsn: str, *, with_worker: bool = True) -> FastAPI:
    """What `create_app` makes. Once it has ended, the next test with the same settings runs it over its database.

    Its worker starts no task by the clock. A test defers those that it is about, so that none runs beside it in some
    minutes only.
    """
    at = next((at for at, (made_with, _) in enumerate(_idle) if made_with == settings), None)
    app = create_app(settings, dsn) if at is None else _idle.pop(at)[1]

    @asynccontextmanager
    async def over_this_database(running: FastAPI) -> AsyncIterator[None]:
        async with lifespan(settings, dsn, running, with_worker=with_worker, by_clock=False):
            yield
        _idle.append((settings, app))

    app.router.lifespan_context = over_this_database
    return app
