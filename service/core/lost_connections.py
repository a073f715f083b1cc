"""What a failure of the database means for whoever asked: that it is away, or busy, and not that there is a fault."""

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


def refusal_of(problem: BaseException) -> Problem | None:
    """The refusal that an exception means; None if it is a fault."""
    if isinstance(problem, NoConnectionLeft | PoolTimeout):
        return Overloaded(
            "overloaded",
            "No connection to the database became free in time: it is busy or does not respond. Try again in a moment.",
        )
    if _state(problem) == _FULL:
        return NoRoom()
    if is_lost(problem):
        return Unavailable(
            "database_unavailable",
            "The database does not respond at the moment. Try again in a few seconds; if this request records "
            "something, with the same `Idempotency-Key`.",
        )
    if _state(problem).startswith(_BUSY):
        return Overloaded("overloaded", "Others use the same data at the moment. Nothing was written. Try again.")
    return None


def is_lost(problem: BaseException) -> bool:
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
