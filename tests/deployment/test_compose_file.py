"""docker-compose.yml without Docker: its schema, its variables, its commands and settings."""

import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer
import yaml
from hypothesis import given
from hypothesis import strategies as st

from service.__main__ import app
from service.command.serve import GRACE_SECONDS
from service.core.settings import Settings, read_settings, variable_of
from tests.deployment.compose import (
    FILE,
    ROOT,
    Missing,
    documented_commands,
    documented_environment,
    interpolated,
    read_compose,
    required_variables,
)
from tests.deployment.documents import blocks

SCHEMA = Path(__file__).with_name("compose-spec.json")

# What other programs than the service read: uvicorn, the image of PostgreSQL and the script for its roles.
OTHERS = {"FORWARDED_ALLOW_IPS", "POSTGRES_PASSWORD", "OWNER_PASSWORD", "SERVICE_PASSWORD"}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the documented commands write to `.env`."""
    return documented_environment(tmp_path_factory.mktemp("documented"))


@pytest.fixture(scope="module")
def compose(environment: dict[str, str]) -> Any:
    """The file as Compose reads it beside that `.env`."""
    return read_compose(environment)


def services_of_filiation(compose: Any) -> Iterator[tuple[str, Any]]:
    return ((name, service) for name, service in compose["services"].items() if service.get("image") == "filiation")


def test_file_follows_the_compose_specification(compose: Any) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    errors = jsonschema.Draft7Validator(schema).iter_errors(compose)
    assert [f"{list(error.path)}: {error.message[:200]}" for error in errors] == []


def test_documented_commands_make_every_required_variable_for_their_owner_alone(
    environment: dict[str, str], tmp_path: Path
) -> None:
    assert set(environment) == required_variables()
    assert len(set(environment.values())) == len(environment)
    made = documented_environment(tmp_path)
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    # Without its master secret, nobody reads what a registry stores.
    assert documented_environment(tmp_path) == made


def test_page_and_file_document_the_same_commands() -> None:
    lines = [line.strip() for line in documented_commands().splitlines()]
    page = [line.strip() for line in blocks("sh")["Start"][0].splitlines()]
    assert page[: len(lines)] == lines


def test_each_required_variable_that_is_missing_or_empty_is_refused_by_its_name(environment: dict[str, str]) -> None:
    for name in environment:
        without = {other: value for other, value in environment.items() if other != name}
        for given_environment in (without, environment | {name: ""}):
            with pytest.raises(Missing, match=f"{name} is missing a value: set it in .env"):
                read_compose(given_environment)


def test_services_get_settings_that_exist_and_are_accepted(compose: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {variable_of(field) for field in Settings.model_fields}
    for name, service in services_of_filiation(compose):
        given_environment = service["environment"]
        unknown = {variable.removesuffix("_FILE") for variable in given_environment} - known - OTHERS
        assert unknown == set(), name
        with monkeypatch.context() as patched:
            for variable in [*os.environ]:
                if variable.startswith("FILIATION_"):
                    patched.delenv(variable)
            for variable, value in given_environment.items():
                patched.setenv(variable, value)
            settings = read_settings()
        assert settings.database_url is not None
        assert len(settings.secret()) == 64


def test_commands_of_the_services_are_commands_of_the_image(compose: Any) -> None:
    root: Any = typer.main.get_command(app)
    seen = []
    for _, service in services_of_filiation(compose):
        program, name, *arguments = service["command"]
        assert program == "filiation"
        command = root.get_command(typer.Context(root), name)
        command.make_context(name, list(arguments))
        seen.append(name)
    assert sorted(seen) == ["migrate", "serve", "worker"]


def test_names_in_addresses_are_services_that_the_caller_can_reach(compose: Any) -> None:
    """A service reaches the host of each of its addresses: both are in one network."""

    def networks(name: str) -> set[str]:
        service = compose["services"][name]
        return set(service.get("networks", ["default"]))

    for name, service in services_of_filiation(compose):
        for variable, value in service["environment"].items():
            _, found, rest = str(value).partition("://")
            if found:
                host = rest.partition("@")[2].partition("/")[0] or rest.partition("/")[0]
                host = host.partition(":")[0]
                assert networks(name) & networks(host), f"{name} cannot reach {host}, as {variable} says"


def test_services_run_with_few_rights_and_have_time_to_stop(compose: Any) -> None:
    for name, service in compose["services"].items():
        if name == "database":
            continue
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service["init"] is True, name
    for name, service in services_of_filiation(compose):
        assert int(service["stop_grace_period"].removesuffix("s")) >= 2 * (GRACE_SECONDS + 8), name
        waits = service["depends_on"]
        condition = "service_healthy" if name == "migrate" else "service_completed_successfully"
        assert list(waits.values()) == [{"condition": condition}], name
    assert compose["services"]["migrate"]["restart"] == "no"


def test_every_volume_network_and_config_is_declared_and_used(compose: Any) -> None:
    used: dict[str, set[str]] = {"volumes": set(), "networks": set(), "configs": set()}
    for service in compose["services"].values():
        used["volumes"] |= {volume.partition(":")[0] for volume in service.get("volumes", []) if volume[0] not in "./"}
        used["networks"] |= set(service.get("networks", [])) - {"default"}
        used["configs"] |= {config["source"] for config in service.get("configs", [])}
    for kind, names in used.items():
        assert names == set(compose.get(kind, {})), kind


def test_only_this_machine_reaches_a_published_port(compose: Any) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_image_copies_what_exists_and_what_the_builder_gets() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    lock = "requirements.lock"
    for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            *sources, _ = shlex.split(line.replace("$LOCK", lock))[1:]
            for source in sources:
                assert (ROOT / source).exists(), line
                assert source.split("/")[0] in sent, line


def test_no_secret_has_a_default_in_the_file() -> None:
    text = FILE.read_text(encoding="utf-8")
    named = [line for line in text.splitlines() if "PASSWORD" in line or "SECRET" in line]
    with_default = [line for line in named if ":-" in line and "KANNEL_SMSC" not in line]
    assert with_default == []


VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@given(VALUES, VALUES)
def test_value_reaches_its_place_as_it_is(value: str, default: str) -> None:
    """Compose puts a value in and does not read it again: dollars in secrets need no care beyond those of `.env`."""
    assert interpolated("a$${NAME}${NAME}z", {"NAME": value}) == f"a${{NAME}}{value}z"
    safe = default.replace("$", "$$").replace("{", "").replace("}", "")
    shown = safe.replace("$$", "$")
    assert interpolated(f"${{NAME:-{safe}}}", {"NAME": value}) == (value or shown)
    assert interpolated(f"${{NAME-{safe}}}", {}) == shown
    with pytest.raises(Missing, match="NAME"):
        interpolated("${NAME?needed}", {})


def test_yaml_has_no_value_that_yaml_reads_otherwise() -> None:
    """What should be text is text: YAML would read `no` as false and 22:22 as a number."""
    for service in yaml.safe_load(FILE.read_text(encoding="utf-8"))["services"].values():
        for value in service.get("environment", {}).values():
            assert isinstance(value, str)
        assert service.get("restart") in ("no", "unless-stopped")
