"""P14: persons object while others look numbers up and datasets are sealed."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import LiteralString, NamedTuple

import psycopg

from benchmarks import files
from benchmarks.callers import Caller, admit_callers
from benchmarks.clients import LoadResult, client_process
from benchmarks.comparison import Comparison, Target
from benchmarks.paced import Paced, run_paced
from benchmarks.registration import register_patiently
from benchmarks.repeated import all_repeated
from benchmarks.result import Progress, Result
from benchmarks.scale import Scale
from benchmarks.service import Service, running_service
from benchmarks.sessions import begin_sessions
from benchmarks.trade import registered_trade
from service.core.locks import Lock
from service.core.vocabulary import Role

PERSONS, LOOKERS, SEALERS = 20, 20, 5
_INTERVAL = 1.0
_MORE = 10
"""So many times as many lookups show what becomes of it when two cores are busy. That row has no target."""
_SEALED_NUMBERS = 2_000
_SAMPLE_SECONDS = 0.005
_OBJECTION = b'{"kind": "objection"}'


def measure(scale: Scale, progress: Progress) -> Result:
    """The 99th percentile of an objection, by itself and beside others, and the longest wait for a lock."""
    with running_service() as service:
        return measure_on(service, scale, progress)


def measure_on(service: Service, scale: Scale, progress: Progress) -> Result:
    """The same on a service that runs already."""
    seconds = scale.concurrent_seconds
    persons = int(seconds / _INTERVAL + 2) * PERSONS
    with (
        registered_trade(service, scale.answer_memberships) as trade,
        admit_callers(service, *(Role.BROKER,) * SEALERS) as sealers,
        client_process() as process,
        client_process() as other_process,
    ):
        progress(f"{3 * persons:,} persons of {scale.answer_memberships:,} memberships")
        sessions = begin_sessions(service, trade.numbers[: 3 * persons].tolist())
        alone, beside, beside_more = (
            Paced(service.port, "/v1/objections", [(token, _OBJECTION) for token in tokens], PERSONS, _INTERVAL)
            for tokens in (sessions[:persons], sessions[persons : 2 * persons], sessions[2 * persons :])
        )
        progress("objecting alone")
        idle = process.submit(run_paced, alone, seconds).result()
        found = list[_Beside]()
        with _watched_locks(service) as watch, _sealing(service, sealers) as sealed:
            for objecting, interval in ((beside, _INTERVAL), (beside_more, _INTERVAL / _MORE)):
                progress(f"objecting beside others, who look up every {interval:g} s")
                sealed_before = sealed()
                lookups = _lookups(service, trade.party, trade.numbers[-persons:].tolist(), interval)
                looking = other_process.submit(run_paced, lookups, seconds)
                objected = process.submit(run_paced, objecting, seconds).result()
                found.append(_Beside(objected, looking.result(), sealed() - sealed_before))
        _check(service, watch, sealed())
    return Result(_comparisons(seconds, idle, found, watch))


class _Beside(NamedTuple):
    """Objections, lookups meanwhile, and the number of datasets sealed meanwhile."""

    objected: LoadResult
    looked_up: LoadResult
    sealed: int


def _comparisons(seconds: float, idle: LoadResult, found: Sequence[_Beside], watch: "_Watch") -> list[Comparison]:
    rows: list[Comparison] = []
    for (objected, looked_up, sealed), target in zip(found, (Target("≤", 5), None), strict=True):
        work = (
            f"{PERSONS} persons with {objected.per_second:,.0f} objections a second, beside {LOOKERS} persons with "
            f"{looked_up.per_second:,.0f} lookups a second and {SEALERS} sealing {sealed} datasets in {seconds:,.0f} s"
        )
        rows.append(Comparison("P14", f"99th percentile: {work}; alone", objected.p99, idle.p99, "ms", target))
        rows.append(Comparison("P14", f"median: {work}; alone", objected.p50, idle.p50, "ms"))
    work = "longest wait for a lock of a statement of an objection"
    rows.append(Comparison("P14", work, watch.longest, None, "ms", Target("≤", 200, "ms")))
    return rows


def _lookups(service: Service, party: Caller, numbers: Sequence[int], interval: float) -> Paced:
    bodies = [json.dumps({"number": f"+{number}"}).encode() for number in numbers]
    repeated = int(_INTERVAL / interval) + 1
    return Paced(service.port, "/v1/lookups", [(party.key, body) for body in bodies] * repeated, LOOKERS, interval)


@contextmanager
def _sealing(service: Service, sealers: Sequence[Caller]) -> Iterator[Callable[[], int]]:
    """During the block, each organisation registers a file after another. The function counts the sealed datasets."""
    file = files.write_file(service.folder / "sealed.csv", 0, _SEALED_NUMBERS, with_consents=True)
    with all_repeated([partial(register_patiently, service, sealer, file) for sealer in sealers]) as sealed:
        yield lambda: sum(map(len, sealed))


# Only the search for objected numbers waits for `RECORDING`. A commit may be anybody's, and counts too.
_WAITS: LiteralString = """
    SELECT extract(epoch FROM max(clock_timestamp() - waitstart)) * 1000
    FROM pg_locks AS waiting JOIN pg_stat_activity AS activity USING (pid)
    WHERE NOT granted AND waitstart IS NOT NULL AND datname = current_database()
      AND (locktype = 'advisory' AND classid = %(number)s
           OR locktype <> 'advisory' AND (query ~* '^commit' OR query ~* '(objection|relay|webhook_delivery)\\y'))
"""


@dataclass
class _Watch:
    """The longest wait so far in milliseconds, and how often was looked."""

    longest: float = 0.0
    looks: int = 0
    ended: Event = field(default_factory=Event)


@contextmanager
def _watched_locks(service: Service) -> Iterator[_Watch]:
    """Look every five milliseconds how long statements of objections have been waiting for a lock."""
    watch = _Watch()

    def look() -> None:
        with psycopg.connect(service.dsn, autocommit=True) as connection:
            while not watch.ended.is_set():
                ((longest,),) = connection.execute(_WAITS, {"number": Lock.NUMBER.numbers()[0]}).fetchall()
                watch.longest, watch.looks = max(watch.longest, float(longest or 0)), watch.looks + 1
                time.sleep(_SAMPLE_SECONDS)

    with ThreadPoolExecutor(1) as pool:
        looking: Future[None] = pool.submit(look)
        try:
            yield watch
        finally:
            watch.ended.set()
            looking.result()


def _check(service: Service, watch: _Watch, sealed: int) -> None:
    """Refuse figures of a run in which too little happened."""
    with psycopg.connect(service.dsn) as connection:
        ((relayed,),) = connection.execute("SELECT count(DISTINCT objection_id) FROM relay").fetchall()
        ((recorded,),) = connection.execute("SELECT count(*) FROM objection").fetchall()
    if not 0 < relayed == recorded or sealed < SEALERS or not watch.looks:
        raise RuntimeError(f"{recorded} objections, {relayed} relayed, {sealed} datasets sealed")
