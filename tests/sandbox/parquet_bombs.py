"""Parquet files that stand for far more than their bytes, made without expanding them."""

from collections.abc import Iterable
from itertools import pairwise

import zstandard

from service.intake.parquet.thrift import BINARY, I32, I64, LIST, STRUCT, Struct, write_struct

_BYTE_ARRAY, _PLAIN, _RLE, _BY_DICTIONARY, _INCREMENTAL = 6, 0, 3, 8, 7
_ZSTD = 6
_MAGIC = b"PAR1"


def dictionary_bomb(cell: bytes, rows: int, *, row_groups: int = 1, column: str = "phone") -> bytes:
    """One value, used by each of many rows: the file of F2 is `dictionary_bomb(b"6" * 1_000_000, 2_000_000)`."""
    value = len(cell).to_bytes(4, "little") + cell
    pages = [
        _page({1: (I32, 2), 7: (STRUCT, {1: (I32, 1), 2: (I32, _PLAIN)})}, value),
        _page({1: (I32, 0), 5: (STRUCT, _data(rows, _BY_DICTIONARY))}, b"\x01" + _varint(rows << 1) + b"\0"),
    ]
    return _file(pages, rows, row_groups, column, has_dictionary=True)


def incremental_bomb(cell: bytes, rows: int, *, column: str = "phone") -> bytes:
    """Each value is said to begin with the whole of the one before: a page of a few bytes for each long value."""
    lengths = _delta([0] + [len(cell)] * (rows - 1)) + _delta([len(cell)] + [0] * (rows - 1))
    return _file([_page({1: (I32, 0), 5: (STRUCT, _data(rows, _INCREMENTAL))}, lengths + cell)], rows, 1, column)


def _data(rows: int, encoding: int) -> Struct:
    return {1: (I32, rows), 2: (I32, encoding), 3: (I32, _RLE), 4: (I32, _RLE)}


def _page(header: Struct, payload: bytes) -> tuple[bytes, int]:
    """A page, and its size when it is not compressed."""
    compressed = zstandard.compress(payload, 19)
    head = write_struct(header | {2: (I32, len(payload)), 3: (I32, len(compressed))})
    return head + compressed, len(head) + len(payload)


def _file(
    pages: list[tuple[bytes, int]], rows: int, row_groups: int, column: str, *, has_dictionary: bool = False
) -> bytes:
    data = b"".join(page for page, _ in pages)
    groups = []
    for group in range(row_groups):
        at = len(_MAGIC) + group * len(data)
        meta: Struct = {
            1: (I32, _BYTE_ARRAY),
            2: (LIST, (I32, [_PLAIN, _RLE, _BY_DICTIONARY])),
            3: (LIST, (BINARY, [column.encode()])),
            4: (I32, _ZSTD),
            5: (I64, rows),
            6: (I64, sum(size for _, size in pages)),
            7: (I64, len(data)),
            9: (I64, at + (len(pages[0][0]) if has_dictionary else 0)),
        }
        if has_dictionary:
            meta[11] = (I64, at)
        chunk: Struct = {2: (I64, 0), 3: (STRUCT, meta)}
        groups.append({1: (LIST, (STRUCT, [chunk])), 2: (I64, len(data)), 3: (I64, rows)})
    root: Struct = {4: (BINARY, b"schema"), 5: (I32, 1)}
    leaf: Struct = {1: (I32, _BYTE_ARRAY), 3: (I32, 0), 4: (BINARY, column.encode())}
    schema = (LIST, (STRUCT, [root, leaf]))
    footer = write_struct({1: (I32, 2), 2: schema, 3: (I64, rows * row_groups), 4: (LIST, (STRUCT, groups))})
    return b"".join((_MAGIC, data * row_groups, footer, len(footer).to_bytes(4, "little"), _MAGIC))


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    return bytes([*written, value])


def _delta(values: Iterable[int]) -> bytes:
    """Numbers as DELTA_BINARY_PACKED, with a width of 0 bits wherever all steps of a miniblock are equal."""
    numbers = list(values)
    block, miniblocks = 128, 4
    written = _varint(block) + _varint(miniblocks) + _varint(len(numbers)) + _varint(numbers[0] * 2)
    steps = [after - before for before, after in pairwise(numbers)]
    for start in range(0, len(steps), block):
        part = steps[start : start + block]
        least = min(part)
        written += _varint(least * 2 if least >= 0 else -least * 2 - 1)
        padded = [step - least for step in part] + [0] * (block - len(part))
        minis = [padded[at : at + block // miniblocks] for at in range(0, block, block // miniblocks)]
        widths = [max(mini).bit_length() for mini in minis]
        written += bytes(widths)
        for mini, width in zip(minis, widths, strict=True):
            packed = sum(step << place * width for place, step in enumerate(mini))
            written += packed.to_bytes(len(mini) * width // 8, "little")
    return written
