"""P8: one number durably erased from every dataset that holds it, beside the durable insert of one row."""

import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import psycopg

from benchmarks.compaction import compact_all, postpone_compaction
from benchmarks.comparison import Comparison, Target
from benchmarks.database import execute
from benchmarks.result import Progress, Result
from benchmarks.scale import Scale
from benchmarks.service import Service, running_service
from benchmarks.store import Store, open_store
from benchmarks.timing import elapsed_seconds, run_in_turn
from benchmarks.trade import registered_trade
from service.core.db import connection_of
from service.core.ids import uuid7
from service.membership.erasure import erase

_REPETITIONS = 50
_PAGE = bytes(8192)
_INSERT = "INSERT INTO one_row VALUES (%s, 1)"


def measure(scale: Scale, progress: Progress) -> Result:
    """Milliseconds of an erasure and of the yardsticks, in turn, as sealed and after compaction."""
    with (
        running_service() as service,
        registered_trade(service, scale.answer_memberships) as trade,
        open_store(service) as store,
    ):
        postpone_compaction(service)
        execute(service, "CREATE TABLE one_row (key uuid PRIMARY KEY, dataset_id integer)")
        numbers, dataset_ids = iter(trade.numbers.tolist()), _dataset_ids(service)

        def erase_next() -> None:
            store.run(partial(_erase, number=next(numbers), dataset_ids=dataset_ids))

        tasks = {
            "erase": partial(_median_milliseconds, erase_next),
            "insert": partial(_median_milliseconds, lambda: store.run(_insert)),
            "sync": partial(_median_milliseconds, partial(_sync, service.folder / "page")),
        }
        progress("erasing, as sealed")
        sealed = _medians(tasks, scale)
        progress("erasing, compacted")
        compact_all(service)
        compacted = _medians(tasks, scale)
    return Result([*_compare("as sealed", sealed), *_compare("compacted", compacted)])


def _dataset_ids(service: Service) -> list[uuid.UUID]:
    with psycopg.connect(service.dsn) as connection:
        return [id_ for (id_,) in connection.execute("SELECT id FROM dataset").fetchall()]


def _medians(tasks: Mapping[str, Callable[[], float]], scale: Scale) -> dict[str, float]:
    return {name: median(times) for name, times in run_in_turn(tasks, scale.rounds).items()}


def _median_milliseconds(task: Callable[[], object]) -> float:
    """The median time of many repetitions."""
    return median(elapsed_seconds(task) for _ in range(_REPETITIONS)) * 1000


async def _erase(store: Store, number: int, dataset_ids: Sequence[uuid.UUID]) -> None:
    """Erase a number from the datasets that hold it: those of two shops, and the extract that the party received."""
    async with store.database.transaction() as session:
        erased = await erase(await connection_of(session), store.ring, store.ring.pseudonym(number), dataset_ids)
    assert len(erased) == 3


async def _insert(store: Store) -> None:
    async with store.database.transaction() as session:
        await (await connection_of(session)).execute(_INSERT, (uuid7(),))


def _sync(path: Path) -> None:
    """Write a page and wait until it is on the disk."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    os.pwrite(file, _PAGE, 0)
    os.fdatasync(file)
    os.close(file)


def _compare(state: str, medians: dict[str, float]) -> list[Comparison]:
    work = f"a number erased from 3 datasets, {state}"
    return [
        Comparison("P8", f"{work}; a one-row insert", medians["erase"], medians["insert"], "ms", Target("≤", 3)),
        Comparison("P8", f"{work}; one page to the disk", medians["erase"], medians["sync"], "ms"),
    ]
