"""A service on a socket, and the command line that calls it."""

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing

import httpx2
import pytest
import uvicorn
from typer.testing import CliRunner, Result

from service.__main__ import app
from service.main import create_app
from tests.callers import Caller, Registry
from tests.conftest import settings_of_tests, temporary_database


@pytest.fixture(scope="module")
def module_dsn(cluster: str) -> Iterator[str]:
    """The address of a migrated database for all tests of a module."""
    with temporary_database(cluster) as dsn:
        yield dsn


@pytest.fixture(scope="module")
def address(module_dsn: str) -> Iterator[str]:
    """The address of the service, which runs on a socket in a thread of this process."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        service = create_app(settings_of_tests(), module_dsn)
        server = uvicorn.Server(uvicorn.Config(service, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def organisations(address: str, module_dsn: str) -> Iterator[Registry]:
    """Organisations that call the service."""
    with httpx2.Client(base_url=address, timeout=30) as client:
        yield Registry(client, module_dsn)


@pytest.fixture
def broker(organisations: Registry) -> Caller:
    """A broker for one test."""
    return organisations.broker()


class Terminal:
    """The command line with one API key."""

    def __init__(self, address: str, key: str) -> None:
        self.environment = {"FILIATION_URL": address, "FILIATION_API_KEY": key, "COLUMNS": "300", "LANG": "C.UTF-8"}

    def run(self, *arguments: object, typed: str = "", environment: Mapping[str, str | None] | None = None) -> Result:
        """Run a command with `typed` on standard input. `environment` adds variables; the value None removes one."""
        variables = {**self.environment, **(environment or {})}
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=typed, env=variables)


def held_by(holder: Caller) -> tuple[str, ...]:
    """The options that every registration needs."""
    return ("--holder", str(holder.id), "--occurred-at", "2024-05-27")


@pytest.fixture
def terminal(address: str, broker: Caller) -> Terminal:
    """The command line with the broker's key."""
    return Terminal(address, broker.key)
