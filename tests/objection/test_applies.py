"""Which objection applies to which use, at which moment: one rule, written in Python and in SQL."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from service.core.db import Database
from service.core.vocabulary import ObjectionKind, ObjectionScope, ObjectionSource, Purpose
from service.objection.applies import Use, applies, applies_clause, covers, covers_clause
from service.objection.models import Objection
from tests.callers import Registry

RECORDED_AT = datetime(2026, 1, 1, tzinfo=UTC)
moments = st.integers(-2, 2).map(lambda hours: RECORDED_AT + timedelta(hours=hours))


def objections_by(organisation_ids: list[uuid.UUID]) -> list[Objection]:
    """Objections with every scope, organisation and purpose, each recorded at one of three times.

    A person made each here, or the first organisation received it: it reached others at once, an hour later, not yet.
    """
    arrivals: list[tuple[uuid.UUID | None, int | None]] = [(None, 0)]
    arrivals += [(organisation_id, later) for organisation_id in organisation_ids[:1] for later in (0, 1, None)]
    scopes: list[tuple[ObjectionScope, uuid.UUID | None, Purpose | None]] = [(ObjectionScope.EVERYTHING, None, None)]
    scopes += [(ObjectionScope.ORGANISATION, organisation_id, None) for organisation_id in organisation_ids]
    scopes += [(ObjectionScope.PURPOSE, None, purpose) for purpose in Purpose]
    return [
        Objection(
            kind=ObjectionKind.OBJECTION,
            scope=scope,
            source=ObjectionSource.PERSON,
            organisation_id=organisation_id,
            purpose=purpose,
            occurred_at=RECORDED_AT,
            recorded_at=RECORDED_AT + timedelta(hours=hours),
            received_by_id=received_by_id,
            relayed_at=None if later is None else RECORDED_AT + timedelta(hours=hours + later),
            mark=b"m" * 16,
        )
        for scope, organisation_id, purpose in scopes
        for hours in (-1, 0, 1)
        for received_by_id, later in arrivals
    ]


def test_covers_and_applies_agree_in_python_and_sql(registry: Registry, dsn: str) -> None:
    organisation_ids = [uuid.UUID(str(registry.party().id)) for _ in range(3)]
    objections = objections_by(organisation_ids)
    uses = st.builds(
        Use,
        st.lists(st.sampled_from([*organisation_ids, uuid.uuid4()]), max_size=3, unique=True),
        st.none() | st.lists(st.sampled_from(Purpose), max_size=3, unique=True),
    )
    with asyncio.Runner() as runner:
        database = Database(dsn, pool_size=1)

        async def store() -> None:
            async with database.transaction() as session:
                session.add_all(objections)

        async def found(use: Use, moment: datetime) -> tuple[set[uuid.UUID], set[uuid.UUID]]:
            async with database.transaction() as session:
                covering = await session.exec(select(Objection.id).where(covers_clause(use)))
                applying = await session.exec(select(Objection.id).where(applies_clause(use, moment)))
                return set(covering.all()), set(applying.all())

        @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
        @given(uses, moments)
        def agree(use: Use, moment: datetime) -> None:
            covering, applying = runner.run(found(use, moment))
            assert covering == {objection.id for objection in objections if covers(objection, use)}
            assert applying == {objection.id for objection in objections if applies(objection, use, moment)}

        runner.run(store())
        try:
            agree()
        finally:
            runner.run(database.close())


def test_covers_with_unknown_purposes_includes_every_purpose() -> None:
    (objection,) = [
        objection
        for objection in objections_by([])
        if objection.purpose == Purpose.FUNDRAISING and objection.recorded_at == RECORDED_AT
    ]
    assert covers(objection, Use([], None))
    assert covers(objection, Use([], [Purpose.TRANSFER, Purpose.FUNDRAISING]))
    assert not covers(objection, Use([], [Purpose.TRANSFER]))
    assert not covers(objection, Use([], []))


def test_applies_to_others_than_its_receiver_only_since_it_is_relayed() -> None:
    receiver, other = Use([uuid.uuid4()], None), Use([uuid.uuid4()], None)
    everything = [row for row in objections_by(list(receiver.organisation_ids)) if row.scope == "everything"]
    waiting = [row for row in everything if row.relayed_at is None]
    assert waiting
    assert all(applies(row, receiver, row.recorded_at) for row in everything if row.received_by_id)
    assert not any(applies(row, other, RECORDED_AT + timedelta(days=99)) for row in waiting)


def test_applies_from_its_recording_on() -> None:
    objection = next(objection for objection in objections_by([]) if objection.recorded_at == RECORDED_AT)
    use = Use([uuid.uuid4()], [Purpose.TRANSFER])
    assert not applies(objection, use, RECORDED_AT - timedelta(microseconds=1))
    assert applies(objection, use, RECORDED_AT)
