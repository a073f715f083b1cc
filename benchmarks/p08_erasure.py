"""P8: one number erased from every dataset that holds it, durably; beside the durable insert of one row."""

import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import psycopg

from benchmarks.compacting import compact_all, postpone
from benchmarks.comparison import Comparison, Target
from benchmarks.database import execute
from benchmarks.http import Door, door
from benchmarks.measured import Measured, Say
from benchmarks.measuring import interleaved, seconds
from benchmarks.scale import Scale
from benchmarks.service import Service, serving
from benchmarks.trade import trading
from service.core.db import driver
from service.core.ids import uuid7
from service.membership.erasure import erase

_AT_ONCE = 50
_PAGE = bytes(8192)
_INSERT = "INSERT INTO one_row VALUES (%s, 1)"


def measure(scale: Scale, say: Say) -> Measured:
    """Milliseconds of both, in turn, and of the disk's own part in them; as sealed, and after compaction."""
    with serving() as service, trading(service, scale.answer_memberships) as trade, door(service) as opened:
        postpone(service)
        execute(service, "CREATE TABLE one_row (key uuid PRIMARY KEY, dataset_id integer)")
        numbers, everywhere = iter(trade.numbers.tolist()), _datasets(service)
        works = {
            "erase": partial(_median, lambda: opened.run(partial(_erase, number=next(numbers), everywhere=everywhere))),
            "insert": partial(_median, lambda: opened.run(_insert)),
            "sync": partial(_median, partial(_sync, service.folder / "page")),
        }
        say("erasing, as sealed")
        sealed = _taken(works, scale)
        say("erasing, compacted")
        compact_all(service)
        compacted = _taken(works, scale)
    return Measured([*_compare("as sealed", sealed), *_compare("compacted", compacted)])


def _datasets(service: Service) -> list[uuid.UUID]:
    with psycopg.connect(service.dsn) as connection:
        return [id_ for (id_,) in connection.execute("SELECT id FROM dataset").fetchall()]


def _taken(works: Mapping[str, Callable[[], float]], scale: Scale) -> dict[str, float]:
    return {name: median(times) for name, times in interleaved(works, scale.rounds).items()}


def _median(work: Callable[[], object]) -> float:
    """Milliseconds of one of many."""
    return median(seconds(work) for _ in range(_AT_ONCE)) * 1000


async def _erase(opened: Door, number: int, everywhere: Sequence[uuid.UUID]) -> None:
    """Take a number from whichever datasets hold it: two shops' and the cut that the party got."""
    async with opened.database.transaction() as session:
        erased = await erase(await driver(session), opened.ring, opened.ring.pseudonym(number), everywhere)
    assert len(erased) == 3


async def _insert(opened: Door) -> None:
    async with opened.database.transaction() as session:
        await (await driver(session)).execute(_INSERT, (uuid7(),))


def _sync(path: Path) -> None:
    """Write a page and wait until the disk has it."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    os.pwrite(file, _PAGE, 0)
    os.fdatasync(file)
    os.close(file)


def _compare(state: str, taken: dict[str, float]) -> list[Comparison]:
    what = f"a number erased from 3 datasets, {state}"
    return [
        Comparison("P8", f"{what}; a one-row insert", taken["erase"], taken["insert"], "ms", Target("≤", 3)),
        Comparison("P8", f"{what}; one page to the disk", taken["erase"], taken["sync"], "ms"),
    ]
