"""The database: connections, transactions, and the only place that commits."""

import select
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Any, Final, TypeVar, cast

import psycopg
from fastapi import Depends, Request
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import URL, CursorResult, Dialect, Executable, make_url, text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.head_requests import is_head
from service.core.request_places import place_of
from service.core.resources import resource, resources_of
from service.core.time_limits import TimeLimits
from service.core.turns import in_a_hurry

Connection = psycopg.AsyncConnection[Any]
Found = TypeVar("Found")


def driver_url(dsn: str, limits: TimeLimits | None = None) -> URL:
    """The libpq address `dsn` for SQLAlchemy with psycopg 3. Times are returned in UTC, wherever the server is."""
    url = make_url(dsn).set(drivername="postgresql+psycopg")
    options = [*url.normalized_query.get("options", ()), "-c TimeZone=UTC", _WITHOUT_JIT]
    if limits is not None:
        options.append(limits.options)
    return url.set(query=_PATIENCE | url.query).update_query_dict({"options": " ".join(options)})


# Up to version 17, PostgreSQL adds ten billion to the cost of a plan that reads a table whole against `_by_index`. It
# then spends seconds on machine code for a lookup that takes two milliseconds.
_WITHOUT_JIT: Final = "-c jit=off"
# A server that is away is noticed in seconds, also one whose machine vanished without a word. What an operator writes
# into the address counts instead.
_PATIENCE: Final = {
    "connect_timeout": "2",
    "keepalives_idle": "10",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
# A request that gets no connection by then is refused, so that its caller can try again.
_POOL_SECONDS: Final = 5.0
_AUTOCOMMIT_SECONDS: Final = 2.0


def libpq_parameters(dsn: str, limits: TimeLimits | None = None) -> dict[str, Any]:
    """The same address for the driver itself."""
    return _PATIENCE | conninfo_to_dict(dsn) | {"options": driver_url(dsn, limits).query["options"]}


def _by_index(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters of connections whose statements read single rows of large tables.

    They keep the plans of their statements. A plan from when a table was empty would read it whole once it is not.
    """
    return parameters | {"options": f"{parameters['options']} -c enable_seqscan=off"}


# A process that answers lookups is busy in Python, so more connections than callers at one time bring nothing.
# Measured with 8 callers: 2 connections gave 860 answers a second, 4 gave 1,030, and 8 gave 1,130.
_AUTOCOMMIT_CONNECTIONS: Final = 8

# Requests that work in steps take turns step by step, and a step takes some tens of milliseconds.
_STEPS_AT_ONCE: Final = 4
_STEP_PATIENCE_SECONDS: Final = 120.0


class Database:
    """The connection pools of one process: for writing, for snapshots, and for statements without a transaction."""

    def __init__(self, dsn: str, pool_size: int = 10, limits: TimeLimits | None = None) -> None:
        url = driver_url(dsn, limits)
        self.dsn, self._limits = dsn, limits
        # Parameters stay out of error texts, since they may be pseudonyms or wordings.
        self._writing = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=_POOL_SECONDS,
            pool_pre_ping=True,
            hide_parameters=True,
        )
        # Snapshots have connections of their own. Otherwise, requests that each hold one connection and need a snapshot
        # too could hold all of them, and wait for each other for ever.
        self._reading = create_async_engine(
            url,
            pool_size=2,
            max_overflow=pool_size,
            pool_timeout=_POOL_SECONDS,
            pool_pre_ping=True,
            hide_parameters=True,
            isolation_level="REPEATABLE READ",
            execution_options={"postgresql_readonly": True},
        )
        # Steps have connections of their own too, for the same reason: a request that works in steps holds one already.
        self._stepping = create_async_engine(
            url,
            pool_size=1,
            max_overflow=_STEPS_AT_ONCE - 1,
            pool_timeout=_STEP_PATIENCE_SECONDS,
            pool_pre_ping=True,
            hide_parameters=True,
        )
        for engine in (self._writing, self._reading, self._stepping):
            _look_before_asking(engine.dialect)
        # Otherwise each new row would be a statement of its own, and each statement makes a row of `change`.
        for engine in (self._writing, self._stepping):
            engine.dialect.use_insertmanyvalues_wo_returning = True
        # The most frequent statements bypass the sessions: a transaction's begin and end cost more than they do.
        self._autocommit = AsyncConnectionPool(
            kwargs={"autocommit": True} | _by_index(libpq_parameters(dsn, limits)),
            # A pool that waits longer and longer between its attempts would not notice that the server is back.
            reconnect_timeout=_AUTOCOMMIT_SECONDS,
            timeout=_AUTOCOMMIT_SECONDS,
            min_size=1,
            max_size=min(pool_size, _AUTOCOMMIT_CONNECTIONS),
            configure=_begin_snapshots,
            open=False,
        )
        self._sessions = async_sessionmaker(self._writing, class_=AsyncSession, expire_on_commit=False)
        self._steps = async_sessionmaker(self._stepping, class_=AsyncSession, expire_on_commit=False)
        self._snapshots = async_sessionmaker(self._reading, class_=AsyncSession)

    @asynccontextmanager
    async def transaction(self, *, durable: bool = True) -> AsyncIterator[AsyncSession]:
        """A session whose work is committed at the end, completely or not at all.

        If it changed the graph, a trigger bumps the graph's version during the commit (see `core.changes`). A step
        that matters only together with a later transaction need not be `durable`. The later one makes it so, and a
        crash before that undoes both.
        """
        async with self._sessions() as session:
            if not durable:
                await run(session, _NOT_DURABLE)
            yield session
            await session.flush()
            await session.commit()

    @asynccontextmanager
    async def step(self) -> AsyncIterator[AsyncSession]:
        """A session for a part of a request's work, which is committed at the end whatever becomes of the rest.

        For work whose locks others should not wait for until all of it is done. It must be possible to repeat it, since
        a request that fails is sent again.
        """
        async with self._steps() as session:
            yield session
            await session.flush()
            await session.commit()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        """A read-only session in which every statement sees the same state."""
        async with self._snapshots() as session:
            yield session

    @asynccontextmanager
    async def quick_snapshot(self) -> AsyncIterator[Connection]:
        """A read-only connection in which every statement sees the same state: for single rows, in a hurry.

        Statements and their transaction's begin go to the server together, up to the first result that is fetched.
        """
        await self._open_autocommit()
        async with self._autocommit.connection() as connection:
            try:
                async with connection.pipeline(), connection.transaction():
                    yield connection
            finally:
                # psycopg leaves the pipeline open if it is cancelled while the transaction begins. What the next
                # statement on this connection wrote would then not be committed.
                if connection.pgconn.pipeline_status:
                    await connection.close()

    def bulk_connection(self) -> psycopg.Connection[Any]:
        """A connection for threads that read or write much. What it commits is not durable by itself.

        It is synchronous: the event loop would be woken, and take its turn, for every few kilobytes.
        """
        parameters = libpq_parameters(self.dsn, self._limits)
        parameters["options"] += " -c synchronous_commit=off"
        return psycopg.connect(**parameters, autocommit=True)

    @contextmanager
    def bulk_snapshot(self) -> Iterator[psycopg.Connection[Any]]:
        """A read-only connection for threads that read much, in which every statement sees the same state."""
        with self.bulk_connection() as connection:
            connection.autocommit = False
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            yield connection

    @asynccontextmanager
    async def own_connection(self) -> AsyncIterator[Connection]:
        """A connection outside the pools, without a transaction, for the duration of the block."""
        connection = await psycopg.AsyncConnection.connect(**libpq_parameters(self.dsn, self._limits), autocommit=True)
        try:
            yield connection
        finally:
            await connection.close()

    async def vacuum(self, table: str) -> None:
        """Let the server reuse the space of deleted rows, or return it. This cannot run in a transaction."""
        async with self._writing.connect() as connection:
            free = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await free.execute(text(f"VACUUM {table}"))

    async def without_transaction(self, statements: Callable[[Connection], Awaitable[Found]]) -> Found:
        """The result of `statements`, each of which is a transaction of its own.

        They run again if their connection turns out to be dead, as all are after a restart of the server. So anything
        that they write must be idempotent.
        """
        await self._open_autocommit()
        # Whoever has one of these few connections keeps others waiting.
        with in_a_hurry():
            async with self._autocommit.connection() as connection:
                try:
                    return await statements(connection)
                except psycopg.OperationalError:
                    if not connection.broken:
                        raise
            await self._autocommit.check()
            async with self._autocommit.connection() as connection:
                return await statements(connection)

    async def _open_autocommit(self) -> None:
        if self._autocommit.closed:
            await self._autocommit.open()

    async def close(self) -> None:
        """Close every connection."""
        await self._autocommit.close()
        await self._writing.dispose()
        await self._stepping.dispose()
        await self._reading.dispose()


async def _begin_snapshots(connection: Connection) -> None:
    """Let transactions be snapshots. Statements outside any may write all the same."""
    await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
    await connection.set_read_only(True)


def _look_before_asking(dialect: Dialect) -> None:
    """Let a pool ask the server whether a connection is alive only if there is something to read from it.

    A server that ends a connection says so, and closes it. To ask each time costs as much as a short transaction. A
    server that vanished without a word is noticed by the first statement, as it would be by the question.
    """

    def look(connection: Any) -> bool:
        raw = cast("Connection", connection.driver_connection)
        # The question of the dialect's class: engines that share a dialect would ask once more for each of them.
        return (not raw.closed and _is_quiet(raw.fileno())) or type(dialect).do_ping(dialect, connection)

    dialect.do_ping = look  # type: ignore[method-assign,assignment]


def _is_quiet(socket: int) -> bool:
    poll = select.poll()
    poll.register(socket, select.POLLIN)
    return not poll.poll(0)


_NOT_DURABLE = text("SET LOCAL synchronous_commit = off")


async def connection_of(session: AsyncSession) -> Connection:
    """The psycopg connection of `session`, in the same transaction: for COPY and for statements tuned by hand."""
    connection = await session.connection()
    raw = await connection.get_raw_connection()
    return cast("Connection", raw.driver_connection)


@asynccontextmanager
async def instead(session: AsyncSession) -> AsyncIterator[AsyncSession]:
    """Undo what the transaction of `session` did, and commit something else in its place.

    For what must be remembered of a request that is about to be refused.
    """
    await session.rollback()
    yield session
    await session.flush()
    await session.commit()


async def run(
    session: AsyncSession, statement: Executable, parameters: Mapping[str, Any] | None = None
) -> CursorResult[Any]:
    """Run a handwritten statement in the transaction of `session`."""
    connection = await session.connection()
    return await connection.execute(statement, parameters)


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    """One transaction for each request. It is committed after the response is made, and before it is sent."""
    database = resources_of(request).get(Database)
    async with place_of(request).in_transaction(), database.transaction() as session:
        request.state.session = session
        yield session
        if is_head(request.scope):
            await session.rollback()


SessionDep = Annotated[AsyncSession, Depends(get_session, scope="function")]
DatabaseDep = Annotated[Database, Depends(resource(Database))]
