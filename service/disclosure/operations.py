"""One function per operation on what a person is owed."""

import asyncio
import uuid
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.visibility import full_visibility
from service.core.clock import now
from service.core.db import Database
from service.core.errors import Conflict, NotFound
from service.core.vocabulary import ObjectionKind, Purpose, RelayState, Role
from service.disclosure.blocks import Report
from service.disclosure.holder_letter import Request, print_request
from service.disclosure.letter import print_report
from service.disclosure.models import Disclosure
from service.disclosure.report import write_report
from service.disclosure.schemas import DisclosureIn, DisclosureOut, Form
from service.disclosure.subject_answer import SubjectAnswer
from service.number.keyring import KeyRing
from service.number.normalisation import e164
from service.objection.models import Objection, Relay
from service.objection.views import objections_on_number
from service.organisation.models import Organisation
from service.provenance.answer.answer import build_answer, prepare_answer
from service.provenance.answer.views import organisation
from service.provenance.graph.snapshot import Snapshots
from service.verification.sessions import Person
from service.wording.language import Language, paris_day

# Longer than an answer takes, but for one of very many chains. Whoever watches a line that they cannot read does not
# learn from the time whether a number is held, and nobody who waits for the answer notices.
_SAME_SECONDS: Final = 0.3


async def tell(database: Database, snapshots: Snapshots, ring: KeyRing, person: Person, language: Language) -> Report:
    """The story of a person's number, in the state of this moment. Nothing is recorded of it.

    That nobody holds the number takes as long to tell.
    """
    story, _ = await asyncio.gather(_tell(database, snapshots, ring, person, language), asyncio.sleep(_SAME_SECONDS))
    return story


async def _tell(database: Database, snapshots: Snapshots, ring: KeyRing, person: Person, language: Language) -> Report:
    return write_report(await inquire(database, snapshots, ring, person), language)


async def inquire(database: Database, snapshots: Snapshots, ring: KeyRing, person: Person) -> SubjectAnswer:
    """Everything that is known of a person's number: no part of it is withheld from them (GDPR 15; CJEU C-154/21)."""
    snapshot, held, ended = await snapshots.locate(ring, person.number)
    visibility_of = partial(full_visibility, snapshot.visibility_index)
    found = build_answer(prepare_answer(snapshot.graph, snapshot.answers, held, ended, visibility_of, now()))
    records = snapshot.graph.facts
    holders = dict.fromkeys(one.dataset.holder.id for one in found.holdings)
    operators = [one.id for one in records.organisations.values() if Role.OPERATOR in one.roles]
    async with database.snapshot() as reading:
        objections = await objections_on_number(reading, ring, person.key)
    return SubjectAnswer(
        number=person.number,
        answer=found,
        holders=[organisation(records, one) for one in holders],
        operators=[organisation(records, one) for one in operators],
        objections=objections,
        owned_since=person.owned_since,
    )


@dataclass(frozen=True, slots=True)
class File:
    """Something that a person takes along."""

    name: str
    media_type: str
    content: bytes


async def make_disclosure(
    database: Database, snapshots: Snapshots, ring: KeyRing, person: Person, wanted: DisclosureIn
) -> File:
    """A person's answer as a file with a reference, under which it is recorded that it was given, and not to whom."""
    inquiry = await inquire(database, snapshots, ring, person)
    async with database.transaction() as session:
        reference = await _record(session, wanted, inquiry.answer.graph_version)
    story = replace(write_report(inquiry, wanted.language), reference=reference)
    name = f"filiation-{reference}.{wanted.form}"
    if wanted.form is Form.JSON:
        return File(name, "application/json", _document(inquiry, story, reference).model_dump_json().encode())
    return File(name, "application/pdf", await asyncio.to_thread(print_report, story))


async def _record(session: AsyncSession, wanted: DisclosureIn, graph_version: int) -> str:
    row = Disclosure(form=wanted.form, language=wanted.language, graph_version=graph_version)
    session.add(row)
    await session.flush()
    await session.refresh(row)
    return f"{paris_day(row.recorded_at).year}-{row.serial:06}"


def _document(inquiry: SubjectAnswer, story: Report, reference: str) -> DisclosureOut:
    transfers = inquiry.transfers
    told_of = {one.id for one in transfers}
    found = inquiry.answer
    return DisclosureOut(
        reference=reference,
        issued_at=found.as_of,
        number=e164(inquiry.number),
        owned_since=inquiry.owned_since,
        graph_version=found.graph_version,
        story=story,
        holders=list(inquiry.holders),
        origins=inquiry.origins,
        transfers=transfers,
        campaigns=inquiry.campaigns,
        orphans=[] if inquiry.concerns_another else found.orphans,
        contradictions=[one for one in found.contradictions if one.transfer_id in told_of],
        erasures=[] if inquiry.concerns_another else found.erasures,
        objections=inquiry.own_objections,
    )


async def make_holder_letter(
    database: Database, ring: KeyRing, person: Person, relay_id: uuid.UUID, language: Language
) -> File:
    """The letter to a holder that a relay does not reach.

    Raises:
        NotFound: there is no such relay, or it is of an objection on another number, or of who had this one before.
        Conflict: the holder has an account here, and is told of the objection by it.
    """
    async with database.snapshot() as reading:
        relay = await reading.get(Relay, relay_id)
        objection = await reading.get_one(Objection, relay.objection_id) if relay else None
        if relay is None or objection is None or objection.mark != ring.mark(person.key):
            raise NotFound("relay")
        if not person.owned_at(objection.occurred_at):
            raise NotFound("relay")
        if relay.state != RelayState.UNDELIVERABLE:
            raise Conflict("relay_delivered", "This organisation has an account here and is told: no letter is needed.")
        holder = await reading.get_one(Organisation, relay.holder_id)
    request = Request(
        number=person.number,
        kind=ObjectionKind(objection.kind),
        purpose=Purpose(objection.purpose) if objection.purpose else None,
        recorded_at=objection.recorded_at,
        reference=str(relay.id),
        holder=holder.legal_name,
        privacy_contact=holder.privacy_contact,
    )
    content = await asyncio.to_thread(print_request, request, language)
    return File(f"filiation-{relay.id}.pdf", "application/pdf", content)
