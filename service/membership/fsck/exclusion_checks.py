"""Invariants of erased numbers: an exclusion ends a holding that existed, and does not outlive the number's copies.

A copy stays as long as a dataset that has not erased the number resolves to it, and no longer.
"""

import uuid
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final, LiteralString

import psycopg

from service.core.erasures import Erasures
from service.membership import store
from service.membership.descent.descendants import DESCENDANTS_QUERY, Descendants, descendants_from_rows
from service.membership.fsck.block_checks import are_pseudonyms
from service.membership.fsck.report import Finding, Violation
from service.membership.lookup_queries import STORING_DATASETS
from service.number.keyring import KEY_BYTES, KeyRing, unpack_keys

_EXCLUSIONS: Final[LiteralString] = """
    SELECT key, array_agg(dataset_id ORDER BY dataset_id), array_agg(erased_at ORDER BY dataset_id)
    FROM exclusion GROUP BY key ORDER BY key
"""


def exclusion_findings(connection: psycopg.Connection[Any], ring: KeyRing) -> Iterator[Finding]:
    """The exclusions, and the copies that they should have freed, that violate an invariant; in the caller's snapshot.

    An uploaded dataset that does not store an excluded number may have stored it until its copy was dropped. Whether it
    ever did cannot be checked.
    """
    erasures_by_key: dict[bytes, Erasures] = {}
    for key, dataset_ids, times in connection.execute(_EXCLUSIONS, binary=True):
        if len(key) == KEY_BYTES and are_pseudonyms(ring, unpack_keys(key)):
            erasures_by_key[key] = dict(zip(dataset_ids, times, strict=True))
        else:
            yield from (Finding(Violation.EXCLUSION_KEY, dataset_id=dataset_id) for dataset_id in dataset_ids)
    stored_in = {key: _storing_datasets(connection, key) for key in erasures_by_key}
    concerned = set(chain.from_iterable((*erasures_by_key.values(), *stored_in.values())))
    descendants = descendants_from_rows(connection.execute(DESCENDANTS_QUERY, {"ids": list(concerned)}, binary=True))
    for key, erasures in erasures_by_key.items():
        shard = store.lookup_parameters(key)["shard"]
        found = _violations_of_number(descendants, stored_in[key] & descendants.dag.keys(), erasures)
        yield from (Finding(kind, dataset_id=dataset_id, shard=shard) for dataset_id, kind in found.items())


def _storing_datasets(connection: psycopg.Connection[Any], key: bytes) -> set[uuid.UUID]:
    rows = connection.execute(STORING_DATASETS, store.lookup_parameters(key), binary=True)
    return {dataset_id for (dataset_id,) in rows}


def _violations_of_number(
    descendants: Descendants, stored_in: set[uuid.UUID], erasures: Erasures
) -> Mapping[uuid.UUID, Violation]:
    """The violations in the exclusions and copies of one number, by dataset."""
    known = {dataset_id: erased_at for dataset_id, erased_at in erasures.items() if dataset_id in descendants.dag}
    found = dict.fromkeys(erasures.keys() - known.keys(), Violation.EXCLUSION_DATASET)
    found |= dict.fromkeys(descendants.datasets_without_copy(stored_in, known), Violation.COPY_GONE)
    if not stored_in:
        return found | dict.fromkeys(known, Violation.EXCLUSION_LEFT)
    once_held_by = descendants.datasets_once_holding(stored_in, known)
    unfounded = {
        dataset_id
        for dataset_id, erased_at in known.items()
        if dataset_id not in once_held_by or descendants.first_made_at[dataset_id] > erased_at
    }
    found |= dict.fromkeys(unfounded, Violation.EXCLUSION_UNFOUNDED)
    return found | dict.fromkeys(descendants.copies_no_longer_needed(stored_in, known), Violation.COPY_LEFT)
