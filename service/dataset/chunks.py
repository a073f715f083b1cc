"""Turns batches of lines into pseudonyms and encrypted rejects. Pure work on arrays, done in a thread."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from service.membership.blocks import group_by_shard
from service.membership.runs import Run
from service.number.keyring import KeyRing
from service.number.normalisation import REASONS
from service.sandbox.batch import Batch

LINES_AT_ONCE = 200_000
"""Lines are encrypted and written in chunks of about this size."""


@dataclass(frozen=True, slots=True)
class KeptRejects:
    """Rejected lines that are kept, as columns: their line numbers, reasons and encrypted texts."""

    lines: list[int]
    reasons: list[str]
    raws: list[bytes]

    def __len__(self) -> int:
        return len(self.lines)


@dataclass(frozen=True, slots=True)
class Chunk:
    """What some lines contain: memberships, ordered by shard, and the rejected lines that are kept."""

    lines: int
    run: Run
    rejects: KeptRejects


def make_chunk(batches: Sequence[Batch], ring: KeyRing, dataset_id: uuid.UUID, upload: int) -> Chunk:
    """Encrypt the numbers and rejects of some batches, of which there is at least one."""
    keys = ring.pseudonyms(np.concatenate([batch.numbers for batch in batches]))
    times = [batch.consented_at for batch in batches if batch.consented_at is not None]
    record_ids = [batch.record_ids for batch in batches if batch.record_ids is not None]
    run = Run(keys, np.concatenate(times) if times else None, np.concatenate(record_ids) if record_ids else None)
    rejects = _encrypt(batches, ring, dataset_id, upload)
    return Chunk(sum(batch.lines for batch in batches), group_by_shard(run), rejects)


def _encrypt(batches: Sequence[Batch], ring: KeyRing, dataset_id: uuid.UUID, upload: int) -> KeptRejects:
    kept = KeptRejects([], [], [])
    for refusals in (batch.refusals for batch in batches if len(batch.refusals)):
        lines = refusals.line.tolist()
        kept.lines.extend(lines)
        kept.reasons.extend(REASONS[code - 1].value for code in refusals.reason.tolist())
        kept.raws.extend(
            ring.encrypt(raw, reject_context(dataset_id, upload, line))
            for raw, line in zip(refusals.raw, lines, strict=True)
        )
    return kept


def reject_context(dataset_id: uuid.UUID, upload: int, line: int) -> bytes:
    """Where the encrypted text of a rejected line belongs."""
    return f"rejected line {line} of upload {upload} to {dataset_id}".encode()
