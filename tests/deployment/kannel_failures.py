"""Failures of Kannel and of the operator's message centre, each with a secret, a number or a text in it."""

import socket
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Final

from tests.builders import number
from tests.deployment.database_failures import MINE, TEXT
from tests.deployment.logged import SAID, Deployment
from tests.inspection import until
from tests.kannel import Kannel
from tests.message_centre import Said, delivery_of
from tests.persons import ask_code


def account_at_the_operator_cannot_work(deployment: Deployment) -> None:
    """The operator's password is longer than SMPP carries."""
    folder = deployment.machine.folder / "refused"
    folder.mkdir()
    kannel = Kannel(folder, {"KANNEL_SMSC": "smpp", "KANNEL_SMSC_PASSWORD": "Zanzibar's"})
    kannel.begin()
    until(lambda: kannel.ended() == 1)
    assert "KANNEL_SMSC_PASSWORD is longer than 8 bytes" in kannel.log()
    deployment.refusals.append(kannel.log())


def operator_refuses_the_account(deployment: Deployment) -> None:
    """The operator does not know the password."""
    deployment.kannel.kill()
    deployment.centre.refuses = True
    deployment.kannel.begin()
    until(lambda: "SMSC rejected login" in deployment.kannel.log())
    deployment.kannel.kill()
    deployment.centre.refuses = False
    deployment.begin_kannel()


def report_comes_on_a_message_that_kannel_forgot(deployment: Deployment) -> None:
    """A report is about a message of before Kannel's end."""
    deployment.centre.report(0)
    until(lambda: "could not find message" in deployment.kannel.log())


def sender_is_malformed(deployment: Deployment) -> None:
    """The sender of a message is no number."""
    deployment.centre.say(Said("3363998Zanzibar", "38001", SAID))
    until(lambda: "Malformed addr" in deployment.kannel.log())
    deployment.centre.forget()


def part_of_a_long_message_comes_twice(deployment: Deployment) -> None:
    """The operator hands over a part twice."""
    part = Said(number(5202).removeprefix("+"), "38001", f"\x05\x00\x03\x07\x02\x01{SAID}")
    for _ in range(2):
        deployment.centre.hand_over_once(part, kind=0x40)
    until(lambda: "Duplicate message part" in deployment.kannel.log())


def stranger_writes_to_kannel(deployment: Deployment) -> None:
    """What connects to bearerbox is no box."""
    said = f"{number(5200)} {SAID}".encode()
    for packet in (said, len(said).to_bytes(4) + said, (4).to_bytes(4) + (2).to_bytes(4)):
        with socket.create_connection(("127.0.0.1", deployment.kannel.box_port), timeout=10) as connection:
            connection.sendall(packet)
    until(lambda: "Packet too short" in deployment.kannel.log() or "unknown message type" in deployment.kannel.log())


def operator_refuses_a_message(deployment: Deployment) -> None:
    """The operator takes no message for this number."""
    deployment.centre.refusal = 0x0B
    assert ask_code(deployment.client, number(5203)).status_code == 201
    until(lambda: "SMSC returned error code" in deployment.kannel.log())
    deployment.centre.refusal = 0


def operator_hands_over_what_is_no_message(deployment: Deployment) -> None:
    """Messages and reports of the operator are cut off, too long, or in no known encoding."""
    whole = delivery_of(Said(number(5204).removeprefix("+"), "38001", SAID))
    report = delivery_of(Said(number(5204).removeprefix("+"), "38001", f"id:{TEXT} stat:ZANZIBAR"), 0x04)
    broken = (whole[:-4], whole[:20], TEXT.encode(), whole + TEXT.encode(), whole.replace(b"STOP", b"\xff\xfe\x00\x00"))
    for body in (*broken, report, report[:-3], b"\0" * 40 + TEXT.encode()):
        deployment.centre.hand_over_body(body)
    until(lambda: "Malformed" in deployment.kannel.log() or "WARNING" in deployment.kannel.log())


def stranger_asks_for_administration(deployment: Deployment) -> None:
    """A program in the container guesses the password of Kannel's administration."""
    for path in ("shutdown", "status", "store-status", "log-level", TEXT.replace(" ", "%20")):
        asked = f"GET /{path}?password=Zanzibar&level=0&number={MINE} HTTP/1.0\r\nHost: {MINE}\r\n\r\n"
        with closing(socket.create_connection(("127.0.0.1", deployment.kannel.admin_port), timeout=30)) as connection:
            connection.sendall(asked.encode())
            assert connection.recv(65536)
    assert deployment.kannel.ended() is None


KANNEL_FAILURES: Final[Sequence[Callable[[Deployment], None]]] = (
    account_at_the_operator_cannot_work,
    operator_refuses_the_account,
    report_comes_on_a_message_that_kannel_forgot,
    sender_is_malformed,
    part_of_a_long_message_comes_twice,
    operator_refuses_a_message,
    operator_hands_over_what_is_no_message,
    stranger_writes_to_kannel,
    stranger_asks_for_administration,
)
