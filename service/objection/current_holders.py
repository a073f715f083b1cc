"""Who holds a number now. An objection is relayed to these holders."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from service.access.visibility import held_by_organisation
from service.core.erasures import Erasures
from service.membership.store import Stored
from service.number.keyring import KeyRing, pack_keys, split_keys, unpack_keys
from service.objection.models import Objection
from service.provenance.graph.graph import datasets_counted, datasets_holding, sources
from service.provenance.graph.released_holdings import datasets_counting
from service.provenance.graph.rows import OrganisationRow
from service.provenance.snapshot import Snapshot, Snapshots


@dataclass(frozen=True, slots=True)
class NumberHolders:
    """A number's key, the datasets that hold it now, those it was erased from, and the graph of that moment.

    Of those that do not hold it any more, `ended` are those whose holding ended, and `past` all that still store it or
    share it: those, what was withdrawn, and what had it from there alone. `counting` are those of the datasets in which
    the number counts (`provenance.graph.released_holdings`).
    """

    key: bytes
    snapshot: Snapshot
    erasures: Erasures
    datasets: frozenset[uuid.UUID]
    erased_from: frozenset[uuid.UUID]
    ended: frozenset[uuid.UUID]
    past: frozenset[uuid.UUID]
    counting: frozenset[uuid.UUID]

    def ids_with_account(self) -> dict[uuid.UUID, bool]:
        """The holders' ids in ascending order, each with whether the holder has an account here."""
        facts = self.snapshot.graph.facts
        holder_ids = {facts.datasets[dataset_id].holder_id for dataset_id in self.datasets}
        return {holder_id: facts.organisations[holder_id].admitted_at is not None for holder_id in sorted(holder_ids)}

    def on_paths_from(self, origin_id: uuid.UUID) -> dict[uuid.UUID, bool]:
        """An origin's collector, and who holds the number by a path from it, each with whether it has an account.

        `origin_id` is a collected dataset that holds the number, or held it until its erasure.
        """
        graph, facts = self.snapshot.graph, self.snapshot.graph.facts
        reached = {origin_id}
        for dataset_id in sorted(self.ever, key=graph.rank.__getitem__):
            if any(edge.parent_id in reached for edge in sources(facts, dataset_id, self.erasures)):
                reached.add(dataset_id)
        found = {facts.datasets[dataset_id].holder_id for dataset_id in reached & self.datasets}
        collection_id = facts.datasets[origin_id].collection_id
        # None if its holder stated since that it was not collected. Who collected it has been asked before.
        if collection_id is not None:
            found.add(facts.collections[collection_id].collector_id)
        return {holder_id: facts.organisations[holder_id].admitted_at is not None for holder_id in sorted(found)}

    def organisation(self, organisation_id: uuid.UUID) -> OrganisationRow:
        """An organisation of the graph, by whose country and time zone it has to answer."""
        return self.snapshot.graph.facts.organisations[organisation_id]

    @property
    def ever(self) -> frozenset[uuid.UUID]:
        """The datasets that hold the number, or did until its erasure or until their holding ended."""
        return self.datasets | self.erased_from | self.ended

    def held_by(self, organisation_id: uuid.UUID) -> bool:
        """Whether an organisation holds the number, or asserts a dataset of a holder without account that does."""
        return bool(self._held_by(organisation_id))

    def counts_for(self, organisation_id: uuid.UUID) -> bool:
        """Whether the number counts for an organisation, which so holds it: it may see it, and object for others."""
        return not self._held_by(organisation_id).isdisjoint(self.counting)

    def counted_for(self, organisation_id: uuid.UUID) -> bool:
        """Whether the number counts for an organisation, or did until it erased the number or its holding ended."""
        held_by = self.snapshot.visibility_index.held_by.get(organisation_id, frozenset())
        before = held_by & (self.erased_from | self.ended)
        return self.counts_for(organisation_id) or not before.isdisjoint(self.counting)

    def known_to(self, organisation_id: uuid.UUID) -> bool:
        """Whether an organisation holds the number, or did until it erased it or its holding ended."""
        held_by = self.snapshot.visibility_index.held_by.get(organisation_id, frozenset())
        return not held_by.isdisjoint(self.ever)

    def _held_by(self, organisation_id: uuid.UUID) -> frozenset[uuid.UUID]:
        return held_by_organisation(self.snapshot.visibility_index, organisation_id, self.datasets, self.erased_from)


_AT_ONCE: Final = 100
"""So many numbers are looked up by one statement, and their holders found in less than 20 ms."""


async def holders_of_key(snapshots: Snapshots, key: bytes) -> NumberHolders:
    """Find out who holds the number behind a pseudonym now."""
    return (await holders_of_keys(snapshots, [key]))[key]


async def holders_of_keys(snapshots: Snapshots, keys: Iterable[bytes]) -> dict[bytes, NumberHolders]:
    """Find out who holds the numbers behind some pseudonyms now."""
    holders: dict[bytes, NumberHolders] = {}
    distinct = sorted(set(keys))
    for at in range(0, len(distinct), _AT_ONCE):
        part = distinct[at : at + _AT_ONCE]
        snapshot, stored = await snapshots.locate_many(part)
        # Most numbers are stored by the same datasets as others.
        alike: dict[tuple[frozenset[uuid.UUID], frozenset[object]], NumberHolders] = {}
        for key, of_number in zip(part, stored, strict=True):
            content = frozenset(of_number.dataset_ids), frozenset(of_number.erasures.items())
            if content not in alike:
                alike[content] = _holders(snapshot, key, of_number)
            holders[key] = replace(alike[content], key=key)
    return holders


def _holders(snapshot: Snapshot, key: bytes, stored: Stored) -> NumberHolders:
    graph, erasures = snapshot.graph, stored.erasures
    known = datasets_holding(graph, stored.dataset_ids, erasures)
    counted = datasets_counted(graph, known, erasures)
    left = counted.difference(erasures)
    held = frozenset(dataset_id for dataset_id in left if dataset_id not in graph.facts.ended)
    return NumberHolders(
        key,
        snapshot,
        erasures,
        datasets=held,
        erased_from=counted.intersection(erasures),
        ended=left - held,
        past=known.difference(erasures) - held,
        counting=datasets_counting(graph, counted, erasures),
    )


async def holders_of_objections(
    snapshots: Snapshots, ring: KeyRing, objections: Iterable[Objection]
) -> dict[uuid.UUID, NumberHolders]:
    """Find out who holds the numbers of some objections now, by the objections' ids."""
    marks = {objection.id: objection.mark for objection in objections}
    keys = split_keys(ring.keys_of_marks(unpack_keys(b"".join(marks.values()))))
    holders = await holders_of_keys(snapshots, keys)
    return {objection_id: holders[key] for objection_id, key in zip(marks, keys, strict=True)}


def key_of_mark(ring: KeyRing, mark: bytes) -> bytes:
    """The pseudonym (16 bytes) behind the mark that an objection keeps."""
    return pack_keys(ring.keys_of_marks(unpack_keys(mark)))


def number_of_key(ring: KeyRing, key: bytes) -> int:
    """The number behind a pseudonym. It leaves this process only in a response to a holder of the number."""
    return int(ring.numbers(unpack_keys(key))[0])
