"""P15: 64 clients at mixed work. Lookups beside all the other work, and whether memory stays flat."""

import itertools
import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import httpx2

from benchmarks import files
from benchmarks.callers import Caller, admit_callers
from benchmarks.clients import LoadResult, client_process
from benchmarks.comparison import Comparison, Target
from benchmarks.memory import PeakMemory, watch_memory
from benchmarks.paced import Paced, run_paced
from benchmarks.registration import register_patiently
from benchmarks.repeated import all_repeated
from benchmarks.result import Progress, Result
from benchmarks.scale import Scale
from benchmarks.service import Service, running_service
from benchmarks.sessions import begin_sessions
from benchmarks.trade import Trade, registered_trade
from service.core.vocabulary import Role

LOOKERS, LISTERS, PERSONS, SEALERS, RECORDERS, READERS = 34, 8, 8, 6, 4, 4
CLIENTS: Final = LOOKERS + LISTERS + PERSONS + SEALERS + RECORDERS + READERS
_LOOKUP_INTERVAL: Final = 0.5
_PAUSE: Final = 1.0
_FILE_LINES: Final = 2_000
_RECORDED: Final = 50
_PERSONS_SESSIONS: Final = 2_000
_OCCURRED_AT: Final = "2024-05-20T10:00:00Z"
_LISTS: Final = ("/v1/datasets", "/v1/transfers", "/v1/campaigns", "/v1/organisations", "/v1/objections/relays")


class _Half(NamedTuple):
    """The lookups of one half of the time, and the peak memory in it."""

    lookups: LoadResult
    memory: PeakMemory


def measure(scale: Scale, progress: Progress) -> Result:
    """The 99th percentile of lookups, alone and beside the other clients, and the memory of both halves."""
    seconds = scale.concurrent_seconds / 2
    with (
        running_service() as service,
        registered_trade(service, scale.answer_memberships) as trade,
        admit_callers(service, *(Role.BROKER,) * SEALERS) as sealers,
        client_process() as process,
    ):
        lookups = _lookups(service, trade, seconds)
        progress(f"{LOOKERS} look numbers up")
        process.submit(run_paced, lookups, seconds).result()
        idle = process.submit(run_paced, lookups, seconds).result()
        progress(f"{CLIENTS} clients at mixed work")
        acts = _acts(service, trade, sealers)
        with all_repeated(acts, _PAUSE) as times:
            halves = []
            for _ in range(2):
                with watch_memory(service) as memory:
                    halves.append(_Half(process.submit(run_paced, lookups, seconds).result(), memory))
        done = sum(map(len, times))
    return Result(_comparisons(idle, halves, f"{CLIENTS} clients, {done:,} other requests"))


def _lookups(service: Service, trade: Trade, seconds: float) -> Paced:
    count = int(seconds / _LOOKUP_INTERVAL + 2) * LOOKERS
    bodies = [json.dumps({"number": f"+{number}"}).encode() for number in trade.numbers[:count].tolist()]
    requests = [(trade.party.key, body) for body in bodies]
    return Paced(service.port, "/v1/lookups", requests, LOOKERS, _LOOKUP_INTERVAL)


def _acts(service: Service, trade: Trade, sealers: Sequence[Caller]) -> list[Callable[[], Any]]:
    """What each client but those that look numbers up does, again and again. A failed request ends the benchmark."""
    numbers = trade.numbers.tolist()
    tokens = iter(begin_sessions(service, numbers[-_PERSONS_SESSIONS:]))
    readers = begin_sessions(service, numbers[:READERS])
    # One for all: each would load the certificates of the machine, which takes longer than an objection.
    persons = httpx2.Client(base_url=service.url, timeout=60)
    file = files.write_file(service.folder / "mixed.csv", 0, _FILE_LINES, with_consents=True)
    lists, recorded = itertools.cycle(_LISTS), itertools.count(READERS, _RECORDED)

    def object_to_all() -> None:
        persons.post("/v1/objections", json={"kind": "objection"}, headers=_bearer(next(tokens))).raise_for_status()

    def record_objections() -> None:
        begin = next(recorded)
        said = [{"number": f"+{number}", "occurred_at": _OCCURRED_AT} for number in numbers[begin : begin + _RECORDED]]
        trade.party.post("/v1/objections/received", {"kind": "objection", "numbers": said})

    return [
        *(partial(_read_letter, persons, token) for token in readers),
        *(partial(register_patiently, service, sealer, file) for sealer in sealers),
        *(object_to_all,) * PERSONS,
        *(record_objections,) * RECORDERS,
        *(lambda: trade.party.get(next(lists)),) * LISTERS,
    ]


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _read_letter(persons: httpx2.Client, token: str) -> None:
    response = persons.post("/v1/disclosures", json={"form": "pdf"}, headers=_bearer(token))
    # The heaviest requests may be refused for a moment, if the response says when to come again.
    if response.status_code != httpx2.codes.SERVICE_UNAVAILABLE or "Retry-After" not in response.headers:
        response.raise_for_status()


def _comparisons(idle: LoadResult, halves: Sequence[_Half], work: str) -> list[Comparison]:
    worst = max((half.lookups for half in halves), key=lambda lookups: lookups.p99)
    first, second = (half.memory.service for half in halves)
    return [
        Comparison("P15", f"99th percentile of a lookup, {work}; alone", worst.p99, idle.p99, "ms", Target("≤", 5)),
        Comparison("P15", f"median of a lookup, {work}; alone", worst.p50, idle.p50, "ms"),
        Comparison(
            "P15", "peak memory of the service, second half; first half", second, first, "MiB", Target("≤", 1.1)
        ),
    ]
