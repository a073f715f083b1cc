"""P7: many objections at once, each matched to every holder of its number."""

from functools import partial
from statistics import median

from benchmarks import files
from benchmarks.compacting import compact_all, postpone
from benchmarks.comparison import Comparison, Target
from benchmarks.cuts import DATASETS, cut_sizes, register_base_and_cuts
from benchmarks.files import Numbers
from benchmarks.http import Door, door
from benchmarks.measured import Measured, Say
from benchmarks.measuring import interleaved, seconds
from benchmarks.scale import Scale
from benchmarks.service import serving
from service.membership.matching import match
from service.membership.runs import sorted_run

_OBJECTIONS = 100_000


def measure(scale: Scale, say: Say) -> Measured:
    """Seconds for all of them, as sealed and after compaction."""
    with serving() as service, door(service) as opened:
        postpone(service)
        say(f"a base of {scale.base_lines:,} numbers")
        memberships = register_base_and_cuts(service, scale.base_lines)
        work = partial(_match, objections=_spread(scale.base_lines), expected=_expected(scale.base_lines))
        say("matching")
        matching = {"match": partial(seconds, lambda: opened.run(work))}
        sealed = median(interleaved(matching, scale.rounds)["match"])
        compact_all(service)
        compacted = median(interleaved(matching, scale.rounds)["match"])
    what = f"{_OBJECTIONS:,} objections matched in {memberships:,} memberships of {DATASETS} datasets"
    target = Target("≤", 1, "s")
    return Measured(
        [
            Comparison("P7", f"{what}, as sealed", sealed, None, "s", target),
            Comparison("P7", f"{what}, compacted", compacted, None, "s", target),
        ]
    )


def _spread(lines: int) -> Numbers:
    """Numbers from everywhere in the base, so that each cut holds its share of them."""
    return files.numbers(0, lines)[:: lines // _OBJECTIONS]


async def _match(opened: Door, objections: Numbers, expected: int) -> None:
    keys = sorted_run(opened.ring.pseudonyms(objections)).keys
    found = await match(opened.database, keys)
    assert sum(map(len, found.values())) == expected


def _expected(lines: int) -> int:
    """How many holdings the objections meet: every dataset is the beginning of the base."""
    step = lines // _OBJECTIONS
    return sum(-(-size // step) for size in (lines, *cut_sizes(lines)))
