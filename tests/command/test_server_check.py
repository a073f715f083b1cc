"""What `migrate` and `serve` refuse of a PostgreSQL server, each in one sentence and before anything is written."""

from urllib.parse import quote

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql
from sqlalchemy import make_url

from service.command import schema
from service.core.embedded import roles
from service.core.errors import ConfigurationError
from service.core.server_check import OLDEST, fault_of_version
from tests.conftest import as_service
from tests.inspection import rows

Statements = tuple[str, ...]


def refusal_of(dsn: str, *, migrates: bool = True) -> str:
    """The one line with which a database is refused; an empty text if it is not."""
    said = _refusal(dsn, migrates=migrates)
    assert "\n" not in said
    assert said == "" or said.endswith(".")
    return said


def _refusal(dsn: str, *, migrates: bool) -> str:
    try:
        if migrates:
            schema.upgrade(dsn)
        else:
            schema.require_current(dsn)
    except ConfigurationError as error:
        return str(error)
    return ""


def as_owner(dsn: str) -> str:
    return make_url(dsn).set(username=roles.OWNER).render_as_string(hide_password=False)


def run_all(dsn: str, statements: Statements) -> None:
    """Run statements as the administrator, with the name of the database put in for {}."""
    name = sql.Identifier(make_url(dsn).database or "")
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(sql.SQL(statement).format(name))


def objects_in(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM pg_class WHERE oid >= 16384").fetchall()
    return int(count)


# What the administrator did to the database, and what the refusal says. The role that migrates owns the database.
REFUSED_OWNERS: dict[str, tuple[Statements, str]] = {
    "without_create": (("ALTER DATABASE {} OWNER TO postgres",), "may not create tables in the schema public"),
    "without_schema": (("REVOKE ALL ON SCHEMA public FROM PUBLIC, pg_database_owner",), "may use no schema"),
    "read_only_role": (
        ("ALTER ROLE filiation_owner IN DATABASE {} SET default_transaction_read_only = on",),
        "default_transaction_read_only is on",
    ),
    "read_only_database": (
        ("ALTER DATABASE {} SET default_transaction_read_only = on",),
        "default_transaction_read_only is on",
    ),
    "collation_changed": (
        ("UPDATE pg_database SET datcollversion = '0' WHERE datname = current_database()",),
        "REFRESH COLLATION VERSION",
    ),
    "strange_table": (("CREATE TABLE dataset ()",), "The tables belong to the role postgres"),
}


@pytest.mark.parametrize("case", REFUSED_OWNERS)
def test_migrate_without_what_it_needs_is_refused_and_writes_nothing(empty_dsn: str, case: str) -> None:
    statements, reason = REFUSED_OWNERS[case]
    run_all(empty_dsn, ("ALTER DATABASE {} OWNER TO filiation_owner", *statements))
    before = objects_in(empty_dsn)
    assert reason in refusal_of(as_owner(empty_dsn))
    assert objects_in(empty_dsn) == before


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_migrate_in_another_encoding_is_refused(cluster: str, encoding: str) -> None:
    name = f"in_{encoding.lower()}"
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE {name} ENCODING {encoding} LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0"
        )
        dsn = make_url(cluster).set(database=name).render_as_string(hide_password=False)
        assert f"has the encoding {encoding}" in refusal_of(dsn)
        connection.execute(f"DROP DATABASE {name}")


REFUSED_SERVICES: dict[str, tuple[Statements, str]] = {
    "one_table": (("REVOKE UPDATE ON dataset FROM filiation",), "may not read and write dataset."),
    "no_table": (
        ("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM filiation",),
        "others. Grant it SELECT, INSERT, UPDATE and DELETE",
    ),
    "no_sequence": (("REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM filiation",), "USAGE on all sequences"),
    "no_version": (("REVOKE ALL ON alembic_version FROM filiation",), "may not read and write alembic_version"),
    "read_only": (("ALTER DATABASE {} SET default_transaction_read_only = on",), "takes no writes"),
    "transaction_timeout": (
        ("ALTER ROLE filiation IN DATABASE {} SET transaction_timeout = '5s'",),
        "transaction_timeout is 5 s for the role filiation",
    ),
}


