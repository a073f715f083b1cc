"""P5: how long one number's answer takes as datasets and memberships multiply, after compaction.

Every point is a service and a database of its own, so that all are asked in turn. The numbers asked for have the same
answer everywhere: what grows belongs to somebody else, and its keys lie between theirs.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks import files
from benchmarks.calling import callers
from benchmarks.clients import client_process, lookups
from benchmarks.compacting import compact_all, postpone
from benchmarks.comparison import Comparison, Target
from benchmarks.measured import Measured, Plot, Say
from benchmarks.measuring import interleaved
from benchmarks.p04_answer import asking, middle, spread
from benchmarks.registering import register_many
from benchmarks.scale import Scale
from benchmarks.service import Service, serving
from benchmarks.trade import DATASETS, trading
from service.core.vocabulary import Role

_SMALL = 1_000
_LARGE = 10_000_000
_ASKED_FOR = 5_000
_FIRST_OTHER = 20_000_000
_Point = tuple[int, int]
"""How many datasets, and how many memberships."""


def measure(scale: Scale, say: Say) -> Measured:
    """The median answer, for one client, at each point; and how it compares with the first."""
    first = (DATASETS, scale.answer_memberships)
    by_datasets = [first, *((datasets, scale.answer_memberships) for datasets in scale.growth_datasets)]
    by_memberships = [first, *((DATASETS, memberships) for memberships in scale.growth_memberships)]
    with ExitStack() as stack:
        process = stack.enter_context(client_process())
        works = {}
        for point in dict.fromkeys((*by_datasets, *by_memberships)):
            say(f"{point[0]:,} datasets, {point[1]:,} memberships")
            service = stack.enter_context(serving())
            trade = stack.enter_context(trading(service, scale.answer_memberships))
            _grow(service, point, scale)
            asked = lookups(service.port, trade.party.key, spread(trade.numbers, _ASKED_FOR))
            works[point] = asking(process, asked, 1, scale)
        say("asking all in turn")
        p50 = {point: middle(loads).p50 for point, loads in interleaved(works, scale.rounds).items()}
    return Measured(_compare(p50, by_datasets, by_memberships), _plots(p50, by_datasets, by_memberships))


def _grow(service: Service, point: _Point, scale: Scale) -> None:
    """Add datasets to the trade of a service until `point` is reached, and compact."""
    postpone(service)
    datasets, memberships = point
    with callers(service, Role.BROKER) as (other,):
        register_many(service, other, _written(service.folder, [_SMALL] * (datasets - DATASETS)))
        register_many(service, other, _written(service.folder, _pieces(memberships - scale.answer_memberships)))
    compact_all(service)


def _pieces(count: int) -> list[int]:
    """`count` in files of ten million at most."""
    return [min(_LARGE, count - begin) for begin in range(0, count, _LARGE)]


def _written(folder: Path, sizes: list[int]) -> Iterator[Path]:
    """Files of so many numbers that nobody asks for."""
    begin = _FIRST_OTHER
    for place, size in enumerate(sizes):
        yield files.write(folder / f"other-{place}.csv", begin, size, with_consents=False)
        begin += size


def _compare(p50: dict[_Point, float], *lines: list[_Point]) -> list[Comparison]:
    first = lines[0][0]
    return [
        Comparison(
            "P5",
            f"answer, {datasets:,} datasets, {memberships:,} memberships: p50; {first[0]} and {first[1]:,}",
            p50[datasets, memberships],
            p50[first],
            "ms",
            Target("≤", 1.5),
        )
        for line in lines
        for datasets, memberships in line[1:]
    ]


def _plots(p50: dict[_Point, float], by_datasets: list[_Point], by_memberships: list[_Point]) -> list[Plot]:
    title, unit = "One number's answer, one client", "ms (p50)"
    datasets = [(float(point[0]), p50[point]) for point in by_datasets]
    memberships = [(float(point[1]), p50[point]) for point in by_memberships]
    return [
        Plot("lookup-datasets", title, "datasets", unit, {"compacted": datasets}),
        Plot("lookup-memberships", title, "memberships", unit, {"compacted": memberships}),
    ]
