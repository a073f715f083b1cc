"""Peers of P4: one number's lineage from whatever is installed, beside the product's full answer on the same data."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from importlib.util import find_spec
from statistics import median
from typing import NamedTuple

from benchmarks.comparison import Comparison
from benchmarks.measured import Measured, Say
from benchmarks.measuring import interleaved, seconds
from benchmarks.peers.graphs import in_ladybug, in_prov
from benchmarks.peers.lineage import DATASETS, Ask, Held, expected, make
from benchmarks.peers.product import in_filiation
from benchmarks.peers.rows import in_duckdb, in_postgres, in_sqlite
from benchmarks.scale import Scale
from benchmarks.service import Service, serving

_ASKED_FOR = 100


class _Peer(NamedTuple):
    """What it is called, the module that it needs, how to fill it, and which part of the numbers it takes."""

    name: str
    module: str
    open: Callable[[Service, Held], AbstractContextManager[Ask]]
    part: int = 1


_PEERS = (
    _Peer("rows in PostgreSQL", "psycopg", in_postgres),
    _Peer("rows in SQLite", "sqlite3", in_sqlite),
    _Peer("rows in DuckDB", "duckdb", in_duckdb),
    _Peer("ladybug", "ladybug", in_ladybug),
    # Everything is an object of Python there: the whole would not fit in memory.
    _Peer("prov in memory, of a fiftieth of the numbers", "prov", in_prov, part=50),
)


def measure(scale: Scale, say: Say) -> Measured:
    """Milliseconds of a question, in turn."""
    found = [peer for peer in _PEERS if find_spec(peer.module)]
    if missing := [peer.module for peer in _PEERS if peer not in found]:
        say(f"not installed: {', '.join(missing)} (make peers)")
    with ExitStack() as stack:
        service = stack.enter_context(serving())
        held = make(service.folder, scale.peer_numbers)
        say(f"{scale.peer_numbers:,} numbers, {len(held.memberships):,} memberships: Filiation")
        answer = stack.enter_context(in_filiation(service, held))
        works = {"product": partial(_answered, answer, held)}
        for peer in found:
            say(peer.name)
            some = held if peer.part == 1 else make(service.folder, scale.peer_numbers // peer.part)
            works[peer.name] = partial(_asked, stack.enter_context(peer.open(service, some)), some)
        say("asking all in turn")
        taken = {name: median(times) for name, times in interleaved(works, scale.rounds).items()}
    return Measured(_compare(scale, taken))


def _asked(ask: Ask, held: Held) -> float:
    """Milliseconds of one question of many, every answer checked beforehand."""
    numbers = _some(held)
    assert ask(numbers[0]) == expected(held, numbers[0])
    return median(seconds(partial(ask, number)) for number in numbers) * 1000


def _answered(answer: Callable[[int], bytes], held: Held) -> float:
    numbers = _some(held)
    told = json.loads(answer(numbers[0]))
    assert len(told["holdings"]) == held.memberships["number"].to_list().count(numbers[0])
    return median(seconds(partial(answer, number)) for number in numbers) * 1000


def _some(held: Held) -> list[int]:
    chosen: list[int] = held.numbers[:: max(1, len(held.numbers) // _ASKED_FOR)].tolist()
    return chosen


def _compare(scale: Scale, taken: Mapping[str, float]) -> list[Comparison]:
    what = f"one number's full answer, {scale.peer_numbers:,} numbers × {DATASETS} datasets, in process"
    product = taken["product"]
    return [
        Comparison("peers", f"{what}; its lineage alone from {name}", product, time, "ms")
        for name, time in taken.items()
        if name != "product"
    ]
