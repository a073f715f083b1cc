"""P4: one number's full answer over HTTP, eight clients; beside an empty route behind the same key check."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from statistics import median

from benchmarks.clients import Asked, Load, ask, client_process, lookups
from benchmarks.compacting import postpone
from benchmarks.comparison import Comparison, Target
from benchmarks.empty_route import PATH
from benchmarks.files import Numbers
from benchmarks.measured import Measured, Say
from benchmarks.measuring import interleaved
from benchmarks.scale import Scale
from benchmarks.service import serving
from benchmarks.trade import CHAINS, many_chains, trading

CLIENTS = 8
_ASKED_FOR = 20_000


def measure(scale: Scale, say: Say) -> Measured:
    """Requests a second and percentiles of both routes, asked in turn; and of one client asking for a large answer."""
    with serving("benchmarks.empty_route") as service, client_process() as process:
        postpone(service)
        say(f"a trade of {scale.answer_memberships:,} memberships")
        with trading(service, scale.answer_memberships) as trade:
            asked = {
                path: lookups(service.port, trade.party.key, spread(trade.numbers, _ASKED_FOR), path)
                for path in ("/v1/lookups", PATH)
            }
            assert len(trade.party.lookup(int(trade.numbers[0]))["chains"]) == 2
            say("eight clients ask")
            works = {path: asking(process, one, CLIENTS, scale) for path, one in asked.items()}
            answer, empty = (middle(loads) for loads in interleaved(works, scale.rounds).values())
        say(f"a number with {CHAINS} chains")
        with many_chains(service) as (party, number):
            assert len(party.lookup(number)["chains"]) == CHAINS
            one = asking(process, lookups(service.port, party.key, [number]), 1, scale)
            large = middle([one() for _ in range(scale.rounds)])
    return Measured([*_compare(answer, empty), _large(large)])


def spread(numbers: Numbers, count: int) -> list[int]:
    """About `count` of `numbers`, from everywhere among them."""
    chosen: list[int] = numbers[:: max(1, len(numbers) // count)].tolist()
    return chosen


def asking(process: ProcessPoolExecutor, asked: Asked, clients: int, scale: Scale) -> Callable[[], Load]:
    """A work that asks from another process; the service has answered a few before it is measured."""
    process.submit(ask, asked, clients, scale.answer_seconds / 4).result()
    return lambda: process.submit(ask, asked, clients, scale.answer_seconds).result()


def middle(loads: Sequence[Load]) -> Load:
    """The median of each figure."""
    return Load(*(median(getattr(load, name) for load in loads) for name in ("per_second", "p50", "p99")))


def _compare(answer: Load, empty: Load) -> list[Comparison]:
    what = f"full answer, {CLIENTS} clients; empty route"
    return [
        Comparison("P4", what, answer.per_second, empty.per_second, "requests/s", Target("≥", 0.45)),
        Comparison("P4", f"{what}: p50", answer.p50, empty.p50, "ms"),
        Comparison("P4", f"{what}: p99", answer.p99, empty.p99, "ms", Target("≤", 4)),
    ]


def _large(load: Load) -> Comparison:
    what = f"number held by {4 * CHAINS} datasets in {CHAINS} chains, one client: p50"
    return Comparison("P4", what, load.p50, None, "ms", Target("≤", 20, "ms"))
