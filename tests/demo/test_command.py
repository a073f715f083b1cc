"""`demo` as a process of its own, on its own data folder."""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import httpx2
import pytest

from service.core.embedded import server as embedded_server
from service.demo.expected_answers import EXPECTED_ANSWERS, differences
from service.demo.story import STORY
from service.demo.story_types import Dataset, Transfer, e164
from service.number.keyring import KeyRing, load_master_secret
from service.provenance.answer.schemas import Answer
from tests.clusters import passable_folder
from tests.inspection import rows
from tests.processes import Running, command

# The demonstration has its own database and secret, whatever the environment says.
ENVIRONMENT = os.environ | {
    "COLUMNS": "400",
    "DATABASE_URL": "postgresql://nobody@192.0.2.1/none",
    "FILIATION_MASTER_SECRET": "00",
}


def _demo(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command("demo", *arguments), env=ENVIRONMENT, capture_output=True, text=True, timeout=200, check=False
    )


@contextmanager
def _running(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    with Running(command("demo", *arguments), env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _until_running(process: "subprocess.Popen[str]") -> str:
    """What the demonstration prints until the service waits for Ctrl-C."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    return "".join(lines)


@pytest.fixture
def place() -> Iterator[Path]:
    with passable_folder() as folder:
        yield folder


def test_demo_loads_the_story_once_and_gives_the_expected_answers(place: Path) -> None:
    folder = str(place / "demo")
    first = _demo("--exit", "--port", "0", "--data-dir", folder, "--lang", "fr")
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("Ignoré ici\u00a0: DATABASE_URL, FILIATION_MASTER_SECRET.")
    _check_french(first.stdout)
    with _running("--port", "0", "--data-dir", folder, "--lang", "en") as process:
        output = _until_running(process)
        _check_english(output)
        _check_the_running_service(output)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    assert not list((place / "demo").rglob("postmaster.pid")), "the database was left running"
    _erase_everywhere(place / "demo", 33639984600)
    changed = _demo("--exit", "--port", "0", "--data-dir", folder, "--lang", "en")
    assert changed.returncode == 1
    assert "All answers are as expected." not in changed.stdout
    assert "The data was changed after the story was loaded" in changed.stdout


def _erase_everywhere(folder: Path, number: int) -> None:
    """Exclude a number from every dataset, as its erasure by all holders does."""
    key = KeyRing(load_master_secret(embedded_server.master_secret(folder))).pseudonym(number)
    with embedded_server.embedded(folder) as server:
        rows(server.dsn, "INSERT INTO exclusion (key, dataset_id, erased_at) SELECT %s, id, now() FROM dataset", key)


def _check_french(output: str) -> None:
    assert output.count("recueilli par") == 11
    for fact in (
        "4 de plus, 0 de moins, la transmission est contestée",
        "+33 6 39 98 46 00",
        "«\u00a0En participant, j'accepte de recevoir les offres des partenaires de Jeux & Lots.\u00a0»",
        "confirmée par le destinataire",
        "déclarée par l’expéditeur seul\u202f; le destinataire n’en a rien dit",
        "destinataires nommés ce jour-là\u00a0: Contact Direct SAS, Parti de l'Aube (liste du 1er\u00a0février 2024)",
        "aucune origine déclarée",
        "détenu par aucun organisme enregistré",
        "Mouvement du Rivage\u00a0: 1\u202f000 (D9)",
        "Toutes les réponses sont celles attendues.",
    ):
        assert fact in output, fact


def _check_english(output: str) -> None:
    assert output.count("collected by") == 11
    for fact in (
        "confirmed by the recipient",
        "declared by the sender alone; the recipient has said nothing about it",
        "no declared origin",
        "held by no registered organisation",
        "Parti de l'Aube: 500 (D6)",
        "All answers are as expected.",
    ):
        assert fact in output, fact


def _check_the_running_service(output: str) -> None:
    url = re.search(r"running at (http://[0-9.:]+);", output)
    keys = dict(re.findall(r"^(\S.*?) +(fil_\S+)$", output, re.MULTILINE))
    assert url is not None
    assert f"{url[1]}/en/messages" in output
    with httpx2.Client(base_url=url[1], headers={"Authorization": f"Bearer {keys['CNIL']}"}) as client:
        assert client.get("/docs").is_success
        for page in re.findall(r"(http://[0-9.:]+/en/\w*)", output):
            assert client.get(page).is_success
        _check_that_differences_are_found(client)
        listed = client.get("/v1/datasets", params={"limit": 1000}).json()["items"]
    steps = [step for step in STORY if isinstance(step, Dataset | Transfer)]
    assert len(listed) == len(steps), "loading the story again created something"


def _check_that_differences_are_found(client: httpx2.Client) -> None:
    """The check that accepts each answer rejects it as soon as one value is changed."""
    changes: tuple[tuple[int, tuple[Any, ...], Any, str], ...] = (
        (1500, ("origins", 0, "partner_list", "categories"), ["amis"], "origins"),
        (1500, ("origins", 0, "asserted_by"), None, "origins"),
        (1500, ("transfers", 0, "status"), "declared", "transfers"),
        (4600, ("transfers", -1, "targeting"), [], "transfers"),
        (9001, ("contradictions",), [], "contradictions"),
    )
    for number, path, value, field in changes:
        expected = next(answer for answer in EXPECTED_ANSWERS if answer.number == number)
        question = {"number": e164(number), "reason": "Contrôle"}
        document = client.post("/v1/lookups", json=question).raise_for_status().json()
        assert differences(expected, Answer.model_validate(document)) == []
        *parents, last = path
        reduce(getitem, parents, document)[last] = value
        (difference,) = differences(expected, Answer.model_validate(document))
        assert difference.startswith(f"{field}: ")


def test_demo_on_a_port_in_use_fails_with_one_sentence(tmp_path: Path) -> None:
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = _demo("--port", str(port), "--data-dir", str(tmp_path / "demo"))
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr.startswith(f"filiation: Port {port} is not available (Address already in use)")
    assert refused.stderr.count("\n") == 1
    assert not (tmp_path / "demo").exists()
