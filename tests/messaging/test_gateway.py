"""The outbox keeps to this machine; what says it is our gateway has to prove it."""

import base64
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from pydantic import SecretStr

from service.core.errors import ConfigurationError
from service.core.settings import GatewayKind, Settings
from service.main import create_app
from service.messaging.gateway import Messaging, require_private_outbox
from service.messaging.messages import report_token
from tests.builders import number
from tests.conftest import MASTER_SECRET
from tests.inspection import defer, refusal, resources_of_app, rows
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
    """A service that a gateway with the right secret may call."""
    settings = Settings(master_secret=SecretStr(MASTER_SECRET), kannel_inbound_secret=SecretStr(INBOUND_SECRET))
    with TestClient(create_app(settings, dsn)) as client:
        yield client


def bring(client: TestClient, password: str | None, sender: str = "+33639985200", text: bytes = b"STOP") -> Response:
    """Call the service as Kannel does."""
    headers = {b"X-Kannel-From": sender.encode(), b"X-Kannel-To": b"38001", b"Content-Type": b"text/plain"}
    if password is not None:
        headers[b"Authorization"] = b"Basic " + base64.b64encode(f"kannel:{password}".encode())
    return client.post("/v1/messages/kannel/inbound", content=text, headers=headers)


@pytest.fixture
def heard(listening: TestClient) -> list[tuple[int, str, str]]:
    """What that service hands on."""
    taken: list[tuple[int, str, str]] = []

    async def take(number: int, originator: str, text: str) -> None:
        taken.append((number, originator, text))

    resources_of_app(listening.app).get(Messaging).on_inbound = take
    return taken


@pytest.mark.parametrize("password", [None, "", "wrong", INBOUND_SECRET[:-1], INBOUND_SECRET + "5", "é"])
def test_a_forged_message_is_refused(
    listening: TestClient, heard: list[tuple[int, str, str]], password: str | None
) -> None:
    answer = bring(listening, password)
    assert refusal(answer) == (401, "gateway_refused")
    assert answer.headers["www-authenticate"].startswith("Basic")
    assert heard == []


@pytest.mark.parametrize("authorization", ["Basic !", "Basic", "Basic 6Q==", f"Bearer {INBOUND_SECRET}"])
def test_what_is_no_basic_authentication_is_refused(listening: TestClient, authorization: str) -> None:
    headers = {"X-Kannel-From": "+33639985200", "X-Kannel-To": "38001", "Authorization": authorization}
    answer = listening.post("/v1/messages/kannel/inbound", content="STOP", headers=headers)
    assert refusal(answer) == (401, "gateway_refused")


def test_without_a_secret_nobody_brings_messages(client: TestClient) -> None:
    assert refusal(bring(client, "")) == (401, "gateway_refused")
    assert refusal(bring(client, INBOUND_SECRET)) == (401, "gateway_refused")


@pytest.mark.parametrize("sender", ["+33639985200", "33639985200", "0033639985200", "0639985200"])
def test_a_message_with_the_secret_is_handed_on(
    listening: TestClient, heard: list[tuple[int, str, str]], sender: str
) -> None:
    assert bring(listening, INBOUND_SECRET, sender, "ARRÊT".encode()).status_code == 202
    assert heard == [(33639985200, "38001", "ARRÊT")]


@pytest.mark.parametrize("sender", ["Votez", "38001", "+", "+336399852000000000", "é"])
def test_a_sender_that_is_no_number_is_refused(
    listening: TestClient, heard: list[tuple[int, str, str]], sender: str
) -> None:
    answer = bring(listening, INBOUND_SECRET, sender)
    assert refusal(answer) == (422, "sender_unreadable")
    assert heard == []


def test_bytes_that_are_no_text_are_no_crash(listening: TestClient, heard: list[tuple[int, str, str]]) -> None:
    assert bring(listening, INBOUND_SECRET, text=b"STOP\xff\x00!").status_code == 202
    assert heard == [(33639985200, "38001", "STOP�!")]


def report(client: TestClient, message_id: object, token: str, code: int) -> Response:
    return client.get(f"/v1/messages/kannel/{message_id}/report", params={"token": token, "code": code})


def test_a_report_needs_the_token_of_its_message(client: TestClient, dsn: str) -> None:
    ask_code(client, number(1))
    ask_code(client, number(2))
    (mine,), (other,) = rows(dsn, "SELECT id FROM message")
    ring = ring_of_tests()
    for token in ("", "x", "é", report_token(ring, other), report_token(ring, mine)[:-1]):
        assert refusal(report(client, mine, token, 1)) == (401, "report_refused")
    assert rows(dsn, "SELECT DISTINCT state FROM message") == [("sent",)]
    assert report(client, mine, report_token(ring, mine), 1).status_code == 202
    assert rows(dsn, "SELECT id FROM message WHERE state = 'delivered'") == [(mine,)]


def test_reports_may_come_twice_and_out_of_order(client: TestClient, dsn: str) -> None:
    """Kannel brings two reports at the same time: that the centre took the message, and that it was delivered."""
    ask_code(client, number(1))
    ((message_id,),) = rows(dsn, "SELECT id FROM message")
    token = report_token(ring_of_tests(), message_id)
    for code, state in ((8, "sent"), (4, "sent"), (1, "delivered"), (8, "delivered"), (2, "delivered")):
        assert report(client, message_id, token, code).status_code == 202
        assert rows(dsn, "SELECT state FROM message") == [(state,)]


def test_a_report_on_a_message_that_is_forgotten_is_taken(client: TestClient, unknown_id: uuid.UUID) -> None:
    assert report(client, unknown_id, report_token(ring_of_tests(), unknown_id), 1).status_code == 202


def test_the_outbox_shows_messages_for_ten_minutes(client: TestClient, dsn: str) -> None:
    ask_code(client, number(1))
    assert [message.number for message in outbox(dsn)] == [33639980001]
    rows(dsn, "UPDATE outbox_message SET recorded_at = now() - interval '10 minutes'")
    assert outbox(dsn) == []
    defer(dsn, "forget_outbox_messages", timestamp=0)
    with psycopg.connect(dsn, autocommit=True) as connection:
        while connection.execute("SELECT 1 FROM outbox_message").fetchone():
            connection.execute("SELECT pg_sleep(0.05)")
    # How far it got is known for longer, and says nothing of whom it went to.
    assert len(rows(dsn, "SELECT 1 FROM message")) == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "registry.example", ""])
def test_the_outbox_is_refused_beyond_this_machine(host: str) -> None:
    with pytest.raises(ConfigurationError, match="FILIATION_SMS_GATEWAY=kannel"):
        require_private_outbox(Settings(), host)
    require_private_outbox(Settings.model_construct(sms_gateway=GatewayKind.KANNEL), host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_the_outbox_works_on_this_machine(host: str) -> None:
    require_private_outbox(Settings(), host)


@pytest.mark.parametrize("missing", [name for name in FULL if name != "FILIATION_SMS_GATEWAY"])
def test_a_kannel_that_is_not_described_is_refused(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for name, value in FULL.items():
        monkeypatch.setenv(name, value)
    assert Settings().sms_gateway is GatewayKind.KANNEL
    monkeypatch.delenv(missing)
    with pytest.raises(ConfigurationError, match=missing):
        Settings()
