"""From the columns of a part to pseudonyms and rejected lines. Pure work on arrays, done in a thread."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.intake.reader import Lines
from service.membership.blocks import by_shard
from service.membership.phone import Normalised, Reason, normalise
from service.membership.pseudonym import KeyRing
from service.membership.runs import Run

MAX_RECORD_ID_CHARACTERS = 200


class Window(NamedTuple):
    """When a consent can have been given: while its collection went on, before its dataset was made, before now."""

    began_at: datetime
    ended_at: datetime | None
    dataset_at: datetime
    now: datetime


class Rejected(NamedTuple):
    """A line that is not taken."""

    line: int
    reason: Reason
    raw: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """What came of some lines: memberships, those of a shard together, and the lines that are not taken."""

    lines: int
    run: Run
    rejected: list[Rejected]


_CONSENT_REASONS = frozenset(reason for reason in Reason if reason.startswith("consent_"))


def digest(chunks: Iterator[Lines], region: str, window: Window | None, ring: KeyRing) -> Chunk | None:
    """The next chunk, read and enciphered; None when there is none."""
    lines = next(chunks, None)
    if lines is None:
        return None
    found = normalise(lines.phone, region)
    reasons = _reasons(lines, found, window)
    taken = np.flatnonzero(found.numbers != 0)
    if reasons:
        taken = taken[~np.isin(taken, np.fromiter(reasons, np.int64, len(reasons)))]
    keys = ring.pseudonyms(found.numbers[taken])
    times = None if lines.consented_at is None else lines.consented_at[taken]
    record_ids = None if lines.consent_record_id is None else lines.consent_record_id.gather(taken).to_numpy()
    rejected = [
        Rejected(int(lines.line[place]), reason, lines.raw(place, with_consent=reason in _CONSENT_REASONS))
        for place, reason in sorted(reasons.items())
    ]
    return Chunk(len(lines.line), by_shard(Run(keys, times, record_ids)), rejected)


def _reasons(lines: Lines, found: Normalised, window: Window | None) -> dict[int, Reason]:
    """Why lines are not taken, by their place in the chunk. The first reason of a line is told."""
    reasons = {int(place): found.reason(int(place)) for place in found.rejected()}
    for refused, reason in _consent_refusals(lines, window):
        for place in np.flatnonzero(refused).tolist():
            reasons.setdefault(place, reason)
    return reasons


def _consent_refusals(lines: Lines, window: Window | None) -> Iterator[tuple[NDArray[np.bool_], Reason]]:
    if lines.consent_unreadable is not None:
        yield lines.consent_unreadable, Reason.CONSENT_UNREADABLE
    if lines.consented_at is not None and window is not None:
        times, known = lines.consented_at, lines.consented_at != 0
        yield known & (times > window.now.timestamp()), Reason.CONSENT_IN_FUTURE
        yield known & (times > window.dataset_at.timestamp()), Reason.CONSENT_AFTER_DATASET
        outside = times < window.began_at.timestamp()
        if window.ended_at is not None:
            outside |= times > window.ended_at.timestamp()
        yield known & outside, Reason.CONSENT_OUTSIDE_COLLECTION
    if lines.consent_record_id is not None:
        too_long = lines.consent_record_id.str.len_chars().fill_null(0) > MAX_RECORD_ID_CHARACTERS
        yield too_long.to_numpy(), Reason.CONSENT_RECORD_ID_TOO_LONG
