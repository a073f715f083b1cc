"""How many requests a process serves at one time, and how few of them one caller may have.

A request whose client is waited for is not counted among those that run. It has a place that gives way: when these are
all taken, the client that has kept the service waiting longest loses its own. So no number of slow clients keeps others
out. An organisation has at most half of the places, and event streams have places of their own.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from enum import Enum
from typing import Any, Final
from weakref import WeakValueDictionary

from fastapi import Request
from starlette.types import Scope

from service.core.errors import Overloaded, TooManyRequests

MOST_REQUESTS: Final = 256
MOST_STREAMS: Final = 20
MOST_TRANSACTIONS: Final = 8
"""How many transactions of one organisation's requests are open at once: fewer than a process has connections."""

_KEY: Final = "filiation.place"
_RUNS_AGAIN: Final = timedelta(seconds=2)
_STREAM_ENDS: Final = timedelta(seconds=30)
_TURN_SECONDS: Final = 5.0
# A client that takes its response keeps the service waiting for moments.
_LATE_READER_SECONDS: Final = 1.0

Lateness = Callable[[float], float]
"""How many seconds longer than it should a client has kept the service waiting, at a moment of the event loop."""


class _Kind(Enum):
    """What a request does."""

    RUNNING = "running"
    RECEIVING = "receiving"
    """Its client has not sent all of the body."""
    STREAMING = "streaming"
    """It sends events until its client or its subject ends."""


