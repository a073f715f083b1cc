"""What `pip wheel` builds: all of the package, with its migrations. `make soak-wheel` installs it."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import make_url

import service
from tests.conftest import MASTER_SECRET

_PROJECT = Path(service.__file__).parents[1]
_PARTS = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "alembic", "service")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel installs."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in _PARTS:
        path = _PROJECT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, source)
    arguments = ("--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(source))
    subprocess.run([sys.executable, "-m", "pip", "wheel", *arguments], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def test_the_wheel_has_every_file_of_the_package_and_every_migration(unpacked: Path) -> None:
    assert _files(unpacked / "service") == _files(_PROJECT / "service") | {
        f"migrations/{name}" for name in _files(_PROJECT / "alembic")
    }


def _files(folder: Path) -> set[str]:
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in found if "__pycache__" not in path.parts}


def test_what_the_wheel_installs_migrates_an_empty_database(unpacked: Path, empty_dsn: str) -> None:
    database_url = make_url(empty_dsn).render_as_string(hide_password=False)
    environment = {"PYTHONPATH": str(unpacked), "DATABASE_URL": database_url, "FILIATION_MASTER_SECRET": MASTER_SECRET}
    command = [sys.executable, "-m", "service", "migrate"]
    done = subprocess.run(command, cwd=unpacked, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "migrated from nothing" in done.stdout
    # The migrations are those of the wheel: the folder beside the package would be this project's.
    assert not (unpacked / "alembic").exists()
