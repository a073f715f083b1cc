"""The health checks of docker-compose.yml, run as Compose runs them, beside parts that work, hang, or are away."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MASTER_SECRET, as_service
from tests.deployment.compose import ROOT, documented_environment, read_compose
from tests.free_ports import free_port
from tests.inspection import until
from tests.kannel import Kannel
from tests.message_centre import running_centre
from tests.processes import Running, command, service_id_of, stop_process


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The services of the file, with the documented variables."""
    return read_compose(documented_environment(tmp_path_factory.mktemp("documented")))["services"]


def test_worker_is_healthy_only_while_it_does_anything(services: Any, dsn: str, tmp_path: Path) -> None:
    worker = services["worker"]
    place = worker["environment"]["FILIATION_WORKER_LIFE_PATH"]
    kind, check = worker["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    assert place in check
    life = tmp_path / "life"

    def is_healthy() -> bool:
        command = ["/bin/sh", "-c", check.replace(place, str(life))]
        return subprocess.run(command, stderr=subprocess.DEVNULL, timeout=60, check=False).returncode == 0

    assert not is_healthy()
    environment = os.environ | {"DATABASE_URL": as_service(dsn), "FILIATION_MASTER_SECRET": MASTER_SECRET}
    environment["FILIATION_WORKER_LIFE_PATH"] = str(life)
    with Running(command("worker"), env=environment) as process:
        try:
            until(is_healthy)
            stop_process(service_id_of(process.pid))
            # As if two minutes had passed. Whatever was under way when it stopped has ended by then.
            seconds = life.stat().st_mtime - 120
            os.utime(life, (seconds, seconds))
            assert not is_healthy()
            process.send_signal(signal.SIGCONT)
            until(is_healthy)
        finally:
            process.kill()


def test_worker_with_a_life_file_that_it_cannot_write_is_refused(dsn: str, tmp_path: Path) -> None:
    environment = os.environ | {"DATABASE_URL": as_service(dsn), "FILIATION_MASTER_SECRET": MASTER_SECRET}
    environment["FILIATION_WORKER_LIFE_PATH"] = str(tmp_path / "nowhere" / "life")
    ended = subprocess.run(
        command("worker"), env=environment, stderr=subprocess.PIPE, text=True, timeout=120, check=False
    )
    assert ended.returncode == 1
    sentence = "The file in FILIATION_WORKER_LIFE_PATH cannot be written: No such file or directory. Check its folder."
    assert ended.stderr == f"filiation: {sentence}\n"


def test_kannel_is_healthy_only_while_it_runs_and_reaches_the_operator(services: Any, tmp_path: Path) -> None:
    service = services["kannel"]
    program, *arguments = service["healthcheck"]["test"][1:]
    assert (program, arguments) == ("bash", ["/etc/kannel/health.sh"])
    assert {config["target"]: config["source"] for config in service["configs"]}[arguments[0]] == "kannel-health"
    port = free_port()
    account = {"KANNEL_SMSC": "smpp", "KANNEL_SMSC_HOST": "127.0.0.1", "KANNEL_SMSC_USERNAME": "us"}
    kannel = Kannel(tmp_path, account | {"KANNEL_SMSC_PORT": str(port)})

    def said(**changed: str) -> str:
        """What the check prints; nothing if Kannel is healthy."""
        given = {"PATH": os.environ["PATH"], "KANNEL_ADMIN_PORT": str(kannel.admin_port)} | account | changed
        command = [program, str(ROOT / "deployment" / "kannel-health.sh")]
        ended = subprocess.run(command, env=given, stdout=subprocess.PIPE, text=True, timeout=60, check=False)
        assert (ended.returncode == 0) == (not ended.stdout)
        return ended.stdout

    assert said() == "Kannel does not run.\n"
    try:
        kannel.begin()
        until(lambda: said(KANNEL_SMSC="fake") == "")
        assert said().startswith("Kannel is not connected to the operator's message centre.")
        with running_centre(port):
            until(lambda: said() == "")
        until(lambda: said().startswith("Kannel is not connected to the operator's message centre."))
        stop_process(kannel.process_id)
        assert said(KANNEL_SMSC="fake").startswith("Kannel does not answer")
    finally:
        kannel.kill()
    assert said(KANNEL_SMSC="fake") == "Kannel does not run.\n"
