"""Debian's Kannel beside the service, started by the deployment's own script, and in place of telephones a fake centre.

Kannel has a driver for a message centre that is a line of text for each message: "sender receiver text words".
"""

import asyncio
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from service.core.setting_types import GatewayKind
from service.core.settings import Settings
from service.messaging.providers.kannel.box import opened_box
from service.messaging.providers.kannel.packets import Ack, Sms
from tests.free_ports import free_ports
from tests.system_parts import find_program, require

SCRIPT = Path(__file__).parents[1] / "deployment" / "kannel.sh"
ORIGINATOR = "Filiation"

_LINE = re.compile(r"(\S+) (\S+) text (.*)")


class Sent(NamedTuple):
    """A message that arrived at the message centre."""

    number: str
    originator: str
    text: str


@dataclass
class Kannel:
    """A bearerbox, and a message centre that tests can read from and type into."""

    folder: Path
    more: Mapping[str, str] = field(default_factory=dict)
    """What its environment has apart from ports and folder, such as the account at a message centre."""
    box_port: int = 0
    admin_port: int = 0
    _centre_port: int = 0
    _process: "subprocess.Popen[bytes] | None" = None
    _centre: socket.socket | None = None
    _arrived: list[Sent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.box_port, self.admin_port, self._centre_port = free_ports(3)
        self.spool.mkdir()

    @property
    def spool(self) -> Path:
        """Where it keeps what nobody has taken yet."""
        return self.folder / "spool"

    @property
    def address(self) -> str:
        """Where it takes its boxes."""
        return f"127.0.0.1:{self.box_port}"

    def configure(self, settings: Settings) -> Settings:
        """The settings of a service that sends through this Kannel."""
        return settings.model_copy(
            update={
                "sms_gateway": GatewayKind.KANNEL,
                "kannel_address": self.address,
                "kannel_originator": ORIGINATOR,
            }
        )

    def begin(self) -> None:
        """Start bearerbox by the deployment's script. It takes five seconds until it does anything."""
        bearerbox = require("Kannel", find_program("bearerbox"))
        environment = {
            "PATH": f"{os.environ.get('PATH', os.defpath)}{os.pathsep}{bearerbox.parent}",
            "KANNEL_FOLDER": str(self.spool),
            "KANNEL_BOX_PORT": str(self.box_port),
            "KANNEL_BOX_INTERFACE": "127.0.0.1",
            "KANNEL_ADMIN_PORT": str(self.admin_port),
            "KANNEL_SMSC_PORT": str(self._centre_port),
        }
        with (self.folder / "bearerbox.log").open("ab") as log:
            self._process = subprocess.Popen([SCRIPT], stdout=log, stderr=log, env=environment | dict(self.more))

    def start(self) -> None:
        """Start bearerbox and wait until it accepts boxes and the message centre."""
        self.begin()
        # It opens the port of its boxes before that of the centre. After each box that connects it waits for a second.
        self.connect()

    def kill(self) -> None:
        """End bearerbox without a warning. What it keeps on disk stays."""
        self.disconnect()
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)
            self._process = None

    def stop(self, seconds: float) -> None:
        """Ask bearerbox to end, as Docker does: after so many seconds it is killed. It waits for its boxes to go."""
        assert self._process is not None
        self.disconnect()
        self._process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=seconds)
        self.kill()

    @property
    def process_id(self) -> int:
        """The id of bearerbox, which runs."""
        assert self._process is not None
        return self._process.pid

    def ended(self) -> int | None:
        """The status with which bearerbox ended by itself, if it has."""
        assert self._process is not None
        return self._process.poll()

    def connect(self) -> None:
        """Connect the message centre, which bearerbox may not accept yet."""
        wait_until(self._reaches_centre, "bearerbox accepts no message centre")
        assert self._centre is not None
        threading.Thread(target=self._listen, args=[self._centre], daemon=True).start()

    def disconnect(self) -> None:
        """Disconnect the message centre."""
        if self._centre is not None:
            with suppress(OSError):
                self._centre.shutdown(socket.SHUT_RDWR)
            self._centre.close()
            self._centre = None

    def forget(self) -> None:
        """Begin a test without the messages of an earlier one, such as a report that came after its end."""
        self._arrived.clear()
        if self.kept():
            asyncio.run(self._take_all())

    def sent(self) -> list[Sent]:
        """The messages that have arrived so far, the oldest first."""
        return list(self._arrived)

    def wait_for_sent(self, count: int = 1) -> list[Sent]:
        """The messages that have arrived, once there are so many."""
        wait_until(lambda: len(self._arrived) >= count, "no message arrived at the message centre")
        return self.sent()

    def type_in(self, number: str, originator: str, text: str, kind: str = "text") -> None:
        """Have a telephone send an SMS to a short code, the `originator`. For `ucs2`, `text` is percent-encoded."""
        self.type_in_many([(number, originator, text)], kind)

    def type_in_many(self, messages: list[tuple[str, str, str]], kind: str = "text") -> None:
        """Have telephones send messages, in this order: of each the number, the originator and the text."""
        assert self._centre is not None
        lines = [f"{number} {originator} {kind} {text}\n" for number, originator, text in messages]
        self._centre.sendall("".join(lines).encode())

    def kept(self) -> int:
        """How many messages bearerbox keeps on disk. It creates a file before it writes the message into that."""
        found = 0
        for path in self.spool.rglob("*"):
            with suppress(FileNotFoundError):
                found += path.is_file() and path.stat().st_size > 0
        return found

    def log(self) -> str:
        """What bearerbox has written to its log."""
        return (self.folder / "bearerbox.log").read_text(errors="replace")

    async def take_next(self) -> tuple[bytes, bytes] | None:
        """Sender and text of what a telephone sent, as it arrives at a box; None if bearerbox ends by itself."""
        while self.ended() is None:
            with suppress(OSError):
                async with asyncio.timeout(120), opened_box(self.address, None) as box:
                    while True:
                        packet = await box.read()
                        if isinstance(packet, Sms):
                            await box.write(Ack(packet.id))
                            return packet.sender, packet.text
            await asyncio.sleep(0.1)
        return None

    async def _take_all(self) -> None:
        async with opened_box(self.address, None) as box:
            while self.kept():
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.1):
                        packet = await box.read()
                        if isinstance(packet, Sms):
                            await box.write(Ack(packet.id))

    def _reaches_centre(self) -> bool:
        assert self.ended() is None, f"bearerbox ended by itself: {self.log()}"
        try:
            self._centre = socket.create_connection(("127.0.0.1", self._centre_port), timeout=1)
        except OSError:
            return False
        self._centre.settimeout(None)
        return True

    def _listen(self, centre: socket.socket) -> None:
        with suppress(OSError, ValueError), centre.makefile(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if match := _LINE.match(line):
                    self._arrived.append(Sent(match[2], match[1], match[3]))


@contextmanager
def running_kannel(folder: Path) -> Iterator[Kannel]:
    """Run a Kannel on free ports of this machine, with its files in `folder`, for as long as the block lasts."""
    kannel = Kannel(folder)
    try:
        kannel.start()
        yield kannel
    finally:
        kannel.kill()


def wait_until(done: Callable[[], bool], complaint: str, seconds: float = 120) -> None:
    """Return once `done` is true; fail with `complaint` if it never is."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, complaint
        time.sleep(0.02)
