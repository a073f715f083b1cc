"""P5: how long one number's answer takes as the counts of datasets and memberships grow, after compaction.

Each point is a service with its own database, so that all points can be measured in turn. The numbers asked for have
the same answer everywhere: the added datasets belong to another organisation, and their keys lie between the others.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks import files
from benchmarks.callers import admit_callers
from benchmarks.clients import client_process, lookup_requests
from benchmarks.compaction import compact_all, postpone_compaction
from benchmarks.comparison import Comparison, Target
from benchmarks.p04_answer import load_task, median_load, sample
from benchmarks.registration import register_many
from benchmarks.result import Plot, Progress, Result
from benchmarks.scale import Scale
from benchmarks.service import Service, running_service
from benchmarks.timing import run_in_turn
from benchmarks.trade import DATASETS, registered_trade
from service.core.vocabulary import Role

_SMALL_FILE_LINES = 1_000
_MOST_FILE_LINES = 10_000_000
_NUMBERS_ASKED = 5_000
_FIRST_OTHER_NUMBER = 20_000_000
_Point = tuple[int, int]
"""A count of datasets, and a count of memberships."""


def measure(scale: Scale, progress: Progress) -> Result:
    """The median time of an answer for one client at each point, compared with the first point."""
    first = (DATASETS, scale.answer_memberships)
    by_datasets = [first, *((datasets, scale.answer_memberships) for datasets in scale.growth_datasets)]
    by_memberships = [first, *((DATASETS, memberships) for memberships in scale.growth_memberships)]
    with ExitStack() as stack:
        process = stack.enter_context(client_process())
        tasks = {}
        for point in dict.fromkeys((*by_datasets, *by_memberships)):
            progress(f"{point[0]:,} datasets, {point[1]:,} memberships")
            service = stack.enter_context(running_service())
            trade = stack.enter_context(registered_trade(service, scale.answer_memberships))
            _grow(service, point, scale)
            requests = lookup_requests(service.port, trade.party.key, sample(trade.numbers, _NUMBERS_ASKED))
            tasks[point] = load_task(process, requests, 1, scale)
        progress("asking all in turn")
        p50 = {point: median_load(loads).p50 for point, loads in run_in_turn(tasks, scale.rounds).items()}
    return Result(_compare(p50, by_datasets, by_memberships), _plots(p50, by_datasets, by_memberships))


def _grow(service: Service, point: _Point, scale: Scale) -> None:
    """Add datasets to the trade of a service until it has the counts of `point`, and compact."""
    postpone_compaction(service)
    datasets, memberships = point
    with admit_callers(service, Role.BROKER) as (other,):
        register_many(service, other, _write_files(service.folder, [_SMALL_FILE_LINES] * (datasets - DATASETS)))
        register_many(service, other, _write_files(service.folder, _file_sizes(memberships - scale.answer_memberships)))
    compact_all(service)


def _file_sizes(count: int) -> list[int]:
    """Sizes of files that hold `count` numbers together, each of ten million at most."""
    return [min(_MOST_FILE_LINES, count - begin) for begin in range(0, count, _MOST_FILE_LINES)]


def _write_files(folder: Path, sizes: list[int]) -> Iterator[Path]:
    """Files of these sizes, with numbers that no benchmark asks for."""
    begin = _FIRST_OTHER_NUMBER
    for index, size in enumerate(sizes):
        yield files.write_file(folder / f"other-{index}.csv", begin, size, with_consents=False)
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