@pytest.mark.parametrize("case", REFUSED_SERVICES)
def test_serve_without_what_it_needs_is_refused(dsn: str, case: str) -> None:
    statements, reason = REFUSED_SERVICES[case]
    if case == "transaction_timeout" and rows(dsn, "SELECT current_setting('transaction_timeout', true)") == [(None,)]:
        pytest.skip("PostgreSQL 15 and 16 have no transaction_timeout")
    run_all(dsn, statements)
    assert reason in refusal_of(as_service(dsn), migrates=False)


def test_limits_of_the_service_count_whatever_role_database_and_server_say(dsn: str) -> None:
    for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout"):
        run_all(dsn, (f"ALTER ROLE filiation IN DATABASE {{}} SET {name} = '1ms'",))
        run_all(dsn, (f"ALTER DATABASE {{}} SET {name} = '2s'",))
    run_all(dsn, ("ALTER DATABASE {} OWNER TO filiation_owner",))
    assert refusal_of(as_service(dsn), migrates=False) == ""
    assert refusal_of(as_owner(dsn)) == ""


@pytest.mark.parametrize(
    ("version", "name"),
    [(140012, "14.12"), (100001, "10.1"), (90624, "9.6.24"), (80423, "8.4.23")],
)
def test_old_server_is_refused_by_its_version(version: int, name: str) -> None:
    (fault,) = fault_of_version(version)
    assert f"PostgreSQL {name}, and the registry needs {OLDEST} or newer" in fault


def test_every_version_from_the_oldest_on_is_taken() -> None:
    assert [not list(fault_of_version(major * 10_000 + 3)) for major in range(9, 22)] == [
        major >= OLDEST for major in range(9, 22)
    ]


# Characters that mean something in an address, and some that do not.
PASSWORDS = st.text("@/:%?#[]&=+ '\"\\$;aZ09é", min_size=1, max_size=12)


@given(PASSWORDS)
def test_password_that_is_not_encoded_is_refused_without_a_part_of_it_or_read_as_it_is(password: str) -> None:
    dsn = f"postgresql://somebody:{password}@127.0.0.1:1/registry"
    said = refusal_of(dsn, migrates=False)
    refused = ("has signs that mean something else", "is not an address", "an option that libpq")
    reached = 'connection to server at "127.0.0.1", port 1 failed'
    assert any(part in said for part in (*refused, reached))
    assert len(password) < 4 or password not in said


@given(PASSWORDS)
def test_encoded_password_reaches_the_server(password: str) -> None:
    said = refusal_of(f"postgresql://somebody:{quote(password, safe='')}@127.0.0.1:1/registry", migrates=False)
    assert 'connection to server at "127.0.0.1", port 1 failed' in said
    assert said.endswith("Check DATABASE_URL.")


MALFORMED = (
    "",
    "host=localhost dbname=filiation",
    "postgresql:/x",
    "mysql://a@b/c",
    "postgresql://a@b:port/c",
    "nonsense",
)


@pytest.mark.parametrize("dsn", ["postgresql://a:b@c", "postgresql://a:b@c/", "postgres://c:5432?sslmode=require"])
def test_address_without_a_database_is_refused(dsn: str) -> None:
    """libpq would take the one that is called like the role."""
    assert refusal_of(dsn, migrates=True).startswith("DATABASE_URL names no database. Add its name: ")


@pytest.mark.parametrize("dsn", MALFORMED)
def test_address_of_another_form_is_refused_with_the_right_one(dsn: str) -> None:
    assert refusal_of(dsn, migrates=False).startswith("DATABASE_URL ")


def test_option_that_libpq_does_not_know_is_named(dsn: str) -> None:
    with_ssl = make_url(dsn).update_query_dict({"ssl": "require"}).render_as_string(hide_password=False)
    said = refusal_of(with_ssl, migrates=False)
    assert "does not know: ssl. For TLS, set sslmode and sslrootcert." in said
