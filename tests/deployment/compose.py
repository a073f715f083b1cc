"""docker-compose.yml as Compose reads it: YAML, then variables in every value, by the Compose specification."""

import re
import subprocess
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
FILE: Final = ROOT / "docker-compose.yml"

# `$$` is a dollar; a variable may have a default (`-`), be required (`?`), or be replaced if it is set (`+`).
_VARIABLE: Final = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)(?:(:?[-?+])((?:[^${}]|\$\$)*))?\}|)")


class Missing(Exception):
    """A variable that must be set is not, or is empty. The text is what Compose prints."""


def read_compose(environment: Mapping[str, str]) -> Any:
    """The file with the variables of an environment put in."""
    return _filled(yaml.safe_load(FILE.read_text(encoding="utf-8")), environment)


def _filled(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, environment) for item in value]
    return interpolated(value, environment) if isinstance(value, str) else value


def interpolated(text: str, environment: Mapping[str, str]) -> str:
    """`text` with its variables replaced (Compose specification, "Interpolation"). A value is not read again."""
    return _VARIABLE.sub(partial(_value, environment), text)


def _value(environment: Mapping[str, str], found: re.Match[str]) -> str:
    dollar, plain, braced, operator, operand = found.groups()
    if dollar:
        return "$"
    name = plain or braced
    if not name:
        raise ValueError(f"Not an interpolation of Compose: {found.string[found.start() :][:40]}")
    value, kind = environment.get(name), (operator or "")[-1:]
    is_set = bool(value) if (operator or "").startswith(":") else value is not None
    operand = (operand or "").replace("$$", "$")
    if kind == "+":
        return operand if is_set else ""
    if kind == "?" and not is_set:
        raise Missing(f"required variable {name} is missing a value: {operand}")
    return operand if kind == "-" and not is_set else value or ""


def required_variables() -> set[str]:
    """The names in every `${NAME:?…}` of the file."""
    text = "\n".join(line.partition(" #")[0] for line in FILE.read_text(encoding="utf-8").splitlines())
    return set(re.findall(r"(?<!\$)\$\{(\w+):?\?", text))


def documented_commands() -> str:
    """The shell commands of the file's first comment: what is indented there."""
    comment = FILE.read_text(encoding="utf-8").partition("\nx-")[0]
    return "".join(f"{line[4:]}\n" for line in comment.splitlines() if line.startswith("#   "))


def documented_environment(folder: Path) -> dict[str, str]:
    """The variables that the documented commands write to `.env`, when they are run in a folder by a real shell."""
    subprocess.run(["/bin/sh", "-eu", "-c", documented_commands()], cwd=folder, check=True, timeout=60)
    return read_dotenv(folder / ".env")


def read_dotenv(path: Path) -> dict[str, str]:
    """The variables of a `.env`: values that need no quotes, and those between single quotes, which are as they are.

    Compose would read others in ways of its own.
    """
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    plain = [re.fullmatch(r"([A-Z_]+)=(?:([A-Za-z0-9_.:/@-]*)|'([^'\\]*)')", line) for line in lines]
    assert all(plain), "a line of .env is neither a plain assignment nor one between single quotes"
    return {match[1]: match[2] or match[3] or "" for match in plain if match}
