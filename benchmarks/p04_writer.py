"""P4 beside a writer: answers a second while facts of every kind are recorded in a big market, and while none are."""

from typing import Final

from benchmarks.big_market import registered_market
from benchmarks.clients import LoadResult, client_process, lookup_requests
from benchmarks.compaction import postpone_compaction
from benchmarks.comparison import Comparison, Target
from benchmarks.p04_answer import CLIENTS, load_task, median_load, sample
from benchmarks.result import Progress, Result
from benchmarks.scale import Scale
from benchmarks.service import running_service
from benchmarks.timing import run_in_turn
from benchmarks.writer import Writer

ORGANISATIONS: Final = 50_000
DATASETS: Final = 10_000
WRITES_PER_SECOND: Final = 5
_NUMBERS_ASKED: Final = 200


def measure(scale: Scale, progress: Progress) -> Result:
    """Requests per second and percentiles beside a writer, compared with those of the same service without one."""
    with running_service() as service, client_process() as process:
        postpone_compaction(service)
        progress(f"{DATASETS:,} datasets, {ORGANISATIONS:,} organisations that hold one more")
        with registered_market(service, ORGANISATIONS, DATASETS) as market:
            requests = lookup_requests(service.port, market.party.key, sample(market.numbers, _NUMBERS_ASKED))
            assert market.party.lookup(int(market.numbers[0]))["chains"]
            ask = load_task(process, requests, CLIENTS, scale)
            writer = Writer(service, market)
            rates: list[float] = []

            def ask_beside_writer() -> LoadResult:
                before, seconds = writer.count, scale.answer_seconds
                with writer.at_work(WRITES_PER_SECOND):
                    found = ask()
                rates.append((writer.count - before) / seconds)
                return found

            progress("eight clients ask, beside a writer and without")
            loads = run_in_turn({"idle": ask, "beside": ask_beside_writer}, 2 * scale.rounds)
    idle, beside = median_load(loads["idle"]), median_load(loads["beside"])
    return Result([*_compare(beside, idle), _writes(min(rates))])


def _compare(beside: LoadResult, idle: LoadResult) -> list[Comparison]:
    work = f"full answer, {CLIENTS} clients, beside {WRITES_PER_SECOND} writes/s; without"
    return [
        Comparison("writer", work, beside.per_second, idle.per_second, "requests/s", Target("≥", 0.7)),
        Comparison("writer", f"{work}: p50", beside.p50, idle.p50, "ms"),
        Comparison("writer", f"{work}: p99", beside.p99, idle.p99, "ms"),
    ]


def _writes(rate: float) -> Comparison:
    target = Target("≥", WRITES_PER_SECOND - 1, "writes/s")
    return Comparison("writer", "facts recorded beside the lookups, slowest round", rate, None, "writes/s", target)
