"""Reads and writes structs of Thrift's compact protocol, in which Parquet describes itself.

A struct is a dictionary from field ids to pairs of type and value. Strings are bytes, lists are pairs of the type of
their items and the items. Written again, a struct is what it was.
"""

from collections.abc import Callable
from typing import Any, Final

BOOL_TRUE, BOOL_FALSE, I8, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
_DEEPEST: Final = 16
_LONG_LIST = 15
_VARINT_BITS = 70

Struct = dict[int, tuple[int, Any]]
"""Field ids to pairs of type and value."""


class NotThrift(ValueError):
    """The bytes are not a struct of the compact protocol."""


class Reader:
    """Reads from `at` on, where the next struct begins after one has been read. Raises NotThrift."""

    def __init__(self, data: bytes | memoryview, at: int = 0) -> None:
        self._data = data
        self.at = at

    def struct(self, depth: int = 0) -> Struct:
        """The struct that begins here."""
        found: Struct = {}
        field = 0
        if depth > _DEEPEST:
            raise NotThrift
        while header := self._byte():
            kind, delta = header & 15, header >> 4
            field = field + delta if delta else self._signed()
            found[field] = (kind, self._value(kind, depth))
        return found

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (BOOL_TRUE, BOOL_FALSE):
            return kind == BOOL_TRUE
        if kind in (I16, I32, I64):
            return self._signed()
        reads: dict[int, Callable[[], Any]] = {
            I8: self._byte,
            DOUBLE: lambda: self._take(8),
            BINARY: lambda: self._take(self._unsigned()),
            STRUCT: lambda: self.struct(depth + 1),
            LIST: lambda: self._list(depth + 1),
            SET: lambda: self._list(depth + 1),
        }
        if kind not in reads:
            raise NotThrift
        return reads[kind]()

    def _list(self, depth: int) -> tuple[int, list[Any]]:
        header = self._byte()
        kind, size = header & 15, header >> 4
        if size == _LONG_LIST:
            size = self._unsigned()
        # Each item takes at least a byte.
        if size > len(self._data) - self.at or depth > _DEEPEST:
            raise NotThrift
        if kind in (BOOL_TRUE, BOOL_FALSE):
            return kind, [self._byte() for _ in range(size)]
        return kind, [self._value(kind, depth) for _ in range(size)]

    def _byte(self) -> int:
        if self.at >= len(self._data):
            raise NotThrift
        self.at += 1
        return self._data[self.at - 1]

    def _take(self, size: int) -> bytes:
        if size > len(self._data) - self.at:
            raise NotThrift
        self.at += size
        return bytes(self._data[self.at - size : self.at])

    def _unsigned(self) -> int:
        value = 0
        for shift in range(0, _VARINT_BITS, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise NotThrift

    def _signed(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)


def write_struct(struct: Struct) -> bytes:
    """A struct as bytes."""
    parts: list[bytes] = []
    for field in sorted(struct):
        kind, value = struct[field]
        # The long form of a header: the type, then the id of the field.
        parts += [bytes([kind]), _signed(field), b"" if kind in (BOOL_TRUE, BOOL_FALSE) else _written(kind, value)]
    return b"".join(parts) + b"\0"


def _written(kind: int, value: Any) -> bytes:
    if kind in (I16, I32, I64):
        return _signed(value)
    if kind == BINARY:
        return _unsigned(len(value)) + bytes(value)
    if kind == STRUCT:
        return write_struct(value)
    if kind in (LIST, SET):
        item, items = value
        written = (bytes([part]) if item in (BOOL_TRUE, BOOL_FALSE) else _written(item, part) for part in items)
        return bytes([_LONG_LIST << 4 | item]) + _unsigned(len(items)) + b"".join(written)
    return bytes([value]) if kind == I8 else bytes(value)


def _signed(value: int) -> bytes:
    return _unsigned(value * 2 if value >= 0 else -value * 2 - 1)


def _unsigned(value: int) -> bytes:
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    written.append(value)
    return bytes(written)
