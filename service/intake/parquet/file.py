"""The parts of a Parquet file: its schema, and each column of a row group as a Parquet file of its own.

A dictionary of one value of a megabyte, used a million times, is a file of a few hundred bytes. So the size of all
cells is computed before polars decodes any. Polars reads one column of one row group at a time, from memory, by a
description that is written here.
"""

import io
from collections.abc import Iterator
from itertools import pairwise
from typing import BinaryIO, Final, NamedTuple

import polars as pl

from service.intake.errors import UnreadablePart
from service.intake.parquet.thrift import BINARY, I32, I64, LIST, STRUCT, NotThrift, Reader, Struct, write_struct

_MAGIC: Final = b"PAR1"
_TAIL_BYTES: Final = 8
_MOST_FOOTER_BYTES: Final = 8 << 20
_MOST_COLUMN_BYTES: Final = 64 << 20
_MOST_PAGE_BYTES: Final = 32 << 20

# Fields of parquet.thrift.
_SCHEMA, _ROWS, _ROW_GROUPS = 2, 3, 4
_TYPE, _TYPE_LENGTH, _REPETITION, _NAME, _CHILDREN = 1, 2, 3, 4, 5
_COLUMNS, _GROUP_BYTES, _GROUP_ROWS = 1, 2, 3
_META_DATA = 3
_CODEC, _VALUES, _UNCOMPRESSED, _COMPRESSED, _DATA_AT, _DICTIONARY_AT = 4, 5, 6, 7, 9, 11
_STATISTICS, _NULLS = 12, 3
_KEPT_OF_META_DATA = (1, 2, 3, 4, 5, 6, 7, 9, 11)
_PAGE_TYPE, _PAGE_UNCOMPRESSED, _PAGE_COMPRESSED, _DATA_PAGE, _DICTIONARY_PAGE, _DATA_PAGE_V2 = 1, 2, 3, 5, 7, 8
_PAGE_VALUES, _PAGE_ENCODING, _PAGE_ENCODING_V2 = 1, 2, 4

_REPEATED = 2
_CONVERTED_TYPE, _LOGICAL_TYPE = 6, 10
_CONVERTED_TIMESTAMPS = (9, 10)
_INT96, _BYTE_ARRAY, _FIXED_BYTES = 3, 6, 7
_PLAIN, _BY_DICTIONARY = 0, (2, 8)
# No other type has longer cells as text.
_LONGEST_OF_OTHER_TYPES = 40


class NotParquet(ValueError):
    """The bytes are no Parquet file, or one that contradicts itself."""


class _Page(NamedTuple):
    """A page: whether it is the dictionary, how many values it has and how, its size, and where its bytes are."""

    is_dictionary: bool
    values: int
    encoding: int
    uncompressed: int
    start: int
    end: int


class Column(NamedTuple):
    """A column of one row group: a Parquet file with nothing else, and the most bytes that its cells can have."""

    file: bytes
    most_bytes: int


