"""Accepts or rejects the lines of a part: numbers are normalised, and consents must lie in their period. Pure."""

from collections.abc import Iterator
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from service.intake.cells import Cells
from service.intake.reader import Lines
from service.number.normalisation import REASONS, RejectReason, normalise_column
from service.sandbox.batch import MAX_RECORD_ID_CHARACTERS, MOST_LINES, Batch, Refusals
from service.sandbox.form import ConsentPeriod

_CODES = {reason: code for code, reason in enumerate(REASONS, start=1)}
_CONSENT_CODES = frozenset(code for reason, code in _CODES.items() if reason.startswith("consent_"))


class Acceptance:
    """Reads the lines of one part. At most `rejects_kept` rejected lines are kept, the others are only counted."""

    def __init__(self, region: str, consent_period: ConsentPeriod | None, rejects_kept: int) -> None:
        self._region = region
        self._consent_period = consent_period
        self._rejects_left = rejects_kept

    def read(self, lines: Lines) -> Iterator[Batch]:
        """What the lines contain, in batches of at most `MOST_LINES` lines."""
        found = normalise_column(lines.phone, self._region)
        reasons = found.reasons
        for refused, reason in _consent_refusals(lines, self._consent_period):
            # Of several reasons, a line gets the first.
            reasons[refused & (reasons == 0)] = _CODES[reason]
        for start in range(0, len(reasons), MOST_LINES):
            yield self._batch(lines, found.numbers, reasons, slice(start, start + MOST_LINES))

    def _batch(self, lines: Lines, numbers: NDArray[np.int64], reasons: NDArray[np.uint8], rows: slice) -> Batch:
        reasons = reasons[rows]
        rejected = np.flatnonzero(reasons)
        accepted: NDArray[np.bool_] | slice = reasons == 0 if rejected.size else slice(None)
        kept = rejected[: self._rejects_left]
        self._rejects_left -= len(kept)
        ids, times = lines.consent_record_id, lines.consented_at
        return Batch(
            lines=len(reasons),
            numbers=numbers[rows][accepted],
            consented_at=None if times is None else times[rows][accepted],
            record_ids=None if ids is None else np.array(ids[rows].texts(), dtype=np.object_)[accepted],
            refusals=_refusals(lines, reasons, kept, rows.start),
        )


def _refusals(lines: Lines, reasons: NDArray[np.uint8], kept: NDArray[np.intp], start: int) -> Refusals:
    codes = reasons[kept]
    raws = [
        lines.raw(start + row, with_consent=code in _CONSENT_CODES)
        for row, code in zip(kept.tolist(), codes.tolist(), strict=True)
    ]
    return Refusals(lines.line[kept + start], codes, [raw.encode(errors="replace") for raw in raws])


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
