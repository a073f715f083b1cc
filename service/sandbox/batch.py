"""A batch of lines as bytes and back. The service does not trust it: a file may have taken over its reader.

A batch is a header, then the buffers of arrays. Nothing in it is ever executed or unpickled.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.number.rejection import REASONS

MOST_LINES: Final = 1 << 16
"""The most lines of one batch."""
MAX_RECORD_ID_CHARACTERS: Final = 200
"""The longest consent-record id."""
MAX_RAW_CHARACTERS: Final = 200
"""The longest text that is kept of a rejected line."""

# Lines, accepted lines, unallocated numbers, kept rejected lines, bytes of record ids, bytes of raw texts, and which
# columns there are.
_HEADER = struct.Struct("<IIIIIIB")
_HAS_TIMES, _HAS_RECORD_IDS = 1, 2
# E.164 allows 15 digits.
_LARGEST_NUMBER = 10**15 - 1
# A line has at most 1 MiB, and a field takes a byte at least.
_MOST_FIELDS = (1 << 20) + 1
_NUMBER, _TIME, _LINE, _LENGTH = np.dtype("<i8"), np.dtype("<u4"), np.dtype("<i8"), np.dtype("<u2")
_FIELDS = np.dtype("<u4")


class BrokenReader(Exception):
    """A reader process sent something that it never sends: it crashed, or a file has taken it over."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """Rejected lines that are kept: their line numbers, the codes of their reasons, and their raw texts (UTF-8).

    `fields` has a row for each: how many fields it has and how many it should have, or zeros if that is not the reason.
    """

    line: NDArray[np.int64]
    reason: NDArray[np.uint8]
    fields: NDArray[np.uint32]
    raw: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.line)


@dataclass(frozen=True, slots=True)
class Batch:
    """What some consecutive lines contain.

    `numbers` are those of the accepted lines (E.164 digits), `consented_at` their times in Unix seconds (0 if unknown)
    and `record_ids` their consent-record ids; None if the part has no such column. `unallocated` of the numbers are
    possible, but not in use by their plan. `refusals` are the rejected lines that are kept, of all that are neither
    accepted nor kept only the number is known.
    """

    lines: int
    numbers: NDArray[np.int64]
    unallocated: int
    consented_at: NDArray[np.uint32] | None
    record_ids: NDArray[np.object_] | None
    refusals: Refusals


def pack_batch(batch: Batch) -> bytes:
    """A batch as bytes."""
    ids = [] if batch.record_ids is None else [text.encode(errors="replace") for text in batch.record_ids]
    id_text, raw_text = b"".join(ids), b"".join(batch.refusals.raw)
    flags = (_HAS_TIMES if batch.consented_at is not None else 0) | (
        _HAS_RECORD_IDS if batch.record_ids is not None else 0
    )
    counts = batch.lines, len(batch.numbers), batch.unallocated, len(batch.refusals)
    header = _HEADER.pack(*counts, len(id_text), len(raw_text), flags)
    times = b"" if batch.consented_at is None else batch.consented_at.astype(_TIME, copy=False).tobytes()
    refusals = batch.refusals
    return b"".join(
        (
            header,
            batch.numbers.astype(_NUMBER, copy=False).tobytes(),
            times,
            _lengths(ids),
            id_text,
            refusals.line.astype(_LINE, copy=False).tobytes(),
            refusals.reason.tobytes(),
            refusals.fields.astype(_FIELDS, copy=False).tobytes(),
            _lengths(refusals.raw),
            raw_text,
        )
    )


def _lengths(texts: Sequence[bytes]) -> bytes:
    return np.fromiter(map(len, texts), dtype=_LENGTH, count=len(texts)).tobytes()


def unpack_batch(data: memoryview) -> Batch:
    """The inverse of `pack_batch`, for bytes from anywhere.

    Raises:
        BrokenReader: they are no batch that a reader process makes of lines.
    """
    reading = _Reading(data)
    lines, accepted, unallocated, kept, id_bytes, raw_bytes, flags = _HEADER.unpack(reading.take(_HEADER.size))
    if not (lines <= MOST_LINES and accepted + kept <= lines and flags <= _HAS_TIMES | _HAS_RECORD_IDS):
        raise BrokenReader
    numbers = reading.array(_NUMBER, accepted)
    if unallocated > accepted:
        raise BrokenReader
    if accepted and not (int(numbers.min()) > 0 and int(numbers.max()) <= _LARGEST_NUMBER):
        raise BrokenReader
    times = reading.array(_TIME, accepted) if flags & _HAS_TIMES else None
    ids = None
    if flags & _HAS_RECORD_IDS:
        ids = np.array([_text(record_id) for record_id in reading.texts(accepted, id_bytes)], dtype=np.object_)
    refusals = _unpack_refusals(reading, kept, raw_bytes)
    reading.end()
    return Batch(lines, numbers, unallocated, times, ids, refusals)


def _unpack_refusals(reading: "_Reading", kept: int, raw_bytes: int) -> Refusals:
    line, reason = reading.array(_LINE, kept), reading.array(np.dtype(np.uint8), kept)
    fields = reading.array(_FIELDS, 2 * kept).reshape(kept, 2)
    raws = reading.texts(kept, raw_bytes)
    if kept:
        ascending = int(line[0]) > 0 and bool((line[1:] > line[:-1]).all())
        known = int(reason.min()) > 0 and int(reason.max()) <= len(REASONS)
        if not (ascending and known and int(fields.max()) <= _MOST_FIELDS):
            raise BrokenReader
    for raw in raws:
        _text(raw, MAX_RAW_CHARACTERS)
    return Refusals(line, reason, fields, raws)


def _text(data: bytes, longest: int = MAX_RECORD_ID_CHARACTERS) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise BrokenReader from None
    if len(text) > longest:
        raise BrokenReader
    return text


class _Reading:
    """Takes values from the beginning of some bytes. All methods raise BrokenReader if there are too few."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> memoryview:
        piece = self._data[self._at : self._at + size]
        if len(piece) < size:
            raise BrokenReader
        self._at += size
        return piece

    def array(self, kind: "np.dtype[np.int64] | np.dtype[np.uint32] | np.dtype[np.uint8]", count: int) -> NDArray:  # type: ignore[type-arg]
        # The arrays stay valid as long as the bytes, which belong to this batch alone.
        return np.frombuffer(self.take(count * kind.itemsize), kind)

    def texts(self, count: int, size: int) -> list[bytes]:
        lengths = self.array(_LENGTH, count)  # type: ignore[arg-type]
        if int(lengths.sum(dtype=np.int64)) != size:
            raise BrokenReader
        text, ends = bytes(self.take(size)), np.cumsum(lengths, dtype=np.int64).tolist()
        return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    def end(self) -> None:
        if self._at != len(self._data):
            raise BrokenReader
