"""`dataset register` against a real service: complete, interrupted, refused."""

import csv
import os
import re
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from tests.builders import make_collection, make_notice
from tests.callers import Caller
from tests.command.conftest import Terminal, held_by
from tests.command.unreliable_proxy import breaking_proxy, stalling_proxy
from tests.intake.workbook_writers import workbook_of
from tests.processes import Running, command

FIRST, LINES, REPEATED = 20_000_000, 40_000, 500
# One of the 40 lines without a number is among the repeated lines.
COUNTS = (LINES - REPEATED - 39, REPEATED - 1, 40)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Semicolons and Windows-1252; one line in a thousand has no number, and the last 500 repeat the first."""
    numbers = [f"06 {n:08}" for n in range(FIRST, FIRST + LINES - REPEATED)]
    lines = [
        f"Hérault;{'néant' if index % 1000 == 999 else number}"
        for index, number in enumerate(numbers + numbers[:REPEATED])
    ]
    path = tmp_path / "base.csv"
    path.write_bytes("\r\n".join(["Département;Téléphone", *lines, ""]).encode("cp1252"))
    return path


def test_register_a_file_makes_a_sealed_dataset(terminal: Terminal, broker: Caller, base: Path, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.csv"
    result = terminal.run("dataset", "register", "--yes", base, *held_by(broker), "--rejects", rejects)
    assert result.exit_code == 0, result.output
    (dataset,) = broker.get("/v1/datasets")["items"]
    assert (dataset["name"], dataset["state"]) == ("base.csv", "sealed")
    assert _counts(broker) == COUNTS
    # No number of 06 20 is one of a range that the plan does not use.
    for text in (dataset["id"], "39,461", "499", "not_a_number", "40", "0 of 39,960"):
        assert text in result.output
    assert stat.S_IMODE(rejects.stat().st_mode) == 0o600
    with rejects.open() as file:
        assert {row["raw"] for row in csv.DictReader(file)} == {"néant"}
    assert broker.lookup(f"06 {FIRST + 7:08}")["held"]


def test_register_again_creates_nothing_and_prints_the_same(terminal: Terminal, broker: Caller, base: Path) -> None:
    first = terminal.run("dataset", "register", "--yes", base, *held_by(broker))
    again = terminal.run("dataset", "register", "--yes", base, *held_by(broker))
    assert again.exit_code == 0
    assert first.stdout == again.stdout
    assert len(broker.get("/v1/datasets")["items"]) == 1


def test_register_under_another_name_creates_another_dataset(terminal: Terminal, broker: Caller, base: Path) -> None:
    terminal.run("dataset", "register", "--yes", base, *held_by(broker), "--no-seal")
    other = terminal.run("dataset", "register", "--yes", base, *held_by(broker), "--no-seal", "--name", "Autre")
    assert other.exit_code == 0
    found = broker.get("/v1/datasets")["items"]
    assert [(dataset["name"], dataset["state"]) for dataset in found] == [("base.csv", "open"), ("Autre", "open")]


def test_register_interrupted_says_so_and_continues_when_run_again(
    terminal: Terminal, broker: Caller, base: Path, address: str
) -> None:
    arguments = ["dataset", "register", "--yes", str(base), *held_by(broker), "--part-bytes", "16384"]
    part_count = -(-base.stat().st_size // 16384)
    with (
        stalling_proxy(address, after_bytes=200_000) as (proxy, stalled),
        Running(
            command(*arguments, "--url", proxy),
            env=os.environ | terminal.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert stalled.wait(timeout=60)
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=30)
    assert process.returncode == 130
    assert complaint.splitlines()[-1] == "Interrupted. Run the same command to continue."
    assert "Traceback" not in complaint
    (dataset,) = broker.get("/v1/datasets")["items"]
    uploaded = len(broker.get(f"/v1/datasets/{dataset['id']}/parts"))
    assert 0 < uploaded < part_count
    result = terminal.run(*arguments)
    assert result.exit_code == 0, result.output
    assert f"{uploaded} of {part_count} parts are already uploaded." in result.stderr
    assert _counts(broker) == COUNTS


def _counts(broker: Caller) -> tuple[int, int, int]:
    """Numbers, duplicates and rejects of the broker's only dataset."""
    (dataset,) = broker.get("/v1/datasets")["items"]
    return dataset["number_count"], dataset["duplicate_count"], dataset["rejected_count"]


def test_register_over_a_breaking_connection_retries(
    terminal: Terminal, broker: Caller, base: Path, address: str
) -> None:
    with breaking_proxy(address, breaks=2, after_bytes=300_000) as proxy:
        result = terminal.run("dataset", "register", "--yes", base, *held_by(broker), "--url", proxy)
    assert result.exit_code == 0, result.output
    assert _counts(broker) == COUNTS


