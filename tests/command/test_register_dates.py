"""`dataset register` of files with consent dates: stated by an option, or confirmed on a terminal."""

import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.builders import make_collection, make_notice
from tests.callers import Caller
from tests.command.conftest import Terminal
from tests.processes import command


@pytest.fixture
def arguments(terminal: Terminal, broker: Caller) -> list[str]:
    """A registration into a collection, all but its file."""
    collection = make_collection(broker, broker.id, make_notice(broker, broker.id)["id"])
    return ["--holder", str(broker.id), "--occurred-at", "2024-05-28", "--collection", collection["id"]]


def write(path: Path, dates: list[str]) -> Path:
    lines = ["phone,optin_date", *(f"06399800{at:02},{text}" for at, text in enumerate(dates))]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_register_month_first_dates_needs_the_option_and_continues_the_dataset(
    terminal: Terminal, broker: Caller, arguments: list[str], tmp_path: Path
) -> None:
    file = write(tmp_path / "us.csv", ["04/11/2022", "03/26/2022"])
    refused = terminal.run("dataset", "register", "--yes", file, *arguments)
    assert refused.exit_code == 1
    assert "The consent times have the month first: 1 line can only be read as mm/dd/yyyy" in refused.stderr
    assert "--date-format month_first" in refused.stderr
    assert "date_format" not in refused.stderr
    again = terminal.run("dataset", "register", "--yes", file, *arguments, "--date-format", "month_first")
    assert again.exit_code == 0, again.output
    (dataset,) = broker.get("/v1/datasets")["items"]
    assert (dataset["state"], dataset["date_format"]) == ("sealed", "month_first")
    assert dataset["last_consented_at"] == "2022-04-10T22:00:00Z"


def test_register_dates_of_open_order_are_read_again_when_another_is_stated(
    terminal: Terminal, broker: Caller, arguments: list[str], tmp_path: Path
) -> None:
    file = write(tmp_path / "open.csv", ["04/11/2022", "05/12/2022"])
    refused = terminal.run("dataset", "register", "--yes", file, *arguments)
    assert refused.exit_code == 1
    assert (
        "Every date of this dataset with / between its numbers could have the day or the month first" in refused.stderr
    )
    assert "--date-format day_first or --date-format month_first" in refused.stderr
    assert terminal.run("dataset", "register", "--yes", file, *arguments, "--date-format", "month_first").exit_code == 0
    (dataset,) = broker.get("/v1/datasets")["items"]
    assert dataset["first_consented_at"] == "2022-04-10T22:00:00Z"


def test_register_dates_of_open_order_on_a_terminal_asks_and_seals(
    terminal: Terminal, broker: Caller, arguments: list[str], tmp_path: Path
) -> None:
    file = write(tmp_path / "open.csv", ["04/11/2022", "05/12/2022"])
    ours, theirs = pty.openpty()
    os.write(ours, b"y\ny\n")
    result = subprocess.run(
        command("dataset", "register", str(file), *arguments),
        env=os.environ | terminal.environment,
        stdin=theirs,
        capture_output=True,
        text=True,
        check=False,
    )
    for end in (ours, theirs):
        os.close(end)
    assert result.returncode == 0, result.stderr
    assert "Are all dates of the file written with the day first, as in 26/03/2023? [y/N]" in result.stderr
    (dataset,) = broker.get("/v1/datasets")["items"]
    assert (dataset["state"], dataset["date_format"]) == ("sealed", "day_first")
    assert dataset["first_consented_at"] == "2022-11-03T23:00:00Z"


def test_register_without_the_moment_of_the_dataset_is_refused(
    terminal: Terminal, broker: Caller, tmp_path: Path
) -> None:
    """The time of a file says when it was copied, not when the dataset was made."""
    file = write(tmp_path / "list.csv", ["2022-03-26"])
    result = terminal.run("dataset", "register", "--yes", file, "--holder", str(broker.id))
    assert result.exit_code == 2
    assert "--occurred-at" in result.stderr
    assert broker.get("/v1/datasets")["items"] == []
