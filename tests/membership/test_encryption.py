"""What stored memberships state is read back exactly, and shown to nobody without the key."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.membership import blocks, encryption
from service.membership.encryption import ConsentSpan
from service.membership.runs import Digest, Run
from service.number.keyring import KeyMismatchError, KeyRing, unpack_keys

RING, OTHER = KeyRing(bytes(32)), KeyRing(bytes(31) + b"\1")
DATASET = uuid.UUID(int=7)
seconds = st.integers(0, 2**32 - 1)
columns_of_blocks = st.lists(st.none() | st.lists(seconds, min_size=1, max_size=9), max_size=8)


def packed(column: Sequence[int] | None) -> bytes | None:
    return None if column is None else blocks.pack_times(np.array(column, np.uint32))


@given(columns_of_blocks, columns_of_blocks, st.randoms())
def test_decrypt_times_of_blocks_from_any_encryption_gives_them_back(
    first: list[list[int] | None], second: list[list[int] | None], random: object
) -> None:
    plain = [packed(column) for column in first + second]
    encrypted = [
        *encryption.encrypt_times(RING, plain[: len(first)]),
        *encryption.encrypt_times(RING, plain[len(first) :]),
    ]
    order = list(range(len(plain)))
    random.shuffle(order)  # type: ignore[attr-defined]
    found = encryption.decrypt_times(RING, [encrypted[place] for place in order])
    assert [column if column is None else bytes(column) for column in found] == [plain[place] for place in order]


@given(columns_of_blocks)
def test_decrypt_times_at_gives_single_times(columns: list[list[int] | None]) -> None:
    encrypted = encryption.encrypt_times(RING, [packed(column) for column in columns])
    cells, expected = [], []
    for column, stored in zip(columns, encrypted, strict=True):
        for at, time in enumerate(column or ()):
            assert stored is not None
            start = blocks.TIMES_HEAD_BYTES + blocks.TIME_BYTES * at
            cells.append((stored[: blocks.TIMES_HEAD_BYTES] + stored[start : start + blocks.TIME_BYTES], at))
            expected.append(time)
    assert encryption.decrypt_times_at(RING, cells) == expected


def test_encrypt_times_of_the_same_times_never_repeats_bytes() -> None:
    times = blocks.pack_times(np.full(400, 1_700_000_000, np.uint32))
    bodies = [
        column[blocks.TIMES_HEAD_BYTES :]
        for _ in range(50)
        for column in encryption.encrypt_times(RING, [times] * 2)
        if column
    ]
    cells = [body[start : start + 16] for body in bodies for start in range(0, len(body), 16)]
    assert len(set(cells)) == len(cells) == 100 * 100


@given(
    st.lists(st.tuples(st.binary(min_size=16, max_size=16), seconds, st.none() | st.text(max_size=9)), max_size=9),
    st.booleans(),
    st.booleans(),
)
def test_decrypt_staged_gives_the_run_back_in_its_order(
    lines: list[tuple[bytes, int, str | None]], dated: bool, named: bool
) -> None:
    record_ids = np.full(len(lines), None, np.object_)
    record_ids[:] = [line[2] for line in lines]
    run = Run(
        unpack_keys(b"".join(line[0] for line in lines)),
        np.array([line[1] for line in lines], np.uint32) if dated else None,
        record_ids if named else None,
    )
    content = encryption.encrypt_staged(RING, DATASET, (1, 2, 3), run)
    found = encryption.decrypt_staged(RING, DATASET, (1, 2, 3), len(lines), content)
    assert encryption.pack_staged(found) == encryption.pack_staged(run)
    for ring, dataset_id, place in (
        (OTHER, DATASET, (1, 2, 3)),
        (RING, uuid.UUID(int=8), (1, 2, 3)),
        (RING, DATASET, (1, 3, 3)),
    ):
        with pytest.raises(KeyMismatchError):
            encryption.decrypt_staged(ring, dataset_id, place, len(lines), content)


def test_packed_record_ids_of_few_numbers_have_one_length_whatever_they_are() -> None:
    lengths = {
        len(blocks.pack_record_ids(np.array(names, np.object_)))
        for names in (["C-1"], ["C-10023"], [None], ["a" * 90], ["x", "yy", None])
    }
    assert len(lengths) == 1


def test_digest_and_span_are_encrypted_for_their_dataset() -> None:
    digest = Digest(3, 2**64 - 1, 5)
    span = ConsentSpan(datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC))
    sums = encryption.encrypt_digest(RING, DATASET, digest)
    stored = encryption.encrypt_span(RING, DATASET, span)
    assert encryption.decrypt_digest(RING, DATASET, 3, sums) == digest
    assert encryption.decrypt_span(RING, DATASET, stored) == span
    for ring, dataset_id in ((OTHER, DATASET), (RING, uuid.UUID(int=8))):
        with pytest.raises(KeyMismatchError):
            encryption.decrypt_digest(ring, dataset_id, 3, sums)
        with pytest.raises(KeyMismatchError):
            encryption.decrypt_span(ring, dataset_id, stored)
