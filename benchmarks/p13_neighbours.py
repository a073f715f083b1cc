"""P13: health and lookups while others do the heaviest things that one request can ask for."""

import itertools
import json
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import httpx2

from benchmarks import files
from benchmarks.callers import Caller, admit_callers
from benchmarks.clients import LoadResult, client_process
from benchmarks.comparison import Comparison, Target
from benchmarks.memory import PeakMemory, watch_memory
from benchmarks.paced import Paced, run_paced
from benchmarks.registration import open_dataset, register, upload_part
from benchmarks.repeated import repeated
from benchmarks.result import Progress, Result
from benchmarks.scale import Scale
from benchmarks.service import Service, running_service
from benchmarks.sessions import begin_sessions
from benchmarks.trade import Trade, registered_trade, trade_with_many_chains
from service.core.vocabulary import Role

_OBJECTIONS_A_CALL: Final = 1_000
_CALLS: Final = 100
_REJECTED_LINES: Final = 1_000_000
_HEALTH: Final = "/v1/health"
_INTERVAL: Final = 0.1
_LOOKERS, _CHECKERS = 2, 2


class _Probe(NamedTuple):
    """The times of health checks and of lookups."""

    health: LoadResult
    lookup: LoadResult


def measure(scale: Scale, progress: Progress) -> Result:
    """The 99th percentiles beside each heavy request, compared with those of the same service without any."""
    with (
        running_service() as service,
        registered_trade(service, scale.answer_memberships) as trade,
        trade_with_many_chains(service) as (_, number),
        admit_callers(service, Role.BROKER) as (holder,),
        client_process() as process,
        client_process() as other_process,
    ):
        asked = _asked(service, trade, scale.concurrent_seconds)

        def probe() -> _Probe:
            running = [
                pool.submit(run_paced, paced, scale.concurrent_seconds)
                for pool, paced in zip((process, other_process), asked, strict=True)
            ]
            return _Probe(*(each.result() for each in running))

        progress("by themselves")
        probe()  # Not counted: what is read for the first time is read from the disk.
        idle = probe()
        rows = []
        for work, act in _acts(service, holder, number).items():
            progress(f"beside {work}")
            with watch_memory(service) as memory, repeated(act) as times:
                beside = probe()
            rows += _comparisons(f"{work}, {len(times)} times", beside, idle, memory)
    return Result(rows)


def _asked(service: Service, trade: Trade, seconds: float) -> tuple[Paced, Paced]:
    count = int(seconds / _INTERVAL + 2) * max(_LOOKERS, _CHECKERS)
    bodies = [json.dumps({"number": f"+{number}"}).encode() for number in trade.numbers[:count].tolist()]
    health = Paced(service.port, _HEALTH, [("", b"")] * count, _CHECKERS, _INTERVAL)
    lookups = Paced(service.port, "/v1/lookups", [(trade.party.key, body) for body in bodies], _LOOKERS, _INTERVAL)
    return health, lookups


def _acts(service: Service, holder: Caller, number: int) -> dict[str, Callable[[], Any]]:
    (token,) = begin_sessions(service, [number])
    letter = httpx2.Client(base_url=service.url, headers={"Authorization": f"Bearer {token}"}, timeout=60)
    rejected = service.folder / "rejected.csv"
    rejected.write_text("telephone\n" + "".join(f"client {line}\n" for line in range(_REJECTED_LINES)))
    held = files.numbers(0, _OBJECTIONS_A_CALL * _CALLS)
    register(service, holder, files.write_file(service.folder / "held.csv", 0, len(held), with_consents=True))
    calls = itertools.count()

    def object_for_a_thousand() -> None:
        begin = next(calls) % _CALLS * _OBJECTIONS_A_CALL
        said = [
            {"number": f"+{each}", "occurred_at": "2024-05-20T10:00:00Z"}
            for each in held[begin : begin + _OBJECTIONS_A_CALL].tolist()
        ]
        holder.post("/v1/objections/received", {"kind": "objection", "numbers": said})

    def upload_rejected() -> None:
        upload_part(service, holder, open_dataset(holder), rejected, range(rejected.stat().st_size))

    return {
        "the letter of a number in 50 chains": lambda: letter.post(
            "/v1/disclosures", json={"form": "pdf"}
        ).raise_for_status(),
        f"a part of {_REJECTED_LINES:,} rejected lines": upload_rejected,
        f"{_OBJECTIONS_A_CALL:,} objections in a call": object_for_a_thousand,
    }


def _comparisons(work: str, beside: _Probe, idle: _Probe, memory: PeakMemory) -> list[Comparison]:
    return [
        Comparison(
            "P13",
            f"99th percentile of health, beside {work}; alone",
            beside.health.p99,
            idle.health.p99,
            "ms",
            Target("≤", 100, "ms"),
        ),
        Comparison(
            "P13",
            f"99th percentile of a lookup, beside {work}; alone",
            beside.lookup.p99,
            idle.lookup.p99,
            "ms",
            Target("≤", 3),
        ),
        Comparison("P13", f"peak memory of the service, beside {work}", memory.service, None, "MiB"),
    ]
