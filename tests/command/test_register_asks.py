"""`dataset register` shows how a file would be read, and asks before it sends and before it seals."""

import json
import os
import select
import subprocess
from pathlib import Path

import pytest

from tests.builders import make_collection, make_notice
from tests.callers import Caller
from tests.command.conftest import Terminal, held_by
from tests.intake.workbook_writers import Rows, workbook_of
from tests.processes import command

GOOD = "nom;telephone;date_consentement;date_modification\n" + "".join(
    f"Zoé;06 39 98 {place:02} {place:02};27/03/2023 10:00;02/01/2024\n" for place in range(50)
)
BAD = GOOD + "Ana;06 39 98;27/03/2023;\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "base.csv"
    path.write_text(BAD)
    return path


def at_terminal(terminal: Terminal, *arguments: object, types: str) -> tuple[int, str]:
    """The status and the screen of a command at a pseudo-terminal, with an answer typed after each question mark."""
    shown, screen = os.openpty()
    typed = command(*map(str, arguments))
    environment = os.environ | terminal.environment | {"TERM": "dumb", "COLUMNS": "200"}
    with subprocess.Popen(typed, env=environment, stdin=screen, stdout=screen, stderr=screen) as process:
        os.close(screen)
        seen, answers = b"", list(types)
        while True:
            ready, _, _ = select.select([shown], [], [], 120)
            assert ready, seen
            try:
                piece = os.read(shown, 65536)
            except OSError:
                # So Linux says that nobody has the terminal open any more.
                break
            if not piece:
                break
            seen += piece
            if seen.rstrip().endswith(b"[y/N]:") and answers:
                os.write(shown, answers.pop(0).encode() + b"\n")
        os.close(shown)
        assert not answers
    return process.returncode, seen.decode()


def test_register_shows_the_preview_and_sends_after_yes(terminal: Terminal, broker: Caller, file: Path) -> None:
    collection = make_collection(broker, broker.id, make_notice(broker, broker.id)["id"])
    options = ["--holder", broker.id, "--collection", collection["id"], "--occurred-at", "2024-05-28T10:00"]
    status, screen = at_terminal(terminal, "dataset", "register", file, *options, types="yy")
    assert status == 0, screen
    for text in (
        "base.csv: CSV, utf-8, delimiter ';', with a header.",
        "Columns read: telephone (numbers), date_consentement (consent times).",
        "date_modification",
        "+•••••••0000",
        "2023-03-27T08:00:00Z",
        "Of 51 lines, 1 would be rejected.",
        "1 as too_short:",
        "made on 2024-05-28T10:00:00+02:00",
        "Send the file?",
        "1 of 51 lines were rejected. Seal the dataset without them?",
    ):
        assert text in screen, screen
    assert "06 39 98" not in screen
    assert "+33639980" not in screen
    (dataset,) = broker.get("/v1/datasets")["items"]
    assert (dataset["state"], dataset["number_count"]) == ("sealed", 50)


def test_register_sends_nothing_after_no(terminal: Terminal, broker: Caller, file: Path) -> None:
    status, screen = at_terminal(terminal, "dataset", "register", file, *held_by(broker), types="n")
    assert (status, "Nothing more was sent." in screen) == (1, True)
    assert broker.get("/v1/datasets")["items"] == []


def test_register_seals_nothing_after_no_and_little_is_rejected_without_a_question(
    terminal: Terminal, broker: Caller, file: Path
) -> None:
    status, screen = at_terminal(terminal, "dataset", "register", file, *held_by(broker), types="yn")
    assert (status, "lines were rejected. Seal" in screen) == (1, True)
    (dataset,) = broker.get("/v1/datasets")["items"]
    assert dataset["state"] == "open"
    file.write_text(GOOD)
    status, screen = at_terminal(terminal, "dataset", "register", file, *held_by(broker), types="y")
    assert (status, "lines were rejected. Seal" in screen) == (0, False)


def test_register_without_anybody_to_ask_says_how_to_answer(terminal: Terminal, broker: Caller, file: Path) -> None:
    result = terminal.run("dataset", "register", file, *held_by(broker))
    assert (result.exit_code, "Pass --yes" in result.stderr, result.stdout) == (1, True, "")
    assert broker.get("/v1/datasets")["items"] == []


def test_register_in_a_pipe_prints_the_id_alone_or_json(terminal: Terminal, broker: Caller, file: Path) -> None:
    result = terminal.run("dataset", "register", "--yes", file, *held_by(broker))
    (dataset,) = broker.get("/v1/datasets")["items"]
    assert (result.exit_code, result.stdout) == (0, dataset["id"] + "\n")
    again = terminal.run("dataset", "register", "--yes", "--json", file, *held_by(broker))
    assert json.loads(again.stdout) == broker.get(f"/v1/datasets/{dataset['id']}")


def test_register_a_workbook_takes_the_sheet_that_is_named(terminal: Terminal, broker: Caller, tmp_path: Path) -> None:
    path = tmp_path / "contacts.xlsx"
    sheets: dict[str, Rows] = {
        month: [["Téléphone"], [phone]] for month, phone in (("Mai", "0639980001"), ("Juin", "0639980002"))
    }
    path.write_bytes(workbook_of(sheets, hidden_row=2))
    refused = terminal.run("dataset", "register", "--yes", path, *held_by(broker))
    assert (refused.exit_code, "Sheets seen: Mai, Juin." in refused.stderr) == (1, True)
    taken = terminal.run("dataset", "register", "--yes", path, *held_by(broker), "--sheet", "Juin")
    assert taken.exit_code == 0, taken.output
    assert "Hidden rows of the sheet are read like the others: 1." in taken.stderr
    assert broker.lookup("+33639980002")["held"]


def test_version_is_printed(terminal: Terminal) -> None:
    result = terminal.run("--version")
    assert (result.exit_code, result.stdout.startswith("filiation ")) == (0, True)
