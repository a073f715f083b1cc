"""Forms of settings that are neither a number nor a path. An error says what is wrong, without the value."""

import re
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator

_HOST_AND_PORT: Final = re.compile(r"(?:[^\s:/@\[\]]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")
_LEADING_DIGITS: Final = re.compile("[1-9][0-9]{0,14}")

# What every message centre takes and shows as it was meant: SMPP names the kind of an originator, and Kannel would send
# accents as bytes that mean something else there.
ORIGINATOR: Final = re.compile(r"\+?[0-9]{3,15}|[A-Za-z](?:[A-Za-z0-9 .&'-]{0,9}[A-Za-z0-9])?")
"""Who a message is from: a number of 3 to 15 digits, or at most 11 signs, of which the first is a letter."""


def _host_and_port(value: str) -> str:
    match = _HOST_AND_PORT.fullmatch(value)
    if match is None or not 1 <= int(match["port"]) <= 65535:
        raise ValueError("it is not a host and a port from 1 to 65535. Write them as in kannel:13001 or [::1]:13001")
    return value


def _leading_digits(value: str) -> str:
    if not _LEADING_DIGITS.fullmatch(value):
        raise ValueError("it is not a list of leading digits. Write them without plus and zero, as in 336,337")
    return value


HostAndPort = Annotated[str, AfterValidator(_host_and_port)]
"""A host and a port, such as `kannel:13001`."""

LeadingDigits = Annotated[str, AfterValidator(_leading_digits)]
"""The first digits of numbers in E.164 form, such as `336`."""


def split(value: object) -> object:
    """The parts of a text between commas. Anything else is returned as it is."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


class GatewayKind(StrEnum):
    """How messages leave: shown on this machine only, or sent through a Kannel."""

    OUTBOX = "outbox"
    KANNEL = "kannel"
