"""The registry's own clock. Deadlines and `recorded_at` read it; no client can set it."""

from datetime import UTC, datetime


def now() -> datetime:
    """The current instant, in UTC."""
    return datetime.now(UTC)
