"""Parts of the system that some tests need and no Python package brings: Kannel and Chromium.

A test without its part is skipped, and the run ends with a line that nobody overlooks. Where CI is set, it fails: there
a missing part is a mistake of the machine's.
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final, TypeVar

import pytest
from playwright.sync_api import sync_playwright

Found = TypeVar("Found")

PACKAGES: Final = {"Kannel": ("kannel", "kannel-extras"), "Chromium": ("chromium",)}


def require(part: str, found: Found | None) -> Found:
    """What was found of a part of the system. If it is not there, the test is skipped, or fails where CI is set."""
    if found is not None:
        return found
    packages = " ".join(PACKAGES[part])
    if os.environ.get("CI"):
        pytest.fail(f"{part} is missing: apt-get install {packages}", pytrace=False)
    pytest.skip(f"{part} is missing: apt-get install {packages}")


def closing_line(skipped: Iterable[str]) -> str | None:
    """What to install so that tests which were skipped, for these reasons, can run; None if none wants a part."""
    reasons = list(skipped)
    missing = [part for part in sorted(PACKAGES) if any(f"{part} is missing" in reason for reason in reasons)]
    if not missing:
        return None
    packages = " ".join(package for part in missing for package in PACKAGES[part])
    return f"NOT TESTED, for want of {' and '.join(missing)}: apt-get install {packages}"


def find_program(*names: str) -> Path | None:
    """The first of these programs that there is, also where only root's shell looks, and Debian puts test programs."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/lib/kannel/test"])
    return next((Path(found) for name in names if (found := shutil.which(name, path=path))), None)


def find_chromium() -> Path | None:
    """A Chromium: the system's, Google's, or the one that Playwright manages."""
    found = find_program("chromium", "google-chrome")
    if found is None:
        with sync_playwright() as playwright:
            managed = Path(playwright.chromium.executable_path)
        found = managed if managed.exists() else None
    return found
