"""Logging of a process to standard error, one line per event."""

import logging

# At INFO these would log what no log should contain: addresses of requests, and every query of the queue.
_WARNINGS_ONLY = ("httpx2", "httpcore2", "procrastinate", "alembic", "uvicorn.access")

# During an outage of the database these would repeat it every second, with tracebacks. `core.supervision` says it once.
_REPORTED_ONCE = ("procrastinate.worker", "procrastinate.utils", "procrastinate.periodic", "psycopg.pool", "psycopg")


def configure() -> None:
    """Log to standard error from INFO on, and libraries that log data only from WARNING on."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in _WARNINGS_ONLY:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _REPORTED_ONCE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
