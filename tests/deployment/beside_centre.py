"""The registry as docker-compose.yml sets it up, with its Kannel beside a mobile operator's message centre."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from tests.callers import Caller, Registry
from tests.deployment.compose import documented_environment
from tests.deployment.machine import Machine, machine_in
from tests.free_ports import free_ports
from tests.inspection import until
from tests.kannel import SCRIPT, Kannel
from tests.message_centre import MessageCentre, running_centre

OPERATORS_PASSWORD: Final = "Zanz1bar"


@dataclass
class Parts:
    """The registry, its Kannel and the operator's message centre, with a party and what `.env` says."""

    machine: Machine
    kannel: Kannel
    centre: MessageCentre
    client: httpx2.Client
    dsn: str
    party: Caller
    secrets: dict[str, str]

    def is_ready(self) -> bool:
        """Whether the registry says that it can do its work."""
        try:
            return self.client.get("/readyz").status_code == 200
        except httpx2.TransportError:
            return False


@contextmanager
def running_parts(folder: Path) -> Iterator[Parts]:
    """Set the registry up in a folder as the documentation says, and run it until the block ends."""
    secrets = documented_environment(folder)
    (port,) = free_ports(1)
    account = {"": "smpp", "_HOST": "127.0.0.1", "_PORT": str(port), "_USERNAME": "us", "_PASSWORD": OPERATORS_PASSWORD}
    with (folder / ".env").open("a") as file:
        file.writelines(f"KANNEL_SMSC{name}={value}\n" for name, value in account.items())
    with machine_in(folder) as machine, running_centre(port) as centre:
        kannel = Kannel(folder, machine.service("kannel")["environment"])
        assert (machine.folder / machine.compose()["configs"]["kannel"]["file"]).name == SCRIPT.name
        machine.places["FILIATION_KANNEL_ADDRESS"] = kannel.address
        kannel.begin()
        try:
            machine.up()
            with httpx2.Client(base_url=f"http://127.0.0.1:{machine.port}", timeout=60) as client:
                assert machine.cluster is not None
                password = secrets["SERVICE_PASSWORD"]
                dsn = f"postgresql://filiation:{password}@127.0.0.1:{machine.cluster.port}/filiation"
                party = Registry(client, dsn).party()
                parts = Parts(machine, kannel, centre, client, dsn, party, dict(secrets))
                until(parts.is_ready)
                yield parts
        finally:
            kannel.kill()
