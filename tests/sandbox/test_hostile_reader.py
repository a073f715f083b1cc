"""What a reader process can reach, and what the service makes of whatever one does."""

import os
import platform
import signal
import sys
from collections.abc import Iterator

import pytest

from service.intake.columns.choice import ColumnChoice
from service.intake.errors import UnreadablePart
from service.sandbox.launcher import Launcher
from tests.sandbox.builders import outcome, read


@pytest.fixture(scope="module")
def hostile() -> Iterator[Launcher]:
    """Reader processes that files have taken over."""
    launcher = Launcher("tests.sandbox.hostile_reader")
    yield launcher
    launcher.close()


def test_reader_process_reaches_no_secret_file_or_network(hostile: Launcher, monkeypatch: pytest.MonkeyPatch) -> None:
    """That no key is in its memory cannot be shown. It never had it: it began with nothing of the service."""
    monkeypatch.setenv("FILIATION_MASTER_SECRET", "5e" * 32)
    with pytest.raises(UnreadablePart) as seen:
        read(hostile, b"", columns=ColumnChoice(phone="look"))
    facts = dict(fact.split(": ", 1) for fact in seen.value.detail.split("; "))
    refused = {"Too many open files"}
    assert facts.pop("environment") == "{}"
    assert facts.pop("foreign") == "[]"
    assert (facts.pop("files"), facts.pop("sockets")) == ("0", "1")
    assert facts.pop("arguments") == "tests.sandbox.hostile_reader"
    by_filter = {facts.pop(name) for name in ("memory of another", "signal", "fork", "deleting")}
    if platform.machine() in ("x86_64", "aarch64") and sys.platform == "linux":
        assert by_filter == {"Operation not permitted"}
        refused.add("Operation not permitted")
    assert set(facts) == {"reading", "writing", "tcp", "unix", "pipe"}
    assert set(facts.values()) <= refused


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        ("crash", "reader_failed"),
        ("leave", "reader_failed"),
        ("abort", "too_much_memory"),
        ("eat", "too_much_memory"),
        ("burn", "takes_too_long"),
        ("be ended from outside", "lost"),
        ("lie about a batch", "reader_failed"),
        ("lie about the end", "reader_failed"),
        ("lie about a refusal", "reader_failed"),
        ("announce too much", "reader_failed"),
        ("use another kind", "reader_failed"),
    ],
)
def test_reader_process_that_ends_or_lies_gives_a_clear_error(hostile: Launcher, act: str, expected: str) -> None:
    assert outcome(hostile, b"0639984001\n", columns=ColumnChoice(phone=act)) == expected


def test_template_process_that_is_lost_is_started_again() -> None:
    launcher = Launcher()
    try:
        assert outcome(launcher, b"0639984001\n") == "read"
        os.kill(launcher.template().pid, signal.SIGKILL)
        assert outcome(launcher, b"0639984001\n") in ("lost", "read")
        assert outcome(launcher, b"0639984001\n") == "read"
    finally:
        launcher.close()
