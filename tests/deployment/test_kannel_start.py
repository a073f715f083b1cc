"""The start of Kannel with what a careless operator sets: one sentence, status 1, and nothing of a secret."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.kannel import SCRIPT

ACCOUNT = {
    "KANNEL_SMSC": "smpp",
    "KANNEL_SMSC_HOST": "smpp.example",
    "KANNEL_SMSC_PORT": "2775",
    "KANNEL_SMSC_USERNAME": "us",
    "KANNEL_SMSC_PASSWORD": "Zanz1bar",
}

# What is changed of the account, and how the sentence begins. An empty text is as good as nothing.
WRONG: list[tuple[Mapping[str, str], str]] = [
    ({"KANNEL_SMSC": "SMPP"}, "KANNEL_SMSC is neither smpp nor fake."),
    ({"KANNEL_SMSC": "cimd2"}, "KANNEL_SMSC is neither smpp nor fake."),
    ({"KANNEL_SMSC_HOST": ""}, "KANNEL_SMSC_HOST is not set."),
    ({"KANNEL_SMSC_HOST": "smpp.example:2775"}, "KANNEL_SMSC_HOST is not a name or an IPv4 address alone."),
    ({"KANNEL_SMSC_HOST": "smpp://smpp.example"}, "KANNEL_SMSC_HOST is not a name or an IPv4 address alone."),
    ({"KANNEL_SMSC_HOST": "smpp.example "}, "KANNEL_SMSC_HOST is not a name or an IPv4 address alone."),
    ({"KANNEL_SMSC_HOST": "[::1]"}, "KANNEL_SMSC_HOST is not a name or an IPv4 address alone."),
    ({"KANNEL_SMSC_PORT": ""}, "KANNEL_SMSC_PORT is not a number from 1 to 65535."),
    ({"KANNEL_SMSC_PORT": "smpp"}, "KANNEL_SMSC_PORT is not a number from 1 to 65535."),
    ({"KANNEL_SMSC_PORT": "0"}, "KANNEL_SMSC_PORT is not a number from 1 to 65535."),
    ({"KANNEL_SMSC_PORT": "65536"}, "KANNEL_SMSC_PORT is not a number from 1 to 65535."),
    ({"KANNEL_SMSC_PORT": "-1"}, "KANNEL_SMSC_PORT is not a number from 1 to 65535."),
    ({"KANNEL_SMSC_PORT": "027750"}, "KANNEL_SMSC_PORT is longer than 5 bytes"),
    ({"KANNEL_SMSC_USERNAME": ""}, "KANNEL_SMSC_USERNAME is not set."),
    ({"KANNEL_SMSC_PASSWORD": "Zanz1bar9"}, "KANNEL_SMSC_PASSWORD is longer than 8 bytes"),
    ({"KANNEL_SMSC_PASSWORD": "Zanz\n1"}, "KANNEL_SMSC_PASSWORD contains a line break"),
    ({"KANNEL_FOLDER": "/nowhere/spool"}, "/nowhere/spool cannot be closed to others."),
]


def refusal(folder: Path, changed: Mapping[str, str]) -> str:
    """What the script says, which must end by itself."""
    environment = {"PATH": os.defpath, "KANNEL_FOLDER": str(folder)} | ACCOUNT | dict(changed)
    ended = subprocess.run([SCRIPT], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (1, ""), ended
    assert ended.stderr.startswith("kannel: "), ended
    assert ended.stderr.endswith(".\n"), ended
    assert ended.stderr.count("\n") == 1, ended
    assert "Zanz" not in ended.stderr, ended
    return ended.stderr.removeprefix("kannel: ")


def test_account_that_cannot_work_is_refused_in_one_sentence(tmp_path: Path) -> None:
    said = [(changed, refusal(tmp_path, changed), begins) for changed, begins in WRONG]
    assert [case for case in said if not case[1].startswith(case[2])] == []
    assert list(tmp_path.iterdir()) == []


def test_password_in_a_file_that_cannot_be_used_is_refused_in_one_sentence(tmp_path: Path) -> None:
    folder, spool = tmp_path / "secrets", tmp_path / "spool"
    folder.mkdir()
    spool.mkdir()
    os.mkfifo(folder / "pipe")
    contents = {
        "empty": (b"\n", "is empty."),
        "mark": (b"\xef\xbb\xbfZanz1bar", "begins with a byte order mark."),
        "lines": (b"Za\n1\n", "contains a line break"),
        "zero": (b"Zanz\0bar", "contains a line break"),
        "long": (b"Zanz1bar9\n", "is longer than 8 bytes"),
    }
    for name, (content, _) in contents.items():
        (folder / name).write_bytes(content)
    reasons = {name: reason for name, (_, reason) in contents.items()}
    reasons |= dict.fromkeys(("pipe", "missing", ""), "cannot be read.")
    wrong = []
    for name, reason in reasons.items():
        changed = {"KANNEL_SMSC_PASSWORD": "", "KANNEL_SMSC_PASSWORD_FILE": str(folder / name)}
        said = refusal(spool, changed)
        if reason not in said or "KANNEL_SMSC_PASSWORD" not in said:
            wrong.append((name, said))
    assert wrong == []
    both = refusal(spool, {"KANNEL_SMSC_PASSWORD_FILE": str(folder / "long")})
    assert both == "KANNEL_SMSC_PASSWORD and KANNEL_SMSC_PASSWORD_FILE are both set. Keep one of them.\n"
