"""Answers about the numbers of a world, for each kind of caller."""

from datetime import datetime
from functools import partial
from uuid import UUID

from service.access import visibility
from service.provenance.answer.build import PreparedAnswer, VisibilityOf, build_answer, prepare_answer
from service.provenance.answer.cache import AnswerCache
from service.provenance.answer.schemas import Answer
from service.provenance.snapshot import Snapshot
from tests.provenance import oracle
from tests.provenance.builders import LATER, World


def prepare(
    snapshot: Snapshot,
    world: World,
    number: int,
    visibility_of: VisibilityOf,
    cache: AnswerCache | None = None,
    as_of: datetime = LATER,
) -> PreparedAnswer:
    """A number's answer in a snapshot of a world, not yet built or rendered."""
    kept = snapshot.answers if cache is None else cache
    stored, erasures = oracle.memberships_of(world, number), oracle.erasures_of(world, number)
    return prepare_answer(snapshot.graph, kept, stored, erasures, visibility_of, as_of)


def visibility_for(snapshot: Snapshot, world: World, caller: UUID, through: UUID | None = None) -> VisibilityOf:
    """What an organisation may see, perhaps through the key of a processor."""
    return partial(visibility.visible_to, snapshot.visibility_index, oracle.actor_for(world, caller, through))


def answer_from(snapshot: Snapshot, world: World, number: int, caller: UUID, through: UUID | None = None) -> Answer:
    """The answer that a caller gets from a snapshot of a world."""
    return build_answer(prepare(snapshot, world, number, visibility_for(snapshot, world, caller, through)))


def answer_for(world: World, number: int, caller: UUID, through: UUID | None = None) -> Answer:
    """The answer that a caller gets from a world as it is now."""
    return answer_from(oracle.snapshot_of(world), world, number, caller, through)
