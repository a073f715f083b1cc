"""Which entries of the graph something was made from, so that it is kept until one of them changes. Pure."""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any, Final, TypeVar

from service.provenance.graph.difference import Touched
from service.provenance.graph.fact_index import FactIndex
from service.provenance.graph.graph import Graph

Value = TypeVar("Value")

# An entry is known by the hash of its mapping's name and its key. Two with the same hash only mean that something is
# made again without need.
Reads = frozenset[int]
_WHOLE: Final = None
_RANK: Final = "rank"


class _Recorded(Mapping[uuid.UUID, Value]):
    """A mapping that notes what is read of it, also that it has no such entry."""

    __slots__ = ("_mapping", "_name", "_reads")

    def __init__(self, name: str, mapping: Mapping[uuid.UUID, Value], reads: set[int]) -> None:
        self._name, self._mapping, self._reads = name, mapping, reads

    def __getitem__(self, key: uuid.UUID) -> Value:
        self._reads.add(hash((self._name, key)))
        return self._mapping[key]

    def __contains__(self, key: object) -> bool:
        self._reads.add(hash((self._name, key)))
        return key in self._mapping

    def __iter__(self) -> Iterator[uuid.UUID]:
        self._reads.add(hash((self._name, _WHOLE)))
        return iter(self._mapping)

    def __len__(self) -> int:
        self._reads.add(hash((self._name, _WHOLE)))
        return len(self._mapping)


def recorded_facts(facts: FactIndex, reads: set[int]) -> FactIndex:
    """The same facts; what is read of them is added to `reads`."""
    values: dict[str, Any] = {
        field.name: _Recorded(field.name, getattr(facts, field.name), reads) for field in fields(FactIndex)
    }
    return FactIndex(**values)


def recorded_graph(graph: Graph, reads: set[int]) -> Graph:
    """The same graph; what is read of its facts and ranks is added to `reads`."""
    return replace(graph, facts=recorded_facts(graph.facts, reads), rank=_Recorded(_RANK, graph.rank, reads))


def changed_entries(touched: Touched, reranked: Iterable[uuid.UUID]) -> Reads:
    """The entries of a graph that a change concerns."""
    entries = {**touched, _RANK: reranked}
    return frozenset(hash((name, key)) for name, keys in entries.items() if keys for key in (*keys, _WHOLE))
