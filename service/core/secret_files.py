"""Secrets from the environment or from files, as Docker, Kubernetes and systemd hand them over."""

import errno
import logging
import os
import stat
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from service.core.errors import ConfigurationError

log = logging.getLogger(__name__)

SUFFIX: Final = "_FILE"
"""`NAME_FILE` names the file that holds the secret of the variable `NAME`."""

_MOST_BYTES: Final = 64 * 1024
_BYTE_ORDER_MARK: Final = "\ufeff"
# Docker makes the files in this folder readable for everybody in the container, which has no other users.
_DOCKER_FOLDER: Final = Path("/run/secrets")


def read_secret(variable: str) -> str | None:
    """The secret of a variable, or of the file that its `_FILE` names; None if neither is set.

    Raises:
        ConfigurationError: both are set, or the file cannot be read, is empty, or holds no text. The text of the error
            contains nothing of the secret.
    """
    given, path = os.environ.get(variable), os.environ.get(variable + SUFFIX)
    if not path:
        return given or None
    if given:
        raise ConfigurationError(f"{variable} and {variable}{SUFFIX} are both set. Keep one of them.")
    secret = _text_of(variable + SUFFIX, Path(path))
    _warn_if_public(variable + SUFFIX, Path(path))
    return secret


def _text_of(variable: str, path: Path) -> str:
    """The text of a file without the line break at its end, which editors and `echo` add."""
    try:
        content = _content_of(path)
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or "it has no valid name"
        raise ConfigurationError(
            f"The file in {variable} cannot be read: {reason}. Check its path and permissions."
        ) from None
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    if text.startswith(_BYTE_ORDER_MARK):
        raise ConfigurationError(f"The file in {variable} begins with a byte order mark. Save it as UTF-8 without one.")
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret.strip():
        raise ConfigurationError(f"The file in {variable} is empty. Write the secret into it.")
    if any(sign in secret for sign in "\0\n\r") or len(content) > _MOST_BYTES:
        raise ConfigurationError(f"The file in {variable} is not one line of text. Write only the secret into it.")
    return secret


def _content_of(path: Path) -> bytes:
    """The first bytes of a file.

    Raises:
        OSError: it cannot be read. A pipe is refused, because it would keep the start waiting for a writer, and the
            processes that start later would find it empty.
    """
    with open(path, "rb", opener=_open_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "It is not a regular file")
        return file.read(_MOST_BYTES + 1)


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


@cache
def _warn_if_public(variable: str, path: Path) -> None:
    """Say once in a process that everybody on this machine can read the file, if that is so."""
    whole = path.absolute()
    if whole.is_relative_to(_DOCKER_FOLDER):
        return
    open_to_all = whole.stat().st_mode & stat.S_IROTH
    if open_to_all and all(folder.stat().st_mode & stat.S_IXOTH for folder in whole.parents):
        log.warning("Every user of this machine can read the file in %s. Run chmod 600 on it.", variable)


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting is a secret, which may also be in a file."""
    return field.annotation == SecretStr | None


def variable_of(settings: type[BaseSettings], name: str) -> str:
    """The environment variable of a setting."""
    alias = settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else f"{settings.model_config['env_prefix']}{name.upper()}"


class Source(PydanticBaseSettingsSource):
    """The settings that are secrets, from the environment or from files."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The secret of a setting."""
        secret = read_secret(variable_of(self.settings_cls, field_name)) if is_secret(field) else None
        return secret, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The secrets that are set in the environment, and not by the program itself."""
        fields = self.settings_cls.model_fields.items()
        open_fields = [(name, field) for name, field in fields if not self.current_state.keys() & {name, field.alias}]
        found = (self.get_field_value(field, name) for name, field in open_fields)
        return {name: value for value, name, _ in found if value is not None}
