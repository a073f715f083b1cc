"""A person's answer is of one state: what is recorded while it is being made is in all of it or in none."""

from service.core.clock import now
from service.core.db import Database
from service.core.vocabulary import ObjectionKind, ObjectionScope, ObjectionSource
from service.disclosure.operations import get_subject_answer
from service.disclosure.subject_answer import SubjectAnswer
from service.number.keyring import KeyRing
from service.objection.models import Objection
from service.provenance.snapshot import Snapshot, Snapshots
from service.verification.sessions import Person
from tests.disclosure.conftest import Owners

UNKNOWN = 9997


async def answer_while_objecting(
    database: Database, snapshots: Snapshots, ring: KeyRing, person: Person
) -> list[SubjectAnswer]:
    """The answer while an objection is recorded after the graph was read, and the answer afterwards."""

    class Objecting(Snapshots):
        async def current(self, reading: object) -> Snapshot:
            found = await super().current(reading)  # type: ignore[arg-type]
            async with database.transaction() as session:
                session.add(
                    Objection(
                        occurred_at=now(),
                        relayed_at=now(),
                        kind=ObjectionKind.OBJECTION,
                        scope=ObjectionScope.EVERYTHING,
                        source=ObjectionSource.PERSON,
                        mark=ring.mark(person.key),
                    )
                )
            return found

    return [await get_subject_answer(database, kept, ring, person) for kept in (Objecting(database), snapshots)]


def test_subject_answer_shows_no_objection_that_was_recorded_after_its_holders_were_read(owners: Owners) -> None:
    during, after = owners.call(answer_while_objecting, owners.person(UNKNOWN))
    assert (len(during.objections), len(after.objections)) == (0, 1)
