"""Failures of the database itself, as opposed to mistakes: what failed with them may be repeated as it was.

Work in the background asks `is_outage`, and is repeated. A request asks `refusal_of`, and its caller repeats it.
"""

from typing import Final

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from service.core.errors import NoRoom, Overloaded, Problem, Unavailable

# A connection exception, a server that shuts down or starts, and one that accepts no more connections.
_AWAY: Final = ("08", "57P", "53300")
_FULL: Final = "53100"
# A statement or a lock that took too long, a deadlock, and a conflict of two transactions. Nothing of it was written.
_BUSY: Final = ("57014", "55P03", "40P01", "40001")


def is_outage(problem: BaseException | None) -> bool:
    """Whether `problem` comes from a database that is away, ended the connection, or has no room at the moment.

    The libraries wrap the driver's exception, and a group may contain it among others. A statement that was cancelled
    is no outage, since it would be cancelled again. An error of the protocol is: its connection is of no use.
    """
    if problem is None:
        return False
    if isinstance(problem, BaseExceptionGroup):
        return any(is_outage(part) for part in problem.exceptions)
    if isinstance(problem, DBAPIError):
        return problem.connection_invalidated or is_outage(problem.orig)
    if isinstance(problem, psycopg.errors.QueryCanceled):
        return False
    if isinstance(problem, psycopg.OperationalError | psycopg.InterfaceError | NoConnectionLeft):
        return True
    # The queue raises its own exception from the driver's.
    return is_outage(problem.__cause__)


def refusal_of(problem: BaseException) -> Problem | None:
    """The refusal that an exception means; None if it is a fault."""
    if isinstance(problem, NoConnectionLeft | PoolTimeout):
        return Overloaded(
            "overloaded",
            "No connection to the database became free in time: it is busy or does not respond. Try again in a moment.",
        )
    if _state(problem) == _FULL:
        return NoRoom()
    if _is_lost(problem):
        return database_away()
    if _state(problem).startswith(_BUSY):
        return Overloaded("overloaded", "Others use the same data at the moment. Nothing was written. Try again.")
    return None


def database_away() -> Unavailable:
    """The refusal of whatever needs the database while it is away."""
    return Unavailable(
        "database_unavailable",
        "The database does not respond at the moment. Try again in a few seconds; if this request records something, "
        "with the same `Idempotency-Key`.",
    )


def _is_lost(problem: BaseException) -> bool:
    """Whether the connection to the database was lost, or could not be made."""
    if isinstance(problem, PoolClosed) or (isinstance(problem, DBAPIError) and problem.connection_invalidated):
        return True
    cause = _of_driver(problem)
    if isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError) and cause.sqlstate is None:
        return True
    return _state(problem).startswith(_AWAY)


def _of_driver(problem: BaseException) -> BaseException | None:
    return problem.orig if isinstance(problem, DBAPIError) else problem


def _state(problem: BaseException) -> str:
    cause = _of_driver(problem)
    return (cause.sqlstate or "") if isinstance(cause, psycopg.Error) else ""
