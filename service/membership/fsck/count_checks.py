"""Invariants of counts: what is left in a dataset of its numbers, and of those from each ancestor and notice.

Both counts are made again from what is stored. What was sealed is known only in part, because no trace is kept of a
number that everybody erased.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from graphlib import TopologicalSorter
from typing import Any, Final, LiteralString

import psycopg

from service.core.erasures import NOT_YET, Erasures
from service.core.vocabulary import Content
from service.membership import runs, store
from service.membership.blocks import SHARDS
from service.membership.bulk_read import STORED_KEYS, group_by_segment, range_parameters
from service.membership.descent.dag import (
    Dag,
    Node,
    NumbersByAncestor,
    ancestors_of,
    held_bits,
    trace_ancestors,
    uploaded_sources_of,
)
from service.membership.descent.dependents import apply_erasures, held_keys
from service.membership.fsck.report import Finding, Violation
from service.membership.models import SegmentState
from service.number.keyring import Keys

# Losses that wait are not taken off yet, and counts that are requested again are old. What a denied transfer delivered
# is counted again if it is acknowledged.
_COUNTED: Final[LiteralString] = """
    SELECT id, number_count, numbers_left, orphan_count, orphans_left
    FROM dataset JOIN held_dataset ON dataset_id = id
    WHERE numbers_left IS NOT NULL AND recount_request IS NULL
      AND NOT EXISTS (SELECT FROM loss WHERE loss.dataset_id = dataset.id)
"""
_NODES: Final[LiteralString] = """
    SELECT dataset_id, content, counted_parent_ids, made_at, notice_id FROM dataset_node
"""
_COUNTS: Final[LiteralString] = """
    SELECT dataset_id, ancestor_id, count_at_sealing, count_left FROM ancestor_count
    UNION ALL SELECT dataset_id, notice_id, count_at_sealing, count_left FROM notice_count
