"""A STOP from a telephone is recorded once, with the time at which it came, however often and late it is delivered."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.core.clock import now
from service.messaging.inbound import REPEATED_WITHIN
from service.messaging.messages import Inbound
from tests.inspection import defer, rows, until
from tests.objection.builders import (
    Holders,
    deliver,
    message_from,
    objections_of,
    register_campaign,
    relays_to,
)

AT = datetime(2024, 6, 10, 8, 0, tzinfo=UTC)


def handled(holders: Holders) -> None:
    """Let the party do what a STOP asks for, so that another STOP of its person would be recorded too."""
    for relay in relays_to(holders.party):
        holders.party.post(f"/v1/objections/relays/{relay['id']}/complete")


def recorded_at(holders: Holders, last_four: int = 6) -> list[Any]:
    """When a person objected, the earliest first."""
    return sorted(objection["occurred_at"] for objection in objections_of(holders.person(last_four)))


def again(message: Inbound, later: timedelta = timedelta(0)) -> Inbound:
    """A message as the operator delivers it again, under another id."""
    return replace(message, id=uuid.uuid4(), received_at=message.received_at + later)


def test_inbound_stop_delivered_again_is_recorded_once(holders: Holders, client: TestClient) -> None:
    message = message_from(6, at=AT)
    deliver(client, message)
    handled(holders)
    # The gateway repeats what it has stored, with the time of then, and another campaign may be known by now.
    window = {"began_at": "2024-06-07T10:00:00+02:00", "ended_at": "2024-06-07T11:00:00+02:00"}
    register_campaign(holders.party, holders.campaign["dataset_ids"][0], **window)
    deliver(client, message)
    assert recorded_at(holders) == ["2024-06-10T08:00:00Z"]


def test_inbound_stop_delivered_at_the_same_time_is_recorded_once(holders: Holders, client: TestClient) -> None:
    message = message_from(6, at=AT)
    deliver(client, message, again(message), message, again(message, timedelta(seconds=9)), message)
    assert len(recorded_at(holders)) == 1


@pytest.mark.parametrize(
    ("later", "count"),
    [(timedelta(0), 1), (REPEATED_WITHIN, 1), (-REPEATED_WITHIN, 1), (REPEATED_WITHIN + timedelta(seconds=1), 2)],
)
def test_inbound_stop_under_another_id_is_a_repetition_within_an_hour(
    holders: Holders, client: TestClient, later: timedelta, count: int
) -> None:
    message = message_from(6, at=AT)
    deliver(client, message)
    handled(holders)
    deliver(client, again(message, later))
    assert len(recorded_at(holders)) == count


def test_inbound_stop_that_repeats_a_repetition_counts_from_the_first(holders: Holders, client: TestClient) -> None:
    """Otherwise a person who says STOP after each further message would never be heard again."""
    message = message_from(6, at=AT)
    for minutes in (0, 50, 100):
        deliver(client, again(message, timedelta(minutes=minutes)))
        handled(holders)
    assert recorded_at(holders) == ["2024-06-10T08:00:00Z", "2024-06-10T09:40:00Z"]


def test_inbound_stops_that_differ_are_no_repetitions(holders: Holders, client: TestClient) -> None:
    register_campaign(holders.party, holders.campaign["dataset_ids"][0], originator="38002")
    said = [(6, "38001", "STOP"), (6, "38001", "Stop"), (6, "38002", "STOP"), (7, "38001", "STOP")]
    for later, (last_four, originator, text) in enumerate(said):
        deliver(client, message_from(last_four, originator, text, at=AT + timedelta(seconds=later)))
        handled(holders)
    assert (len(recorded_at(holders)), len(recorded_at(holders, 7))) == (3, 1)


def test_inbound_stops_of_a_telephone_keep_the_times_at_which_they_came(holders: Holders, client: TestClient) -> None:
    """The first waited in the gateway while a campaign was sent and answered."""
    window = {"began_at": "2024-06-10T12:00:00+02:00", "ended_at": "2024-06-10T13:00:00+02:00"}
    later = register_campaign(holders.party, holders.campaign["dataset_ids"][0], **window)
    for at in (AT, AT + timedelta(days=1)):
        deliver(client, message_from(6, at=at))
    answered = {seen["campaign"]["id"]: seen["occurred_at"] for seen in objections_of(holders.person(6))}
    assert answered == {holders.campaign["id"]: "2024-06-10T08:00:00Z", later["id"]: "2024-06-11T08:00:00Z"}


def test_inbound_stop_of_a_gateway_whose_clock_is_ahead_is_of_now(holders: Holders, client: TestClient) -> None:
    deliver(client, message_from(6, at=now() + timedelta(days=1)))
    assert datetime.fromisoformat(recorded_at(holders)[0]) <= now()


def test_forget_inbound_messages_keeps_no_trace_of_the_telephone_and_still_knows_the_id(
    holders: Holders, client: TestClient, dsn: str
) -> None:
    message = message_from(6, at=AT)
    deliver(client, message)
    handled(holders)
    rows(dsn, "UPDATE inbound_message SET recorded_at = recorded_at - interval '25 hours'")
    defer(dsn, "forget_inbound_messages", timestamp=0)
    until(lambda: rows(dsn, "SELECT fingerprint FROM inbound_message") == [(None,)])
    deliver(client, message)
    assert len(recorded_at(holders)) == 1
    rows(dsn, "UPDATE inbound_message SET recorded_at = recorded_at - interval '30 days'")
    defer(dsn, "forget_inbound_messages", timestamp=0)
    until(lambda: rows(dsn, "SELECT 1 FROM inbound_message") == [])
