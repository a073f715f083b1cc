"""What Kannel's bearerbox and the boxes that connect to it write to each other (gw/msg-decl.h of Kannel 1.4.5).

A packet is its length, its kind and its fields, one after the other. Integers have four bytes, the highest first; -1
stands for none. A text is its length and its bytes; -1 stands for none. The documentation of Kannel does not describe
this, and nothing in a packet names a version. Kannel 1.4.4 and 1.4.5 write the same fields.
"""

import struct
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

_NONE: Final = -1
_INTEGER: Final = struct.Struct(">i")

MOST_BYTES: Final = 1024 * 1024
"""A packet that says that it is longer is no packet. The longest message has ten parts of 140 bytes."""


class MalformedPacket(ValueError):
    """Bytes that are no packet of Kannel. The text of this error contains none of them."""


class _Kind(IntEnum):
    HEARTBEAT = 0
    ADMIN = 1
    SMS = 2
    ACK = 3


class Command(IntEnum):
    """What one side asks of the other."""

    SHUTDOWN = 0
    SUSPEND = 1
    RESUME = 2
    IDENTIFY = 3
    RESTART = 4


class Way(IntEnum):
    """Where a message comes from and goes to."""

    FROM_TELEPHONE = 0
    TO_TELEPHONE = 2
    REPORT = 3


class Coding(IntEnum):
    """How the bytes of a message's text are to be read."""

    GSM = 0
    """UTF-8 here; Kannel converts it to and from the alphabet of GSM."""
    BYTES = 1
    UTF_16 = 2


class Taken(IntEnum):
    """What became of a message that was handed over."""

    ACCEPTED = 0
    REFUSED = 1
    REFUSED_FOR_NOW = 2
    WAITING = 3
    """No message centre is connected; Kannel sends the message later."""


@dataclass(frozen=True, slots=True)
class Admin:
    """A request of one side to the other. A box identifies itself, by a name or, with None, without any."""

    command: int
    box: bytes | None = None


@dataclass(frozen=True, slots=True)
class Ack:
    """The answer to a message: whoever gave it may forget it, unless it was refused."""

    id: uuid.UUID
    taken: int = Taken.ACCEPTED
    time: int = _NONE


@dataclass(frozen=True, slots=True)
class Sms:
    """A message, or the report on a message. Fields of Kannel's that the service neither sets nor reads are left out.

    Times are Unix times in seconds. `report_mask` asks for reports; in a report it is the code. `report_name` is what
    a report repeats of its message; Kannel's own smsbox keeps an address there.
    """

    id: uuid.UUID
    way: int
    sender: bytes
    receiver: bytes
    text: bytes
    time: int
    coding: int = Coding.GSM
    valid_until: int = _NONE
    report_mask: int = _NONE
    report_name: bytes | None = None

    def __repr__(self) -> str:
        # Neither a number nor a text reaches the text of an error.
        return f"Sms(id={self.id!r})"


@dataclass(frozen=True, slots=True)
class Other:
    """A packet that a box may ignore, such as a heartbeat."""

    kind: int


Packet = Admin | Ack | Sms | Other

# The fields of a message in their order: of each its name here, if it has one, and whether it is a text.
_SMS_FIELDS: Final[tuple[tuple[str | None, type], ...]] = (
    ("sender", bytes),
    ("receiver", bytes),
    (None, bytes),  # user data header
    ("text", bytes),
    ("time", int),
    (None, bytes),  # message centre
    (None, bytes),  # its number
    (None, bytes),  # its id of the message
    (None, bytes),  # service
    (None, bytes),  # account
    ("id", uuid.UUID),
    ("way", int),
    (None, int),  # message class
    (None, int),  # message waiting indicator
    ("coding", int),
    (None, int),  # compression
    ("valid_until", int),
    (None, int),  # not to be sent before
    ("report_mask", int),
    ("report_name", bytes),
    (None, int),  # protocol id
    (None, int),  # alternative coding scheme
    (None, int),  # reply path
    (None, bytes),  # character set
    (None, bytes),  # name of the box that sent the message, to which its reports would go
    (None, bytes),  # billing
    (None, int),  # parts that follow
    (None, int),  # priority
    (None, int),  # attempts
    (None, int),  # time of the next attempt
    (None, bytes),  # what the message centre added
)


def pack(packet: Admin | Ack | Sms) -> bytes:
    """The bytes of a packet, with its length before them."""
    if isinstance(packet, Admin):
        body = _packed(_Kind.ADMIN) + _packed(packet.command) + _packed_text(packet.box)
    elif isinstance(packet, Ack):
        body = _packed(_Kind.ACK) + _packed(packet.taken) + _packed(packet.time) + _packed_id(packet.id)
    else:
        body = _packed(_Kind.SMS) + b"".join(_packed_field(packet, name, kind) for name, kind in _SMS_FIELDS)
    return _packed(len(body)) + body


def _packed_field(message: Sms, name: str | None, kind: type) -> bytes:
    value = getattr(message, name) if name is not None else None
    if kind is int:
        return _packed(_NONE if value is None else value)
    return _packed_id(value) if isinstance(value, uuid.UUID) else _packed_text(value)


def _packed(value: int) -> bytes:
    return _INTEGER.pack(value)


def _packed_text(value: bytes | None) -> bytes:
    return _packed(_NONE) if value is None else _packed(len(value)) + value


def _packed_id(value: uuid.UUID) -> bytes:
    return _packed_text(str(value).encode())


def length_of(head: bytes) -> int:
    """How many bytes follow the first four of a packet.

    Raises:
        MalformedPacket: so many bytes are no packet.
    """
    (length,) = _INTEGER.unpack(head)
    if not _INTEGER.size <= length <= MOST_BYTES:
        raise MalformedPacket("Kannel sent a packet of an impossible length.")
    return int(length)


def unpack(body: bytes) -> Packet:
    """The packet with these bytes, which follow its length.

    Raises:
        MalformedPacket: they are no packet.
    """
    reader = _Reader(body)
    kind = reader.integer()
    if kind == _Kind.ADMIN:
        return Admin(command=reader.integer(), box=reader.text())
    if kind == _Kind.ACK:
        taken, moment = reader.integer(), reader.integer()
        return Ack(id=reader.id(), taken=taken, time=moment)
    if kind == _Kind.SMS:
        fields = dict(_fields(reader))
        return Sms(**fields | {name: fields[name] or b"" for name in ("sender", "receiver", "text")})
    return Other(kind)


def _fields(reader: "_Reader") -> Iterator[tuple[str, Any]]:
    read: dict[type, Callable[[], Any]] = {int: reader.integer, bytes: reader.text, uuid.UUID: reader.id}
    for name, kind in _SMS_FIELDS:
        value = read[kind]()
        if name is not None:
            yield name, value


class _Reader:
    """Reads the fields of a packet, one after the other."""

    def __init__(self, body: bytes) -> None:
        self._body, self._at = body, 0

    def integer(self) -> int:
        (value,) = _INTEGER.unpack(self._take(_INTEGER.size))
        return int(value)

    def text(self) -> bytes | None:
        length = self.integer()
        return None if length == _NONE else self._take(length)

    def id(self) -> uuid.UUID:
        try:
            return uuid.UUID((self.text() or b"").decode("ascii", "replace"))
        except ValueError:
            raise MalformedPacket("Kannel sent a packet whose id is no UUID.") from None

    def _take(self, length: int) -> bytes:
        taken = self._body[self._at : self._at + length] if length >= 0 else b""
        if len(taken) != length:
            raise MalformedPacket("Kannel sent a packet that ends too early.")
        self._at += length
        return taken
