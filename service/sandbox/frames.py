"""Frames between the service and a reader process, over one socket: a kind, a length, and the bytes.

The service sends the form of a part or of a piece of evidence, then its bytes in portions, then an empty portion. For a
part, the reader process answers with batches, and at last with an end or a refusal; for a piece of evidence, with a
verdict. The service reads all of that as untrusted input.
"""

import re
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from service.intake.columns.choice import MOST_COLUMNS, IgnoredColumn, ReadColumn
from service.intake.dates.order import SEPARATORS, OrderCounts, Separators
from service.intake.dialect import Dialect
from service.intake.errors import LONGEST_DETAIL, MANY_DIGITS, UnreadablePart
from service.intake.media import Format
from service.intake.names.meaning import NameMeaning
from service.intake.names.offset import MOST_SECONDS
from service.intake.names.roles import Role, is_name
from service.sandbox.batch import BrokenReader

PART, EVIDENCE, BYTES, BATCH, REFUSAL, END, VERDICT = b"F", b"G", b"P", b"B", b"R", b"E", b"V"
MOST_BYTES: Final = 64 << 20
"""The longest frame."""

_HEADER = struct.Struct("<cI")
_SLUG = re.compile(r"[a-z0-9_]{1,60}")
# More than any part has, and as many as a column of the database can hold.
_MOST_LINES: Final = 2**62


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


class Edges(NamedTuple):
    """Where a part may be cut off: its first or last line was rejected as half of one, and the last has no line end."""

    begins_cut: bool
    ends_cut: bool
    ends_open: bool


@dataclass(frozen=True, slots=True)
class End:
    """What is known after the last line.

    That is the dialect, the columns that were read, relevant ones that were not, how many dates show which order, of
    which signs between day and month, whether there is a header, where the format can have one, and how many rows of a
    workbook are hidden.
    """

    dialect: Dialect
    read_columns: list[ReadColumn]
    ignored_columns: list[IgnoredColumn]
    order_counts: OrderCounts
    separators: Separators
    edges: Edges
    has_header: bool | None
    hidden_rows: int | None


def pack_end(end: End) -> bytes:
    """The payload of END."""
    members = {
        "dialect": end.dialect.to_json(),
        "read_columns": [[column.role, column.name, column.position] for column in end.read_columns[:MOST_COLUMNS]],
        "ignored_columns": [[column.shown, column.stored] for column in end.ignored_columns[:MOST_COLUMNS]],
        "order_counts": [*end.order_counts],
        "separators": [*end.separators],
        "edges": [*end.edges],
        "has_header": end.has_header,
        "hidden_rows": end.hidden_rows,
    }
    return orjson.dumps(members, option=orjson.OPT_NON_STR_KEYS)


def unpack_end(payload: memoryview, form: Format) -> End:
    """The inverse of `pack_end`. Raises BrokenReader for anything that a reader process never sends."""
    try:
        members = orjson.loads(payload)
        dialect = Dialect.from_json(members["dialect"])
        read = [ReadColumn(Role(role), name, position) for role, name, position in members["read_columns"]]
        ignored = [IgnoredColumn(shown, stored) for shown, stored in members["ignored_columns"]]
        counts, separators = OrderCounts(*members["order_counts"]), Separators(*members["separators"])
        edges, has_header, hidden_rows = Edges(*members["edges"]), members["has_header"], members["hidden_rows"]
        sound = dialect.format is form and _is_sound(dialect)
    except (orjson.JSONDecodeError, ValueError, TypeError, KeyError, AttributeError):
        raise BrokenReader from None
    sound = sound and len(read) <= MOST_COLUMNS and all(map(_is_sound_column, read)) and len(ignored) <= MOST_COLUMNS
    if not (sound and all(_is_text(column.shown) and _is_text(column.stored) for column in ignored)):
        raise BrokenReader
    if not all(
        type(count) is int and 0 <= count <= _MOST_LINES
        for count in (*counts, 0 if hidden_rows is None else hidden_rows)
    ):
        raise BrokenReader
    texts: tuple[Any, ...] = (separators.decided, separators.open)
    if not all(isinstance(signs, str) and set(signs) <= {*SEPARATORS} for signs in texts):
        raise BrokenReader
    if not all(type(flag) is bool for flag in (*edges, bool(has_header) if has_header is None else has_header)):
        raise BrokenReader
    return End(dialect, read, ignored, counts, separators, edges, has_header, hidden_rows)


def _is_sound_column(column: ReadColumn) -> bool:
    position: Any = column.position
    return (column.name is None or _is_text(column.name)) and (
        position is None or (type(position) is int and 0 < position <= MOST_COLUMNS)
    )


def _is_sound(dialect: Dialect) -> bool:
    """Whether a dialect is as `intake` settles it: above all, it holds no text that may be a number."""
    sound_column = _is_position if dialect.format.has_positions else _is_text
    header: Any = [] if dialect.header is None else dialect.header
    sizes: tuple[Any, ...] = (dialect.width, dialect.filled)
    delimiter: Any = dialect.delimiter
    return (
        Role.PHONE in dialect.columns
        and all(map(sound_column, dialect.columns.values()))
        and all(map(_is_text, dialect.names.values()))
        and _is_sound_meaning(dialect.meaning)
        and isinstance(header, list)
        and len(header) <= MOST_COLUMNS
        and all(type(check) is int and 0 <= check <= 0xFFFF for check in header)
        and (delimiter is None or (isinstance(delimiter, str) and len(delimiter) == 1))
        and all(size is None or (type(size) is int and 0 < size <= MOST_COLUMNS) for size in sizes)
    )


def _is_sound_meaning(meaning: NameMeaning) -> bool:
    """Whether what names say is as `intake` finds it, and no number."""
    is_stated, seconds = meaning.offset
    flags: tuple[Any, ...] = (is_stated, meaning.is_international, meaning.has_calling_codes, meaning.country_decides)
    is_offset = seconds is None or (type(seconds) is int and abs(seconds) <= MOST_SECONDS)
    return is_offset and all(type(flag) is bool for flag in flags)


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
        sound = bool(_SLUG.fullmatch(slug)) and len(detail) <= LONGEST_DETAIL and detail.isprintable()
    except (orjson.JSONDecodeError, ValueError, TypeError, AttributeError):
        raise BrokenReader from None
    if not sound or MANY_DIGITS.search(detail):
        raise BrokenReader
    return UnreadablePart(slug, detail)
