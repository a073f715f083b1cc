"""Turns batches of lines into pseudonyms and encrypted rejects. Pure work on arrays, done in a thread."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.membership.blocks import group_by_shard
from service.membership.runs import Run
from service.number.keyring import KeyRing
from service.number.rejection import REASONS
from service.sandbox.batch import Batch

LINES_AT_ONCE = 200_000
"""Lines are encrypted and written in chunks of about this size."""


@dataclass(frozen=True, slots=True)
class KeptRejects:
    """Rejected lines that are kept, as columns: their line numbers, reasons and encrypted texts.

    `fields` and `usual_fields` are how many fields they have and should have, or None if that is not the reason.
    """

    lines: list[int]
    reasons: list[str]
    fields: list[int | None]
    usual_fields: list[int | None]
    raws: list[bytes]

    def __len__(self) -> int:
        return len(self.lines)


@dataclass(frozen=True, slots=True)
class Chunk:
    """What some lines contain: memberships, ordered by shard, and the rejected lines that are kept.

    `unallocated` of the numbers are possible, but not in use by their plan.
    """

    lines: int
    unallocated: int
    run: Run
    rejects: KeptRejects

    @property
    def consent_count(self) -> int:
        """How many memberships have a known consent time."""
        return 0 if self.run.consented_at is None else int(np.count_nonzero(self.run.consented_at))


def make_chunk(batches: Sequence[Batch], ring: KeyRing, dataset_id: uuid.UUID, upload: int) -> Chunk:
    """Encrypt the numbers and rejects of some batches, of which there is at least one."""
    keys = ring.pseudonyms(np.concatenate([batch.numbers for batch in batches]))
    run = Run(keys, _times(batches), _record_ids(batches))
    rejects = _encrypt(batches, ring, dataset_id, upload)
    lines, unallocated = (sum(counts) for counts in zip(*((it.lines, it.unallocated) for it in batches), strict=True))
    return Chunk(lines, unallocated, group_by_shard(run), rejects)


# A member of NDJSON may be missing in the first lines. What it would have stated is unknown.
def _times(batches: Sequence[Batch]) -> NDArray[np.uint32] | None:
    if all(batch.consented_at is None for batch in batches):
        return None
    return np.concatenate(
        [
            np.zeros(len(batch.numbers), np.uint32) if batch.consented_at is None else batch.consented_at
            for batch in batches
        ]
    )


def _record_ids(batches: Sequence[Batch]) -> NDArray[np.object_] | None:
    if all(batch.record_ids is None for batch in batches):
        return None
    return np.concatenate(
        [
            np.full(len(batch.numbers), "", np.object_) if batch.record_ids is None else batch.record_ids
            for batch in batches
        ]
    )


def _encrypt(batches: Sequence[Batch], ring: KeyRing, dataset_id: uuid.UUID, upload: int) -> KeptRejects:
    kept = KeptRejects([], [], [], [], [])
    for refusals in (batch.refusals for batch in batches if len(batch.refusals)):
        lines = refusals.line.tolist()
        kept.lines.extend(lines)
        kept.reasons.extend(REASONS[code - 1].value for code in refusals.reason.tolist())
        kept.fields.extend(count or None for count in refusals.fields[:, 0].tolist())
        kept.usual_fields.extend(count or None for count in refusals.fields[:, 1].tolist())
        kept.raws.extend(
            ring.encrypt(raw, reject_context(dataset_id, upload, line))
            for raw, line in zip(refusals.raw, lines, strict=True)
        )
    return kept


def reject_context(dataset_id: uuid.UUID, upload: int, line: int) -> bytes:
    """Where the encrypted text of a rejected line belongs."""
    return f"rejected line {line} of upload {upload} to {dataset_id}".encode()
