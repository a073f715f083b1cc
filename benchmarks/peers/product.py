"""The product itself, asked as the others are: in this process. It gives the full answer, wordings and consents too."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import polars as pl

from benchmarks.calling import Caller, callers
from benchmarks.http import door
from benchmarks.peers.lineage import DATASETS, EDGES, Held, of_dataset
from benchmarks.registering import make_collection, register
from benchmarks.service import Service
from service.access.actor import Actor, Scope
from service.core.vocabulary import Role
from service.provenance import operations
from service.provenance.answer.schemas import LookupIn
from service.provenance.graph.snapshot import Snapshots


@contextmanager
def in_filiation(service: Service, held: Held) -> Iterator[Callable[[int], bytes]]:
    """The datasets registered over HTTP, the first of them collected; and what asks for a number's answer."""
    with callers(service, Role.BROKER) as (broker,), door(service) as opened:
        _register(service, broker, held)
        snapshots = Snapshots(opened.database)
        actor = Actor(uuid.UUID(int=0), uuid.UUID(broker.id), None, frozenset([Role.BROKER]), frozenset(Scope))

        async def look_up(number: int) -> bytes:
            wanted = LookupIn(number=f"+{number}")
            return await operations.look_up_number(opened.database, snapshots, opened.ring, actor, wanted)

        yield lambda number: opened.run(lambda _door: look_up(number))


def _register(service: Service, broker: Caller, held: Held) -> None:
    made: list[str] = []
    for dataset in range(DATASETS):
        file = service.folder / "dataset.csv"
        numbers = pl.DataFrame({"telephone": of_dataset(held, dataset)})
        numbers.select(pl.format("+{}", "telephone").alias("telephone")).write_csv(file)
        parents = [made[parent] for child, parent in EDGES if child == dataset]
        origin = {"derived_from": parents} if parents else {"collection_id": make_collection(broker)}
        made.append(register(service, broker, file, **origin)["id"])
