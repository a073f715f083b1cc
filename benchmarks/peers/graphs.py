"""Graph libraries: ladybug, an embedded graph database; and W3C PROV documents in memory."""

from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl

from benchmarks.peers.lineage import DATASETS, EDGES, Ask, Held, Lineage, reached
from benchmarks.service import Service

_TABLES = (
    "CREATE NODE TABLE Number(id INT64 PRIMARY KEY)",
    "CREATE NODE TABLE Dataset(id INT64 PRIMARY KEY)",
    "CREATE REL TABLE HeldIn(FROM Number TO Dataset)",
    "CREATE REL TABLE ComesFrom(FROM Dataset TO Dataset)",
)
_BETWEEN_HOLDERS = """
    MATCH (n:Number {id: $number})-[:HeldIn]->(d:Dataset)-[:ComesFrom]->(p:Dataset)<-[:HeldIn]-(n) RETURN d.id, p.id
"""


@contextmanager
def in_ladybug(service: Service, held: Held) -> Iterator[Ask]:
    """Numbers and datasets as nodes, in a file, in this process."""
    import ladybug  # noqa: PLC0415 - it need not be installed

    connection = ladybug.Connection(ladybug.Database(str(service.folder / "peer.ladybug")))
    for table in _TABLES:
        connection.execute(table)
    frames = {
        "Number": pl.DataFrame({"id": held.numbers}),
        "Dataset": pl.DataFrame({"id": range(DATASETS)}),
        "HeldIn": held.memberships,
        "ComesFrom": pl.DataFrame(EDGES, orient="row"),
    }
    for name, frame in frames.items():
        file = service.folder / f"{name}.csv"
        frame.write_csv(file, include_header=False)
        connection.execute(f"COPY {name} FROM '{file}'")

    def ask(number: int) -> Lineage:
        found = connection.execute(_BETWEEN_HOLDERS, {"number": number})
        return reached((row[0], row[1]) for row in found)

    yield ask
    connection.close()


@contextmanager
def in_prov(_service: Service, held: Held) -> Iterator[Ask]:
    """A document of entities, members and derivations, as the graph that the library makes of it in memory."""
    from prov.graph import prov_to_graph  # noqa: PLC0415 - it need not be installed
    from prov.model import ProvDocument  # noqa: PLC0415

    document = ProvDocument()
    document.set_default_namespace("https://numbers.example/")
    datasets = [document.entity(f"dataset-{dataset}") for dataset in range(DATASETS)]
    for dataset, parent in EDGES:
        document.wasDerivedFrom(datasets[dataset], datasets[parent])
    entities = {number: document.entity(f"number-{number}") for number in held.numbers.tolist()}
    for number, dataset in held.memberships.iter_rows():
        document.hadMember(datasets[dataset], entities[number])
    graph = prov_to_graph(document)
    places = {entity: place for place, entity in enumerate(datasets)}

    def ask(number: int) -> Lineage:
        holding = set(graph.predecessors(entities[number]))
        between = ((entity, parent) for entity in holding for parent in graph.successors(entity) if parent in holding)
        return reached((places[entity], places[parent]) for entity, parent in between)

    yield ask
