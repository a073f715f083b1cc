"""Settings that `serve` refuses before it listens."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.__main__ import run_command
from service.command.unknown_settings import known_variables, warn_of_unknown_settings
from service.core.errors import ConfigurationError
from service.core.settings import read_settings
from tests.processes import command

SECRET = "ab" * 32
REFUSED_SETTINGS = {
    "FILIATION_PORT": "eighty",
    "FILIATION_POOL_SIZE": "0",
    "FILIATION_SMS_GATEWAY": "pigeon",
    "FILIATION_SMS_PREFIXES": "336,+337",
    "FILIATION_KANNEL_ADDRESS": "http://kannel:13001",
    "FILIATION_KANNEL_ORIGINATOR": "Élection",
    "FILIATION_WEBHOOK_ALLOW_PRIVATE": "perhaps",
    "FILIATION_MASTER_SECRET": "of no use",
    "FILIATION_MASTER_SECRET_FILE": "/nowhere/secret",
}


def _serve(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `serve` with these settings alone; it must end by itself."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FILIATION_")}
    environment |= {"FILIATION_DATA_DIR": str(folder / "data")} | more
    return subprocess.run(
        command("serve", "--port", "0", *arguments),
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_serve_with_a_public_outbox_is_refused(tmp_path: Path) -> None:
    refused = _serve(tmp_path, "--host", "0.0.0.0")
    assert refused.returncode == 1
    assert refused.stderr.startswith("filiation: The outbox shows ")
    assert refused.stderr.count("\n") == 1
    # No database was started.
    assert not (tmp_path / "data").exists()


def test_serve_with_an_invalid_setting_names_it_without_its_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["filiation", "serve", "--port", "0"])
    monkeypatch.setenv("FILIATION_DATA_DIR", str(tmp_path / "data"))
    wrong = []
    for setting, value in REFUSED_SETTINGS.items():
        with monkeypatch.context() as environment:
            environment.setenv(setting, value)
            with pytest.raises(SystemExit) as ended:
                run_command()
        message = str(ended.value.code)
        # The value may be a secret.
        if not message.startswith("filiation: ") or setting not in message or value in message or "\n" in message:
            wrong.append((setting, message))
    assert wrong == []
    assert not (tmp_path / "data").exists()


def test_serve_without_an_answering_database_prints_one_sentence(tmp_path: Path) -> None:
    nobody = "postgresql://somebody:open-sesame@127.0.0.1:1/filiation"
    refused = _serve(tmp_path, DATABASE_URL=nobody, FILIATION_MASTER_SECRET=SECRET)
    assert refused.returncode == 1
    assert refused.stderr.startswith("filiation: The database cannot be reached: ")
    assert "open-sesame" not in refused.stderr
    assert refused.stderr.count("\n") == 1


WRONG_FORMS = {
    "FILIATION_KANNEL_ADDRESS": (
        "kannel",
        "kannel:",
        ":13001",
        "kannel:0",
        "kannel:70000",
        "kannel:1/",
        "a b:1",
        "[::1]",
    ),
    "FILIATION_SMS_PREFIXES": ("+336", "0033", "336;337", "336,", "6 12"),
}


def test_setting_of_a_wrong_form_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    advice = {"FILIATION_KANNEL_ADDRESS": "as in kannel:13001", "FILIATION_SMS_PREFIXES": "as in 336,337"}
    wrong = []
    for setting, values in WRONG_FORMS.items():
        for value in values:
            with monkeypatch.context() as environment:
                environment.setenv(setting, value)
                with pytest.raises(ConfigurationError) as refused:
                    read_settings()
            message = str(refused.value)
            if advice[setting] not in message or "match" in message or "\n" in message:
                wrong.append((setting, value, message))
    assert wrong == []
    monkeypatch.setenv("FILIATION_KANNEL_ADDRESS", "[::1]:65535")
    assert read_settings().kannel_address == "[::1]:65535"


def test_variable_that_is_no_setting_is_named_in_the_log_with_what_was_meant(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in [*os.environ]:
        if name.startswith("FILIATION_"):
            monkeypatch.delenv(name)
    for name in known_variables():
        monkeypatch.setenv(name, "open-sesame")
    warn_of_unknown_settings()
    assert caplog.messages == []
    monkeypatch.setenv("FILIATION_SMS_GATWAY", "open-sesame")
    monkeypatch.setenv("FILIATION_XYZ", "open-sesame")
    warn_of_unknown_settings()
    assert caplog.messages == [
        "FILIATION_SMS_GATWAY is not a setting, and has no effect. Did you mean FILIATION_SMS_GATEWAY?",
        "FILIATION_XYZ is not a setting, and has no effect.",
    ]
