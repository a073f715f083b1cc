"""Requests of a closed quarter, and its publication."""

import uuid
from datetime import timedelta
from typing import Any

from service.core.clock import now
from service.objection.quarter import Quarter, due_quarters
from service.wording.language import paris_day
from tests.builders import FICTION
from tests.inspection import defer, rows, until
from tests.persons import ring_of_tests

# Numbers from here on are held by nobody.
_UNHELD = FICTION + 9900


def last_due_quarter() -> Quarter:
    """The last quarter that is due for publication today."""
    *_, last = due_quarters(paris_day(now()) - timedelta(days=400), now())
    return last


def admit_in(dsn: str, quarter: Quarter) -> None:
    """Let every organisation with an account have obtained it as a quarter began, when the registry began too."""
    rows(dsn, "UPDATE organisation SET admitted_at = %s WHERE admitted_at IS NOT NULL", quarter.span[0])


def receive_requests(
    dsn: str, holder_id: uuid.UUID | str, quarter: Quarter, *, in_time: int = 0, late: int = 0, open_: int = 0
) -> None:
    """Let an organisation receive requests ten days into a quarter. It answers in 5 days, or in 40 if late."""
    received_at = quarter.span[0] + timedelta(days=10)
    outcomes = [("completed", 5)] * in_time + [("completed", 40)] * late + [("pending", None)] * open_
    ring = ring_of_tests()
    for place, (state, days) in enumerate(outcomes):
        ended_at = None if days is None else received_at + timedelta(days=days)
        rows(
            dsn,
            """WITH made AS (
                   INSERT INTO objection (id, occurred_at, recorded_at, relayed_at, kind, scope, source, mark)
                   VALUES (%s, %s, %s, %s, 'objection', 'everything', 'person', %s) RETURNING id)
               INSERT INTO relay (id, objection_id, holder_id, state, recorded_at, received_at, due_at, ended_at)
               SELECT %s, id, %s, %s, %s, %s, %s, %s FROM made""",
            *(uuid.uuid4(), received_at, received_at, received_at, ring.mark(ring.pseudonym(_UNHELD + place))),
            *(uuid.uuid4(), holder_id, state, received_at, received_at, received_at + timedelta(days=31), ended_at),
        )


def publish(dsn: str) -> None:
    """Run the worker's task, and wait until it has run."""
    defer(dsn, "publish_deadlines", timestamp=0)
    until(lambda: not rows(dsn, "SELECT FROM procrastinate_jobs WHERE task_name = 'publish_deadlines'"))


def public_bytes(client: Any, quarters: list[str]) -> dict[str, bytes]:
    """Everything that everybody can read about deadlines: the list, and each quarter as page, JSON and CSV."""
    paths = ["/v1/objections/deadlines", "/delais", "/en/deadlines"]
    for quarter in quarters:
        api = f"/v1/objections/deadlines/{quarter}"
        paths += [api, f"{api}?version=1", f"{api}/counts.csv", f"/delais/{quarter}", f"/en/deadlines/{quarter}"]
    return {path: client.get(path, headers={"Accept": "*/*"}).content for path in paths}
