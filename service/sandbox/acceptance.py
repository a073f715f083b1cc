"""Accepts or rejects the lines of a part: numbers are normalised, and consents must lie in their period. Pure."""

from collections.abc import Iterator, Sequence
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from service.intake.cells import Cells
from service.intake.columns.states import State
from service.intake.reader import Lines
from service.intake.table import MisfitKind
from service.number.by_country import OtherColumn, normalise_by_country
from service.number.normalisation import Normalised, normalise_column
from service.number.rejection import CODES, RejectReason
from service.sandbox.batch import MAX_RECORD_ID_CHARACTERS, MOST_LINES, Batch, Refusals
from service.sandbox.form import ConsentPeriod

_MISFIT_REASONS = {
    MisfitKind.TOO_FEW_FIELDS: RejectReason.TOO_FEW_FIELDS,
    MisfitKind.TOO_MANY_FIELDS: RejectReason.TOO_MANY_FIELDS,
    MisfitKind.NOT_AN_OBJECT: RejectReason.NOT_AN_OBJECT,
    MisfitKind.REPEATED_MEMBER: RejectReason.REPEATED_MEMBER,
    MisfitKind.QUOTED_LINES: RejectReason.QUOTED_LINES,
}
_MISFIT_CODES = np.array([CODES[_MISFIT_REASONS[kind]] for kind in MisfitKind], dtype=np.uint8)
# A file that is cut in the middle of a line leaves one of these on at least one side of the cut.
_HALF_CODES = frozenset(
    CODES[reason] for reason in (RejectReason.TOO_FEW_FIELDS, RejectReason.TOO_SHORT, RejectReason.NOT_AN_OBJECT)
)
_PLUS_MISSING = CODES[RejectReason.PLUS_MISSING]
_POWERS_OF_TEN = 10 ** np.arange(18, dtype=np.int64)
_STATE_REASONS = {
    State.REFUSED: RejectReason.CONSENT_REFUSED,
    State.UNCLEAR: RejectReason.CONSENT_UNCLEAR,
}
_STATES_OF_CODES = {CODES[reason]: state for state, reason in _STATE_REASONS.items()}
_CONSENT_CODES = frozenset(code for reason, code in CODES.items() if reason.startswith("consent_"))


class Acceptance:
    """Reads the lines of one part. At most `rejects_kept` rejected lines are kept, the others are only counted.

    `begins_cut` and `ends_cut` are whether the part's first or last line was rejected as half a line would be.
    """

    def __init__(self, region: str, consent_period: ConsentPeriod | None, rejects_kept: int) -> None:
        self._region = region
        self._consent_period = consent_period
        self._rejects_left = rejects_kept
        self.begins_cut = False
        self.ends_cut = False

    def read(self, lines: Lines) -> Iterator[Batch]:
        """What the lines contain, in batches of at most `MOST_LINES` lines."""
        found = _normalise(lines, self._region)
        reasons = found.reasons
        if (misfits := lines.misfits) is not None:
            # Their cells are not read, so no other reason counts.
            reasons[misfits.rows] = _MISFIT_CODES[misfits.kinds]
        if lines.is_international:
            reasons[(reasons == 0) & _has_no_country_code(lines.phone, found.numbers)] = _PLUS_MISSING
        for refused, reason in _consent_refusals(lines, self._consent_period):
            # Of several reasons, a line gets the first.
            reasons[refused & (reasons == 0)] = CODES[reason]
        if len(reasons):
            self.begins_cut |= int(lines.line[0]) == 1 and int(reasons[0]) in _HALF_CODES
            self.ends_cut = int(reasons[-1]) in _HALF_CODES
        for start in range(0, len(reasons), MOST_LINES):
            yield self._batch(lines, found, slice(start, start + MOST_LINES))

    def _batch(self, lines: Lines, found: Normalised, rows: slice) -> Batch:
        reasons = found.reasons[rows]
        rejected = np.flatnonzero(reasons)
        accepted: NDArray[np.bool_] | slice = reasons == 0 if rejected.size else slice(None)
        kept = rejected[: self._rejects_left]
        self._rejects_left -= len(kept)
        ids, times = lines.consent_record_id, lines.consented_at
        return Batch(
            lines=len(reasons),
            numbers=found.numbers[rows][accepted],
            unallocated=int(np.count_nonzero(found.unallocated[rows][accepted])),
            consented_at=None if times is None else times[rows][accepted],
            record_ids=None if ids is None else np.array(ids[rows].texts(), dtype=np.object_)[accepted],
            refusals=_refusals(lines, reasons, kept, rows.start),
        )


def _normalise(lines: Lines, region: str) -> Normalised:
    if lines.country is None:
        return normalise_column(lines.phone, region)
    other = None
    if lines.other_country is not None:
        other = OtherColumn(*lines.other_country.distinct(), first_decides=lines.country_decides)
    texts, places = lines.country.distinct()
    return normalise_by_country(lines.phone, texts, places, region, calling_codes=lines.has_calling_codes, other=other)


def _has_no_country_code(cells: Cells, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which cells begin with a digit but zero, and are shorter than their number: it got the code of the region."""
    signs = np.frombuffer(cells.text + b"\0", dtype=np.uint8)
    is_digit = (signs >= ord("0")) & (signs <= ord("9"))
    before = np.concatenate(([0], np.cumsum(is_digit)))
    digits = before[cells.starts + cells.lengths] - before[cells.starts]
    first = signs[cells.starts]
    begins = (cells.lengths > 0) & (first >= ord("1")) & (first <= ord("9"))
    is_shorter: NDArray[np.bool_] = digits < np.searchsorted(_POWERS_OF_TEN, numbers, side="right")
    return begins & is_shorter


def _cells_beside(lines: Lines, codes: Sequence[int], rows: Sequence[int]) -> dict[int, Cells]:
    """The column that has the reason of a reject, for the places of those whose reason is not in the number."""
    columns = dict.fromkeys(_CONSENT_CODES, lines.consent) | {CODES[RejectReason.COUNTRY_UNKNOWN]: lines.country}
    beside = {place: cells for place, code in enumerate(codes) if (cells := columns.get(code)) is not None}
    for place, (code, row) in enumerate(zip(codes, rows, strict=True)):
        if (state := _STATES_OF_CODES.get(code)) is not None:
            beside[place] = next(column.cells for column in lines.consent_states if column.states[row] == state)
    return beside


def _refusals(lines: Lines, reasons: NDArray[np.uint8], kept: NDArray[np.intp], start: int) -> Refusals:
    codes, rows = reasons[kept], kept + start
    raws = lines.raws(rows, _cells_beside(lines, codes.tolist(), rows.tolist()))
    return Refusals(lines.line[rows], codes, lines.field_counts(rows), [raw.encode(errors="replace") for raw in raws])


def _consent_refusals(
    lines: Lines, consent_period: ConsentPeriod | None
) -> Iterator[tuple[NDArray[np.bool_], RejectReason]]:
    for state, reason in _STATE_REASONS.items():
        yield from ((column.states == state, reason) for column in lines.consent_states)
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
