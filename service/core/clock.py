"""The registry's own clock. Deadlines and `recorded_at` use it, and no client can set it."""

from datetime import UTC, datetime


def now() -> datetime:
    """The current time, in UTC."""
    return datetime.now(UTC)
