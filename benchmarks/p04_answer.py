"""P4: one number's full answer over HTTP with eight clients, beside an empty route with the same key check."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from statistics import median

from benchmarks.clients import LoadResult, Requests, client_process, lookup_requests, run_load
from benchmarks.compaction import postpone_compaction
from benchmarks.comparison import Comparison, Target
from benchmarks.empty_route import PATH
from benchmarks.files import Numbers
from benchmarks.result import Progress, Result
from benchmarks.scale import Scale
from benchmarks.service import running_service
from benchmarks.timing import run_in_turn
from benchmarks.trade import CHAINS, registered_trade, trade_with_many_chains

CLIENTS = 8
_NUMBERS_ASKED = 20_000


def measure(scale: Scale, progress: Progress) -> Result:
    """Requests per second and percentiles of both routes, in turn; and of one client that asks for a large answer."""
    with running_service("benchmarks.empty_route") as service, client_process() as process:
        postpone_compaction(service)
        progress(f"a trade of {scale.answer_memberships:,} memberships")
        with registered_trade(service, scale.answer_memberships) as trade:
            requests_by_path = {
                path: lookup_requests(service.port, trade.party.key, sample(trade.numbers, _NUMBERS_ASKED), path)
                for path in ("/v1/lookups", PATH)
            }
            assert len(trade.party.lookup(int(trade.numbers[0]))["chains"]) == 2
            progress("eight clients ask")
            tasks = {path: load_task(process, requests, CLIENTS, scale) for path, requests in requests_by_path.items()}
            answer, empty = (median_load(loads) for loads in run_in_turn(tasks, scale.rounds).values())
        progress(f"a number with {CHAINS} chains")
        with trade_with_many_chains(service) as (party, number):
            assert len(party.lookup(number)["chains"]) == CHAINS
            large_task = load_task(process, lookup_requests(service.port, party.key, [number]), 1, scale)
            large = median_load([large_task() for _ in range(scale.rounds)])
    return Result([*_compare(answer, empty), _large(large)])


def sample(numbers: Numbers, count: int) -> list[int]:
    """About `count` of `numbers`, evenly spread over them."""
    chosen: list[int] = numbers[:: max(1, len(numbers) // count)].tolist()
    return chosen


def load_task(process: ProcessPoolExecutor, requests: Requests, clients: int, scale: Scale) -> Callable[[], LoadResult]:
    """A task that sends requests from another process. A short load warms the service up first."""
    process.submit(run_load, requests, clients, scale.answer_seconds / 4).result()
    return lambda: process.submit(run_load, requests, clients, scale.answer_seconds).result()


def median_load(loads: Sequence[LoadResult]) -> LoadResult:
    """The median of each figure of several loads."""
    return LoadResult(*(median(getattr(load, name) for load in loads) for name in ("per_second", "p50", "p95", "p99")))


def _compare(answer: LoadResult, empty: LoadResult) -> list[Comparison]:
    work = f"full answer, {CLIENTS} clients; empty route"
    return [
        Comparison("P4", work, answer.per_second, empty.per_second, "requests/s", Target("≥", 0.45)),
        Comparison("P4", f"{work}: p50", answer.p50, empty.p50, "ms"),
        Comparison("P4", f"{work}: p99", answer.p99, empty.p99, "ms", Target("≤", 4)),
    ]


def _large(load: LoadResult) -> Comparison:
    work = f"number held by {4 * CHAINS} datasets in {CHAINS} chains, one client: p50"
    return Comparison("P4", work, load.p50, None, "ms", Target("≤", 20, "ms"))
