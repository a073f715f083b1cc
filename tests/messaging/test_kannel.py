"""Messages through Debian's Kannel: out to a message centre, and reports and replies back."""

import asyncio
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from service.core.clock import now
from service.core.db import Database
from service.core.errors import Unreachable
from service.core.settings import Settings
from service.main import create_app
from service.messaging.gateway import Messaging
from service.messaging.messages import Inbound
from service.messaging.providers.kannel.sender import Kannel as KannelGateway
from tests.builders import number
from tests.inspection import refusal, resources_of_app, rows
from tests.kannel import ORIGINATOR, Kannel, running_kannel, wait_until
from tests.persons import ask_code, code_in, confirm
from tests.sockets import on_a_socket

MINE = number(5200)


class Heard(list[tuple[int, str, str]]):
    """The inbound messages that were handled. Those of `failing` numbers cannot be."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: set[int] = set()

    async def __call__(self, message: Inbound) -> None:
        if message.number in self.failing:
            raise RuntimeError("this message cannot be handled")
        self.append((message.number, message.originator, message.text))


@pytest.fixture
def app(kannel: Kannel, settings: Settings, dsn: str) -> FastAPI:
    """The service that this Kannel calls."""
    return create_app(kannel.configure(settings), dsn)


@pytest.fixture
def service(app: FastAPI, kannel: Kannel) -> Iterator[httpx2.Client]:
    """A client of that service on its socket."""
    with on_a_socket(app) as client:
        yield client


@pytest.fixture
def heard(app: FastAPI, service: httpx2.Client) -> Heard:
    """The inbound messages that the service handles."""
    messages = Heard()
    resources_of_app(app).get(Messaging).on_inbound = messages
    return messages


def states(dsn: str) -> list[tuple[str, bool]]:
    return [(state, reported) for state, reported in rows(dsn, "SELECT state, reported_at IS NOT NULL FROM message")]


def test_code_sent_through_kannel_is_confirmed_and_reported(service: httpx2.Client, kannel: Kannel, dsn: str) -> None:
    begun = ask_code(service, "06 39 98 52 00")
    assert begun.status_code == 201
    (sent,) = kannel.wait_for_sent()
    assert (sent.number, sent.originator) == (MINE, ORIGINATOR)
    assert "Ne le donnez à personne" in sent.text
    session = confirm(service, begun.json()["id"], code_in(sent.text))
    assert session.status_code == 201
    wait_until(lambda: states(dsn) == [("delivered", True)], "no delivery report came back")


def test_inbound_sms_is_handled_without_reply(heard: Heard, kannel: Kannel) -> None:
    kannel.type_in("33639985200", "38001", "ARRÊT svp")
    wait_until(lambda: len(heard) == 1, "the message did not arrive")
    assert heard == [(33639985200, "38001", "ARRÊT svp")]
    # No reply is sent to the telephone: it would cost money.
    assert kannel.sent() == []


def test_inbound_sms_in_another_alphabet_is_read(heard: Heard, kannel: Kannel) -> None:
    kannel.type_in("33639985200", "38001", "%04%21%04%22%04%1E%04%1F", kind="ucs2")
    wait_until(lambda: len(heard) == 1, "the message did not arrive")
    assert heard == [(33639985200, "38001", "СТОП")]


def test_inbound_sms_from_sender_without_number_is_dropped_without_reply(heard: Heard, kannel: Kannel) -> None:
    kannel.type_in_many([("Votez", "38001", "STOP"), ("33639985200", "38001", "STOP")])
    wait_until(lambda: len(heard) == 1 and not kannel.kept(), "the messages were not taken")
    assert heard == [(33639985200, "38001", "STOP")]
    assert kannel.sent() == []


def test_inbound_sms_that_fails_comes_again_and_holds_up_nobody_else(heard: Heard, kannel: Kannel) -> None:
    heard.failing = {33639985201}
    kannel.type_in_many([("33639985201", "38001", "STOP"), ("33639985201", "38001", "ARRET")])
    kannel.type_in("33639985200", "38001", "STOP")
    wait_until(lambda: len(heard) == 1, "another message was held up")
    assert kannel.kept() >= 2
    heard.failing = set()
    wait_until(lambda: not kannel.kept(), "the message did not come again")
    assert sorted(heard) == [
        (33639985200, "38001", "STOP"),
        (33639985201, "38001", "ARRET"),
        (33639985201, "38001", "STOP"),
    ]


def test_two_workers_take_turns_and_each_sms_is_handled_once(
    heard: Heard, kannel: Kannel, settings: Settings, dsn: str
) -> None:
    other = Heard()
    with on_a_socket(app := create_app(kannel.configure(settings), dsn)):
        resources_of_app(app).get(Messaging).on_inbound = other
        kannel.type_in_many([("33639985200", "38001", f"STOP {number}") for number in range(50)])
        wait_until(lambda: len([*heard, *other]) == 50, "the messages were not taken")
    # Only the first of the two processes takes messages, so they stay in order.
    assert [text for _, _, text in [*heard, *other]] == [f"STOP {number}" for number in range(50)]


def test_message_whose_time_is_over_is_refused_and_recorded_as_failed(
    settings: Settings, kannel: Kannel, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As Kannel does with a code that waited for its message centre until it was no longer valid."""

    async def send() -> None:
        database = Database(dsn)
        gateway = KannelGateway(kannel.configure(settings), database)
        try:
            await gateway.send(uuid.uuid4(), 33639985200, "too late", until=now() - timedelta(seconds=5))
        finally:
            await gateway.close()
            await database.close()

    with pytest.raises(Unreachable):
        asyncio.run(send())
    assert states(dsn) == [("failed", True)]
    assert "Kannel did not accept a message: answer 1" in caplog.messages
    assert kannel.sent() == []


def test_message_to_unreachable_kannel_is_reported_and_recorded(settings: Settings, dsn: str, kannel: Kannel) -> None:
    nobody = kannel.configure(settings).model_copy(update={"kannel_address": "127.0.0.1:1"})
    with on_a_socket(create_app(nobody, dsn)) as client:
        assert refusal(ask_code(client, MINE)) == (503, "message_not_sent")
    assert states(dsn) == [("failed", True)]


def test_code_is_sent_again_after_kannel_restarted(settings: Settings, dsn: str, tmp_path: Path) -> None:
    with running_kannel(tmp_path) as own, on_a_socket(create_app(own.configure(settings), dsn)) as client:
        assert ask_code(client, MINE).status_code == 201
        own.wait_for_sent(1)
        own.stop(seconds=8)
        assert refusal(ask_code(client, MINE)) == (503, "message_not_sent")
        own.start()
        assert ask_code(client, MINE).status_code == 201
        own.wait_for_sent(2)
