"""What `serve` refuses before it listens."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SECRET = "ab" * 32


def ended(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """`serve` with these settings and no others, which must end by itself."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FILIATION_")}
    environment |= {"FILIATION_DATA_DIR": str(folder / "data")} | more
    command = [sys.executable, "-m", "service", "serve", "--port", "0", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_an_outbox_that_others_could_see_is_refused_at_start(tmp_path: Path) -> None:
    refused = ended(tmp_path, "--host", "0.0.0.0")
    assert refused.returncode == 1
    assert refused.stderr.startswith("filiation: The outbox shows messages")
    assert refused.stderr.count("\n") == 1
    # It did not come to the point of starting a database.
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("FILIATION_PORT", "eighty"),
        ("FILIATION_POOL_SIZE", "0"),
        ("FILIATION_SMS_GATEWAY", "pigeon"),
        ("FILIATION_SMS_PREFIXES", "336,+337"),
        ("FILIATION_KANNEL_URL", "kannel:13013/cgi-bin/sendsms"),
        ("FILIATION_WEBHOOK_ALLOW_PRIVATE", "perhaps"),
        ("FILIATION_MASTER_SECRET", "of no use"),
        ("FILIATION_MASTER_SECRET_FILE", "/nowhere/secret"),
    ],
)
def test_a_setting_that_cannot_be_is_named_in_one_sentence(tmp_path: Path, setting: str, value: str) -> None:
    refused = ended(tmp_path, **{setting: value})
    assert refused.returncode == 1
    assert refused.stderr.startswith("filiation: ")
    assert setting in refused.stderr
    assert value not in refused.stderr, "it may be a secret"
    assert refused.stderr.count("\n") == 1


def test_a_database_that_does_not_answer_is_told_in_one_sentence(tmp_path: Path) -> None:
    nobody = "postgresql://somebody:open-sesame@127.0.0.1:1/filiation"
    refused = ended(tmp_path, DATABASE_URL=nobody, FILIATION_MASTER_SECRET=SECRET)
    assert refused.returncode == 1
    assert refused.stderr.startswith("filiation: The database cannot be reached: ")
    assert "open-sesame" not in refused.stderr
    assert refused.stderr.count("\n") == 1
