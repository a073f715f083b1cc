"""`lookup`: the number comes by standard input, and the answer is a tree or JSON."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.access.actor import Scope
from service.command.lookup import zone_of
from service.core.vocabulary import Role
from tests.builders import filled, number
from tests.callers import Caller, Registry
from tests.command.conftest import Terminal

NUMBER = "06 39 98 00 07"


def _hold(broker: Caller) -> None:
    body = {"holder_id": str(broker.id), "name": "Base [bold]SMS", "occurred_at": "2024-05-28T10:00:00Z"}
    dataset = broker.post("/v1/datasets", body)
    broker.put_part(dataset["id"], ["mobile", NUMBER])
    broker.seal(dataset["id"])


def test_a_number_is_read_from_standard_input_and_told_of_as_a_tree(terminal: Terminal, broker: Caller) -> None:
    _hold(broker)
    result = terminal.run("lookup", "--lang", "en", typed=f"{NUMBER}\n")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == NUMBER
    assert "no declared origin" in result.stdout
    assert "neither a collection nor a source is declared" in result.stdout
    assert f"in the hands of {broker.get(f'/v1/organisations/{broker.id}')['legal_name']}" in result.stdout
    # What somebody called it is shown to the letter, and commands nothing.
    assert "“Base [bold]SMS”" in result.stdout


def test_the_terminals_locale_decides_the_language(terminal: Terminal, broker: Caller) -> None:
    _hold(broker)
    french = terminal.run("lookup", typed=NUMBER, environment={"LANG": "fr_FR.UTF-8", "LC_ALL": None})
    assert "aucune origine déclarée" in french.stdout


@pytest.mark.parametrize("machine", ["UTC", "Asia/Tokyo"])
def test_times_are_those_of_the_region_wherever_the_machine_is(organisations: Registry, machine: str) -> None:
    party, last_four = organisations.party(), 20 + len(machine)
    dataset = filled(party, [last_four])
    campaign = {
        "party_id": str(party.id),
        "name": "Tard",
        "originator": "38001",
        "message_text": "Votez.",
        "began_at": "2024-06-06T21:00:00Z",
        "ended_at": "2024-06-06T21:30:00Z",
        "dataset_ids": [dataset["id"]],
    }
    party.post("/v1/campaigns", campaign)
    address = str(organisations.client.base_url)
    environment = os.environ | {
        "TZ": machine,
        "COLUMNS": "300",
        "FILIATION_URL": address,
        "FILIATION_API_KEY": party.key,
    }
    command = [sys.executable, "-m", "service", "lookup", "--lang", "fr"]
    output = subprocess.run(
        command, env=environment, input=number(last_four), capture_output=True, text=True, timeout=60, check=True
    )
    assert "06/06/2024 23:00-23:30 (heure de Paris)" in output.stdout


@pytest.mark.parametrize(
    ("region", "zone"),
    [("FR", "Europe/Paris"), ("MQ", "America/Martinique"), ("US", "Europe/Paris"), ("ZZ", "Europe/Paris")],
)
def test_a_region_without_one_zone_of_its_own_has_that_of_paris(region: str, zone: str) -> None:
    assert zone_of(region).key == zone


def test_json_is_the_answer_of_the_api(terminal: Terminal, broker: Caller) -> None:
    _hold(broker)
    result = terminal.run("lookup", "--json", typed=NUMBER)
    asked = broker.lookup(NUMBER)
    assert json.loads(result.stdout) | {"as_of": ""} == asked | {"as_of": ""}


def test_in_another_region_it_is_another_number(terminal: Terminal, broker: Caller) -> None:
    _hold(broker)
    result = terminal.run("lookup", "--lang", "en", "--region", "MQ", typed=NUMBER)
    assert result.exit_code == 0
    assert "no dataset that you may see holds this number" in result.stdout


def test_the_regulator_gives_its_reason(address: str, organisations: Registry) -> None:
    authority = Terminal(address, organisations.regulator().key)
    refused = authority.run("lookup", typed=NUMBER)
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "`reason`" in refused.stderr
    assert authority.run("lookup", "--reason", "Plainte 7", typed=NUMBER).exit_code == 0


def test_a_number_is_no_argument(terminal: Terminal) -> None:
    assert terminal.run("lookup", NUMBER).exit_code == 2


def test_refusals_are_one_sentence_without_the_number(terminal: Terminal, organisations: Registry) -> None:
    without_numbers = organisations.organisation(Role.BROKER, scopes=[Scope.FACTS_READ])
    refused: list[tuple[str, dict[str, str | None]]] = [
        ("", {}),
        ("0639980007 0639980008\n", {}),
        (NUMBER, {"FILIATION_API_KEY": "fil_0_0"}),
        (NUMBER, {"FILIATION_API_KEY": without_numbers.key}),
        (NUMBER, {"FILIATION_URL": "http://127.0.0.1:9"}),
    ]
    for typed, environment in refused:
        result = terminal.run("lookup", typed=typed, environment=environment)
        assert result.exit_code == 1
        assert result.stderr.startswith("filiation: ")
        assert result.stderr.count("\n") == 1
        assert "39980007" not in result.stderr


def test_the_key_may_stand_in_a_file(terminal: Terminal, broker: Caller, tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text(f"{broker.key}\n")
    without: dict[str, str | None] = {"FILIATION_API_KEY": None}
    assert terminal.run("lookup", "--key-file", key_file, typed=NUMBER, environment=without).exit_code == 0
    refused = terminal.run("lookup", "--key-file", tmp_path / "none", typed=NUMBER)
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "cannot be read" in refused.stderr


def test_what_answers_there_may_be_another_service(terminal: Terminal) -> None:
    """An address with a path of its own leads nowhere here, and whatever is refused is a sentence."""
    result = terminal.run("lookup", "--url", f"{terminal.environment['FILIATION_URL']}/elsewhere", typed=NUMBER)
    assert result.exit_code == 1
    assert result.stderr.startswith("filiation: There is no such address.")
