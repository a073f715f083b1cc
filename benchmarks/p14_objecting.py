"""P14: persons object while others look numbers up and datasets are sealed."""

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import LiteralString

import psycopg

from benchmarks import files
from benchmarks.callers import Caller, admit_callers
from benchmarks.clients import LoadResult, client_process
from benchmarks.comparison import Comparison, Target
from benchmarks.paced import Paced, run_paced
from benchmarks.registration import register
from benchmarks.result import Progress, Result
from benchmarks.scale import Scale
from benchmarks.service import Service, running_service
from benchmarks.store import open_store
from benchmarks.trade import registered_trade
from service.core.locks import Lock
from service.core.vocabulary import Role
from service.number.keyring import KeyRing
from service.verification.sessions import begin_session

PERSONS, LOOKERS, SEALERS = 20, 20, 5
_OBJECTION_INTERVAL, _LOOKUP_INTERVAL = 1.0, 0.1
_SEALED_NUMBERS = 2_000
_SAMPLE_SECONDS = 0.005
_OBJECTION = b'{"kind": "objection"}'


def measure(scale: Scale, progress: Progress) -> Result:
    """The 99th percentile of an objection, by itself and beside others, and the longest wait for a lock."""
    seconds = scale.concurrent_seconds
    count = int(2 * seconds + 4) * PERSONS
    with (
        running_service() as service,
        registered_trade(service, scale.answer_memberships) as trade,
        admit_callers(service, *(Role.BROKER,) * SEALERS) as sealers,
        client_process() as process,
        client_process() as other_process,
    ):
        progress(f"{count:,} persons of {scale.answer_memberships:,} memberships")
        sessions = _begin_sessions(service, trade.numbers[:count].tolist())
        objections = [(token, _OBJECTION) for token in sessions]
        lookups = _lookups(service, trade.party, trade.numbers[-count:].tolist())
        half = len(objections) // 2
        progress("objecting alone")
        idle = process.submit(run_paced, _objecting(service, objections[:half]), seconds).result()
        progress("objecting beside others")
        with _watched_locks(service) as watch, _sealing(service, sealers) as sealed:
            looking = other_process.submit(run_paced, lookups, seconds)
            beside = process.submit(run_paced, _objecting(service, objections[half:]), seconds).result()
            looked_up = looking.result()
        _check(service, watch, sealed)
    return Result(_comparisons(seconds, idle, beside, looked_up, len(sealed), watch))


def _comparisons(
    seconds: float, idle: LoadResult, beside: LoadResult, looked_up: LoadResult, sealed: int, watch: "_Watch"
) -> list[Comparison]:
    load = (
        f"{LOOKERS} persons with {looked_up.per_second:,.0f} lookups a second and {SEALERS} sealing {sealed} datasets "
        f"in {seconds:,.0f} s"
    )
    objections = f"{PERSONS} persons with {beside.per_second:,.0f} objections a second"
    return [
        Comparison("P14", f"99th percentile: {objections}, beside {load}", beside.p99, idle.p99, "ms", Target("≤", 5)),
        Comparison("P14", f"median: {objections}, beside {load}", beside.p50, idle.p50, "ms"),
        Comparison(
            "P14",
            "longest wait for a lock of a statement of an objection",
            watch.longest,
            None,
            "ms",
            Target("≤", 200, "ms"),
        ),
    ]


def _begin_sessions(service: Service, numbers: Sequence[int]) -> list[str]:
    """A session of each number's owner."""

    async def begin(ring: KeyRing) -> list[str]:
        async with store.database.transaction() as session:
            return [(await begin_session(session, ring, number, None)).token for number in numbers]

    with open_store(service) as store:
        return store.run(lambda opened: begin(opened.ring))


def _objecting(service: Service, requests: Sequence[tuple[str, bytes]]) -> Paced:
    return Paced(service.port, "/v1/objections", requests, PERSONS, _OBJECTION_INTERVAL)


def _lookups(service: Service, party: Caller, numbers: Sequence[int]) -> Paced:
    bodies = [json.dumps({"number": f"+{number}"}).encode() for number in numbers]
    repeated = int(1 / _LOOKUP_INTERVAL) + 1
    return Paced(
        service.port, "/v1/lookups", [(party.key, body) for body in bodies] * repeated, LOOKERS, _LOOKUP_INTERVAL
    )


@contextmanager
def _sealing(service: Service, sealers: Sequence[Caller]) -> Iterator[list[None]]:
    """During the block, each organisation registers one file after another. The list grows with each sealed dataset."""
    ended, sealed = Event(), list[None]()
    file = files.write_file(service.folder / "sealed.csv", 0, _SEALED_NUMBERS, with_consents=True)

    def seal_until_ended(sealer: Caller) -> None:
        while not ended.is_set():
            register(service, sealer, file)
            sealed.append(None)

    with ThreadPoolExecutor(len(sealers)) as pool:
        running = [pool.submit(seal_until_ended, sealer) for sealer in sealers]
        try:
            yield sealed
        finally:
            ended.set()
            for each in running:
                each.result()


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


def _check(service: Service, watch: _Watch, sealed: list[None]) -> None:
    """Refuse figures of a run in which too little happened."""
    with psycopg.connect(service.dsn) as connection:
        ((relayed,),) = connection.execute("SELECT count(DISTINCT objection_id) FROM relay").fetchall()
        ((recorded,),) = connection.execute("SELECT count(*) FROM objection").fetchall()
    if not 0 < relayed == recorded or len(sealed) < SEALERS or not watch.looks:
        raise RuntimeError(f"{recorded} objections, {relayed} relayed, {len(sealed)} datasets sealed")
