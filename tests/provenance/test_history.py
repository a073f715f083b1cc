"""The graph by differences equals the graph loaded afresh, and so do the answers, after every act through the API."""

import asyncio
import uuid
from functools import partial

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.access.visibility import visible_to
from service.core.clock import now
from service.core.db import Database
from service.core.vocabulary import ChangeKind
from service.provenance.answer.build import prepare_answer
from service.provenance.answer.cache import AnswerCache
from service.provenance.answer.render import render_answer
from service.provenance.fact_reading import KnownIds, read_rows
from service.provenance.graph.rows import Rows
from service.provenance.snapshot import Snapshots, make_snapshot
from tests.builders import FICTION
from tests.callers import Registry
from tests.dataset.builders import RING
from tests.inspection import rows
from tests.provenance.changes import require_equal
from tests.provenance.history import NUMBERS, History

RANDOM_ACTS = 12
_CORRECTED_EVERY = 3


@pytest.mark.parametrize("seed", [7])
def test_graph_and_answers_kept_over_a_history_equal_those_made_afresh(
    registry: Registry, dsn: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[AsyncSession] = []

    async def counted(session: AsyncSession, ids: KnownIds) -> Rows:
        loads.append(session)
        return await read_rows(session, ids)

    monkeypatch.setattr("service.provenance.snapshot.read_rows", counted)
    history = History(registry, seed)
    actors = [
        Actor(uuid.uuid4(), caller.id, None, frozenset({role}), frozenset()) for role, caller in history.callers.items()
    ]
    acts = history.acts()
    acts += history.chosen.choices(acts, k=RANDOM_ACTS)
    with asyncio.Runner() as runner:
        database = Database(dsn, pool_size=2)
        follower = Snapshots(database)
        for place, act in enumerate(acts):
            act()
            if place % _CORRECTED_EVERY == 0:
                history.correct_organisation()
            runner.run(_compare(database, follower, actors))
        runner.run(database.close())
    assert len(loads) == 1
    assert {kind for (kind,) in rows(dsn, "SELECT DISTINCT kind FROM change")} == set(ChangeKind)


async def _compare(database: Database, follower: Snapshots, actors: list[Actor]) -> None:
    async with database.snapshot() as reading:
        kept = await follower.current(reading)
        require_equal(kept, make_snapshot(kept.graph.version, await read_rows(reading, {})))
    moment = now()
    for last_four in NUMBERS[::3]:
        snapshot, stored, erasures = await follower.locate(RING, FICTION + last_four)
        for actor in actors:
            visibility_of = partial(visible_to, snapshot.visibility_index, actor)
            found, afresh = (
                render_answer(prepare_answer(snapshot.graph, cache, stored, erasures, visibility_of, moment))
                for cache in (snapshot.answers, AnswerCache())
            )
            assert found == afresh
