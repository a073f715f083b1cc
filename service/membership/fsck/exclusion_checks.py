"""What must hold of exclusions: each ends a holding that there was, and none outlives what it was needed for."""

import uuid
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final, LiteralString

import psycopg

from service.core.erasures import Erasures
from service.core.vocabulary import Content
from service.membership import store
from service.membership.descent.dependents import drawing
from service.membership.descent.descendants import DESCENDANTS_QUERY, Descendants, descendants_from_rows
from service.membership.fsck.block_checks import are_pseudonyms
from service.membership.fsck.report import Finding, Violation
from service.number.keyring import KEY_BYTES, KeyRing, unpack_keys

_ENDED: Final[LiteralString] = """
    SELECT key, array_agg(dataset_id ORDER BY dataset_id), array_agg(erased_at ORDER BY dataset_id)
    FROM exclusion GROUP BY key ORDER BY key
"""


def exclusion_findings(connection: psycopg.Connection[Any], ring: KeyRing) -> Iterator[Finding]:
    """Where exclusions, or the copies that they should have freed, are not as they must be; in the caller's snapshot.

    An uploaded dataset that stores a number no more may have stored it until its exclusion let the copy go: that it
    never did nobody can tell any more.
    """
    ended: dict[bytes, Erasures] = {}
    for key, datasets, times in connection.execute(_ENDED, binary=True):
        if len(key) == KEY_BYTES and are_pseudonyms(ring, unpack_keys(key)):
            ended[key] = dict(zip(datasets, times, strict=True))
        else:
            yield from (Finding(Violation.EXCLUSION_KEY, dataset_id=dataset) for dataset in datasets)
    stored = {key: _stored(connection, key) for key in ended}
    concerned = set(chain.from_iterable((*ended.values(), *stored.values())))
    descendants = descendants_from_rows(connection.execute(DESCENDANTS_QUERY, {"ids": list(concerned)}, binary=True))
    for key, of_key in ended.items():
        shard = store.lookup_parameters(key)["shard"]
        found = _findings(descendants, stored[key] & descendants.dag.keys(), of_key)
        yield from (Finding(what, dataset_id=dataset, shard=shard) for dataset, what in found.items())


def _stored(connection: psycopg.Connection[Any], key: bytes) -> set[uuid.UUID]:
    return {row[0] for row in connection.execute(store.STORING_DATASETS, store.lookup_parameters(key), binary=True)}


def _findings(descendants: Descendants, stored: set[uuid.UUID], ended: Erasures) -> Mapping[uuid.UUID, Violation]:
    """What is wrong with one number's exclusions and copies, by dataset."""
    known = {one: moment for one, moment in ended.items() if one in descendants.dag}
    found = dict.fromkeys(ended.keys() - known.keys(), Violation.EXCLUSION_DATASET)
    if not stored:
        return found | dict.fromkeys(known, Violation.EXCLUSION_LEFT)
    # With the copies that went, whoever shared them had the number too.
    once = stored | {one for one in known if descendants.dag[one].content is Content.UPLOADED}
    drawn = drawing(descendants.dag, once, known)
    unfounded = {one for one, moment in known.items() if one not in drawn or descendants.dag[one].made_at > moment}
    found |= dict.fromkeys(unfounded, Violation.EXCLUSION_UNFOUNDED)
    free = descendants.copies_no_longer_needed(stored, known)
    return found | dict.fromkeys(free, Violation.COPY_LEFT)