class ParquetFile:
    """A Parquet file that is open. All methods raise NotParquet or UnreadablePart."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        size = file.seek(0, io.SEEK_END)
        footer, self._end = _footer(file, size)
        schema = _list(footer, _SCHEMA)
        self._groups: list[Struct] = _list(footer, _ROW_GROUPS)
        self._leaves = dict(_top_leaves(schema))
        self.names: list[str] = list(_top_names(schema))
        self.inner_names: list[str] = list(_inner_names(schema))
        """The names of what is inside of nested columns, each behind that of its column: `address.country`."""

    @property
    def rows(self) -> list[int]:
        """The rows of each row group."""
        return [_number(group, _GROUP_ROWS) for group in self._groups]

    def is_flat(self, name: str) -> bool:
        """Whether the cells of a column are single values."""
        return name in self._leaves

    def is_empty(self, name: str) -> bool:
        """Whether a column has no value, as the file says. A writer may leave that out."""
        return name in self._leaves and all(self._has_nulls_alone(group, name) for group in self._groups)

    def _has_nulls_alone(self, group: Struct, name: str) -> bool:
        meta = self._meta(group, name)
        if _STATISTICS not in meta:
            return False
        statistics = _struct(meta, _STATISTICS)
        return _NULLS in statistics and _number(statistics, _NULLS) == _number(meta, _VALUES)

    def _meta(self, group: Struct, name: str) -> Struct:
        place = self._leaves[name][0]
        chunks: list[Struct] = _list(group, _COLUMNS)
        if place >= len(chunks):
            raise NotParquet
        return _struct(chunks[place], _META_DATA)

    def has_times_in_utc(self, name: str) -> bool:
        """Whether a flat column has times in UTC although no logical type says so.

        Spark means INT96 so, and the converted types TIMESTAMP_MILLIS and TIMESTAMP_MICROS are instants
        (LogicalTypes.md of Parquet).
        """
        element = self._leaves[name][1]
        if _number(element, _TYPE) == _INT96:
            return True
        return _LOGICAL_TYPE not in element and _count(element, _CONVERTED_TYPE) in _CONVERTED_TIMESTAMPS

    def column(self, group: int, name: str) -> Column:
        """A column of a row group."""
        _, element = self._leaves[name]
        meta = self._meta(self._groups[group], name)
        start = _number(meta, _DATA_AT)
        if _DICTIONARY_AT in meta and 0 < _number(meta, _DICTIONARY_AT) < start:
            start = _number(meta, _DICTIONARY_AT)
        size = _number(meta, _COMPRESSED)
        if size > _MOST_COLUMN_BYTES:
            raise UnreadablePart(
                "large_row_groups",
                f"A column of a row group has more than {_MOST_COLUMN_BYTES >> 20} MiB. Write row groups of at most "
                "1,000,000 rows.",
            )
        if start < len(_MAGIC) or start + size > self._end:
            raise NotParquet
        self._file.seek(start)
        data = self._file.read(size)
        moved = {field: meta[field] for field in _KEPT_OF_META_DATA if field in meta}
        for field in (_DATA_AT, _DICTIONARY_AT):
            if field in moved:
                moved[field] = (I64, moved[field][1] - start + len(_MAGIC))
        return Column(
            _written(data, element, moved, _number(self._groups[group], _GROUP_ROWS)),
            _most_bytes(data, element, _number(meta, _CODEC)),
        )


def _footer(file: BinaryIO, size: int) -> tuple[Struct, int]:
    """What the file says of itself, and where that begins."""
    file.seek(max(size - _TAIL_BYTES, 0))
    tail = file.read(_TAIL_BYTES)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != _MAGIC or length > size - _TAIL_BYTES - len(_MAGIC):
        raise NotParquet
    if length > _MOST_FOOTER_BYTES:
        raise UnreadablePart(
            "large_footer",
            f"The description at the end of the file has more than {_MOST_FOOTER_BYTES >> 20} MiB. Write it with fewer "
            "columns and row groups.",
        )
    begin = size - _TAIL_BYTES - length
    file.seek(begin)
    try:
        return Reader(file.read(length)).struct(), begin
    except NotThrift as problem:
        raise NotParquet from problem


def _top_names(schema: list[Struct]) -> Iterator[str]:
    for place, _ in _top(schema):
        yield _text(schema[place], _NAME)


def _inner_names(schema: list[Struct]) -> Iterator[str]:
    places = [place for place, _ in _top(schema)]
    for place, end in pairwise([*places, len(schema)]):
        for inner in schema[place + 1 : end]:
            yield f"{_text(schema[place], _NAME)}.{_text(inner, _NAME)}"


def _top_leaves(schema: list[Struct]) -> Iterator[tuple[str, tuple[int, Struct]]]:
    """The columns whose cells are single values, by name: their places among all leaves, and their elements."""
    for place, leaf in _top(schema):
        element = schema[place]
        if not _count(element, _CHILDREN) and _count(element, _REPETITION) != _REPEATED:
            yield _text(element, _NAME), (leaf, element)


def _top(schema: list[Struct]) -> Iterator[tuple[int, int]]:
    """The place of each column in the schema, and how many leaves come before it."""
    if not schema:
        raise NotParquet
    place, leaves = 1, 0
    for _ in range(_count(schema[0], _CHILDREN)):
        if place >= len(schema):
            raise NotParquet
        yield place, leaves
        waiting = 1
        while waiting:
            if place >= len(schema):
                raise NotParquet
            children = _count(schema[place], _CHILDREN)
            waiting += children - 1
            leaves += not children
            place += 1


def _most_bytes(data: bytes, element: Struct, codec: int) -> int:
    """The most bytes that the cells of a column can have. Nothing is decoded but its dictionary."""
    kind, total, longest = _number(element, _TYPE), 0, 0
    width = _count(element, _TYPE_LENGTH) if kind == _FIXED_BYTES else _LONGEST_OF_OTHER_TYPES
    for page in _pages(data):
        if page.is_dictionary:
            longest = _longest(data, page, codec) if kind == _BYTE_ARRAY else width
        elif kind != _BYTE_ARRAY:
            total += page.values * width
        elif page.encoding in _BY_DICTIONARY:
            total += page.values * (longest + 1)
        else:
            # Delta lengths and plain values are as long as they say. Incremental ones can be longer; the memory limit
            # of the process ends them.
            total += page.uncompressed + page.values
    return total


def _pages(data: bytes) -> Iterator[_Page]:
    at = 0
    while at < len(data):
        reader = Reader(data, at)
        try:
            header = reader.struct()
        except NotThrift as problem:
            raise NotParquet from problem
        start, uncompressed = reader.at, _number(header, _PAGE_UNCOMPRESSED)
        at = start + _number(header, _PAGE_COMPRESSED)
        if at > len(data) or uncompressed > _MOST_PAGE_BYTES:
            raise NotParquet
        for field in (_DATA_PAGE, _DICTIONARY_PAGE, _DATA_PAGE_V2):
            if field in header:
                page = _struct(header, field)
                encoding = _number(page, _PAGE_ENCODING_V2 if field == _DATA_PAGE_V2 else _PAGE_ENCODING)
                values = _number(page, _PAGE_VALUES)
                yield _Page(field == _DICTIONARY_PAGE, values, encoding, uncompressed, start, at)


def _longest(data: bytes, page: _Page, codec: int) -> int:
    """The length of the longest value of a dictionary, which is read as a column without repetitions."""
    payload = data[page.start : page.end]
    if page.values > page.uncompressed:
        raise NotParquet
    inner: Struct = {
        _PAGE_VALUES: (I32, page.values),
        _PAGE_ENCODING: (I32, _PLAIN),
        3: (I32, 3),
        4: (I32, 3),
    }
    header: Struct = {
        _PAGE_TYPE: (I32, 0),
        _PAGE_UNCOMPRESSED: (I32, page.uncompressed),
        _PAGE_COMPRESSED: (I32, len(payload)),
        _DATA_PAGE: (STRUCT, inner),
    }
    column = write_struct(header) + payload
    element: Struct = {_TYPE: (I32, _BYTE_ARRAY), _REPETITION: (I32, 0), _NAME: (BINARY, b"value")}
    meta: Struct = {
        1: (I32, _BYTE_ARRAY),
        2: (LIST, (I32, [_PLAIN])),
        3: (LIST, (BINARY, [b"value"])),
        _CODEC: (I32, codec),
        _VALUES: (I64, page.values),
        _UNCOMPRESSED: (I64, len(column) - len(payload) + page.uncompressed),
        _COMPRESSED: (I64, len(column)),
        _DATA_AT: (I64, len(_MAGIC)),
    }
    values = pl.read_parquet(io.BytesIO(_written(column, element, meta, page.values)))["value"]
    return int(values.bin.size().max() or 0)  # type: ignore[arg-type]


def _written(data: bytes, element: Struct, meta: Struct, rows: int) -> bytes:
    """A Parquet file of one column of one row group."""
    root: Struct = {_NAME: (BINARY, b"schema"), _CHILDREN: (I32, 1)}
    chunk: Struct = {2: (I64, 0), _META_DATA: (STRUCT, meta)}
    group: Struct = {
        _COLUMNS: (LIST, (STRUCT, [chunk])),
        _GROUP_BYTES: (I64, _number(meta, _UNCOMPRESSED)),
        _GROUP_ROWS: (I64, rows),
    }
    footer = write_struct(
        {
            1: (I32, 2),
            _SCHEMA: (LIST, (STRUCT, [root, element])),
            _ROWS: (I64, rows),
            _ROW_GROUPS: (LIST, (STRUCT, [group])),
        }
    )
    return b"".join((_MAGIC, data, footer, len(footer).to_bytes(4, "little"), _MAGIC))


def _number(struct: Struct, field: int) -> int:
    kind, value = struct.get(field, (0, None))
    if kind not in (I32, I64) or not 0 <= value < 1 << 62:
        raise NotParquet
    return int(value)


def _count(struct: Struct, field: int) -> int:
    return _number(struct, field) if field in struct else 0


def _struct(struct: Struct, field: int) -> Struct:
    kind, value = struct.get(field, (0, None))
    if kind != STRUCT:
        raise NotParquet
    found: Struct = value
    return found


def _list(struct: Struct, field: int) -> list[Struct]:
    kind, value = struct.get(field, (0, None))
    if kind != LIST or (value[0] != STRUCT and value[1]):
        raise NotParquet
    items: list[Struct] = value[1]
    return items


def _text(struct: Struct, field: int) -> str:
    kind, value = struct.get(field, (0, None))
    if kind != BINARY:
        raise NotParquet
    return bytes(value).decode(errors="replace")
