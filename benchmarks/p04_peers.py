"""Peers of P4: one number's lineage from other databases, beside the product's full answer on the same data."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from importlib.util import find_spec
from statistics import median
from typing import NamedTuple

from benchmarks.comparison import Comparison
from benchmarks.peers.graphs import open_ladybug, open_prov
from benchmarks.peers.lineage import DATASETS, LineageQuery, Memberships, expected_lineage, make_memberships
from benchmarks.peers.product import open_filiation
from benchmarks.peers.rows import open_duckdb, open_postgres, open_sqlite
from benchmarks.result import Progress, Result
from benchmarks.scale import Scale
from benchmarks.service import Service, running_service
from benchmarks.timing import elapsed_seconds, run_in_turn

_NUMBERS_ASKED = 100


class _Peer(NamedTuple):
    """The name of a peer, the module it needs, how to fill it, and the divisor of the numbers that it gets."""

    name: str
    module: str
    open: Callable[[Service, Memberships], AbstractContextManager[LineageQuery]]
    divisor: int = 1


_PEERS = (
    _Peer("rows in PostgreSQL", "psycopg", open_postgres),
    _Peer("rows in SQLite", "sqlite3", open_sqlite),
    _Peer("rows in DuckDB", "duckdb", open_duckdb),
    _Peer("ladybug", "ladybug", open_ladybug),
    # Everything is a Python object there, so all numbers would not fit in memory.
    _Peer("prov in memory, of a fiftieth of the numbers", "prov", open_prov, divisor=50),
)


def measure(scale: Scale, progress: Progress) -> Result:
    """Milliseconds of one question, all in turn."""
    installed = [peer for peer in _PEERS if find_spec(peer.module)]
    if missing := [peer.module for peer in _PEERS if peer not in installed]:
        progress(f"not installed: {', '.join(missing)} (run make peers)")
    with ExitStack() as stack:
        service = stack.enter_context(running_service())
        memberships = make_memberships(service.folder, scale.peer_numbers)
        progress(f"{scale.peer_numbers:,} numbers, {len(memberships.frame):,} memberships: Filiation")
        answer = stack.enter_context(open_filiation(service, memberships))
        tasks = {"product": partial(_answer_milliseconds, answer, memberships)}
        for peer in installed:
            progress(peer.name)
            its_memberships = memberships
            if peer.divisor != 1:
                its_memberships = make_memberships(service.folder, scale.peer_numbers // peer.divisor)
            query = stack.enter_context(peer.open(service, its_memberships))
            tasks[peer.name] = partial(_query_milliseconds, query, its_memberships)
        progress("asking all in turn")
        medians = {name: median(times) for name, times in run_in_turn(tasks, scale.rounds).items()}
    return Result(_compare(scale, medians))


def _query_milliseconds(query: LineageQuery, memberships: Memberships) -> float:
    """The median time of a peer's answer, whose first one is checked beforehand."""
    numbers = _sample(memberships)
    assert query(numbers[0]) == expected_lineage(memberships, numbers[0])
    return median(elapsed_seconds(partial(query, number)) for number in numbers) * 1000


def _answer_milliseconds(answer: Callable[[int], bytes], memberships: Memberships) -> float:
    """The median time of the product's answer, whose first one is checked beforehand."""
    numbers = _sample(memberships)
    first = json.loads(answer(numbers[0]))
    assert len(first["holdings"]) == memberships.frame["number"].to_list().count(numbers[0])
    return median(elapsed_seconds(partial(answer, number)) for number in numbers) * 1000


def _sample(memberships: Memberships) -> list[int]:
    sample: list[int] = memberships.numbers[:: max(1, len(memberships.numbers) // _NUMBERS_ASKED)].tolist()
    return sample


def _compare(scale: Scale, medians: Mapping[str, float]) -> list[Comparison]:
    work = f"one number's full answer, {scale.peer_numbers:,} numbers × {DATASETS} datasets, in process"
    product = medians["product"]
    return [
        Comparison("peers", f"{work}; its lineage alone from {name}", product, time, "ms")
        for name, time in medians.items()
        if name != "product"
    ]
