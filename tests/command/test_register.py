"""`dataset register` against a real service: whole, interrupted, refused."""

import csv
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.callers import Caller
from tests.command.conftest import Terminal
from tests.command.wire import breaking

FIRST, LINES, REPEATED = 20_000_000, 40_000, 500
# Of the 40 lines without a number one stands among the repeated.
COUNTS = (LINES - REPEATED - 39, REPEATED - 1, 40)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Semicolons and Windows-1252; one line in a thousand holds no number, and the last 500 repeat the first."""
    numbers = [f"06 {n:08}" for n in range(FIRST, FIRST + LINES - REPEATED)]
    lines = [
        f"Hérault;{'néant' if at % 1000 == 999 else number}" for at, number in enumerate(numbers + numbers[:REPEATED])
    ]
    path = tmp_path / "base.csv"
    path.write_bytes("\r\n".join(["Département;Téléphone", *lines, ""]).encode("cp1252"))
    return path


def test_a_file_becomes_a_sealed_dataset(terminal: Terminal, broker: Caller, base: Path, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.csv"
    result = terminal.run("dataset", "register", base, "--holder", str(broker.id), "--rejects", rejects)
    assert result.exit_code == 0, result.output
    (dataset,) = broker.get("/v1/datasets")["items"]
    assert (dataset["name"], dataset["state"]) == ("base.csv", "sealed")
    assert (dataset["number_count"], dataset["duplicate_count"], dataset["rejected_count"]) == COUNTS
    assert dataset["id"] in result.output
    for shown in ("39,461", "499", "not_a_number", "40"):
        assert shown in result.output
    assert stat.S_IMODE(rejects.stat().st_mode) == 0o600
    with rejects.open() as file:
        assert {row["raw"] for row in csv.DictReader(file)} == {"néant"}
    assert broker.lookup(f"06 {FIRST + 7:08}")["held"]


def test_the_same_command_again_finds_it_done(terminal: Terminal, broker: Caller, base: Path) -> None:
    first = terminal.run("dataset", "register", base, "--holder", str(broker.id))
    again = terminal.run("dataset", "register", base, "--holder", str(broker.id))
    assert again.exit_code == 0
    assert first.stdout == again.stdout
    assert len(broker.get("/v1/datasets")["items"]) == 1


def test_another_name_is_another_dataset(terminal: Terminal, broker: Caller, base: Path) -> None:
    terminal.run("dataset", "register", base, "--holder", str(broker.id), "--no-seal")
    other = terminal.run("dataset", "register", base, "--holder", str(broker.id), "--no-seal", "--name", "Autre")
    assert other.exit_code == 0
    found = broker.get("/v1/datasets")["items"]
    assert [(one["name"], one["state"]) for one in found] == [("base.csv", "open"), ("Autre", "open")]


def test_interrupted_it_says_so_and_goes_on_where_it_stopped(terminal: Terminal, broker: Caller, base: Path) -> None:
    command = [sys.executable, "-m", "service", "dataset", "register", str(base), "--holder", str(broker.id)]
    command += ["--part-bytes", "16384"]
    parts = -(-base.stat().st_size // 16384)
    with subprocess.Popen(
        command, env=os.environ | terminal.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        there = _wait_for_parts(broker, process, 10)
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=30)
    assert process.returncode == 130
    assert complaint.splitlines()[-1] == "Interrupted. The same command goes on where this one stopped."
    assert "Traceback" not in complaint
    assert there < parts
    result = terminal.run(*command[3:])
    assert result.exit_code == 0, result.output
    assert "parts are there already." in result.stderr
    (dataset,) = broker.get("/v1/datasets")["items"]
    assert (dataset["number_count"], dataset["duplicate_count"], dataset["rejected_count"]) == COUNTS


def test_a_connection_that_breaks_is_made_again(terminal: Terminal, broker: Caller, base: Path, address: str) -> None:
    with breaking(address, breaks=2, after_bytes=300_000) as wire:
        result = terminal.run("dataset", "register", base, "--holder", str(broker.id), "--url", wire)
    assert result.exit_code == 0, result.output
    (dataset,) = broker.get("/v1/datasets")["items"]
    assert (dataset["number_count"], dataset["duplicate_count"], dataset["rejected_count"]) == COUNTS


def test_a_sealing_that_is_under_way_is_waited_for(terminal: Terminal, broker: Caller, base: Path) -> None:
    terminal.run("dataset", "register", base, "--holder", str(broker.id), "--no-seal")
    (dataset,) = broker.get("/v1/datasets")["items"]
    broker.post(f"/v1/datasets/{dataset['id']}/seal")
    result = terminal.run("dataset", "register", base, "--holder", str(broker.id))
    assert result.exit_code == 0, result.output
    assert f"{COUNTS[0]:,}" in result.stdout


def _wait_for_parts(broker: Caller, process: "subprocess.Popen[str]", enough: int) -> int:
    while process.poll() is None:
        for dataset in broker.get("/v1/datasets")["items"]:
            parts = broker.get(f"/v1/datasets/{dataset['id']}/parts")
            if len(parts) >= enough:
                return len(parts)
        time.sleep(0.02)
    raise AssertionError(f"it ended with status {process.returncode} before it was interrupted")


def test_options_reach_the_service(terminal: Terminal, broker: Caller, tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text("a;b\n0639980000;0639980010\n0639980001;0639980011\n")
    options = ("--region", "MQ", "--column", "a", "--occurred-at", "2024-05-28T10:00", "--time-zone", "Indian/Reunion")
    result = terminal.run("dataset", "register", path, "--holder", str(broker.id), "--name", "Liste", *options)
    assert result.exit_code == 0, result.output
    (dataset,) = broker.get("/v1/datasets")["items"]
    assert (dataset["default_region"], dataset["time_zone"]) == ("MQ", "Indian/Reunion")
    assert dataset["occurred_at"].startswith("2024-05-28T06:00:00")
    assert broker.lookup("0639980000", region="MQ")["held"]
    assert not broker.lookup("0639980000", region="FR")["held"]
    assert not broker.lookup("0639980010", region="MQ")["held"]
    derived = ("--derived-from", dataset["id"], "--region", "MQ", "--name", "Extrait")
    result = terminal.run("dataset", "register", path, "--holder", str(broker.id), "--column", "a", *derived)
    assert result.exit_code == 0, result.output
    assert broker.get("/v1/datasets")["items"][-1]["derived_from"] == [dataset["id"]]


def _refusals(terminal: Terminal, *arguments: str | Path, **environment: str | None) -> str:
    result = terminal.run("dataset", "register", *arguments, environment=environment)
    assert result.exit_code == 1
    (sentence,) = [line for line in result.stderr.splitlines() if line.startswith("filiation: ")]
    assert "Traceback" not in result.output
    return sentence


def test_what_is_refused_is_told_in_one_sentence(terminal: Terminal, broker: Caller, base: Path) -> None:
    holder = ("--holder", str(broker.id))
    assert "cannot be read: No such file" in _refusals(terminal, "/nowhere.csv", *holder)
    assert "The API key is missing" in _refusals(terminal, base, *holder, FILIATION_API_KEY="fil_0_0")
    assert "There is no API key" in _refusals(terminal, base, *holder, FILIATION_API_KEY=None)
    assert "Nothing answers at http://127.0.0.1:9:" in _refusals(terminal, base, *holder, "--url", "http://127.0.0.1:9")
    assert "http://" in _refusals(terminal, base, *holder, "--url", "127.0.0.1")
    assert "registration number" in _refusals(terminal, base, "--holder", "000100999")
    assert "ISO 8601" in _refusals(terminal, base, *holder, "--occurred-at", "hier")
    assert "time_zone" in _refusals(terminal, base, *holder, "--time-zone", "Paris")


def test_an_empty_file_and_one_without_numbers_are_refused(terminal: Terminal, broker: Caller, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("")
    assert "is empty" in _refusals(terminal, path, "--holder", str(broker.id))
    path.write_text("Téléphone;Nom\nnéant;x\n")
    assert "Every line was rejected" in _refusals(terminal, path, "--holder", str(broker.id))
