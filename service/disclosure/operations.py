"""One function per operation on reports, disclosures and letters."""

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.visibility import full_visibility
from service.core.clock import now
from service.core.db import Database, connection_of
from service.core.errors import Conflict, NotFound
from service.core.threads import WorkThreads
from service.core.vocabulary import ObjectionKind, RelayState, Role
from service.disclosure.blocks import Report
from service.disclosure.holder_letter import HolderRequest, print_holder_letter
from service.disclosure.letter import print_report
from service.disclosure.models import Disclosure
from service.disclosure.other_namers import read_other_namers
from service.disclosure.report import write_report
from service.disclosure.schemas import DisclosureIn, DisclosureOut, Form
from service.disclosure.subject_answer import SubjectAnswer
from service.membership import store
from service.number.keyring import KeyRing
from service.number.normalisation import e164
from service.objection.models import Objection, Relay
from service.objection.views import objections_on_number
from service.organisation.models import Organisation
from service.organisation.succession import with_heirs
from service.provenance.answer.build import build_answer
from service.provenance.answer.heirs import heir_of
from service.provenance.answer.references import OrganisationRef
from service.provenance.answer.views import organisation_view
from service.provenance.answering import answer_of
from service.provenance.snapshot import Snapshots
from service.verification.sessions import Person
from service.wording.language import Language, paris_day

# A letter to a number with a thousand recipients takes seconds to print, a report of it some tenths of a second.
_PRINTING: Final = WorkThreads("letter", 2, 16)
_REPORTS: Final = WorkThreads("report", 2, 32)


async def get_report(
    database: Database, snapshots: Snapshots, ring: KeyRing, person: Person, language: Language
) -> Report:
    """The report on a person's number, as of now. Nothing is recorded about it."""
    subject = await get_subject_answer(database, snapshots, ring, person)
    return await _REPORTS.run(partial(write_report, subject, language))


async def get_subject_answer(database: Database, snapshots: Snapshots, ring: KeyRing, person: Person) -> SubjectAnswer:
    """Everything known about a person's number: nothing is withheld from them (GDPR 15; CJEU C-154/21).

    All is of one state, so that nobody has a relay of an objection whom the same answer does not name as a holder.
    """
    async with database.snapshot() as reading:
        snapshot = await snapshots.current(reading)
        stored = await store.lookup(await connection_of(reading), ring, person.key)
        objections = await objections_on_number(reading, ring, person.key)
        visibility_of = partial(full_visibility, snapshot.visibility_index)
        found = build_answer(
            await answer_of(snapshot, stored.memberships, stored.erasures, visibility_of, stored.contests)
        )
        stated_by_others = await read_other_namers(reading, found)
    facts = snapshot.graph.facts
    holder_ids = dict.fromkeys(holding.dataset.holder.id for holding in found.holdings if holding.current)
    past_ids = dict.fromkeys(row.dataset.holder.id for row in found.holdings if row.dataset.holder.id not in holder_ids)
    operator_ids = [row.id for row in facts.organisations.values() if Role.OPERATOR in row.roles]
    return SubjectAnswer(
        number=person.number,
        answer=found,
        holders=[organisation_view(facts, facts.organisations, holder_id) for holder_id in holder_ids],
        past_holders=[organisation_view(facts, facts.organisations, holder_id) for holder_id in past_ids],
        operators=[organisation_view(facts, facts.organisations, operator_id) for operator_id in operator_ids],
        stated_by_others=stated_by_others,
        objections=objections,
        owned_since=person.owned_since,
    )


@dataclass(frozen=True, slots=True)
class File:
    """A file that a person downloads."""

    name: str
    media_type: str
    content: bytes


async def make_disclosure(
    database: Database, snapshots: Snapshots, ring: KeyRing, person: Person, wanted: DisclosureIn
) -> File:
    """A person's answer as a file with a reference. The disclosure is recorded without the person or the number."""
    subject = await get_subject_answer(database, snapshots, ring, person)
    async with database.transaction() as session:
        reference = await _record(session, wanted)
    return await _PRINTING.run(partial(_file, subject, wanted, reference))


def _file(subject: SubjectAnswer, wanted: DisclosureIn, reference: str) -> File:
    report = write_report(subject, wanted.language, reference=reference)
    name = f"filiation-{reference}.{wanted.form}"
    match wanted.form:
        case Form.JSON:
            return File(name, "application/json", _document(subject, report, reference).model_dump_json().encode())
        case Form.PDF:
            return File(name, "application/pdf", print_report(report))


# Crockford's base 32, which has no letters that people take for digits.
_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def _new_reference(moment: datetime) -> str:
    """A reference that people can read out: the year, and 50 random bits."""
    first, second = ("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(2))
    return f"{paris_day(moment).year}-{first}-{second}"


async def _record(session: AsyncSession, wanted: DisclosureIn) -> str:
    moment = now()
    reference = _new_reference(moment)
    session.add(Disclosure(reference=reference, form=wanted.form, language=wanted.language, recorded_at=moment))
    return reference


def _document(subject: SubjectAnswer, report: Report, reference: str) -> DisclosureOut:
    transfers = subject.recorded_transfers
    transfer_ids = {transfer.id for transfer in transfers}
    found = subject.answer
    return DisclosureOut(
        reference=reference,
        issued_at=found.as_of,
        number=e164(subject.number),
        owned_since=subject.owned_since,
        report=report,
        holders=list(subject.holders),
        origins=subject.origins,
        transfers=transfers,
        campaigns=[*subject.campaigns, *subject.planned_campaigns],
        campaigns_not_sent=subject.campaigns_not_sent,
        orphans=[] if subject.concerns_another else found.orphans,
        contradictions=[
            contradiction for contradiction in found.contradictions if contradiction.transfer_id in transfer_ids
        ],
        past_holdings=subject.past_holdings,
        erasures=[] if subject.concerns_another else found.erasures,
        objections=subject.own_objections,
    )


async def make_holder_letter(
    database: Database, ring: KeyRing, person: Person, relay_id: uuid.UUID, language: Language
) -> File:
    """The letter to a holder that has no account, so that its relay cannot be delivered.

    Raises:
        NotFound: no such relay, or its objection is about another number or was made by a former owner of this one.
        Conflict: the holder has an account here, and receives the relay.
    """
    async with database.snapshot() as reading:
        relay = await reading.get(Relay, relay_id)
        objection = await reading.get_one(Objection, relay.objection_id) if relay else None
        if relay is None or objection is None or objection.mark != ring.mark(person.key):
            raise NotFound("relay")
        if not person.owned_at(objection.occurred_at):
            raise NotFound("relay")
        if relay.state != RelayState.UNDELIVERABLE:
            raise Conflict(
                "holder_has_account",
                "This organisation has an account here and receives your request: no letter is needed.",
            )
        holder = await reading.get_one(Organisation, relay.holder_id)
        namer = await reading.get(Organisation, holder.stated_by_id) if holder.stated_by_id else None
        heir = heir_of(await with_heirs(reading, {holder.id: holder}), holder)
    request = HolderRequest(
        number=person.number,
        kind=ObjectionKind(objection.kind),
        purpose=objection.purpose,
        recorded_at=objection.recorded_at,
        reference=str(relay.id),
        holder=holder.legal_name,
        privacy_contact=(heir or holder).privacy_contact,
        stated_by=None
        if heir or namer in (None, holder)
        else OrganisationRef(id=namer.id, legal_name=namer.legal_name),
        heir=heir.legal_name if heir else None,
    )
    content = await _PRINTING.run(lambda: print_holder_letter(request, language))
    return File(f"filiation-{relay.id}.pdf", "application/pdf", content)
