"""Encrypts what stored memberships state of a number, so that nobody recognises a number in a copy of the database.

A pseudonym alone tells nobody its number. Beside it, each of these would tell it to somebody with a file of numbers:
when the person consented, the record id of that consent, and where the line stood in the file. Pure.
"""

import os
import struct
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.membership import blocks
from service.membership.blocks import TIME_BYTES, TIMES_HEAD_BYTES, BlockColumns
from service.membership.runs import Digest, Run
from service.number.keyring import KEY_BYTES, KeyRing, pack_keys, unpack_keys

_NONCE_BYTES: Final = 12
# The times of a block are preceded by the nonce of all blocks that were encrypted together, and by the place of its
# first time among theirs. So a single time can be decrypted, and thousands of blocks need a single call.
_HEAD: Final = np.dtype([("nonce", f"V{_NONCE_BYTES}"), ("place", ">u4")])
_TIMES_IN_COUNTER: Final = 16 // TIME_BYTES
_WITH_TIMES, _WITH_RECORD_IDS = 1, 2
# What a staged run has beside its columns: the list of these, and the nonce and tag of its encryption.
STAGED_OVERHEAD: Final = 1 + 28

Column = bytes | memoryview


class ConsentSpan(NamedTuple):
    """The first and the last known consent of a dataset."""

    first: datetime
    last: datetime


