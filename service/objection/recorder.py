"""Who recorded an objection, as the holder of a relay or a flag reads it.

A holder must be able to tell a person's own word from another organisation's, which may be a rival's invention. It must
not learn which organisations hold the number beyond those that it sees anyway. So there are three values:

- `person`: the person proved the number by a code, or answered STOP to the registry's own number. No organisation took
  part in it, so that this tells nothing of any.
- `organisation`: an organisation reported it that the caller sees on a path of this number, by a fact which that
  organisation stated itself. Its name tells nothing new. The caller's own reports read like this too. What others
  state of it does not count: a caller could register transfers of a number to everybody, and read who reported it.
- `organisation_or_sender`: anybody else reported it. Letters, STOP replies, parties and their senders all read alike.
  That some other organisation had the number is said, because the holder would otherwise take its word for the
  person's. Nothing says which, nor what it received.

What the caller sees is judged when it reads: an organisation that comes into its sight is named from then on.
"""

import uuid
from collections.abc import Iterable
from typing import TypedDict

from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.access.visibility import Visibility, visible_to
from service.core.vocabulary import Side, TransferStatus
from service.number.keyring import KeyRing
from service.objection.current_holders import key_of_mark, number_of_key
from service.objection.models import Objection
from service.objection.schemas import RecorderKind
from service.organisation.models import Organisation
from service.provenance.answer.references import OrganisationRef
from service.provenance.answer.views import organisation_ref
from service.provenance.graph.fact_index import FactIndex
from service.provenance.graph.graph import datasets_holding
from service.provenance.snapshot import Snapshots


class Recorder(TypedDict):
    """The fields that say who recorded an objection."""

    recorder: RecorderKind
    recorded_by: OrganisationRef | None


_PERSON: Recorder = {"recorder": RecorderKind.PERSON, "recorded_by": None}
_HIDDEN: Recorder = {"recorder": RecorderKind.ORGANISATION_OR_SENDER, "recorded_by": None}


async def recorder_of(snapshots: Snapshots, ring: KeyRing, actor: Actor, objection: Objection) -> Recorder:
    """Who recorded an objection, as far as the caller may see."""
    reporter_id = objection.asserted_by_id
    if reporter_id is None:
        return _PERSON
    number = number_of_key(ring, key_of_mark(ring, objection.mark))
    snapshot, stored, erasures = await snapshots.locate(ring, number)
    held = datasets_holding(snapshot.graph, (membership.dataset_id for membership in stored), erasures)
    facts = snapshot.graph.facts
    visibility = visible_to(snapshot.visibility_index, actor, held, erasures)
    if reporter_id not in visibility.viewers | _speakers(facts, visibility):
        return _HIDDEN
    return {"recorder": RecorderKind.ORGANISATION, "recorded_by": organisation_ref(facts, reporter_id)}


def _speakers(facts: FactIndex, visibility: Visibility) -> set[uuid.UUID]:
    """The organisations that stated visible facts about the number themselves, other than that they denied them."""
    held = {facts.datasets[dataset_id] for dataset_id in visibility.datasets}
    found = {row.holder_id for row in held if row.asserted_by_id == row.holder_id}
    for transfer_id in visibility.transfers:
        row = facts.transfers[transfer_id]
        sides = {Side.SENDER: row.sender_id, Side.RECIPIENT: row.recipient_id}
        # Of each side's statements, the last counts.
        last = {statement.side: statement for statement in facts.statements_of_transfer.get(transfer_id, ())}
        found |= {
            sides[side]
            for side, statement in last.items()
            if statement.asserted_by_id == sides[side] and statement.status is not TransferStatus.DENIED
        }
    return found


async def recorders_of(
    snapshots: Snapshots, ring: KeyRing, actor: Actor, objections: Iterable[Objection]
) -> dict[uuid.UUID, Recorder]:
    """Who recorded each of some objections, by the objection's id."""
    distinct = {objection.id: objection for objection in objections}
    return {row_id: await recorder_of(snapshots, ring, actor, row) for row_id, row in distinct.items()}


async def recorder_in_full(session: AsyncSession, objection: Objection) -> Recorder:
    """Who recorded an objection, for the regulator."""
    if objection.asserted_by_id is None:
        return _PERSON
    reporter = await session.get_one(Organisation, objection.asserted_by_id)
    named = OrganisationRef(id=reporter.id, legal_name=reporter.legal_name)
    return {"recorder": RecorderKind.ORGANISATION, "recorded_by": named}


def as_holder(organisation_id: uuid.UUID) -> Actor:
    """An organisation that is sent something, as a caller that sees what it sees."""
    return Actor(organisation_id, organisation_id, None, frozenset(), frozenset())
