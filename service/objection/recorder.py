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

import asyncio
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.access.visibility import Visibility, visible_to
from service.core.vocabulary import Side
from service.objection.current_holders import NumberHolders
from service.objection.models import Objection
from service.objection.schemas import RecorderKind
from service.organisation.models import Organisation
from service.provenance.answer.dataset_refs import organisation_ref
from service.provenance.answer.references import OrganisationRef
from service.provenance.graph.fact_index import FactIndex
from service.transfer.status import standing_of


class Recorder(TypedDict):
    """The fields that say who recorded an objection."""

    recorder: RecorderKind
    recorded_by: OrganisationRef | None


_PERSON: Recorder = {"recorder": RecorderKind.PERSON, "recorded_by": None}
_HIDDEN: Recorder = {"recorder": RecorderKind.ORGANISATION_OR_SENDER, "recorded_by": None}


async def recorders_of(
    actor: Actor, objections: Iterable[Objection], holders: Mapping[uuid.UUID, NumberHolders]
) -> dict[uuid.UUID, Recorder]:
    """Who recorded each of some objections, by the objection's id.

    `holders` are those of their numbers, by the same ids. What a person recorded needs none.
    """
    found: dict[uuid.UUID, Recorder] = {}
    # Most numbers are held alike, so that the caller sees the same of them.
    seen: dict[tuple[object, ...], frozenset[uuid.UUID]] = {}
    for objection in objections:
        if is_by_person(objection):
            found[objection.id] = _PERSON
            continue
        held = holders[objection.id]
        alike = id(held.snapshot), held.ever, frozenset(held.erasures.items())
        if alike not in seen:
            seen[alike] = _seen(actor, held)
            # Other requests take their turns, however many numbers are held otherwise.
            await asyncio.sleep(0)
        found[objection.id] = _reporter(objection, held, seen[alike])
    return found


def is_by_person(objection: Objection) -> bool:
    """Whether no organisation took part in recording an objection, so that nothing has to be known of its number."""
    return objection.asserted_by_id is None


def _reporter(objection: Objection, holders: NumberHolders, seen: frozenset[uuid.UUID]) -> Recorder:
    if objection.asserted_by_id not in seen:
        return _HIDDEN
    named = organisation_ref(holders.snapshot.graph.facts, objection.asserted_by_id)
    return {"recorder": RecorderKind.ORGANISATION, "recorded_by": named}


def _seen(actor: Actor, holders: NumberHolders) -> frozenset[uuid.UUID]:
    """The organisations that the caller sees on a path of a number, by what they stated themselves."""
    snapshot = holders.snapshot
    visibility = visible_to(snapshot.visibility_index, actor, holders.ever, holders.erasures)
    return visibility.viewers | _speakers(snapshot.graph.facts, visibility)


def _speakers(facts: FactIndex, visibility: Visibility) -> set[uuid.UUID]:
    """The organisations that stated visible facts about the number themselves, other than that they deny them."""
    held = {facts.datasets[dataset_id] for dataset_id in visibility.datasets}
    found = {row.holder_id for row in held if row.asserted_by_id == row.holder_id}
    for transfer_id in visibility.transfers:
        row = facts.transfers[transfer_id]
        vouching = standing_of(row, facts.statements_of_transfer.get(transfer_id, ())).vouching(row)
        found |= {row.sender_id if side is Side.SENDER else row.recipient_id for side in vouching}
    return found


async def recorders_in_full(session: AsyncSession, objections: Sequence[Objection]) -> list[Recorder]:
    """Who recorded each of some objections, in their order, for the regulator."""
    ids = {objection.asserted_by_id for objection in objections if objection.asserted_by_id is not None}
    rows = (await session.exec(select(Organisation).where(col(Organisation.id).in_(ids)))).all() if ids else ()
    named = {row.id: OrganisationRef(id=row.id, legal_name=row.legal_name) for row in rows}
    return [
        _PERSON
        if objection.asserted_by_id is None
        else {"recorder": RecorderKind.ORGANISATION, "recorded_by": named[objection.asserted_by_id]}
        for objection in objections
    ]


def as_holder(organisation_id: uuid.UUID) -> Actor:
    """An organisation that is sent something, as a caller that sees what it sees."""
    return Actor(organisation_id, organisation_id, None, frozenset(), frozenset())
