"""What a PostgreSQL server must be and allow before the registry works on it: one look, which writes nothing."""

from collections.abc import Collection, Iterator
from typing import Any, Final, LiteralString, NamedTuple

import psycopg
from sqlalchemy import make_url

from service.core.database_address import ENCODING_ADVICE, require_address
from service.core.db import libpq_parameters
from service.core.errors import ConfigurationError
from service.core.time_limits import TimeLimits

OLDEST: Final = 15
"""The oldest major version that the statements of the registry are written for, and tested with."""

LIMITS: Final = TimeLimits(statement=30, lock=10)
"""How long a look at a server may take."""


class Server(NamedTuple):
    """A database as a role finds it when it connects like the service. Timeouts are in milliseconds, 0 for none."""

    role: str
    collation_changed: bool
    is_standby: bool
    is_read_only: bool
    schema: str | None
    may_create: bool
    timeouts: dict[str, int]


class Table(NamedTuple):
    """A table of the registry that exists already, or a sequence of it, and what the role may do there."""

    name: str
    owner: str
    is_own: bool
    is_open: bool


def look(dsn: str, tables: Collection[str], *, migrates: bool, variable: str = "DATABASE_URL") -> None:
    """Look whether the role of `dsn` can work there, or migrate; `tables` are the registry's, which may be missing.

    Raises:
        ConfigurationError: it cannot. `variable` holds the address.
    """
    try:
        fault = _first_fault(dsn, tables, migrates=migrates, variable=variable)
    except psycopg.Error as error:
        # The other lines are about the driver. None of them contains the password.
        reason = str(error).partition("\n")[0].strip()
        raise ConfigurationError(f"The database cannot be reached: {reason}. Check {variable}.") from None
    if fault is not None:
        raise ConfigurationError(fault)


def _first_fault(dsn: str, tables: Collection[str], *, migrates: bool, variable: str) -> str | None:
    # An old server refuses a connection that asks for a limit unknown to it. The first connection asks for none.
    with psycopg.connect(**_parameters(dsn, variable, limits=None), autocommit=True) as connection:
        fault = next(_faults_of_connection(connection.info), None)
    if fault is not None:
        return fault
    with psycopg.connect(**_parameters(dsn, variable, limits=LIMITS), autocommit=True) as connection:
        return next(_faults(connection, tables, migrates=migrates), None)


def _parameters(dsn: str, variable: str, *, limits: TimeLimits | None) -> dict[str, Any]:
    """The parameters of libpq. An address that is refused is not quoted, because it may contain a password."""
    require_address(variable, dsn)
    try:
        return libpq_parameters(dsn, limits)
    except (psycopg.ProgrammingError, UnicodeDecodeError) as error:
        unknown = [name for name in make_url(dsn).query if f'invalid URI query parameter: "{name}"' in str(error)]
        raise ConfigurationError(
            f"{variable} has an option that libpq does not know: {unknown[0]}. For TLS, set sslmode and sslrootcert."
            if unknown
            else f"{variable} is not an address that libpq takes. {ENCODING_ADVICE}"
        ) from None


def fault_of_version(version: int) -> Iterator[str]:
    """Why a server of `version`, as libpq says it (150004 is 15.4), is refused."""
    if version >= OLDEST * 10_000:
        return
    # Before 10, the second part belonged to the major version.
    major, minor = divmod(version, 10_000)
    name = f"{major}.{minor}" if major >= 10 else f"{major}.{minor // 100}.{minor % 100}"
    yield f"The server is PostgreSQL {name}, and the registry needs {OLDEST} or newer. Upgrade the server first."


def fault_of_encoding(encoding: str) -> Iterator[str]:
    """Why a database in `encoding` is refused."""
    if encoding != "UTF8":
        yield (
            f"The database has the encoding {encoding}, and the registry needs UTF8. Create it again: "
            "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0."
        )


def _faults_of_connection(info: psycopg.ConnectionInfo) -> Iterator[str]:
    """What a server says of itself to each connection, before it is asked anything."""
    yield from fault_of_version(info.server_version)
    yield from fault_of_encoding(info.parameter_status("server_encoding") or "unknown")


