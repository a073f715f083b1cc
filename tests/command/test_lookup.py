"""`lookup`: reads the number from standard input and prints the answer as a tree or as JSON."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from service.access.actor import Scope
from service.command.lookup import zone_of
from service.core.vocabulary import Role
from tests.builders import filled, number
from tests.callers import Caller, Registry
from tests.command.conftest import Terminal
from tests.processes import command

NUMBER = "06 39 98 00 07"


def _hold(broker: Caller) -> None:
    body = {"holder_id": str(broker.id), "name": "Base [bold]SMS", "occurred_at": "2024-05-28T10:00:00Z"}
    dataset = broker.post("/v1/datasets", body)
    broker.put_part(dataset["id"], ["mobile", NUMBER])
    broker.seal(dataset["id"])


def test_lookup_reads_the_number_from_standard_input_and_prints_a_tree(terminal: Terminal, broker: Caller) -> None:
    _hold(broker)
    result = terminal.run("lookup", "--lang", "en", typed=f"{NUMBER}\n")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == NUMBER
    assert "no declared origin" in result.stdout
    assert "neither a collection nor a source is declared" in result.stdout
    assert f"held by {broker.get(f'/v1/organisations/{broker.id}')['legal_name']} in" in result.stdout
    # A name is printed literally, without its markup being interpreted.
    assert "“Base [bold]SMS”" in result.stdout


def test_lookup_uses_the_language_of_the_locale(terminal: Terminal, broker: Caller) -> None:
    _hold(broker)
    french = terminal.run("lookup", typed=NUMBER, environment={"LANG": "fr_FR.UTF-8", "LC_ALL": None})
    assert "aucune origine déclarée" in french.stdout


@pytest.mark.parametrize("machine", ["UTC", "Asia/Tokyo"])
def test_lookup_prints_times_of_the_region_in_any_machine_zone(organisations: Registry, machine: str) -> None:
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
    output = subprocess.run(
        command("lookup", "--lang", "fr"),
        env=environment,
        input=number(last_four),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "6 juin 2024, entre 23 h 00 et 23 h 30 (heure de Paris)" in output.stdout.replace("\u00a0", " ")


def test_zone_of_a_region_with_several_zones_or_none_is_paris() -> None:
    zones = {"FR": "Europe/Paris", "MQ": "America/Martinique", "US": "Europe/Paris", "ZZ": "Europe/Paris"}
    assert {region: zone_of(region).key for region in zones} == zones


def test_lookup_with_json_prints_the_answer_of_the_api(terminal: Terminal, broker: Caller) -> None:
    _hold(broker)
    result = terminal.run("lookup", "--json", typed=NUMBER)
    asked = broker.lookup(NUMBER)
    assert json.loads(result.stdout) | {"as_of": ""} == asked | {"as_of": ""}


def test_lookup_in_another_region_asks_about_another_number(terminal: Terminal, broker: Caller) -> None:
    _hold(broker)
    result = terminal.run("lookup", "--lang", "en", "--region", "DE", typed=NUMBER)
    assert result.exit_code == 0
    assert "no dataset that you may see contains this number" in result.stdout


def test_lookup_by_a_regulator_without_a_reason_is_refused(address: str, organisations: Registry) -> None:
    authority = Terminal(address, organisations.regulator().key)
    refused = authority.run("lookup", typed=NUMBER)
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "`reason`" in refused.stderr
    assert authority.run("lookup", "--reason", "Plainte 7", typed=NUMBER).exit_code == 0


def test_lookup_with_the_number_as_argument_is_refused(terminal: Terminal) -> None:
    assert terminal.run("lookup", NUMBER).exit_code == 2


def test_lookup_refused_prints_one_sentence_without_the_number(terminal: Terminal, organisations: Registry) -> None:
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


def test_lookup_reads_the_key_from_a_file(terminal: Terminal, broker: Caller, tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text(f"{broker.key}\n")
    without: dict[str, str | None] = {"FILIATION_API_KEY": None}
    assert terminal.run("lookup", "--key-file", key_file, typed=NUMBER, environment=without).exit_code == 0
    refused = terminal.run("lookup", "--key-file", tmp_path / "none", typed=NUMBER)
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "cannot be read" in refused.stderr


def test_lookup_at_an_unknown_path_is_refused(terminal: Terminal) -> None:
    """An address with a further path leads to no route of the service."""
    result = terminal.run("lookup", "--url", f"{terminal.environment['FILIATION_URL']}/elsewhere", typed=NUMBER)
    assert result.exit_code == 1
    assert result.stderr.startswith("filiation: No endpoint has this path.")
