"""Times: whether the time of a lookup with nothing to show says what others hold.

A stranger asks about one number 50 times and takes the mean, or the mean of the faster half, which the machine's other
work disturbs less. The areas under the curve say how well such means tell two classes of numbers apart: 0.5 not at all,
1 always. A planted difference of 30 µs shows that the measurement finds what there is to find.
"""

import json
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks import files
from benchmarks.callers import admit_callers
from benchmarks.compaction import postpone_compaction
from benchmarks.comparison import Comparison, Target
from benchmarks.planted_difference import LOOKUP, PLANTED, WITHOUT_TICK
from benchmarks.result import Progress, Result
from benchmarks.scale import Scale
from benchmarks.service import HOST, Service, running_service
from benchmarks.store import Store, open_store
from benchmarks.trade import Trade, registered_trade
from service.core.db import connection_of
from service.core.vocabulary import Role
from service.membership.erasure import erase

_LOOKUPS_A_MEAN: Final = 50
_MEMBERSHIPS: Final = 40_000
_NUMBERS_A_CLASS: Final = 100
_WARM_UP: Final = 500
_UNIT: Final = "AUC"
_NOBODY, _OTHERS, _OBJECTED, _ERASED = "held by nobody", "held by others", "objected", "erased by all"
_AGAIN, _PLANTED = "held by nobody, again", "30 µs planted"
_Times = NDArray[np.float64]
"""Seconds: a row for each mean, a column for each lookup."""
_Means = NDArray[np.float64]
_ESTIMATORS: Final[dict[str, Callable[[_Times], _Means]]] = {
    "means of 50": lambda times: times.mean(axis=1),
    "means of the faster 25 of 50": lambda times: np.sort(times, axis=1)[:, : _LOOKUPS_A_MEAN // 2].mean(axis=1),
}


class _Class(NamedTuple):
    """Numbers that are asked about at a path."""

    path: str
    numbers: Sequence[int]


def measure(scale: Scale, progress: Progress) -> Result:
    """How well each class is told from numbers that nobody holds, beside the same without the tick."""
    with (
        running_service("benchmarks.planted_difference") as service,
        registered_trade(service, _MEMBERSHIPS) as trade,
        open_store(service) as store,
        admit_callers(service, Role.PARTY) as (stranger,),
    ):
        postpone_compaction(service)
        numbers = _numbers(trade)
        _object(trade, numbers[_OBJECTED])
        for number in numbers[_ERASED]:
            store.run(partial(_erase, number=number))
        progress(f"{scale.timing_means} means of {_LOOKUPS_A_MEAN} lookups a class")
        times = _measure_times(service, stranger.key, _classes(numbers), scale.timing_means)
    return Result([row for name, estimate in _ESTIMATORS.items() for row in _compare(times, name, estimate)])


def _numbers(trade: Trade) -> dict[str, list[int]]:
    held = trade.numbers[: 3 * _NUMBERS_A_CLASS].tolist()
    nobody = files.numbers(100 * _MEMBERSHIPS, _NUMBERS_A_CLASS).tolist()
    classes = (_OTHERS, _OBJECTED, _ERASED)
    parts = (held[at : at + _NUMBERS_A_CLASS] for at in range(0, len(held), _NUMBERS_A_CLASS))
    return {_NOBODY: nobody} | dict(zip(classes, parts, strict=True))


def _object(trade: Trade, numbers: Sequence[int]) -> None:
    said = [{"number": f"+{number}", "occurred_at": "2024-05-20T10:00:00Z"} for number in numbers]
    results = trade.party.post("/v1/objections/received", {"kind": "objection", "numbers": said})["results"]
    assert {result["outcome"] for result in results} == {"recorded"}


async def _erase(store: Store, number: int) -> None:
    async with store.database.transaction() as session:
        connection = await connection_of(session)
        ids = [row[0] for row in await (await connection.execute("SELECT id FROM dataset")).fetchall()]
        assert await erase(connection, store.ring, store.ring.pseudonym(number), ids)


def _classes(numbers: Mapping[str, Sequence[int]]) -> dict[str, _Class]:
    with_tick = {name: _Class(LOOKUP, asked) for name, asked in numbers.items()}
    without = {f"{name}, no tick": _Class(WITHOUT_TICK, numbers[name]) for name in (_NOBODY, _OTHERS)}
    planted = {_PLANTED: _Class(PLANTED, numbers[_NOBODY])}
    # The same class twice: what chance alone tells apart.
    return with_tick | {_AGAIN: _Class(LOOKUP, numbers[_NOBODY])} | planted | without


def _measure_times(service: Service, key: str, classes: Mapping[str, _Class], count: int) -> dict[str, _Times]:
    """So many times 50 lookups of a number of each class. Classes take turns, in a new order each time."""
    random = Random(0)  # noqa: S311 - an order, no secret
    order = list(classes)
    times = {name: np.empty((count, _LOOKUPS_A_MEAN)) for name in order}
    with socket.create_connection((HOST, service.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ask = partial(_ask, connection, service.port, key)
        for _ in range(_WARM_UP):
            for asked in classes.values():
                ask(asked.path, random.choice(asked.numbers))
        for row in range(count):
            numbers = {name: random.choice(asked.numbers) for name, asked in classes.items()}
            for column in range(_LOOKUPS_A_MEAN):
                random.shuffle(order)
                for name in order:
                    times[name][row, column] = ask(classes[name].path, numbers[name])
    return times


def _ask(connection: socket.socket, port: int, key: str, path: str, number: int) -> float:
    """The seconds from the last byte of a lookup to the first of its answer."""
    body = json.dumps({"number": f"+{number}"}).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    began = time.perf_counter()
    connection.sendall(head + body)
    answer = connection.recv(65_536)
    elapsed = time.perf_counter() - began
    assert answer.startswith(b"HTTP/1.1 200 ")
    head_end = answer.find(b"\r\n\r\n")
    length = next(line for line in answer[:head_end].lower().split(b"\r\n") if line.startswith(b"content-length:"))
    missing = head_end + 4 + int(length.split(b":")[1]) - len(answer)
    while missing > 0:
        missing -= len(connection.recv(missing))
    return elapsed


def area_under_curve(first: _Means, second: _Means) -> float:
    """How often a mean of one class is greater than one of the other, whichever is greater more often: 0.5 to 1."""
    ranks = np.argsort(np.argsort(np.concatenate([first, second]))) + 1
    wins = float(ranks[len(first) :].sum()) - len(second) * (len(second) + 1) / 2
    area = wins / (len(first) * len(second))
    return max(area, 1 - area)


def _compare(times: Mapping[str, _Times], estimator: str, estimate: Callable[[_Times], _Means]) -> list[Comparison]:
    means = {name: estimate(measured) for name, measured in times.items()}

    def area(first: str, second: str) -> float:
        return area_under_curve(means[first], means[second])

    without_tick = area(f"{_NOBODY}, no tick", f"{_OTHERS}, no tick")
    return [
        Comparison("times", f"{estimator}: {_PLANTED}", area(_NOBODY, _PLANTED), None, _UNIT, Target("≥", 0.9, _UNIT)),
        Comparison("times", f"{estimator}: {_AGAIN}", area(_NOBODY, _AGAIN), None, _UNIT),
        *(
            Comparison(
                "times",
                f"{estimator}: {name}, or by nobody" + ("; without the tick" if name == _OTHERS else ""),
                area(_NOBODY, name),
                without_tick if name == _OTHERS else None,
                _UNIT,
                Target("≤", 0.55, _UNIT),
            )
            for name in (_OTHERS, _OBJECTED, _ERASED)
        ),
    ]
