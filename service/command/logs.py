"""Logging of a process to standard error, one line per event."""

import logging

# At INFO these would log what no log should contain: addresses of requests, and every query of the queue.
_WARNINGS_ONLY = ("httpx2", "httpcore2", "procrastinate", "alembic", "uvicorn.access")


def configure() -> None:
    """Log to standard error from INFO on, and libraries that log data only from WARNING on."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in _WARNINGS_ONLY:
        logging.getLogger(name).setLevel(logging.WARNING)
