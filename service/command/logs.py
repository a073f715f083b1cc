"""Logging of a process: one line an event, to standard error."""

import logging

# These would write at INFO what belongs to nobody's log: addresses of requests, every query of the queue.
_QUIET = ("httpx2", "httpcore2", "procrastinate", "alembic", "uvicorn.access")


def configure() -> None:
    """Log to standard error from INFO on; libraries that are talkative about data, from WARNING on."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
