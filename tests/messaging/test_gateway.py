"""The outbox works on this machine only, and only our own Kannel may call its routes."""

import base64
import uuid
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from pydantic import SecretStr

from service.core.errors import ConfigurationError
from service.core.settings import GatewayKind, Settings
from service.main import create_app
from service.messaging.gateway import Messaging, require_private_outbox
from service.messaging.messages import report_token
from service.messaging.providers.kannel import PATH
from tests.builders import number
from tests.conftest import MASTER_SECRET
from tests.inspection import defer, refusal, resources_of_app, rows, until
from tests.kannel import INBOUND_SECRET, PASSWORD
from tests.persons import ask_code, outbox, ring_of_tests

FULL = {
    "FILIATION_SMS_GATEWAY": "kannel",
    "FILIATION_KANNEL_URL": "http://127.0.0.1:13013/cgi-bin/sendsms",
    "FILIATION_KANNEL_PASSWORD": PASSWORD,
    "FILIATION_KANNEL_CALLBACK_URL": "http://127.0.0.1:8000",
    "FILIATION_KANNEL_INBOUND_SECRET": INBOUND_SECRET,
}


@pytest.fixture
def listening(dsn: str) -> Iterator[TestClient]:
    """A service that a Kannel with the right secret may call."""
    settings = Settings(master_secret=SecretStr(MASTER_SECRET), kannel_inbound_secret=SecretStr(INBOUND_SECRET))
    with TestClient(create_app(settings, dsn)) as client:
        yield client


def deliver(client: TestClient, password: str | None, sender: str = "+33639985200", text: bytes = b"STOP") -> Response:
    """Call the service as Kannel does."""
    headers = {b"X-Kannel-From": sender.encode(), b"X-Kannel-To": b"38001", b"Content-Type": b"text/plain"}
    if password is not None:
        headers[b"Authorization"] = b"Basic " + base64.b64encode(f"kannel:{password}".encode())
    return client.post(f"{PATH}/inbound", content=text, headers=headers)


@pytest.fixture
def heard(listening: TestClient) -> list[tuple[int, str, str]]:
    """The messages that this service handles."""
    handled: list[tuple[int, str, str]] = []

    async def handle(number: int, originator: str, text: str) -> None:
        handled.append((number, originator, text))

    resources_of_app(listening.app).get(Messaging).on_inbound = handle
    return handled


def test_inbound_with_wrong_password_is_refused(listening: TestClient, heard: list[tuple[int, str, str]]) -> None:
    passwords = [None, "", "wrong", INBOUND_SECRET[:-1], INBOUND_SECRET + "5", "é"]
    responses = [deliver(listening, password) for password in passwords]
    assert [refusal(response) for response in responses] == [(401, "gateway_refused")] * len(passwords)
    assert all(response.headers["www-authenticate"].startswith("Basic") for response in responses)
    assert heard == []


def test_inbound_with_malformed_basic_authentication_is_refused(listening: TestClient) -> None:
    malformed = ["Basic !", "Basic", "Basic 6Q==", f"Bearer {INBOUND_SECRET}"]
    headers = {"X-Kannel-From": "+33639985200", "X-Kannel-To": "38001"}
    responses = [
        listening.post(f"{PATH}/inbound", content="STOP", headers=headers | {"Authorization": authorization})
        for authorization in malformed
    ]
    assert [refusal(response) for response in responses] == [(401, "gateway_refused")] * len(malformed)


def test_inbound_without_secret_in_settings_is_refused(client: TestClient) -> None:
    assert refusal(deliver(client, "")) == (401, "gateway_refused")
    assert refusal(deliver(client, INBOUND_SECRET)) == (401, "gateway_refused")


def test_inbound_message_from_any_spelling_of_a_number_is_handled(
    listening: TestClient, heard: list[tuple[int, str, str]]
) -> None:
    spellings = ["+33639985200", "33639985200", "0033639985200", "0639985200"]
    responses = [deliver(listening, INBOUND_SECRET, sender, "ARRÊT".encode()) for sender in spellings]
    assert [response.status_code for response in responses] == [202] * len(spellings)
    assert heard == [(33639985200, "38001", "ARRÊT")] * len(spellings)


