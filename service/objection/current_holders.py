"""Who holds a number now: those that an objection reaches."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.visibility import held_by_organisation
from service.core.db import driver
from service.membership import store
from service.membership.descent.descendants import DESCENDANTS_QUERY, descendants_from_rows
from service.number.keyring import KeyRing, pack_keys, unpack_keys
from service.provenance.graph.graph import datasets_holding
from service.provenance.graph.snapshot import Snapshot, Snapshots


@dataclass(frozen=True, slots=True)
class NumberHolders:
    """A number, the datasets that hold it now, those that it was erased from, and the graph of the same moment."""

    key: bytes
    snapshot: Snapshot
    datasets: frozenset[uuid.UUID]
    erased_from: frozenset[uuid.UUID]

    def organisations(self) -> dict[uuid.UUID, bool]:
        """The holders in the order of their ids, and whether each has an account here."""
        facts = self.snapshot.graph.facts
        holders = {facts.datasets[dataset].holder_id for dataset in self.datasets}
        return {one: facts.organisations[one].admitted_at is not None for one in sorted(holders)}

    def held_by(self, organisation_id: uuid.UUID) -> bool:
        """Whether an organisation holds the number, or answers for a holder without an account that does."""
        return bool(
            held_by_organisation(self.snapshot.visibility_index, organisation_id, self.datasets, self.erased_from)
        )


async def holders_of_number(snapshots: Snapshots, ring: KeyRing, number: int) -> NumberHolders:
    """Where a number (E.164 digits as an integer) is now."""
    snapshot, held, ended = await snapshots.locate(ring, number)
    known = datasets_holding(snapshot.graph, (one.dataset_id for one in held), ended)
    return NumberHolders(ring.pseudonym(number), snapshot, known.difference(ended), known.intersection(ended))


def key_of_mark(ring: KeyRing, mark: bytes) -> bytes:
    """The pseudonym of which an objection keeps the mark."""
    return pack_keys(ring.keys_of_marks(unpack_keys(mark)))


def number_of_key(ring: KeyRing, key: bytes) -> int:
    """The number behind a pseudonym. It leaves this process only towards a holder of the number."""
    return int(ring.numbers(unpack_keys(key))[0])


async def holds_now(session: AsyncSession, ring: KeyRing, key: bytes, holder_id: uuid.UUID) -> bool:
    """Whether one organisation holds a number: read from the tables, for who has no graph at hand."""
    connection = await driver(session)
    found = await store.lookup(connection, ring, key)
    stored = frozenset(one.dataset_id for one in found.memberships)
    descendants = descendants_from_rows(
        [row async for row in store.rows_of(connection, DESCENDANTS_QUERY, {"ids": list(stored)})]
    )
    return any(
        descendants.holders[dataset] == holder_id for dataset in descendants.datasets_holding(stored, found.erasures)
    )


async def numbers_held(
    snapshots: Snapshots, ring: KeyRing, organisation_id: uuid.UUID, keys: Iterable[bytes]
) -> dict[bytes, int]:
    """By its pseudonym, each of these numbers that an organisation holds now."""
    found = {}
    for key in set(keys):
        number = number_of_key(ring, key)
        if (await holders_of_number(snapshots, ring, number)).held_by(organisation_id):
            found[key] = number
    return found
