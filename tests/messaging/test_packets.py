"""What the service writes to bearerbox and reads from it."""

import uuid
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.messaging.providers.kannel.packets import (
    Ack,
    Admin,
    Coding,
    Command,
    MalformedPacket,
    Other,
    Sms,
    Way,
    length_of,
    pack,
    unpack,
)
from service.messaging.providers.kannel.receiver import read_inbound
from service.number.rejection import NumberRejected

INTEGERS = st.integers(min_value=-1, max_value=2**31 - 1)
TEXTS = st.binary(max_size=300)
PACKETS = st.one_of(
    st.builds(Admin, st.sampled_from(Command), st.none() | TEXTS),
    st.builds(Ack, st.uuids(), st.integers(0, 3), INTEGERS),
    st.builds(
        Sms,
        st.uuids(),
        st.integers(0, 4),
        TEXTS,
        TEXTS,
        TEXTS,
        INTEGERS,
        INTEGERS,
        INTEGERS,
        INTEGERS,
        st.none() | TEXTS,
    ),
)


def sms(sender: str = "+33639985200", text: bytes = b"STOP", **more: Any) -> Sms:
    usual: dict[str, Any] = {"id": uuid.uuid4(), "way": Way.FROM_TELEPHONE, "receiver": b"38001", "time": 1_800_000_000}
    return Sms(sender=sender.encode(), text=text, **(usual | more))


@given(PACKETS)
def test_packet_is_read_as_it_was_written(packet: Admin | Ack | Sms) -> None:
    written = pack(packet)
    assert length_of(written[:4]) == len(written) - 4
    assert unpack(written[4:]) == packet


@given(PACKETS, st.data())
def test_packet_that_ends_too_early_is_refused(packet: Admin | Ack | Sms, data: Any) -> None:
    body = pack(packet)[4:]
    cut = body[: data.draw(st.integers(0, len(body) - 1))]
    with pytest.raises(MalformedPacket):
        unpack(cut)


@given(st.binary(max_size=400))
def test_other_bytes_are_refused_or_ignored(body: bytes) -> None:
    with suppress(MalformedPacket):
        assert isinstance(unpack(body), Admin | Ack | Sms | Other)


def test_length_that_no_packet_has_is_refused() -> None:
    for length in (-1, 0, 3, 2**30):
        with pytest.raises(MalformedPacket):
            length_of(length.to_bytes(4, signed=True))


def test_heartbeat_is_ignored() -> None:
    assert unpack(bytes(8)) == Other(0)


def test_message_in_a_text_of_an_error_shows_neither_number_nor_text() -> None:
    shown = f"{sms()} {sms()!r} {[sms()]}"
    assert "33639985200" not in shown
    assert "STOP" not in shown


def test_message_from_any_spelling_of_a_number_is_read() -> None:
    for spelling in ("+33639985200", "33639985200", "0033639985200", "0639985200"):
        inbound = read_inbound(sms(spelling, "ARRÊT".encode()))
        assert (inbound.number, inbound.originator, inbound.text) == (33639985200, "38001", "ARRÊT")
        assert inbound.received_at == datetime.fromtimestamp(1_800_000_000, UTC)


def test_message_from_sender_without_number_is_refused() -> None:
    for sender in ("", "Votez", "38001", "+", "+336399852000000000", "é", "\x00"):
        with pytest.raises(NumberRejected):
            read_inbound(sms(sender))


def test_message_with_invalid_text_is_read() -> None:
    assert read_inbound(sms(text=b"STOP\xff\x00!")).text == "STOP�!"
    assert read_inbound(sms(text=b'\x04!\x04"\x04', coding=Coding.UTF_16)).text == "СТ�"


def test_message_without_time_was_received_now() -> None:
    before = datetime.now(UTC)
    assert before <= read_inbound(sms(time=-1)).received_at <= datetime.now(UTC)
