"""The product itself, called in this process like its peers. It gives the full answer, with wordings and consents."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import polars as pl

from benchmarks.callers import Caller, admit_callers
from benchmarks.peers.lineage import DATASETS, EDGES, Memberships, numbers_in
from benchmarks.registration import make_collection, register
from benchmarks.service import Service
from benchmarks.store import open_store
from service.access.actor import Actor, Scope
from service.core.vocabulary import Role
from service.provenance import operations
from service.provenance.answer.render import render_answer
from service.provenance.answer.schemas import LookupIn
from service.provenance.snapshot import Snapshots


@contextmanager
def open_filiation(service: Service, memberships: Memberships) -> Iterator[Callable[[int], bytes]]:
    """Register the datasets over HTTP, the first as collected; yields the function that answers about a number."""
    with admit_callers(service, Role.BROKER) as (broker,), open_store(service) as store:
        _register(service, broker, memberships)
        snapshots = Snapshots(store.database)
        actor = Actor(uuid.UUID(int=0), uuid.UUID(broker.id), None, frozenset([Role.BROKER]), frozenset(Scope))

        async def look_up(number: int) -> bytes:
            wanted = LookupIn(number=f"+{number}")
            return render_answer(await operations.look_up_number(store.database, snapshots, store.ring, actor, wanted))

        yield lambda number: store.run(lambda _store: look_up(number))


def _register(service: Service, broker: Caller, memberships: Memberships) -> None:
    dataset_ids: list[str] = []
    for dataset in range(DATASETS):
        file = service.folder / "dataset.csv"
        numbers = pl.DataFrame({"telephone": numbers_in(memberships, dataset)})
        numbers.select(pl.format("+{}", "telephone").alias("telephone")).write_csv(file)
        parents = [dataset_ids[parent] for child, parent in EDGES if child == dataset]
        origin = {"derived_from": parents} if parents else {"collection_id": make_collection(broker)}
        dataset_ids.append(register(service, broker, file, **origin)["id"])
