"""Which exceptions are outages of the database, however the libraries wrap them."""

import psycopg
import pytest
from procrastinate.exceptions import ConnectorException
from psycopg_pool import PoolTimeout
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from service.core.outages import is_outage

OUTAGES = (
    psycopg.OperationalError("connection refused"),
    psycopg.InterfaceError("the connection is closed"),
    psycopg.errors.AdminShutdown(),
    psycopg.errors.CannotConnectNow(),
    psycopg.errors.DiskFull(),
    psycopg.errors.DeadlockDetected(),
    PoolTimeout(),
)
FAULTS = (ValueError("OperationalError"), psycopg.errors.UniqueViolation(), psycopg.errors.QueryCanceled())


def wrapped(problem: Exception) -> list[BaseException]:
    """An exception as the driver, SQLAlchemy, the queue and task groups raise it."""
    queued = ConnectorException()
    queued.__cause__ = problem
    by_sqlalchemy = DBAPIError("SELECT", None, problem)
    return [problem, by_sqlalchemy, queued, ExceptionGroup("loaders", [ExceptionGroup("one", [by_sqlalchemy])])]


@pytest.mark.parametrize("problem", OUTAGES, ids=lambda problem: type(problem).__name__)
def test_outage_is_known_however_it_is_wrapped(problem: Exception) -> None:
    assert all(map(is_outage, wrapped(problem)))


@pytest.mark.parametrize("problem", FAULTS, ids=lambda problem: type(problem).__name__)
def test_fault_is_no_outage(problem: Exception) -> None:
    assert not any(map(is_outage, wrapped(problem)))


def test_pool_without_a_free_connection_is_an_outage() -> None:
    assert is_outage(NoConnectionLeft())
    assert is_outage(OperationalError("SELECT", None, psycopg.OperationalError()))
    assert not is_outage(None)
