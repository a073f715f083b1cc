"""Runs of memberships in key order, and set operations on sorted keys. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from service.number.keyring import Keys

_LOW_64_BITS: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Run:
    """Memberships in key order: the keys, and optional columns with what the dataset states of each number.

    `consented_at` holds Unix seconds, 0 where unknown. `record_ids` holds the collector's consent-record ids, None
    where unknown. `holders` are places of datasets in a list that the run's owner keeps, and None if there is only one
    dataset. A key is repeated for each dataset that holds it.
    """

    keys: Keys
    consented_at: NDArray[np.uint32] | None = None
    record_ids: NDArray[np.object_] | None = None
    holders: NDArray[np.uint16] | None = None

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: slice | NDArray[np.intp] | NDArray[np.bool_]) -> "Run":
        return Run(
            self.keys[index],
            None if self.consented_at is None else self.consented_at[index],
            None if self.record_ids is None else self.record_ids[index],
            None if self.holders is None else self.holders[index],
        )


@dataclass(frozen=True, slots=True)
class Digest:
    """The number of memberships, and two sums modulo 2^64 that change with any key and any consent time.

    This is an incremental multiset hash: it does not depend on order, and an erased membership is subtracted. Without
    the master secret the keys are random and unknown, so nobody can easily make another set with the same digest.
    """

    count: int = 0
    hi: int = 0
    lo: int = 0

    def __add__(self, other: "Digest") -> "Digest":
        return Digest(self.count + other.count, self.hi + other.hi & _LOW_64_BITS, self.lo + other.lo & _LOW_64_BITS)

    def __sub__(self, other: "Digest") -> "Digest":
        return Digest(self.count - other.count, self.hi - other.hi & _LOW_64_BITS, self.lo - other.lo & _LOW_64_BITS)


def no_keys() -> Keys:
    """The empty set."""
    return Keys(np.empty(0, np.uint64), np.empty(0, np.uint64))


def sorted_run(
    keys: Keys, consented_at: NDArray[np.uint32] | None = None, record_ids: NDArray[np.object_] | None = None
) -> Run:
    """The memberships in key order. Duplicates stay, in their given order."""
    return Run(keys, consented_at, record_ids)[sort_order(keys)]


def sort_order(keys: Keys) -> NDArray[np.intp]:
    """The places of `keys` in ascending order (a stable sort).

    Two radix passes of numpy sort by the leading 32 bits, and the few keys that agree in these are sorted afterwards.
    Since keys are random, this is twice as fast as sorting whole keys. Only many duplicates make it slower.
    """
    lead = keys.hi >> np.uint64(32)
    order = np.argsort((lead & np.uint64(0xFFFF)).astype(np.uint16), kind="stable")
    order = order[np.argsort((lead >> np.uint64(16)).astype(np.uint16)[order], kind="stable")]
    ties = _places_of_ties(lead[order])
    if len(ties):
        tied = order[ties]
        order[ties] = tied[np.lexsort((keys.lo[tied], keys.hi[tied]))]
    return order


def _places_of_ties(values: NDArray[Any]) -> NDArray[np.intp]:
    """The places of those sorted `values` that have an equal neighbour."""
    equal = equals_previous(values)
    equal[:-1] |= equal[1:]
    return np.flatnonzero(equal)


def equals_previous(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of the `values` equal their predecessor. The first of any has none."""
    equal = np.zeros(len(values), np.bool_)
    np.equal(values[1:], values[:-1], out=equal[1:])
    return equal


def repeats_previous(keys: Keys) -> NDArray[np.bool_]:
    """Which of the sorted `keys` equal their predecessor."""
    return equals_previous(keys.hi) & equals_previous(keys.lo)


def merge(runs: Sequence[Run]) -> tuple[Run, int]:
    """One run with each key once, made of runs of one dataset, and how many duplicates were left out.

    Of duplicates, the membership with the earliest known consent stays, with its record id. If these are equal, a
    membership with a record id is preferred, then the first in order.
    """
    joined = interleave(runs)
    repeats = repeats_previous(joined.keys)
    duplicates = int(np.count_nonzero(repeats))
    if not duplicates:
        return joined, 0
    return joined[_earliest(joined, repeats)], duplicates


def interleave(runs: Sequence[Run]) -> Run:
    """All memberships of the runs in key order. Equal keys stay in the order of the runs."""
    if not runs:
        return Run(no_keys())
    hi, lo = np.concatenate([run.keys.hi for run in runs]), np.concatenate([run.keys.lo for run in runs])
    times = ids = holders = None
    if any(run.consented_at is not None for run in runs):
        times = np.concatenate([_times_of(run) for run in runs])
    if any(run.record_ids is not None for run in runs):
        ids = np.concatenate([_record_ids_of(run) for run in runs])
    if any(run.holders is not None for run in runs):
        holders = np.concatenate([holders_of(run) for run in runs])
    joined = Run(Keys(hi, lo), times, ids, holders)
    return joined[sort_order(joined.keys)]


