"""A missing part of the system is reported in a closing line, and fails the run in CI."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system_parts import find_chromium, find_program

ROOT = Path(__file__).parents[1]


@pytest.fixture
def without_kannel(tmp_path: Path) -> Path:
    """A folder of tests, two of which need parts that are missing."""
    (tmp_path / "conftest.py").write_text("from tests.system_parts import pytest_terminal_summary\n")
    (tmp_path / "test_it.py").write_text(
        "from tests.system_parts import require\n"
        "def test_fine(): pass\n"
        "def test_parts(): assert require('Kannel', None)\n"
        "def test_more_parts(): assert require('Chromium', None)\n"
    )
    return tmp_path


def run(folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | variables
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", os.devnull, str(folder)]
    # The plugins of the other tests take seconds to import.
    environment |= {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_missing_part_skips_tests_with_a_closing_line(without_kannel: Path) -> None:
    ended = run(without_kannel)
    assert ended.returncode == 0
    assert "1 passed, 2 skipped" in ended.stdout
    assert "NOT TESTED without Chromium and Kannel: apt-get install chromium kannel" in ended.stdout


def test_missing_part_in_ci_fails_the_tests(without_kannel: Path) -> None:
    ended = run(without_kannel, CI="true")
    assert ended.returncode == 1
    assert "2 failed, 1 passed" in ended.stdout
    assert "Kannel is missing: apt-get install kannel" in ended.stdout
    assert "NOT TESTED" not in ended.stdout


def test_find_program_searches_the_path_and_debians_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    program = tmp_path / "a-program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_program("no-such-program", "a-program") == program
    assert find_program("no-such-program") is None


def test_find_chromium_is_a_program_or_none() -> None:
    found = find_chromium()
    assert found is None or os.access(found, os.X_OK)