def test_register_during_a_sealing_waits_for_it(terminal: Terminal, broker: Caller, base: Path) -> None:
    terminal.run("dataset", "register", "--yes", base, *held_by(broker), "--no-seal")
    (dataset,) = broker.get("/v1/datasets")["items"]
    broker.post(f"/v1/datasets/{dataset['id']}/seal")
    result = terminal.run("dataset", "register", "--yes", base, *held_by(broker))
    assert result.exit_code == 0, result.output
    assert f"{COUNTS[0]:,}" in result.stderr


def test_register_passes_its_options_to_the_service(terminal: Terminal, broker: Caller, tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text("a;b\n0470123456;0470123466\n0470123457;0470123467\n")
    options = ("--region", "BE", "--column", "a", "--occurred-at", "2024-05-28T10:00", "--time-zone", "Indian/Reunion")
    result = terminal.run("dataset", "register", "--yes", path, *held_by(broker), "--name", "Liste", *options)
    assert result.exit_code == 0, result.output
    (dataset,) = broker.get("/v1/datasets")["items"]
    assert (dataset["default_region"], dataset["time_zone"]) == ("BE", "Indian/Reunion")
    assert dataset["occurred_at"].startswith("2024-05-28T06:00:00")
    refused = terminal.run("dataset", "register", "--yes", path, *held_by(broker), "--region", "US")
    assert refused.exit_code == 1
    assert "US has several time zones" in refused.stderr
    assert "State --time-zone" in refused.stderr
    assert broker.lookup("0470123456", region="BE")["held"]
    assert not broker.lookup("0470123456", region="FR")["held"]
    assert not broker.lookup("0470123466", region="BE")["held"]
    derived = ("--occurred-at", "2024-05-29", "--derived-from", dataset["id"], "--region", "BE", "--name", "Extrait")
    result = terminal.run("dataset", "register", "--yes", path, *held_by(broker), "--column", "a", *derived)
    assert result.exit_code == 0, result.output
    assert broker.get("/v1/datasets")["items"][-1]["derived_from"] == [dataset["id"]]


def _refusal(terminal: Terminal, *arguments: str | Path, **environment: str | None) -> str:
    result = terminal.run("dataset", "register", "--yes", *arguments, environment=environment)
    assert result.exit_code == 1
    (sentence,) = [line for line in result.stderr.splitlines() if line.startswith("filiation: ")]
    assert "Traceback" not in result.output
    return sentence


def test_register_refused_prints_one_sentence(terminal: Terminal, broker: Caller, base: Path) -> None:
    holder = held_by(broker)
    assert "cannot be read: No such file" in _refusal(terminal, "/nowhere.csv", *holder)
    assert "The API key is missing" in _refusal(terminal, base, *holder, FILIATION_API_KEY="fil_0_0")
    assert "The API key is missing. Set FILIATION_API_KEY" in _refusal(terminal, base, *holder, FILIATION_API_KEY=None)
    assert "Nothing answers at http://127.0.0.1:9." in _refusal(terminal, base, *holder, "--url", "http://127.0.0.1:9")
    assert "http://" in _refusal(terminal, base, *holder, "--url", "127.0.0.1")
    assert "registration number" in _refusal(terminal, base, *holder, "--holder", "000100999")
    assert "ISO 8601" in _refusal(terminal, base, *holder, "--occurred-at", "hier")
    assert "--time-zone" in _refusal(terminal, base, *holder, "--time-zone", "Paris")


def test_register_a_file_without_numbers_is_refused(terminal: Terminal, broker: Caller, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("")
    assert "is empty" in _refusal(terminal, path, *held_by(broker))
    path.write_text("Téléphone;Nom\n")
    assert "no line below their header" in _refusal(terminal, path, *held_by(broker))
    path.write_text("Téléphone;Nom\nnéant;x\nrien;y\n1;2;3;4\n")
    result = terminal.run("dataset", "register", "--yes", path, *held_by(broker))
    assert result.exit_code == 1
    for text in (
        "filiation: Every line was rejected (2 × not_a_number, 1 × too_many_fields).",
        "2 lines rejected as not_a_number (part:line 1:2, 1:3). The cell contains letters",
        "1 line rejected as too_many_fields (part:line 1:4). The line has 4 fields, and the header or the other lines "
        "have 2, so",
        "--rejects FILE",
    ):
        assert text in result.stderr


def test_register_prints_which_columns_were_read(terminal: Terminal, broker: Caller, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("Nom;Téléphone;Date opt-in\nZoé;0639980001;2023-03-26\n")
    result = terminal.run("dataset", "register", "--yes", path, *held_by(broker))
    assert "Columns read: Téléphone (numbers).\n" in result.stderr
    assert "Not read, although they look relevant: Date opt-in. Consents are read only in" in result.stderr
    collection = make_collection(broker, broker.id, make_notice(broker, broker.id)["id"])
    arguments = ("dataset", "register", "--yes", path, *held_by(broker), "--collection", collection["id"])
    result = terminal.run(*arguments)
    assert "Columns read: Téléphone (numbers), Date opt-in (consent times).\n" in result.stderr
    assert "Not read" not in result.stderr
    path.write_text("Nom;Téléphone;Date opt-in;créé le\nZoé;0639980001;2023-03-26;2022-01-01\n")
    result = terminal.run(*arguments)
    assert "Not read, although they look relevant: créé le. Choose others by --column, --cons" in result.stderr
    assert "--collection" not in result.stderr
    assert "lines with a consent time │ 1 of 1" in " ".join(result.stderr.split())


def test_register_shows_names_of_columns_as_they_are(terminal: Terminal, broker: Caller, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("telephone;Date [/jj];\x1b[31mle\n0639980001;2023-03-26;2023-03-26\n")
    result = terminal.run("dataset", "register", "--yes", path, *held_by(broker))
    assert result.exit_code == 0, result.output
    assert "relevant: Date [/jj], \ufffd[31mle." in result.stderr


def test_register_refused_for_its_columns_or_sheets_names_the_option(
    terminal: Terminal, broker: Caller, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    path.write_text("ref;ville\n1;Paris\n")
    assert _refusal(terminal, path, *held_by(broker)).endswith("Set --column to a header name or a 1-based position.")
    path.write_text("telephone;mobile (ex : 06 12 34 56 78)\n0639980001;\n")
    assert _refusal(terminal, path, *held_by(broker)).endswith("set --header or --no-header to say what the line is.")
    workbook = tmp_path / "list.xlsm"
    workbook.write_bytes(workbook_of({"Mai": [["0639980001"]], "Juin": [["0639980002"]]}))
    assert "Set --sheet to a name" in _refusal(terminal, workbook, *held_by(broker))


def test_register_refused_for_a_part_says_where_it_begins(terminal: Terminal, broker: Caller, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    lines = [f"Z;06399800{at:02};x" for at in range(100)]
    path.write_text("\n".join(["nom;telephone;note", *lines, "nom;note;telephone", "Z;x;0639980001", ""]))
    assert "Line 102 is a header" in _refusal(terminal, path, *held_by(broker))
    refusal = _refusal(terminal, path, *held_by(broker), "--part-bytes", "1024")
    place = re.search(r"In part 2, whose line 1 is line (\d+) of the file: Line (\d+) is a header", refusal)
    assert place
    assert int(place[1]) + int(place[2]) - 1 == 102


def test_register_refused_names_nothing_that_only_http_has(terminal: Terminal, broker: Caller, tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text('[{"phone": "0639980001"}]')
    refusal = _refusal(terminal, path, *held_by(broker))
    assert ("jq -c" in refusal, "Content-Type" in refusal) == (True, False)
    path.write_text("telephone\n0639980001\n")
    for options, said in (
        (("--region", "XX"), "Invalid value for --region: "),
        (("--name", "\n"), "Invalid value for --name: "),
        (("--date-format", "%"), "Invalid value for --date-format: "),
    ):
        refusal = _refusal(terminal, path, *held_by(broker), *options)
        assert (said in refusal, "schema" in refusal, ".." in refusal) == (True, False, False), refusal


def test_register_cuts_a_file_before_a_line_of_words(terminal: Terminal, broker: Caller, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    lines = [f"06 39 98 {place:02} {place:02};x" if place % 2 else "inconnu;aucun" for place in range(100)]
    path.write_text("\n".join(["telephone;note", *lines, ""]))
    result = terminal.run("dataset", "register", "--yes", path, *held_by(broker), "--part-bytes", "1024")
    assert result.exit_code == 0, result.output
    assert len(broker.get(f"/v1/datasets/{broker.get('/v1/datasets')['items'][0]['id']}/parts")) > 1


def test_register_a_file_with_carriage_returns_cuts_no_line(terminal: Terminal, broker: Caller, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    # Where German numbers end is not known from their beginning, so half a line would be another number.
    path.write_bytes(b"".join(b"N%06d;+49 30 %08d\r" % (index, 2_312_500_0 + index) for index in range(3000)))
    result = terminal.run("dataset", "register", "--yes", path, *held_by(broker), "--part-bytes", "1024")
    assert result.exit_code == 0, result.output
    assert _counts(broker) == (3000, 0, 0)