def _times_of(run: Run) -> NDArray[np.uint32]:
    return np.zeros(len(run), np.uint32) if run.consented_at is None else run.consented_at


def _record_ids_of(run: Run) -> NDArray[np.object_]:
    return np.full(len(run), None, np.object_) if run.record_ids is None else run.record_ids


def holders_of(run: Run) -> NDArray[np.uint16]:
    """The holder of each membership; place 0 if there is only one dataset."""
    return np.zeros(len(run), np.uint16) if run.holders is None else run.holders


def _earliest(run: Run, repeats: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The place of the membership that stays in each stretch of equal keys of the sorted `run`."""
    chosen = np.flatnonzero(~repeats)
    stretch = np.cumsum(~repeats) - 1
    several = repeats.copy()
    several[:-1] |= repeats[1:]
    places = np.flatnonzero(several)
    # Decremented in 32 bits without a sign, the unknown 0 becomes the largest value of all.
    times = _times_of(run)[places] - np.uint32(1)
    unnamed = np.array([name is None for name in _record_ids_of(run)[places]], np.bool_)
    ranked = places[np.lexsort((unnamed, times, stretch[places]))]
    best = ranked[~equals_previous(stretch[ranked])]
    chosen[stretch[best]] = best
    return chosen


def digest(run: Run) -> Digest:
    """The digest of a run of one dataset."""
    return Digest(len(run), int(run.keys.hi.sum(dtype=np.uint64)), int(_weighed(run).sum(dtype=np.uint64)))


def digests(run: Run, holders: int) -> list[Digest]:
    """The digest of what each of `holders` datasets has in a run of several datasets."""
    if run.holders is None:
        return [digest(run)] + [Digest()] * (holders - 1)
    counts = np.bincount(run.holders, minlength=holders)
    hi, lo = np.zeros(holders, np.uint64), np.zeros(holders, np.uint64)
    np.add.at(hi, run.holders, run.keys.hi)
    np.add.at(lo, run.holders, _weighed(run))
    return list(map(Digest, counts.tolist(), hi.tolist(), lo.tolist()))


def _weighed(run: Run) -> NDArray[np.uint64]:
    """The trailing half of each key, plus its consent time multiplied by an odd number derived from that half."""
    if run.consented_at is None:
        return run.keys.lo
    return run.keys.lo + run.consented_at * (run.keys.lo | np.uint64(1))


def union(sets: Sequence[Keys]) -> Keys:
    """The sorted keys of all `sets`, each once. Sorted sets are merged faster."""
    run, _ = merge([Run(keys) for keys in sets])
    return run.keys


def isin_sorted(keys: Keys, others: Keys) -> NDArray[np.bool_]:
    """Which of `keys` are among `others`; both sorted and without duplicates."""
    if len(keys) <= len(others):
        return _places(keys, others) >= 0
    found = np.zeros(len(keys), np.bool_)
    places = _places(others, keys)
    found[places[places >= 0]] = True
    return found


def _places(needles: Keys, haystack: Keys) -> NDArray[np.intp]:
    """Where each needle is in the sorted haystack, -1 where it is not."""
    found = np.full(len(needles), -1, np.intp)
    places = np.searchsorted(haystack.hi, needles.hi)
    # A single round suffices unless distinct keys agree in their leading half: then the next place is compared too.
    pending = np.flatnonzero(places < len(haystack))
    while len(pending):
        pending = pending[haystack.hi[places[pending]] == needles.hi[pending]]
        equal = haystack.lo[places[pending]] == needles.lo[pending]
        found[pending[equal]] = places[pending[equal]]
        pending = pending[~equal]
        places[pending] += 1
        pending = pending[places[pending] < len(haystack)]
    return found


def matching_places(keys: Keys, stored: Keys) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The places of equal keys in both, pair by pair. `keys` is sorted without duplicates, `stored` is sorted."""
    if len(keys) > len(stored):
        at = _places(stored, keys)
        entries = np.flatnonzero(at >= 0)
        return at[entries], entries
    first = np.searchsorted(stored.hi, keys.hi)
    counts = np.searchsorted(stored.hi, keys.hi, side="right") - first
    at = np.repeat(np.arange(len(keys)), counts)
    before = np.repeat(np.cumsum(counts) - counts, counts)
    entries = np.arange(len(at)) - before + first[at]
    equal = stored.lo[entries] == keys.lo[at]
    return at[equal], entries[equal]
