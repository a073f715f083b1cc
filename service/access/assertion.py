"""Who asserts a fact, and when it is said to have happened."""

from datetime import datetime, timedelta
from typing import Any

from service.access.actor import Actor
from service.core.clock import now
from service.core.errors import Unprocessable

# Clocks of callers run a little ahead of ours now and then.
CLOCK_SKEW = timedelta(minutes=5)


def asserted(actor: Actor, occurred_at: datetime, field: str = "occurred_at") -> dict[str, Any]:
    """The columns of a fact that `actor` asserts. `field` is where in the request the caller says when it happened.

    Raises:
        Unprocessable: `occurred_at` is in the future.
    """
    if occurred_at > now() + CLOCK_SKEW:
        raise Unprocessable("in_the_future", f"`{field}` is in the future: a fact is recorded after it happened.")
    return {
        "asserted_by_id": actor.organisation_id,
        "asserted_through_id": actor.through_id,
        "occurred_at": occurred_at,
    }
