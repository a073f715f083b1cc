"""Turns the columns of a part into pseudonyms and rejected lines. Pure work on arrays, done in a thread."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import ceil, floor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.intake.cells import Cells
from service.intake.reader import Lines
from service.membership.blocks import group_by_shard
from service.membership.runs import Run
from service.number.keyring import KeyRing
from service.number.normalisation import Normalised, RejectReason, normalise_column

MAX_RECORD_ID_CHARACTERS = 200
LINES_AT_ONCE = 200_000
"""Lines are read as they arrive, and encrypted and written in chunks of about this size."""


class ConsentPeriod(NamedTuple):
    """When a consent can have been given: during its collection, before its dataset was made, and before now."""

    began_at: datetime
    ended_at: datetime | None
    dataset_at: datetime
    now: datetime


class Rejected(NamedTuple):
    """A line that is not accepted."""

    line: int
    reason: RejectReason
    raw: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """What some lines contain: memberships, ordered by shard, and the rejected lines."""

    lines: int
    run: Run
    rejected: list[Rejected]


class _Accepted(NamedTuple):
    """What some lines that were read together contain."""

    lines: int
    numbers: NDArray[np.int64]
    consented_at: NDArray[np.uint32] | None
    record_ids: NDArray[np.object_] | None
    rejected: list[Rejected]


_CONSENT_REASONS = frozenset(reason for reason in RejectReason if reason.startswith("consent_"))


def read_chunk(
    chunks: Iterator[Lines], region: str, consent_period: ConsentPeriod | None, ring: KeyRing
) -> Chunk | None:
    """Read the next chunk and encrypt its numbers; None if there are no further lines."""
    batches: list[_Accepted] = []
    while sum(batch.lines for batch in batches) < LINES_AT_ONCE and (lines := next(chunks, None)) is not None:
        batches.append(_accept(lines, region, consent_period))
    if not batches:
        return None
    keys = ring.pseudonyms(np.concatenate([batch.numbers for batch in batches]))
    times = [batch.consented_at for batch in batches if batch.consented_at is not None]
    record_ids = [batch.record_ids for batch in batches if batch.record_ids is not None]
    run = Run(keys, np.concatenate(times) if times else None, np.concatenate(record_ids) if record_ids else None)
    rejected = [line for batch in batches for line in batch.rejected]
    return Chunk(sum(batch.lines for batch in batches), group_by_shard(run), rejected)


def _accept(lines: Lines, region: str, consent_period: ConsentPeriod | None) -> _Accepted:
    found = normalise_column(lines.phone, region)
    reasons = _reasons(lines, found, consent_period)
    accepted: NDArray[np.bool_] | slice = slice(None)
    if reasons:
        accepted = np.ones(len(lines.line), np.bool_)
        accepted[list(reasons)] = False
    ids = lines.consent_record_id
    return _Accepted(
        len(lines.line),
        found.numbers[accepted],
        None if lines.consented_at is None else lines.consented_at[accepted],
        None if ids is None else np.array(ids.texts(), dtype=np.object_)[accepted],
        [
            Rejected(int(lines.line[place]), reason, lines.raw(place, with_consent=reason in _CONSENT_REASONS))
            for place, reason in sorted(reasons.items())
        ],
    )


def _reasons(lines: Lines, found: Normalised, consent_period: ConsentPeriod | None) -> dict[int, RejectReason]:
    """Why lines are rejected, by their place in the chunk. Of several reasons, a line gets the first."""
    reasons = {int(place): found.reason(int(place)) for place in found.rejected()}
    for refused, reason in _consent_refusals(lines, consent_period):
        for place in np.flatnonzero(refused).tolist():
            reasons.setdefault(place, reason)
    return reasons


def _consent_refusals(
    lines: Lines, consent_period: ConsentPeriod | None
) -> Iterator[tuple[NDArray[np.bool_], RejectReason]]:
    if lines.consent_unreadable is not None:
        yield lines.consent_unreadable, RejectReason.CONSENT_UNREADABLE
    if lines.consented_at is not None and consent_period is not None:
        times, known = lines.consented_at, lines.consented_at != 0
        # Times are whole seconds, so the bounds are rounded to whole seconds too.
        yield known & (times > floor(consent_period.now.timestamp())), RejectReason.CONSENT_IN_FUTURE
        yield known & (times > floor(consent_period.dataset_at.timestamp())), RejectReason.CONSENT_AFTER_DATASET
        outside = times < ceil(consent_period.began_at.timestamp())
        if consent_period.ended_at is not None:
            outside |= times > floor(consent_period.ended_at.timestamp())
        yield known & outside, RejectReason.CONSENT_OUTSIDE_COLLECTION
    if lines.consent_record_id is not None:
        yield _too_long(lines.consent_record_id), RejectReason.CONSENT_RECORD_ID_TOO_LONG


def _too_long(record_ids: Cells) -> NDArray[np.bool_]:
    too_long = record_ids.lengths > MAX_RECORD_ID_CHARACTERS
    # A character may take several bytes.
    for place in np.flatnonzero(too_long).tolist():
        too_long[place] = len(record_ids[place]) > MAX_RECORD_ID_CHARACTERS
    return too_long
