"""Messages through Debian's Kannel: out to its fake message centre, and reports and replies back."""

import logging
import re
from collections.abc import Iterator

import httpx2
import pytest
from fastapi import FastAPI

from service.core.settings import Settings
from service.main import create_app
from service.messaging.gateway import Messaging
from service.messaging.providers.kannel import Kannel as KannelGateway
from tests.builders import number
from tests.inspection import refusal, resources_of_app, rows
from tests.kannel import INBOUND_SECRET, ORIGINATOR, Kannel, wait_until
from tests.persons import ask_code, code_in, confirm
from tests.sockets import on_a_socket

MINE = number(5200)
# Any spelling of the number without its prefix.
SPELT = re.compile(r"6[ .]?39[ .]?98[ .]?52[ .]?00")


class Heard(list[tuple[int, str, str]]):
    """The inbound messages that were handled."""

    async def __call__(self, number: int, originator: str, text: str) -> None:
        self.append((number, originator, text))


@pytest.fixture
def app(kannel: Kannel, settings: Settings, dsn: str) -> FastAPI:
    """The service that this Kannel calls."""
    return create_app(kannel.configure(settings), dsn)


@pytest.fixture
def service(app: FastAPI, kannel: Kannel) -> Iterator[httpx2.Client]:
    """A client of that service on its socket."""
    with on_a_socket(app, kannel.service_port) as client:
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


def test_inbound_sms_from_sender_without_number_is_refused_without_reply(
    heard: Heard, kannel: Kannel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "service.access")
    kannel.type_in("Votez", "38001", "STOP")
    kannel.type_in("33639985200", "38001", "STOP")
    wait_until(lambda: len(heard) == 1, "the message did not arrive")
    assert heard == [(33639985200, "38001", "STOP")]
    assert any("/v1/messages/kannel/inbound 422" in line for line in caplog.messages)
    assert not any("/v1/messages/kannel/inbound 500" in line for line in caplog.messages)
    assert kannel.sent() == []


def test_logs_and_addresses_contain_no_number(
    service: httpx2.Client, heard: Heard, kannel: Kannel, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Our code and its libraries log at the lowest level, and Kannel logs as we configure it."""
    caplog.set_level(logging.DEBUG)
    begun = ask_code(service, MINE).json()
    (sent,) = kannel.wait_for_sent()
    confirm(service, begun["id"], code_in(sent.text))
    kannel.type_in("33639985200", "38001", "STOP")
    wait_until(lambda: len(heard) == 1 and states(dsn) == [("delivered", True)], "Kannel did not come back")
    calls = [line for line in caplog.messages if "/cgi-bin/sendsms" in line]
    assert calls
    assert [line for line in [*caplog.messages, *kannel.log().splitlines()] if SPELT.search(line)] == []
    assert [line for line in caplog.messages if code_in(sent.text) in line or INBOUND_SECRET in line] == []


def test_message_that_kannel_refuses_is_reported_and_recorded_as_failed(
    service: httpx2.Client, app: FastAPI, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = resources_of_app(app).get(Messaging).gateway
    assert isinstance(gateway, KannelGateway)
    headers = gateway._client.headers
    headers["X-Kannel-Password"] = "wrong"
    assert refusal(ask_code(service, MINE)) == (503, "message_not_sent")
    assert states(dsn) == [("failed", True)]
    assert "Kannel did not accept a message: 403" in caplog.messages


def test_message_to_unreachable_kannel_is_reported_and_recorded(settings: Settings, dsn: str, kannel: Kannel) -> None:
    nobody = kannel.configure(settings).model_copy(update={"kannel_url": "http://127.0.0.1:1/cgi-bin/sendsms"})
    with on_a_socket(create_app(nobody, dsn)) as client:
        assert refusal(ask_code(client, MINE)) == (503, "message_not_sent")
    assert states(dsn) == [("failed", True)]
