"""One function per question about what a person is owed."""

from functools import partial

from service.access.sight import seen_by_all
from service.core.clock import now
from service.core.db import Database
from service.core.language import Language
from service.disclosure.blocks import Story
from service.disclosure.inquiry import Inquiry
from service.disclosure.story import tell_story
from service.membership.pseudonym import KeyRing
from service.provenance.answer import answer
from service.provenance.schemas import Answer
from service.provenance.snapshot import Snapshots
from service.provenance.telling import organisation
from service.verification.sessions import Person


async def tell(database: Database, snapshots: Snapshots, ring: KeyRing, person: Person, language: Language) -> Story:
    """The story of a person's number, in the state of this moment. Nothing is recorded of it."""
    return tell_story(await inquire(database, snapshots, ring, person), language)


async def inquire(database: Database, snapshots: Snapshots, ring: KeyRing, person: Person) -> Inquiry:
    """Everything that is known of a person's number: no part of it is withheld from them (GDPR 15; CJEU C-154/21)."""
    snapshot, held, ended = await snapshots.holding(ring, person.number)
    told = answer(snapshot.graph, snapshot.cases, held, ended, partial(seen_by_all, snapshot.scene), now())
    found = Answer.model_validate_json(told)
    records = snapshot.graph.records
    holders = dict.fromkeys(one.dataset.holder.id for one in found.holdings)
    return Inquiry(
        number=person.number,
        answer=found,
        holders=[organisation(records, one) for one in holders],
        number_since_on=person.number_since_on,
    )
