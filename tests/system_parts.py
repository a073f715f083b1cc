"""Parts of the system that some tests need and that no Python package contains: Caddy, Chromium and Kannel.

A test without its part is skipped, and the run ends with a line that says so. Where CI is set the test fails, because
there a missing part is an error of the machine.
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final, TypeVar

import pytest
from playwright.sync_api import sync_playwright

Found = TypeVar("Found")

PACKAGES: Final = {"Caddy": ("caddy",), "Chromium": ("chromium",), "Kannel": ("kannel",)}


def require(part: str, found: Found | None) -> Found:
    """`found`, a part of the system. If it is None, the test is skipped, or fails where CI is set."""
    if found is not None:
        return found
    packages = " ".join(PACKAGES[part])
    if os.environ.get("CI"):
        pytest.fail(f"{part} is missing: apt-get install {packages}", pytrace=False)
    pytest.skip(f"{part} is missing: apt-get install {packages}")


def closing_line(skipped: Iterable[str]) -> str | None:
    """What to install, given the reasons of skipped tests. None if no reason is a missing part."""
    reasons = list(skipped)
    missing = [part for part in sorted(PACKAGES) if any(f"{part} is missing" in reason for reason in reasons)]
    if not missing:
        return None
    packages = " ".join(package for part in missing for package in PACKAGES[part])
    return f"NOT TESTED without {' and '.join(missing)}: apt-get install {packages}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """End with what could not be tested here, if anything. pytest calls this, since `conftest.py` has it."""
    # Whichever process skipped it, its report comes here.
    line = closing_line(str(report.longrepr) for report in terminalreporter.stats.get("skipped", ()))
    if line is not None:
        terminalreporter.section("system parts", sep="!", red=True, bold=True)
        terminalreporter.write_line(line, red=True, bold=True)


def find_program(*names: str) -> Path | None:
    """The first of these programs that exists, also in the folder of root's shell."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
    return next((Path(found) for name in names if (found := shutil.which(name, path=path))), None)


def find_chromium() -> Path | None:
    """A Chromium: the system's, Google's, or the one that Playwright manages."""
    found = find_program("chromium", "google-chrome")
    if found is None:
        with sync_playwright() as playwright:
            managed = Path(playwright.chromium.executable_path)
        found = managed if managed.exists() else None
    return found
