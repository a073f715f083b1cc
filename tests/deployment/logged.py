"""A registry as the documentation sets it up, beside a message centre, and everything that it logs."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg
import pytest

from service.__main__ import run_command
from tests.builders import collected
from tests.deployment.beside_centre import OPERATORS_PASSWORD, Parts, running_parts
from tests.inspection import until
from tests.objection.builders import register_campaign
from tests.processes import service_id_of

SAID: Final = "STOP Zanzibar"

ERRORS: Final = 2
"""The descriptor of what a process logs. Kannel's goes through the filter of its script."""


@dataclass
class Deployment(Parts):
    """A deployment, and the starts that it refused."""

    refusals: list[str] = field(default_factory=list)

    @property
    def administrator(self) -> str:
        """The address of the database for its administrator."""
        assert self.machine.cluster is not None
        password, port = self.machine.cluster.password, self.machine.cluster.port
        return f"postgresql://postgres:{password}@127.0.0.1:{port}/filiation"

    def start_refused(self, command: str, **environment: str) -> str:
        """What a command says that ends by itself, in the environment of the API with changes."""
        with pytest.MonkeyPatch.context() as process:
            for variable, value in (self.machine.environment_of("api") | environment).items():
                process.setenv(variable, value)
            process.setattr(sys, "argv", ["filiation", command])
            with pytest.raises(SystemExit) as ended:
                run_command()
        self.refusals.append(str(ended.value.code))
        return self.refusals[-1]

    def begin_kannel(self) -> None:
        """Start Kannel again, and wait until it has logged in to the operator."""
        logins = len(self.centre.accounts)
        self.kannel.begin()
        until(lambda: len(self.centre.accounts) > logins)

    def objections(self) -> int:
        """How many objections are recorded."""
        with psycopg.connect(self.dsn) as connection:
            row = connection.execute("SELECT count(*) FROM objection").fetchone()
        assert row is not None
        return int(row[0])

    def all_secrets(self) -> dict[str, str]:
        """Everything that is secret here, by its name."""
        return self.secrets | {"key": self.party.key, "operator's password": OPERATORS_PASSWORD}

    def process_ids(self) -> dict[str, int]:
        """The parts that run as processes."""
        assert self.machine.cluster is not None
        postmaster = (self.machine.cluster.home / "data" / "postmaster.pid").read_text().split()[0]
        started = {name: service_id_of(process.pid) for name, process in self.machine.processes.items()}
        return started | {"kannel": self.kannel.process_id, "database": int(postmaster)}

    def write_as(self, part: str, line: str) -> None:
        """Write a line to where a part writes its log."""
        with Path(f"/proc/{self.process_ids()[part]}/fd/{ERRORS}").open("ab") as log:
            log.write(f"{line}{os.linesep}".encode())

    def logs(self) -> dict[str, str]:
        """Everything that was logged, by part."""
        assert self.machine.cluster is not None
        return {
            "api": (self.machine.folder / "api.log").read_text(errors="replace"),
            "worker": (self.machine.folder / "worker.log").read_text(errors="replace"),
            "kannel": self.kannel.log(),
            "database": self.machine.cluster.log(),
            "migrate": "".join(self.machine.migrations),
            "refused starts": "\n".join(self.refusals),
        }


@contextmanager
def running_deployment(folder: Path) -> Iterator[Deployment]:
    """Run a deployment in a folder, with a campaign to the numbers 5200 and 5207."""
    with running_parts(folder) as parts:
        base = collected(parts.party, [5200, 5207])
        register_campaign(parts.party, base["id"], message_text=f"Votez. {SAID} au 38001")
        yield Deployment(**vars(parts))
