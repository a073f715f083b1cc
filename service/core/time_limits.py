"""How long PostgreSQL works for a connection, or waits with it, before it gives up."""

from typing import NamedTuple


class TimeLimits(NamedTuple):
    """Seconds for a statement, and for its wait for a lock.

    A transaction that waits for the service longer than for a statement is ended, with all its locks.
    """

    statement: float
    lock: float

    @property
    def options(self) -> str:
        """The limits as libpq's `options`."""
        limits = {
            "statement_timeout": self.statement,
            "lock_timeout": self.lock,
            "idle_in_transaction_session_timeout": self.statement,
        }
        return " ".join(f"-c {name}={round(1000 * seconds)}" for name, seconds in limits.items())