def test_inbound_message_from_sender_without_number_is_refused(
    listening: TestClient, heard: list[tuple[int, str, str]]
) -> None:
    senders = ["Votez", "38001", "+", "+336399852000000000", "é"]
    found = [refusal(deliver(listening, INBOUND_SECRET, sender)) for sender in senders]
    assert found == [(422, "sender_unreadable")] * len(senders)
    assert heard == []


def test_inbound_message_with_invalid_utf8_is_read(listening: TestClient, heard: list[tuple[int, str, str]]) -> None:
    assert deliver(listening, INBOUND_SECRET, text=b"STOP\xff\x00!").status_code == 202
    assert heard == [(33639985200, "38001", "STOP�!")]


def report(client: TestClient, message_id: object, token: str, code: int) -> Response:
    return client.get(f"{PATH}/{message_id}/report", params={"token": token, "code": code})


def test_report_with_another_token_is_refused(client: TestClient, dsn: str) -> None:
    ask_code(client, number(1))
    ask_code(client, number(2))
    (mine,), (other,) = rows(dsn, "SELECT id FROM message")
    ring = ring_of_tests()
    for token in ("", "x", "é", report_token(ring, other), report_token(ring, mine)[:-1]):
        assert refusal(report(client, mine, token, 1)) == (401, "report_refused")
    assert rows(dsn, "SELECT DISTINCT state FROM message") == [("sent",)]
    assert report(client, mine, report_token(ring, mine), 1).status_code == 202
    assert rows(dsn, "SELECT id FROM message WHERE state = 'delivered'") == [(mine,)]


def test_report_twice_or_out_of_order_keeps_the_final_state(client: TestClient, dsn: str) -> None:
    """Kannel sends two reports at once: that the message centre accepted the message, and that it was delivered."""
    ask_code(client, number(1))
    ((message_id,),) = rows(dsn, "SELECT id FROM message")
    token = report_token(ring_of_tests(), message_id)
    for code, state in ((8, "sent"), (4, "sent"), (1, "delivered"), (8, "delivered"), (2, "delivered")):
        assert report(client, message_id, token, code).status_code == 202
        assert rows(dsn, "SELECT state FROM message") == [(state,)]


def test_report_on_deleted_message_is_accepted(client: TestClient, unknown_id: uuid.UUID) -> None:
    assert report(client, unknown_id, report_token(ring_of_tests(), unknown_id), 1).status_code == 202


def test_outbox_shows_and_stores_messages_for_ten_minutes(client: TestClient, dsn: str) -> None:
    ask_code(client, number(1))
    assert [message.number for message in outbox(dsn)] == [33639980001]
    rows(dsn, "UPDATE outbox_message SET recorded_at = now() - interval '10 minutes'")
    assert outbox(dsn) == []
    defer(dsn, "forget_outbox_messages", timestamp=0)
    until(lambda: rows(dsn, "SELECT 1 FROM outbox_message") == [])
    # Its state is kept for longer. It does not say who received the message.
    assert len(rows(dsn, "SELECT 1 FROM message")) == 1


def test_outbox_reachable_from_other_machines_is_refused() -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "registry.example", ""):
        with pytest.raises(ConfigurationError, match="FILIATION_SMS_GATEWAY=kannel"):
            require_private_outbox(Settings(), host)
        require_private_outbox(Settings.model_construct(sms_gateway=GatewayKind.KANNEL), host)


def test_outbox_on_this_machine_is_allowed() -> None:
    for host in ("127.0.0.1", "127.1.2.3", "::1", "localhost"):
        require_private_outbox(Settings(), host)


def test_settings_with_incomplete_kannel_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in FULL.items():
        monkeypatch.setenv(name, value)
    assert Settings().sms_gateway is GatewayKind.KANNEL
    for name, value in FULL.items():
        if name != "FILIATION_SMS_GATEWAY":
            monkeypatch.delenv(name)
            with pytest.raises(ConfigurationError, match=name):
                Settings()
            monkeypatch.setenv(name, value)