def encrypt_times(ring: KeyRing, columns: Sequence[Column | None]) -> list[bytes | None]:
    """The times of each block, as `pack_times` packs them, encrypted for storage: AES-256 in counter mode.

    A nonce is used once, because a block that is written again after an erasure has its times at other places.
    """
    plain = np.frombuffer(b"".join(column for column in columns if column is not None), np.uint32)
    nonce = os.urandom(_NONCE_BYTES)
    counters = np.empty(-(-len(plain) // _TIMES_IN_COUNTER), _HEAD)
    counters["nonce"] = np.void(nonce)
    counters["place"] = np.arange(len(counters))
    stream = np.frombuffer(ring.keystream(counters.tobytes()), np.uint32)
    masked = memoryview((plain ^ stream[: len(plain)]).tobytes())
    encrypted: list[bytes | None] = []
    start = 0
    for column in columns:
        if column is None:
            encrypted.append(None)
            continue
        end = start + len(column)
        encrypted.append(b"".join((nonce, (start // TIME_BYTES).to_bytes(4), masked[start:end])))
        start = end
    return encrypted


def decrypt_times(ring: KeyRing, columns: Sequence[bytes | None]) -> list[memoryview | None]:
    """The inverse of `encrypt_times` for any blocks, whether or not they were encrypted together."""
    known = [column for column in columns if column is not None]
    heads = np.frombuffer(b"".join(column[:TIMES_HEAD_BYTES] for column in known), _HEAD)
    masked = np.frombuffer(b"".join(column[TIMES_HEAD_BYTES:] for column in known), np.uint32)
    counts = np.array([len(column) - TIMES_HEAD_BYTES for column in known], np.int64) // TIME_BYTES
    plain = memoryview((masked ^ _streams(ring, heads, counts)).tobytes())
    ends = iter(np.cumsum(counts * TIME_BYTES).tolist())
    decrypted: list[memoryview | None] = []
    start = 0
    for column in columns:
        if column is None:
            decrypted.append(None)
            continue
        end = next(ends)
        decrypted.append(plain[start:end])
        start = end
    return decrypted


def _streams(ring: KeyRing, heads: NDArray[np.void], counts: NDArray[np.int64]) -> NDArray[np.uint32]:
    """The words that mask `counts` times from the place in each head, end to end."""
    places = heads["place"].astype(np.int64)
    first = places // _TIMES_IN_COUNTER
    sizes = (places + counts - 1) // _TIMES_IN_COUNTER - first + 1
    before = np.cumsum(sizes) - sizes
    counters = np.empty(int(sizes.sum()), _HEAD)
    counters["nonce"] = np.repeat(heads["nonce"], sizes)
    counters["place"] = np.repeat(first - before, sizes) + np.arange(len(counters))
    words = np.frombuffer(ring.keystream(counters.tobytes()), np.uint32)
    starts = _TIMES_IN_COUNTER * before + places % _TIMES_IN_COUNTER
    return words[np.repeat(starts - (np.cumsum(counts) - counts), counts) + np.arange(int(counts.sum()))]


def decrypt_times_at(ring: KeyRing, cells: Sequence[tuple[bytes, int]]) -> list[int]:
    """Single times in Unix seconds: each given by the head of its block followed by its four bytes, and its place."""
    places = [int.from_bytes(cell[_NONCE_BYTES:TIMES_HEAD_BYTES]) + at for cell, at in cells]
    counters = [
        cell[:_NONCE_BYTES] + (place // _TIMES_IN_COUNTER).to_bytes(4)
        for (cell, _), place in zip(cells, places, strict=True)
    ]
    stream = ring.keystream(b"".join(counters))
    times = []
    for index, ((cell, _), place) in enumerate(zip(cells, places, strict=True)):
        start = 16 * index + TIME_BYTES * (place % _TIMES_IN_COUNTER)
        mask = int.from_bytes(stream[start : start + TIME_BYTES])
        times.append(int.from_bytes(cell[TIMES_HEAD_BYTES:]) ^ mask)
    return times


def encrypt_blocks(ring: KeyRing, segment_ids: Sequence[int], rows: Sequence[BlockColumns]) -> list[BlockColumns]:
    """Blocks of these segments, encrypted for storage."""
    times = encrypt_times(ring, [row.consented_at for row in rows])
    return [
        BlockColumns(*row[:4], encrypted, encrypt_record_ids(ring, segment_id, row))
        for segment_id, row, encrypted in zip(segment_ids, rows, times, strict=True)
    ]


def decrypt_blocks(ring: KeyRing, segment_ids: Sequence[int], rows: Sequence[BlockColumns]) -> list[BlockColumns]:
    """Stored blocks of these segments, decrypted.

    Raises KeyMismatchError if the record ids do not belong to their block. Times are not authenticated: the segment's
    digest covers them.
    """
    times = decrypt_times(ring, [None if row.consented_at is None else bytes(row.consented_at) for row in rows])
    return [
        BlockColumns(*row[:4], decrypted, decrypt_record_ids(ring, segment_id, row))
        for segment_id, row, decrypted in zip(segment_ids, rows, times, strict=True)
    ]


def encrypt_record_ids(ring: KeyRing, segment_id: int, row: BlockColumns) -> bytes | None:
    """The record ids of a block, encrypted for storage."""
    return None if row.record_ids is None else ring.encrypt(row.record_ids, _block_context(segment_id, row))


def decrypt_record_ids(ring: KeyRing, segment_id: int, row: BlockColumns) -> bytes | None:
    """The packed record ids of a stored block. Raises KeyMismatchError if they do not belong to this block."""
    return None if row.record_ids is None else ring.decrypt(row.record_ids, _block_context(segment_id, row))


def _block_context(segment_id: int, row: BlockColumns) -> bytes:
    return b"record ids" + struct.pack(">IBI", segment_id, row.level, row.lead)


def pack_staged(run: Run) -> bytes:
    """The columns of a staged run in a single text: which of them it has, and then one after the other."""
    has = _WITH_TIMES * (run.consented_at is not None) | _WITH_RECORD_IDS * (run.record_ids is not None)
    times = b"" if run.consented_at is None else blocks.pack_times(run.consented_at)
    record_ids = b"" if run.record_ids is None else blocks.pack_record_ids(run.record_ids)
    return b"".join((bytes([has]), pack_keys(run.keys), times, record_ids))


def unpack_staged(packed: bytes, count: int) -> Run:
    """The inverse of `pack_staged` for `count` memberships. Raises ValueError if it has another length."""
    has, at = packed[0], 1 + KEY_BYTES * count
    keys, times, record_ids = unpack_keys(memoryview(packed)[1:at]), None, None
    if has & _WITH_TIMES:
        times = blocks.unpack_times(packed[at : at + TIME_BYTES * count])
        at += TIME_BYTES * count
    if has & _WITH_RECORD_IDS:
        record_ids = blocks.unpack_record_ids(packed[at:], count)
        at += len(blocks.pack_record_ids(record_ids))
    if len(keys) != count or len(packed) != at:
        raise ValueError("A staged run has another length than its columns.")
    return Run(keys, times, record_ids)


def encrypt_staged(ring: KeyRing, dataset_id: uuid.UUID, place: tuple[int, int, int], run: Run) -> bytes:
    """A staged run, encrypted with its order: that of the file, which would tell which line a pseudonym comes from.

    `place` is its shard, upload and number.
    """
    return ring.encrypt(pack_staged(run), _run_context(dataset_id, place))


def decrypt_staged(
    ring: KeyRing, dataset_id: uuid.UUID, place: tuple[int, int, int], count: int, content: bytes
) -> Run:
    """A stored staged run of `count` memberships, in the order of the file.

    Raises:
        KeyMismatchError: it does not belong to this dataset and place, or was made with another secret.
        ValueError: it has another number of memberships.
    """
    return unpack_staged(ring.decrypt(content, _run_context(dataset_id, place)), count)


def _run_context(dataset_id: uuid.UUID, place: tuple[int, int, int]) -> bytes:
    return b"staged run" + struct.pack(">16sBQI", dataset_id.bytes, *place)


def encrypt_digest(ring: KeyRing, dataset_id: uuid.UUID, digest: Digest) -> bytes:
    """The two sums of a digest as they are stored. The count has its own column.

    Beside the pseudonyms, the sums of a dataset of few numbers would tell their consent times.
    """
    return ring.encrypt(struct.pack(">QQ", digest.hi, digest.lo), _digest_context(dataset_id))


def decrypt_digest(ring: KeyRing, dataset_id: uuid.UUID, count: int, sums: bytes) -> Digest:
    """The digest with this count and the sums that `encrypt_digest` encrypted.

    Raises KeyMismatchError if they are those of another dataset or secret.
    """
    return Digest(count, *struct.unpack(">QQ", ring.decrypt(sums, _digest_context(dataset_id))))


def _digest_context(dataset_id: uuid.UUID) -> bytes:
    return b"digest of " + dataset_id.bytes


def encrypt_span(ring: KeyRing, dataset_id: uuid.UUID, span: ConsentSpan) -> bytes:
    """The span of a dataset's consents as it is stored. If it has a single number, the span is its consent time."""
    seconds = struct.pack(">QQ", int(span.first.timestamp()), int(span.last.timestamp()))
    return ring.encrypt(seconds, _span_context(dataset_id))


def decrypt_span(ring: KeyRing, dataset_id: uuid.UUID, encrypted: bytes) -> ConsentSpan:
    """The inverse of `encrypt_span`. Raises KeyMismatchError if it is that of another dataset or secret."""
    seconds = struct.unpack(">QQ", ring.decrypt(encrypted, _span_context(dataset_id)))
    return ConsentSpan(*(datetime.fromtimestamp(second, UTC) for second in seconds))


def _span_context(dataset_id: uuid.UUID) -> bytes:
    return b"consents of " + dataset_id.bytes