class Places:
    """The places of a process: `most` of each kind, and `streams` event streams of an organisation."""

    def __init__(self, most: int = MOST_REQUESTS, streams: int = MOST_STREAMS) -> None:
        self.most, self.streams = most, streams
        self.share = max(1, most // 2)
        """How many requests of an organisation may run or receive."""
        self.taken: dict[_Kind, set[Place]] = {kind: set() for kind in _Kind}
        self.requests_of: Counter[uuid.UUID] = Counter()
        self.streams_of: Counter[uuid.UUID] = Counter()
        # Kept as long as a request of the organisation has a turn or waits for one.
        self._turns: WeakValueDictionary[uuid.UUID, asyncio.Semaphore] = WeakValueDictionary()

    def turns_of(self, organisation_id: uuid.UUID) -> asyncio.Semaphore:
        """The turns of an organisation's transactions."""
        turns = self._turns.get(organisation_id) or asyncio.Semaphore(MOST_TRANSACTIONS)
        return self._turns.setdefault(organisation_id, turns)

    def make_room(self, kind: _Kind, least: float) -> None:
        """If all places of a kind are taken, end the request whose client is more than `least` seconds late."""
        if len(self.taken[kind]) < self.most:
            return
        moment = asyncio.get_running_loop().time()
        late = [(place.lateness(moment), -place.serial, place) for place in self.taken[kind] if place.is_waiting]
        if late and (latest := max(late, key=lambda found: found[:2]))[0] >= least:
            latest[2].give_way()


class Place:
    """The place of one request, which it leaves at its end."""

    _serials = iter(range(1 << 62))

    def __init__(self, scope: Scope, places: Places) -> None:
        self._places = places
        self._kind: _Kind | None = None
        self._organisation_id: uuid.UUID | None = None
        self._waiting: tuple[asyncio.Timeout, Lateness] | None = None
        self.serial = next(self._serials)
        scope[_KEY] = self

    @property
    def is_waiting(self) -> bool:
        """Whether the client is waited for at this moment."""
        return self._waiting is not None

    def lateness(self, moment: float) -> float:
        """How late the client is."""
        return self._waiting[1](moment) if self._waiting is not None else 0.0

    def run(self, *, always: bool = False) -> None:
        """Count the request among those that run. `always`: also if there are too many.

        Raises:
            Overloaded: too many run.
        """
        self._places.make_room(_Kind.RUNNING, _LATE_READER_SECONDS)
        if not always and len(self._places.taken[_Kind.RUNNING]) >= self._places.most:
            raise Overloaded("overloaded", "The service has too many requests at once. Try again in a moment.")
        self._move(_Kind.RUNNING)

    def receive(self) -> None:
        """Count the request among those whose bodies are not whole. The latest of them gives way."""
        if self._kind is not _Kind.RECEIVING:
            self._places.make_room(_Kind.RECEIVING, 0.0)
            self._move(_Kind.RECEIVING)

    def belong_to(self, organisation_id: uuid.UUID) -> None:
        """Count the request for the organisation that sent it.

        Raises:
            TooManyRequests: the organisation has its share already.
        """
        if self._organisation_id is not None:
            return
        if self._places.requests_of[organisation_id] >= self._places.share:
            raise TooManyRequests(
                "too_many_requests_at_once",
                f"Your organisation has {self._places.share} requests running. Send this one when another has ended.",
                _RUNS_AGAIN,
            )
        self._organisation_id = organisation_id
        self._places.requests_of[organisation_id] += 1

    @asynccontextmanager
    async def in_transaction(self) -> AsyncIterator[None]:
        """Wait for a turn among the organisation's transactions, if the request's organisation is known already.

        A transaction may wait for the lock of another, and has a connection meanwhile. Without turns, the requests of
        one organisation that wait for the same lock could have all connections.

        Raises:
            TooManyRequests: no transaction of the organisation ended in time.
        """
        if self._organisation_id is None:
            yield
            return
        turns = self._places.turns_of(self._organisation_id)
        try:
            async with asyncio.timeout(_TURN_SECONDS):
                await turns.acquire()
        except TimeoutError:
            raise TooManyRequests(
                "too_many_requests_at_once",
                f"{MOST_TRANSACTIONS} requests of your organisation wait for other work. Try again in a moment.",
                _RUNS_AGAIN,
            ) from None
        try:
            yield
        finally:
            turns.release()

    def stream(self) -> None:
        """Count the request among the event streams, and no longer among those that run.

        Raises:
            TooManyRequests: the organisation has as many event streams as it may.
            Overloaded: the process has.
        """
        places, organisation_id = self._places, self._organisation_id
        if organisation_id is None:
            raise LookupError("An event stream belongs to an organisation.")
        if places.streams_of[organisation_id] >= places.streams:
            raise TooManyRequests(
                "too_many_streams",
                f"Your organisation has {places.streams} event streams open. Close one, or ask for the job's state.",
                _STREAM_ENDS,
            )
        if len(places.taken[_Kind.STREAMING]) >= places.most:
            raise Overloaded("overloaded", "The service has too many event streams open. Ask for the job's state.")
        self._move(_Kind.STREAMING)
        _take_one(places.requests_of, organisation_id)
        places.streams_of[organisation_id] += 1

    @contextmanager
    def waiting(self, limit: asyncio.Timeout, lateness: Lateness) -> Iterator[None]:
        """Wait for the client during the block, within `limit`, which ends sooner if the request has to give way."""
        self._waiting = limit, lateness
        try:
            yield
        finally:
            self._waiting = None

    def give_way(self) -> None:
        """Leave the place, and end the wait for the client."""
        assert self._waiting is not None
        limit, _ = self._waiting
        self._waiting = None
        self._move(None)
        limit.reschedule(0.0)

    def leave(self) -> None:
        """Leave the place, because the request has ended."""
        if (organisation_id := self._organisation_id) is not None:
            is_stream = self._kind is _Kind.STREAMING
            _take_one(self._places.streams_of if is_stream else self._places.requests_of, organisation_id)
            self._organisation_id = None
        self._move(None)

    def _move(self, kind: _Kind | None) -> None:
        if self._kind is not None:
            self._places.taken[self._kind].discard(self)
        self._kind = kind
        if kind is not None:
            self._places.taken[kind].add(self)


def _take_one(counter: Counter[uuid.UUID], organisation_id: uuid.UUID) -> None:
    counter[organisation_id] -= 1
    if not counter[organisation_id]:
        del counter[organisation_id]


def place_of(request: Request) -> Place:
    """The place of a request that the outermost middleware let in."""
    place: Any = request.scope[_KEY]
    assert isinstance(place, Place)
    return place
