"""How long PostgreSQL works for a connection, or waits with it, before it gives up."""

from typing import NamedTuple


class TimeLimits(NamedTuple):
    """Seconds for a statement, and for its wait for a lock.

    A transaction that waits for the service longer than for a statement is ended, with all its locks.
    """

    statement: float
    lock: float

    @property
    def milliseconds(self) -> dict[str, int]:
        """What each connection asks of PostgreSQL, whatever its role, database and server have been given."""
        statement = round(1000 * self.statement)
        return {
            "statement_timeout": statement,
            "lock_timeout": round(1000 * self.lock),
            "idle_in_transaction_session_timeout": statement,
            # Connections wait in pools, and for notifications, for as long as there is nothing to do.
            "idle_session_timeout": 0,
        }

    @property
    def options(self) -> str:
        """The limits as libpq's `options`."""
        return " ".join(f"-c {name}={value}" for name, value in self.milliseconds.items())
