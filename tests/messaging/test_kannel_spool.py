"""What Kannel keeps on disk, over its own end: what telephones sent arrives, codes that are too late are never sent."""

import asyncio
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from subprocess import run
from time import sleep

import pytest

from service.core.clock import now
from service.core.db import Database
from service.core.settings import Settings
from service.main import create_app
from service.messaging.providers.kannel.sender import Kannel as KannelGateway
from tests.builders import number
from tests.free_ports import free_ports
from tests.inspection import until
from tests.kannel import Kannel
from tests.message_centre import Said, running_centre
from tests.persons import ask_code, code_in
from tests.sockets import on_a_socket

SAID = "STOP Zanzibar"
SENDER = number(5210)
_PART = 0x40


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Kannel]:
    """A Kannel for SMPP that does not run yet."""
    (port,) = free_ports(1)
    kannel = Kannel(tmp_path, {"KANNEL_SMSC": "smpp", "KANNEL_SMSC_HOST": "127.0.0.1", "KANNEL_SMSC_PORT": str(port)})
    kannel.more = {**kannel.more, "KANNEL_SMSC_USERNAME": "us"}
    try:
        yield kannel
    finally:
        kannel.kill()


def centre_port(kannel: Kannel) -> int:
    return int(kannel.more["KANNEL_SMSC_PORT"])


# The first of two parts of a long message, behind its head.
_FIRST_PART = Said(SENDER.removeprefix("+"), "38001", f"\x05\x00\x03\x07\x02\x01{SAID}")


def test_part_of_a_long_message_that_kannel_took_arrives_after_a_kill(own: Kannel) -> None:
    empty = own.spool / "7" / str(uuid.uuid4())
    empty.parent.mkdir()
    empty.touch()
    with running_centre(centre_port(own)) as centre:
        own.begin()
        centre.hand_over_once(_FIRST_PART, _PART)
        until(lambda: own.kept() == 1)
        # What was never written is gone, and nobody else may read the rest.
        assert not empty.exists()
        assert own.spool.stat().st_mode & 0o777 == 0o700
        assert all(path.stat().st_mode & 0o077 == 0 for path in own.spool.rglob("*") if path.is_file())
        own.kill()
        own.begin()
        # After a restart it does not wait for the other part.
        assert asyncio.run(own.take_next()) == (SENDER.encode(), SAID.encode())
        until(lambda: own.kept() == 0)


def test_message_is_written_synchronously_where_the_file_system_can(own: Kannel) -> None:
    with running_centre(centre_port(own)) as centre:
        own.begin()
        centre.say(Said(SENDER.removeprefix("+"), "38001", SAID))
        until(lambda: own.kept() == 1)
    (path,) = (path for path in own.spool.rglob("*") if path.is_file())
    told = "cannot be written synchronously" in own.log()
    listed = run(["lsattr", str(path)], capture_output=True, text=True, check=False)
    assert told == ("S" not in listed.stdout.split(" ")[0])


def test_code_that_waited_over_a_stop_of_kannel_until_it_expired_is_never_sent(
    settings: Settings, dsn: str, own: Kannel
) -> None:
    async def send(text: str, seconds: float) -> None:
        database = Database(dsn)
        gateway = KannelGateway(own.configure(settings), database)
        try:
            await gateway.send(uuid.uuid4(), int(SENDER), text, until=now() + timedelta(seconds=seconds))
        finally:
            await gateway.close()
            await database.close()

    own.begin()
    until(lambda: "ERROR" in own.log())
    asyncio.run(send("too late", 4))
    asyncio.run(send("in time", 600))
    assert own.kept() == 2
    own.kill()
    # The validity is in whole seconds.
    sleep(5)
    with running_centre(centre_port(own)) as centre:
        own.begin()
        until(lambda: centre.submitted)
        until(lambda: "too late" not in "".join(path.read_text("latin-1") for path in own.spool.rglob("*-*")))
        assert [message.text for message in centre.submitted] == [b"in time"]


def test_code_whose_report_was_lost_with_kannel_is_unknown(settings: Settings, dsn: str, own: Kannel) -> None:
    with (
        running_centre(centre_port(own), reports=False) as centre,
        on_a_socket(create_app(own.configure(settings), dsn)) as client,
    ):
        own.begin()
        until(lambda: centre.accounts)
        until(lambda: client.get("/readyz").json()["checks"]["messages"]["status"] == "ok")
        begun = ask_code(client, SENDER).json()
        until(lambda: centre.submitted)
        assert code_in(centre.submitted[0].text.decode("latin-1"))
        own.kill()
        until(lambda: client.get("/readyz").json()["checks"]["messages"]["status"] == "warning")
        own.begin()
        until(lambda: len(centre.accounts) == 2)
        centre.report(0)
        until(lambda: "could not find message" in own.log())
        assert client.get(f"/v1/verifications/{begun['id']}").json()["message_state"] == "unknown"
