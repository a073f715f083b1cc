"""Who holds a number now. An objection is relayed to these holders."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.visibility import held_by_organisation
from service.core.db import connection_of
from service.membership import store
from service.membership.descent.descendants import DESCENDANTS_QUERY, descendants_from_rows
from service.number.keyring import KeyRing, pack_keys, unpack_keys
from service.provenance.graph.graph import datasets_holding
from service.provenance.snapshot import Snapshot, Snapshots


@dataclass(frozen=True, slots=True)
class NumberHolders:
    """A number's key, the datasets that hold it now, those it was erased from, and the graph of that moment."""

    key: bytes
    snapshot: Snapshot
    datasets: frozenset[uuid.UUID]
    erased_from: frozenset[uuid.UUID]

    def ids_with_account(self) -> dict[uuid.UUID, bool]:
        """The holders' ids in ascending order, each with whether the holder has an account here."""
        facts = self.snapshot.graph.facts
        holder_ids = {facts.datasets[dataset_id].holder_id for dataset_id in self.datasets}
        return {holder_id: facts.organisations[holder_id].admitted_at is not None for holder_id in sorted(holder_ids)}

    def held_by(self, organisation_id: uuid.UUID) -> bool:
        """Whether an organisation holds the number, or asserts a dataset of a holder without account that does."""
        return bool(
            held_by_organisation(self.snapshot.visibility_index, organisation_id, self.datasets, self.erased_from)
        )


async def holders_of_number(snapshots: Snapshots, ring: KeyRing, number: int) -> NumberHolders:
    """Find out who holds a number (E.164 digits as an integer) now."""
    snapshot, held, ended = await snapshots.locate(ring, number)
    known = datasets_holding(snapshot.graph, (membership.dataset_id for membership in held), ended)
    return NumberHolders(ring.pseudonym(number), snapshot, known.difference(ended), known.intersection(ended))


def key_of_mark(ring: KeyRing, mark: bytes) -> bytes:
    """The pseudonym (16 bytes) behind the mark that an objection keeps."""
    return pack_keys(ring.keys_of_marks(unpack_keys(mark)))


def number_of_key(ring: KeyRing, key: bytes) -> int:
    """The number behind a pseudonym. It leaves this process only in a response to a holder of the number."""
    return int(ring.numbers(unpack_keys(key))[0])


async def holds_now(session: AsyncSession, ring: KeyRing, key: bytes, holder_id: uuid.UUID) -> bool:
    """Whether an organisation holds a number: read from the tables, for callers that have no graph."""
    connection = await connection_of(session)
    found = await store.lookup(connection, ring, key)
    stored = frozenset(membership.dataset_id for membership in found.memberships)
    descendants = descendants_from_rows(
        [row async for row in store.rows_of(connection, DESCENDANTS_QUERY, {"ids": list(stored)})]
    )
    return any(
        descendants.holders[dataset_id] == holder_id
        for dataset_id in descendants.datasets_holding(stored, found.erasures)
    )


async def numbers_held(
    snapshots: Snapshots, ring: KeyRing, organisation_id: uuid.UUID, keys: Iterable[bytes]
) -> dict[bytes, int]:
    """The numbers behind `keys` that an organisation holds now, by key."""
    found = {}
    for key in set(keys):
        number = number_of_key(ring, key)
        if (await holders_of_number(snapshots, ring, number)).held_by(organisation_id):
            found[key] = number
    return found
