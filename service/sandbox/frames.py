"""Frames between the service and a reader process, over one socket: a kind, a length, and the bytes.

The service sends the part's form, then its bytes in portions, then an empty portion. The reader process answers with
batches, and at last with an end or a refusal. The service reads all of that as untrusted input.
"""

import re
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson

from service.intake.dialect import MOST_COLUMNS, Dialect, Role, is_name
from service.intake.errors import UnreadablePart
from service.intake.media import Format
from service.sandbox.batch import BrokenReader

BYTES, BATCH, REFUSAL, END = b"P", b"B", b"R", b"E"
MOST_BYTES: Final = 64 << 20
"""The longest frame."""

_HEADER = struct.Struct("<cI")
_SLUG = re.compile(r"[a-z0-9_]{1,60}")
_LONGEST_DETAIL = 2000
# Who reads a problem's text must not find a number in it.
_MANY_DIGITS = re.compile(r"(?:[0-9][^0-9A-Za-z]{0,2}){9}")


def send_frame(connection: socket.socket, kind: bytes, payload: bytes | memoryview) -> None:
    """Send a frame. Raises OSError if the other side is gone."""
    connection.sendall(_HEADER.pack(kind, len(payload)))
    connection.sendall(payload)


def receive_frame(
    connection: socket.socket, on_timeout: Callable[[], None] | None = None
) -> tuple[bytes, memoryview] | None:
    """The next frame; None if the other side closed the socket.

    If the socket has a timeout (SO_RCVTIMEO), `on_timeout` is called after it, and raises if there is no more to wait
    for. Raises BrokenReader if the frame is too long.
    """
    header = _receive(connection, _HEADER.size, on_timeout)
    if len(header) < _HEADER.size:
        return None
    kind, size = _HEADER.unpack(header)
    if size > MOST_BYTES:
        raise BrokenReader
    payload = _receive(connection, size, on_timeout)
    return None if len(payload) < size else (kind, payload)


def _receive(connection: socket.socket, size: int, on_timeout: Callable[[], None] | None) -> memoryview:
    """Up to `size` bytes: fewer if the socket was closed."""
    # Not filled with zeros first, as a bytearray is.
    data = np.empty(size, np.uint8).data
    at = 0
    while at < size:
        try:
            taken = connection.recv_into(data[at:], 0, socket.MSG_WAITALL)
        except BlockingIOError:
            if on_timeout is not None:
                on_timeout()
            continue
        if not taken:
            break
        at += taken
    return data[:at]


@dataclass(frozen=True, slots=True)
class End:
    """What is known after the last line: the dialect, and the names of columns that were not read."""

    dialect: Dialect
    ignored_columns: list[str]


def pack_end(dialect: Dialect, ignored_columns: list[str]) -> bytes:
    """The payload of END."""
    members = {"dialect": dialect.to_json(), "ignored_columns": ignored_columns[:MOST_COLUMNS]}
    return orjson.dumps(members, option=orjson.OPT_NON_STR_KEYS)


def unpack_end(payload: memoryview, form: Format) -> End:
    """The inverse of `pack_end`. Raises BrokenReader for anything that a reader process never sends."""
    try:
        members = orjson.loads(payload)
        ignored, stored = members["ignored_columns"], members["dialect"]
        dialect = Dialect.from_json(stored)
        sound = dialect.format is form and _is_sound(dialect) and all(isinstance(name, str) for name in ignored)
    except (orjson.JSONDecodeError, ValueError, TypeError, KeyError, AttributeError):
        raise BrokenReader from None
    if not (sound and isinstance(ignored, list) and len(ignored) <= MOST_COLUMNS and all(map(is_name, ignored))):
        raise BrokenReader
    return End(dialect, ignored)


def _is_sound(dialect: Dialect) -> bool:
    """Whether a dialect is as `intake` settles it: above all, it holds no text that may be a number."""
    sound_column = _is_position if dialect.format is Format.CSV else _is_text
    header: dict[Any, Any] = dialect.header or {}
    width: Any = dialect.width
    delimiter: Any = dialect.delimiter
    return (
        Role.PHONE in dialect.columns
        and all(map(sound_column, dialect.columns.values()))
        and len(header) <= MOST_COLUMNS
        and all(_is_position(at) and (name == "" or _is_text(name)) for at, name in header.items())
        and (delimiter is None or (isinstance(delimiter, str) and len(delimiter) == 1))
        and (width is None or (type(width) is int and 0 < width <= MOST_COLUMNS))
    )


def _is_position(value: Any) -> bool:
    return type(value) is int and 0 <= value < MOST_COLUMNS


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and is_name(value)


def pack_refusal(refusal: UnreadablePart) -> bytes:
    """The payload of REFUSAL."""
    return orjson.dumps([refusal.slug, refusal.detail])


def unpack_refusal(payload: memoryview) -> UnreadablePart:
    """The inverse of `pack_refusal`. Raises BrokenReader for anything that a reader process never sends."""
    try:
        slug, detail = orjson.loads(payload)
        sound = bool(_SLUG.fullmatch(slug)) and len(detail) <= _LONGEST_DETAIL and detail.isprintable()
    except (orjson.JSONDecodeError, ValueError, TypeError, AttributeError):
        raise BrokenReader from None
    if not sound or _MANY_DIGITS.search(detail):
        raise BrokenReader
    return UnreadablePart(slug, detail)
