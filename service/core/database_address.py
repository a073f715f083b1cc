"""The address of a database as an operator writes it: checked, and completed with the password."""

import re
from typing import Final
from urllib.parse import quote

from pydantic import SecretStr

from service.core.errors import ConfigurationError

# RFC 3986, as far as libpq reads it. Signs that end a part are nowhere else, so that no part of a password that is not
# encoded is taken for a host, a port or an option, and shown.
_HOST: Final = r"(?:\[[0-9A-Fa-f:.]+\]|[\w.~%-]*)(?::[0-9]*)?"
_ADDRESS: Final = re.compile(
    r"(?P<scheme>postgres(?:ql)?://)(?:(?P<user>[\w.~!$&'()*+,;=%-]*)(?P<password>:[\w.~!$&'()*+,;=:%-]*)?@)?"
    rf"(?P<rest>{_HOST}(?P<others>(?:,{_HOST})*)(?:/(?P<name>[^/?#@\s]*))?(?P<options>\?[^#@\s]*)?)",
    re.ASCII,
)
_HOSTS_OPTION: Final = re.compile("[?&]host(?:addr)?=[^&]*(?:,|%2C)", re.IGNORECASE)
_WRONG_ENCODING: Final = re.compile("%(?![0-9A-Fa-f]{2})")

ENCODING_ADVICE: Final = (
    "Percent-encode its password (`@` as %40, `/` as %2F, `%` as %25), or put that into DATABASE_PASSWORD."
)


def require_address(variable: str, address: str) -> re.Match[str]:
    """The parts of the address in a variable.

    Raises:
        ConfigurationError: it is malformed. It is not quoted, because it may contain a password.
    """
    if not re.match(r"postgres(ql)?://", address):
        raise ConfigurationError(
            f"{variable} is not an address of PostgreSQL. Set it to postgresql://role:password@host/database."
        )
    parts = _ADDRESS.fullmatch(address)
    if parts is None or _WRONG_ENCODING.search(address):
        raise ConfigurationError(f"{variable} has signs that mean something else in an address. {ENCODING_ADVICE}")
    if parts["others"] or _HOSTS_OPTION.search(parts["options"] or ""):
        raise ConfigurationError(
            f"{variable} names several hosts. Name one: the address that the primary server has, also after a failover."
        )
    # libpq would take the database that is called like the role.
    if not parts["name"] and "dbname=" not in (parts["options"] or ""):
        raise ConfigurationError(
            f"{variable} names no database. Add its name: postgresql://role:password@host/database."
        )
    return parts


def with_password(
    variable: str, address: SecretStr | None, password_variable: str, password: SecretStr | None
) -> SecretStr | None:
    """The address in a variable, with the password of another if that is set.

    Raises:
        ConfigurationError: the address is malformed, or there are two passwords, or one without an address. The text
            contains nothing of either.
    """
    if not address:
        if password:
            raise ConfigurationError(f"{password_variable} is set, but {variable} is not. Set the address as well.")
        return None
    parts = require_address(variable, address.get_secret_value())
    if not password:
        return address
    if parts["password"]:
        raise ConfigurationError(
            f"{variable} has a password, and {password_variable} is set as well. Take the password out of {variable}."
        )
    user, rest = parts["user"] or "", parts["rest"]
    return SecretStr(f"{parts['scheme']}{user}:{quote(password.get_secret_value(), safe='')}@{rest}")
