"""Failures of the database itself, as opposed to mistakes: what failed with them may be repeated as it was."""

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft


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
