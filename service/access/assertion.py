"""Who asserts a fact, and when it is stated to have happened."""

from datetime import datetime, timedelta
from typing import Any

from service.access.actor import Actor
from service.core.clock import now
from service.core.errors import Unprocessable

# Callers' clocks may be slightly ahead of the registry's.
CLOCK_SKEW = timedelta(minutes=5)


def assertion_columns(actor: Actor, occurred_at: datetime, field: str = "occurred_at") -> dict[str, Any]:
    """The columns of a fact that `actor` asserts. `field` is where in the request `occurred_at` stands.

    Raises:
        Unprocessable: `occurred_at` is in the future.
    """
    if occurred_at > now() + CLOCK_SKEW:
        raise Unprocessable("in_the_future", f"`{field}` is in the future. Record a fact after it has happened.")
    return {
        "asserted_by_id": actor.organisation_id,
        "asserted_through_id": actor.asserts_through_id,
        "occurred_at": occurred_at,
    }
