"""Debian's Kannel beside the service: bearerbox, smsbox and, in place of telephones, its fake message centre."""

import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

from pydantic import SecretStr

from service.core.settings import GatewayKind, Settings
from tests.system_parts import find_program, require

PASSWORD, INBOUND_SECRET = "b0a7" * 8, "1c5e" * 8
ORIGINATOR = "Filiation"

_COMPOSE = Path(__file__).parents[1] / "docker-compose.yml"


class Sent(NamedTuple):
    """A message that arrived at the message centre."""

    number: str
    originator: str
    text: str


@dataclass
class Kannel:
    """Running boxes, and a message centre that tests can read from and type into.

    The service that uses them listens on `service_port`, with settings from `configure`.
    """

    folder: Path
    ports: dict[str, int]
    _centre: "subprocess.Popen[bytes] | None" = None
    _typed: int = 0

    @property
    def service_port(self) -> int:
        """The port at which Kannel calls the service."""
        return self.ports["service"]

    def configure(self, settings: Settings) -> Settings:
        """The settings of a service that sends through this Kannel."""
        return settings.model_copy(
            update={
                "sms_gateway": GatewayKind.KANNEL,
                "kannel_url": f"http://127.0.0.1:{self.ports['sendsms']}/cgi-bin/sendsms",
                "kannel_password": SecretStr(PASSWORD),
                "kannel_originator": ORIGINATOR,
                "kannel_callback_url": f"http://127.0.0.1:{self.service_port}",
                "kannel_inbound_secret": SecretStr(INBOUND_SECRET),
            }
        )

    def sent(self) -> list[Sent]:
        """The messages that have arrived so far, the oldest first."""
        matches = (_GOT.search(line) for line in self._centre_log().splitlines())
        return [Sent(number=match[2], originator=match[1], text=match[3]) for match in matches if match]

    def wait_for_sent(self, count: int = 1) -> list[Sent]:
        """The messages that have arrived, once there are so many."""
        wait_until(lambda: len(self.sent()) >= count, "no message arrived at the message centre")
        return self.sent()

    def type_in(self, number: str, originator: str, text: str, kind: str = "text") -> None:
        """Have a telephone send an SMS to a short code, the `originator`. For `ucs2`, `text` is percent-encoded."""
        self._typed += 1
        self._connect("-m", "1", f"{number} {originator} {kind} {text}")
        wait_until(lambda: self._centre_log().count("sent message") == self._typed, "the message was not typed in")

    def log(self) -> str:
        """The logs of the boxes, without that of the message centre."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*box.log")))

    @contextmanager
    def connected(self) -> Iterator["Kannel"]:
        """With a message centre, for as long as the block lasts."""
        self._connect("-m", "0", "0 0 text nothing")
        try:
            yield self
        finally:
            self._disconnect()

    def _connect(self, *arguments: str) -> None:
        """Start the message centre: it sends the message it is started with, and accepts messages from then on."""
        self._disconnect()
        program = require("Kannel", find_program("fakesmsc"))
        with (self.folder / "centre.log").open("ab") as log:
            command = [str(program), "-H", "127.0.0.1", "-r", str(self.ports["centre"]), *arguments]
            self._centre = subprocess.Popen(command, stdout=log, stderr=log)

    def _disconnect(self) -> None:
        if self._centre is not None:
            _stop(self._centre)
            self._centre = None

    def _centre_log(self) -> str:
        return (self.folder / "centre.log").read_text(errors="replace")


_GOT = re.compile(r"Got message \d+: <(\S+) (\S+) text (.*)>$")


@contextmanager
def running_kannel(folder: Path) -> Iterator[Kannel]:
    """Run a Kannel on free ports of this machine, with its files in `folder`, for as long as the block lasts."""
    bearerbox = require("Kannel", find_program("bearerbox"))
    smsbox = require("Kannel", find_program("smsbox"))
    ports = dict(zip(("admin", "box", "centre", "sendsms", "service"), _free_ports(5), strict=True))
    configuration = folder / "kannel.conf"
    configuration.write_text(_shipped_configuration(ports))
    with ExitStack() as stack:
        for program, port in ((bearerbox, ports["box"]), (smsbox, ports["sendsms"])):
            command = [str(program), "-v", "2", str(configuration)]
            process = stack.enter_context(_box(command, folder / f"{program.name}.log"))
            wait_until(partial(_answers, process, port), f"{program.name} is not up")
        yield stack.enter_context(Kannel(folder, ports).connected())


def _shipped_configuration(ports: dict[str, int]) -> str:
    """Kannel's configuration from docker-compose.yml, changed to the loopback address and other ports."""
    _, _, configs = _COMPOSE.read_text(encoding="utf-8").partition("\n  kannel:\n    #")
    _, _, content = configs.partition("    content: |\n")
    environment = {
        "FILIATION_KANNEL_PASSWORD": PASSWORD,
        "FILIATION_KANNEL_INBOUND_SECRET": INBOUND_SECRET,
        "KANNEL_SMSC_PORT": str(ports["centre"]),
    }
    text = re.sub(r"\$\{(\w+)(?::-(.*?))?\}", lambda found: environment.get(found[1], found[2]), dedent(content))
    for shipped, changed in (
        ("admin-port = 13000", f"admin-port = {ports['admin']}"),
        ("smsbox-port = 13001", f"smsbox-port = {ports['box']}"),
        ("sendsms-port = 13013", f"sendsms-port = {ports['sendsms']}\nsendsms-interface = 127.0.0.1"),
        ("@api:8000/", f"@127.0.0.1:{ports['service']}/"),
        ("http-queue-delay = 10", "http-queue-delay = 1"),
    ):
        assert text.count(shipped) == 1, shipped
        text = text.replace(shipped, changed)
    return text


def wait_until(done: Callable[[], bool], complaint: str, seconds: float = 120) -> None:
    """Return once `done` is true; fail with `complaint` if it never is."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, complaint
        time.sleep(0.02)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for unused in sockets:
            unused.bind(("127.0.0.1", 0))
        return [unused.getsockname()[1] for unused in sockets]


def _answers(process: "subprocess.Popen[bytes]", port: int) -> bool:
    assert process.poll() is None, "a box of Kannel ended by itself"
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def _box(command: Sequence[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file, cwd=log.parent) as process:
        try:
            yield process
        finally:
            _stop(process)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    # A box that is asked to end waits for the other one. Neither has anything to save.
    process.kill()
    process.wait(timeout=10)
