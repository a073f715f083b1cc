"""From the columns of a part to pseudonyms and rejected lines. Pure work on arrays, done in a thread."""

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
"""Lines are read as they come, and enciphered and written about so many together."""


class Window(NamedTuple):
    """When a consent can have been given: while its collection went on, before its dataset was made, before now."""

    began_at: datetime
    ended_at: datetime | None
    dataset_at: datetime
    now: datetime


class Rejected(NamedTuple):
    """A line that is not taken."""

    line: int
    reason: RejectReason
    raw: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """What came of some lines: memberships, those of a shard together, and the lines that are not taken."""

    lines: int
    run: Run
    rejected: list[Rejected]


class _Taken(NamedTuple):
    """What came of some lines that were read together."""

    lines: int
    numbers: NDArray[np.int64]
    consented_at: NDArray[np.uint32] | None
    record_ids: NDArray[np.object_] | None
    rejected: list[Rejected]


_CONSENT_REASONS = frozenset(reason for reason in RejectReason if reason.startswith("consent_"))


def read_chunk(chunks: Iterator[Lines], region: str, window: Window | None, ring: KeyRing) -> Chunk | None:
    """The next chunk, read and enciphered; None when there is none."""
    taken: list[_Taken] = []
    while sum(each.lines for each in taken) < LINES_AT_ONCE and (lines := next(chunks, None)) is not None:
        taken.append(_take(lines, region, window))
    if not taken:
        return None
    keys = ring.pseudonyms(np.concatenate([each.numbers for each in taken]))
    times = [each.consented_at for each in taken if each.consented_at is not None]
    record_ids = [each.record_ids for each in taken if each.record_ids is not None]
    run = Run(keys, np.concatenate(times) if times else None, np.concatenate(record_ids) if record_ids else None)
    return Chunk(
        sum(each.lines for each in taken), group_by_shard(run), [each for some in taken for each in some.rejected]
    )


def _take(lines: Lines, region: str, window: Window | None) -> _Taken:
    found = normalise_column(lines.phone, region)
    reasons = _reasons(lines, found, window)
    taken: NDArray[np.bool_] | slice = slice(None)
    if reasons:
        taken = np.ones(len(lines.line), np.bool_)
        taken[list(reasons)] = False
    ids = lines.consent_record_id
    return _Taken(
        len(lines.line),
        found.numbers[taken],
        None if lines.consented_at is None else lines.consented_at[taken],
        None if ids is None else np.array(ids.texts(), dtype=np.object_)[taken],
        [
            Rejected(int(lines.line[place]), reason, lines.raw(place, with_consent=reason in _CONSENT_REASONS))
            for place, reason in sorted(reasons.items())
        ],
    )


def _reasons(lines: Lines, found: Normalised, window: Window | None) -> dict[int, RejectReason]:
    """Why lines are not taken, by their place in the chunk. The first reason of a line is told."""
    reasons = {int(place): found.reason(int(place)) for place in found.rejected()}
    for refused, reason in _consent_refusals(lines, window):
        for place in np.flatnonzero(refused).tolist():
            reasons.setdefault(place, reason)
    return reasons


def _consent_refusals(lines: Lines, window: Window | None) -> Iterator[tuple[NDArray[np.bool_], RejectReason]]:
    if lines.consent_unreadable is not None:
        yield lines.consent_unreadable, RejectReason.CONSENT_UNREADABLE
    if lines.consented_at is not None and window is not None:
        times, known = lines.consented_at, lines.consented_at != 0
        # Times are whole seconds, and a whole number is compared with them as it is.
        yield known & (times > floor(window.now.timestamp())), RejectReason.CONSENT_IN_FUTURE
        yield known & (times > floor(window.dataset_at.timestamp())), RejectReason.CONSENT_AFTER_DATASET
        outside = times < ceil(window.began_at.timestamp())
        if window.ended_at is not None:
            outside |= times > floor(window.ended_at.timestamp())
        yield known & outside, RejectReason.CONSENT_OUTSIDE_COLLECTION
    if lines.consent_record_id is not None:
        yield _too_long(lines.consent_record_id), RejectReason.CONSENT_RECORD_ID_TOO_LONG


def _too_long(record_ids: Cells) -> NDArray[np.bool_]:
    too_long = record_ids.lengths > MAX_RECORD_ID_CHARACTERS
    # A character may take several bytes.
    for place in np.flatnonzero(too_long).tolist():
        too_long[place] = len(record_ids[place]) > MAX_RECORD_ID_CHARACTERS
    return too_long
