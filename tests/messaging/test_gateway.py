"""The outbox works on this machine only; what the settings say of Kannel is complete and can be sent."""

import pytest
from fastapi.testclient import TestClient

from service.core.errors import ConfigurationError
from service.core.setting_types import GatewayKind
from service.core.settings import Settings
from service.messaging.gateway import require_private_outbox
from tests.builders import number
from tests.inspection import defer, rows, until
from tests.persons import ask_code, outbox

ORIGINATORS = ("38001", "+33639980000", "Filiation", "A", "Aube & Cie", "L'Aube-2", "A.B.C.D.E.F")
WRONG_ORIGINATORS = (
    "",
    "38",
    "+",
    "Élection",
    "Filiation 27!",
    "Filiation SAS",
    " Aube",
    "Aube ",
    "a_b",
    "A@B",
    "1" * 16,
)


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


def test_settings_with_kannel_but_without_its_address_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="FILIATION_KANNEL_ADDRESS is not set"):
        Settings(sms_gateway=GatewayKind.KANNEL)
    assert Settings(sms_gateway=GatewayKind.KANNEL, kannel_address="[::1]:13001").kannel_address == "[::1]:13001"


def test_settings_with_an_originator_that_not_every_telephone_shows_are_refused() -> None:
    assert [Settings(kannel_originator=name).kannel_originator for name in ORIGINATORS] == list(ORIGINATORS)
    for name in WRONG_ORIGINATORS:
        with pytest.raises(ConfigurationError, match="FILIATION_KANNEL_ORIGINATOR is neither"):
            Settings(kannel_originator=name)
