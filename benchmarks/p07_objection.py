"""P7: many objections at once, each matched to every holder of its number."""

from functools import partial
from statistics import median

from benchmarks import files
from benchmarks.compaction import compact_all, postpone_compaction
from benchmarks.comparison import Comparison, Target
from benchmarks.extracts import DATASETS, extract_sizes, register_base_and_extracts
from benchmarks.files import Numbers
from benchmarks.result import Progress, Result
from benchmarks.scale import Scale
from benchmarks.service import running_service
from benchmarks.store import Store, open_store
from benchmarks.timing import elapsed_seconds, run_in_turn
from service.membership.matching import match_keys
from service.membership.runs import sorted_run

_OBJECTIONS = 100_000


def measure(scale: Scale, progress: Progress) -> Result:
    """Seconds to match all objections, as sealed and after compaction."""
    with running_service() as service, open_store(service) as store:
        postpone_compaction(service)
        progress(f"a base of {scale.base_lines:,} numbers")
        memberships = register_base_and_extracts(service, scale.base_lines)
        operation = partial(_match, objections=_sample(scale.base_lines), expected=_expected_matches(scale.base_lines))
        progress("matching")
        matching = {"match": partial(elapsed_seconds, lambda: store.run(operation))}
        sealed = median(run_in_turn(matching, scale.rounds)["match"])
        compact_all(service)
        compacted = median(run_in_turn(matching, scale.rounds)["match"])
    work = f"{_OBJECTIONS:,} objections matched in {memberships:,} memberships of {DATASETS} datasets"
    target = Target("≤", 1, "s")
    return Result(
        [
            Comparison("P7", f"{work}, as sealed", sealed, None, "s", target),
            Comparison("P7", f"{work}, compacted", compacted, None, "s", target),
        ]
    )


def _sample(lines: int) -> Numbers:
    """Numbers spread evenly over the base, so that each extract holds its share of them."""
    return files.numbers(0, lines)[:: lines // _OBJECTIONS]


async def _match(store: Store, objections: Numbers, expected: int) -> None:
    keys = sorted_run(store.ring.pseudonyms(objections)).keys
    found = await match_keys(store.database, keys)
    assert sum(map(len, found.values())) == expected


def _expected_matches(lines: int) -> int:
    """The number of holdings that the objections match. Every dataset is the beginning of the base."""
    step = lines // _OBJECTIONS
    return sum(-(-size // step) for size in (lines, *extract_sizes(lines)))
