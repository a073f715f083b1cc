"""Graph libraries: ladybug, an embedded graph database, and W3C PROV documents in memory."""

from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl

from benchmarks.peers.lineage import DATASETS, EDGES, Lineage, LineageQuery, Memberships, reachable
from benchmarks.service import Service

_TABLES = (
    "CREATE NODE TABLE Number(id INT64 PRIMARY KEY)",
    "CREATE NODE TABLE Dataset(id INT64 PRIMARY KEY)",
    "CREATE REL TABLE HeldIn(FROM Number TO Dataset)",
    "CREATE REL TABLE ComesFrom(FROM Dataset TO Dataset)",
)
_DERIVATIONS_QUERY = """
    MATCH (n:Number {id: $number})-[:HeldIn]->(d:Dataset)-[:ComesFrom]->(p:Dataset)<-[:HeldIn]-(n) RETURN d.id, p.id
"""


@contextmanager
def open_ladybug(service: Service, memberships: Memberships) -> Iterator[LineageQuery]:
    """Numbers and datasets as nodes, in a file, in this process."""
    import ladybug  # noqa: PLC0415 - may be missing

    connection = ladybug.Connection(ladybug.Database(str(service.folder / "peer.ladybug")))
    for table in _TABLES:
        connection.execute(table)
    frames = {
        "Number": pl.DataFrame({"id": memberships.numbers}),
        "Dataset": pl.DataFrame({"id": range(DATASETS)}),
        "HeldIn": memberships.frame,
        "ComesFrom": pl.DataFrame(EDGES, orient="row"),
    }
    for name, frame in frames.items():
        file = service.folder / f"{name}.csv"
        frame.write_csv(file, include_header=False)
        connection.execute(f"COPY {name} FROM '{file}'")

    def query(number: int) -> Lineage:
        rows = connection.execute(_DERIVATIONS_QUERY, {"number": number})
        return reachable((row[0], row[1]) for row in rows)

    yield query
    connection.close()


@contextmanager
def open_prov(_service: Service, memberships: Memberships) -> Iterator[LineageQuery]:
    """A document of entities, members and derivations, as the graph that the library builds in memory."""
    from prov.graph import prov_to_graph  # noqa: PLC0415 - may be missing
    from prov.model import ProvDocument  # noqa: PLC0415

    document = ProvDocument()
    document.set_default_namespace("https://numbers.example/")
    datasets = [document.entity(f"dataset-{dataset}") for dataset in range(DATASETS)]
    for dataset, parent in EDGES:
        document.wasDerivedFrom(datasets[dataset], datasets[parent])
    entities = {number: document.entity(f"number-{number}") for number in memberships.numbers.tolist()}
    for number, dataset in memberships.frame.iter_rows():
        document.hadMember(datasets[dataset], entities[number])
    graph = prov_to_graph(document)
    positions = {entity: position for position, entity in enumerate(datasets)}

    def query(number: int) -> Lineage:
        holders = set(graph.predecessors(entities[number]))
        edges = ((entity, parent) for entity in holders for parent in graph.successors(entity) if parent in holders)
        return reachable((positions[entity], positions[parent]) for entity, parent in edges)

    yield query