def _faults(connection: psycopg.Connection[Any], tables: Collection[str], *, migrates: bool) -> Iterator[str]:
    (row,) = connection.execute(_SERVER).fetchall()
    server = Server(*row)
    yield from faults_of_server(server)
    found = [Table(*row) for row in connection.execute(_TABLES, {"names": list(tables)})]
    yield from faults_of_owner(server, found) if migrates else faults_of_service(server, found)


_SERVER: Final[LiteralString] = """
    SELECT current_user::text AS role,
           datcollversion IS NOT NULL
               AND datcollversion IS DISTINCT FROM pg_database_collation_actual_version(oid) AS collation_changed,
           pg_is_in_recovery() AS is_standby, current_setting('transaction_read_only')::boolean AS is_read_only,
           current_schema()::text AS schema,
           coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,
           (SELECT json_object_agg(name, setting::bigint) FROM pg_settings
            WHERE name LIKE '%_timeout' AND unit = 'ms') AS timeouts
    FROM pg_database WHERE datname = current_database()
"""
_TABLES: Final[LiteralString] = """
    WITH ours AS (
        SELECT pg_class.oid, relname, relowner FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE nspname = current_schema() AND relkind IN ('r', 'p') AND relname = ANY (%(names)s)),
    sequence AS (
        SELECT pg_class.oid, pg_class.relname, pg_class.relowner
        FROM ours JOIN pg_depend ON refobjid = ours.oid AND deptype = 'a' JOIN pg_class ON pg_class.oid = objid
        WHERE relkind = 'S')
    SELECT relname::text, pg_get_userbyid(relowner)::text, pg_has_role(relowner, 'USAGE'),
           has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
               AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE')
    FROM ours
    UNION ALL
    SELECT relname::text, pg_get_userbyid(relowner)::text, pg_has_role(relowner, 'USAGE'),
           has_sequence_privilege(oid, 'USAGE')
    FROM sequence ORDER BY 1
"""


def faults_of_server(server: Server) -> Iterator[str]:
    """Why nobody's registry can work there, the most fundamental reason first."""
    if server.collation_changed:
        yield (
            "The system under the database sorts text in another way since it was created, so indexes may be wrong. "
            "Run REINDEX DATABASE, then ALTER DATABASE … REFRESH COLLATION VERSION."
        )
    if server.is_standby:
        yield "The server is a standby, which takes no writes. Give the address of its primary."
    if server.is_read_only:
        yield (
            "The database takes no writes, because default_transaction_read_only is on. Switch it off for the role "
            f"{server.role}, the database or the server."
        )
    yield from _faults_of_timeouts(server)
    if server.schema is None:
        yield f"The role {server.role} may use no schema of the database. Grant it USAGE on the schema public."


def _faults_of_timeouts(server: Server) -> Iterator[str]:
    ignored = [name for name, value in LIMITS.milliseconds.items() if server.timeouts.get(name) != value]
    if ignored:
        yield (
            f"The server did not take {ignored[0]} from the connection, as a pooler does that drops `options`. "
            "Give the address of PostgreSQL itself."
        )
    # PostgreSQL 15 and 16 do not know it, so that no connection can ask for another value.
    longest = server.timeouts.get("transaction_timeout", 0)
    if longest:
        yield (
            f"transaction_timeout is {longest / 1000:g} s for the role {server.role}, which ends work that takes "
            f"longer. Run ALTER ROLE {server.role} SET transaction_timeout = 0."
        )


def faults_of_owner(server: Server, tables: Collection[Table]) -> Iterator[str]:
    """Why a role cannot migrate."""
    if not server.may_create:
        yield (
            f"The role {server.role} may not create tables in the schema {server.schema}. Make it the owner of the "
            "database, or set DATABASE_OWNER_URL to the address for its owner."
        )
    strange = next((table for table in tables if not table.is_own), None)
    if strange is not None:
        yield (
            f"The tables belong to the role {strange.owner}, so {server.role} cannot migrate them. "
            f"Set DATABASE_OWNER_URL to the address of the database for {strange.owner}."
        )


def faults_of_service(server: Server, tables: Collection[Table]) -> Iterator[str]:
    """Why a role cannot read and write rows."""
    closed = [table for table in tables if not table.is_open]
    if closed:
        others = f" and {len(closed) - 1} others" if len(closed) > 1 else ""
        yield (
            f"The role {server.role} may not read and write {closed[0].name}{others}. "
            f"Grant it SELECT, INSERT, UPDATE and DELETE on all tables, and USAGE on all sequences."
        )
