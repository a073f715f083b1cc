"""Every option of every command that has a setting reads it too, or its help says that it does not."""

import re
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from service.__main__ import app
from service.core.settings import Settings, variable_of

# What belongs to one call of a command. A new option is either here, or has a setting.
OF_ONE_CALL = {
    "compact": {"all_segments"},
    "dataset discard": {"yes"},
    "dataset end": {"reason", "since", "why"},
    "dataset take-end-back": {"reason"},
    "dataset take-withdrawal-back": {"reason"},
    "dataset withdraw": {"reason"},
    "dataset register": {
        "as_json",
        "collection",
        "column",
        "consent_record_id_column",
        "consent_state_column",
        "consented_at_column",
        "country_column",
        "header",
        "date_format",
        "derived_from",
        "holder",
        "name",
        "occurred_at",
        "part_bytes",
        "region",
        "rejects",
        "sealed",
        "sheet",
        "time_zone",
        "yes",
    },
    "dataset release": {"comment"},
    "dataset withdraw-release": {"comment"},
    "deadlines correct": {"reason"},
    "demo": {"exit_", "lang"},
    "fsck": {"as_json"},
    "job list": {"as_json", "every"},
    "key issue": {"acts_for", "days", "label", "scope"},
    "key list": {"as_json"},
    "lookup": {"lang", "region", "as_json", "reason"},
    "organisation add": {
        *("alias", "country", "distinct_from", "privacy_contact", "registration_number", "role", "time_zone"),
    },
    "organisation correct": {
        *("alias", "closed_on", "country", "legal_name", "privacy_contact", "reason", "registration_number", "role"),
        "time_zone",
    },
    "organisation list": {"as_json", "country"},
    "organisation release": {"comment", "up_to"},
    "organisation succeed": {"reason", "since"},
    "serve": {"processes", "with_worker"},
}


def commands(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every command and its path, such as `key issue`."""
    if hasattr(command, "list_commands"):
        context = typer.Context(command)
        for name in command.list_commands(context):
            yield from commands(command.get_command(context, name), f"{path} {name}".strip())
    else:
        yield path, command


def options() -> Iterator[tuple[str, Any]]:
    for path, command in commands(typer.main.get_command(app)):
        for parameter in command.params:
            if parameter.param_type_name == "option" and parameter.name not in ("help", "version"):
                yield path, parameter


def test_options_with_a_setting_name_it_and_others_belong_to_one_call() -> None:
    wrong: list[str] = []
    of_one_call: dict[str, set[str]] = {}
    for path, option in options():
        if option.name in Settings.model_fields:
            if variable_of(option.name) not in (option.help or ""):
                wrong.append(f"{path} --{option.name} does not say whether it reads {variable_of(option.name)}")
        elif not option.envvar and "FILIATION_" not in (option.help or ""):
            of_one_call.setdefault(path, set()).add(option.name)
    assert wrong == []
    assert of_one_call == OF_ONE_CALL


def test_variables_that_help_names_exist() -> None:
    known = {variable_of(name) for name in Settings.model_fields} | {"FILIATION_API_KEY", "FILIATION_URL"}
    named = {
        variable
        for _, command in commands(typer.main.get_command(app))
        for text in [command.help or "", *(getattr(parameter, "help", None) or "" for parameter in command.params)]
        for variable in re.findall(r"\b(?:FILIATION|DATABASE)_[A-Z_]+", text)
    }
    assert named <= known
    assert {"FILIATION_PORT", "FILIATION_HOST", "FILIATION_DATA_DIR"} <= named


def test_demo_listens_on_the_port_of_the_setting_unless_an_option_gives_another(tmp_path: Path) -> None:
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as first,
        closing(socket.create_server(("127.0.0.1", 0))) as second,
    ):
        of_setting, of_option = first.getsockname()[1], second.getsockname()[1]
        environment = {"FILIATION_PORT": str(of_setting), "XDG_DATA_HOME": str(tmp_path)}
        for arguments, port in (([], of_setting), (["--port", str(of_option)], of_option)):
            ended = CliRunner().invoke(
                app, ["demo", "--exit", "--data-dir", str(tmp_path / "data"), *arguments], env=environment
            )
            assert ended.exit_code == 1
            assert f"Port {port} is not available" in ended.output
    assert list(tmp_path.iterdir()) == []


def test_serve_listens_at_the_host_of_the_setting_unless_an_option_gives_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The outbox is refused where others could read it, before anything is started."""
    monkeypatch.setenv("FILIATION_HOST", "0.0.0.0")
    refused = CliRunner().invoke(app, ["serve"])
    assert str(refused.exception).startswith("The outbox shows all messages")
    monkeypatch.setenv("FILIATION_HOST", "127.0.0.1")
    refused = CliRunner().invoke(app, ["serve", "--host", "::"])
    assert str(refused.exception).startswith("The outbox shows all messages")