"""
_ERASURES: Final[LiteralString] = "SELECT key, dataset_id, erased_at FROM exclusion ORDER BY key"
# Where the numbers of a dataset come from that have no origin.
_NOWHERE: Final = uuid.UUID(int=0)

Counts = Mapping[uuid.UUID, int]


@dataclass
class _Counted:
    """The stored counts of a dataset by ancestor, notice, itself and for its orphans, and those made again."""

    dag: Dag
    notices: Mapping[uuid.UUID, uuid.UUID]
    at_sealing: Counter[uuid.UUID]
    left: Counter[uuid.UUID]
    found_at_sealing: Counter[uuid.UUID] = field(default_factory=Counter)
    found_left: Counter[uuid.UUID] = field(default_factory=Counter)


def count_findings(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
    """The datasets whose counts do not agree with what is stored, in the caller's snapshot. Nothing stored is damaged.

    Nothing is counted of a dataset without counts.
    """
    counted = _read_counted(connection)
    erasures_by_shard: dict[int, dict[bytes, dict[uuid.UUID, datetime]]] = defaultdict(dict)
    for key, dataset_id, erased_at in connection.execute(_ERASURES, binary=True):
        shard = store.lookup_parameters(key)["shard"]
        erasures_by_shard[shard].setdefault(key, {})[dataset_id] = erased_at
    for shard in range(SHARDS):
        stored = _stored_keys(connection, shard)
        for dataset_id, counts in counted.items():
            _count(dataset_id, counts, stored, erasures_by_shard[shard])
    for dataset_id, counts in counted.items():
        if +counts.left != +counts.found_left:
            yield Finding(Violation.COUNT_LEFT, dataset_id=dataset_id)
        if not counts.found_at_sealing <= counts.at_sealing:
            yield Finding(Violation.COUNT_AT_SEALING, dataset_id=dataset_id)


def _read_counted(connection: psycopg.Connection[Any]) -> dict[uuid.UUID, _Counted]:
    rows = {row[0]: row for row in connection.execute(_NODES, binary=True)}
    order = list(TopologicalSorter({dataset_id: row[2] for dataset_id, row in rows.items()}).static_order())
    rank = {dataset_id: place for place, dataset_id in enumerate(order)}
    nodes = {id_: Node(Content(content), tuple(above), at or NOT_YET) for id_, content, above, at, _ in rows.values()}
    notices = {row[0]: row[4] for row in rows.values() if row[4] is not None}
    counted = {}
    for dataset_id, numbers, numbers_left, orphans, orphans_left in connection.execute(_COUNTED, binary=True):
        counted[dataset_id] = _Counted(
            _ancestors(nodes, rank, dataset_id),
            notices,
            Counter({dataset_id: numbers, _NOWHERE: orphans}),
            Counter({dataset_id: numbers_left, _NOWHERE: orphans_left}),
        )
    for dataset_id, source_id, at_sealing, left in connection.execute(_COUNTS, binary=True):
        if dataset_id in counted:
            counted[dataset_id].at_sealing[source_id] = at_sealing
            counted[dataset_id].left[source_id] = left
    return counted


def _ancestors(nodes: Dag, rank: Mapping[uuid.UUID, int], dataset_id: uuid.UUID) -> Dag:
    found, waiting = {dataset_id}, [dataset_id]
    while waiting:
        above = set(nodes[waiting.pop()].parents) - found
        found |= above
        waiting += above
    return {ancestor_id: nodes[ancestor_id] for ancestor_id in sorted(found, key=rank.__getitem__)}


def _stored_keys(connection: psycopg.Connection[Any], shard: int) -> dict[uuid.UUID, Keys]:
    """What each dataset stores in one shard."""
    with connection.cursor(binary=True) as cursor:
        cursor.execute(STORED_KEYS, range_parameters(None, range(shard, shard + 1), [SegmentState.LIVE]))
        segments = group_by_segment(cursor.fetchall())
    return {
        dataset_id: stored.keys if stored.holders is None else stored.keys[stored.holders == place]
        for stored in segments
        for place, dataset_id in stored.datasets.items()
    }


def _count(
    dataset_id: uuid.UUID,
    counts: _Counted,
    stored: Mapping[uuid.UUID, Keys],
    erasures: Mapping[bytes, Erasures],
) -> None:
    """Add what a dataset holds in one shard, and what it held when it was sealed."""
    concerned = {
        key: {id_: at for id_, at in of_key.items() if id_ in counts.dag}
        for key, of_key in erasures.items()
        if not counts.dag.keys().isdisjoint(of_key)
    }
    left = _trace(counts.dag, dataset_id, stored, concerned)
    _add(counts.found_left, dataset_id, counts.notices, left)
    by_others = {key: {id_: at for id_, at in of_key.items() if id_ != dataset_id} for key, of_key in concerned.items()}
    at_sealing = left if by_others == concerned else _trace(counts.dag, dataset_id, stored, by_others)
    _add(counts.found_at_sealing, dataset_id, counts.notices, at_sealing)


def _trace(
    dag: Dag, dataset_id: uuid.UUID, stored: Mapping[uuid.UUID, Keys], erasures: Mapping[bytes, Erasures]
) -> NumbersByAncestor:
    sources = {id_: stored.get(id_, runs.no_keys()) for id_ in uploaded_sources_of(dag, [dataset_id])}
    keys, by_place = held_keys(dag, [dataset_id], sources, erasures)
    uploaded = {
        ancestor_id: held_bits(keys, stored.get(ancestor_id, runs.no_keys()))
        for ancestor_id in ancestors_of(dag, [dataset_id])
        if dag[ancestor_id].content is Content.UPLOADED
    }
    found = trace_ancestors(dag, [dataset_id], keys, uploaded)
    return apply_erasures(found, dag, [dataset_id], uploaded, by_place) if by_place else found


def _add(
    to: Counter[uuid.UUID], dataset_id: uuid.UUID, notices: Mapping[uuid.UUID, uuid.UUID], found: NumbersByAncestor
) -> None:
    to.update(found.counts())
    under: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    for ancestor_id in found.from_ancestor:
        if ancestor_id in notices:
            under[notices[ancestor_id]].append(ancestor_id)
    for notice_id, collected in under.items():
        to[notice_id] += found.count(collected)
    to[_NOWHERE] += int(found.orphans(ancestor_id for of_notice in under.values() for ancestor_id in of_notice).sum())
