"""The JSON of an answer, put together from rendered pieces, equals that of its value."""

from datetime import date, timedelta
from functools import partial
from uuid import UUID

from hypothesis import given

from service.access import visibility
from service.core.vocabulary import Role
from service.provenance.answer.build import build_answer
from service.provenance.answer.render import render_answer
from service.provenance.answer.schemas import Answer
from service.provenance.snapshot import Snapshot
from tests.provenance import oracle
from tests.provenance.answers import prepare, visibility_for
from tests.provenance.builders import EPOCH, World
from tests.provenance.story import make_story
from tests.provenance.strategies import Cast, no_deadline, worlds


def check(snapshot: Snapshot, world: World, number: int, caller: UUID | None, through: UUID | None = None) -> None:
    """Assert that both forms of an answer are the same. Without a caller, nothing is withheld from it."""
    everything = partial(visibility.full_visibility, snapshot.visibility_index)
    visibility_of = visibility_for(snapshot, world, caller, through) if caller else everything
    prepared = prepare(snapshot, world, number, visibility_of)
    value, rendered = build_answer(prepared), render_answer(prepared)
    assert rendered == value.model_dump_json().encode()
    assert Answer.model_validate_json(rendered) == value


@no_deadline
@given(worlds(erasing=True))
def test_render_answer_for_any_caller_equals_the_json_of_its_value(made: tuple[World, Cast]) -> None:
    world, cast = made
    for collection in world.collections:
        notice = collection.notice_id
        if not any(row.notice_id == notice for row in world.partner_lists):
            world.partner_list(notice, date(2023, 12, 28), [("Courtier", cast.brokers[0])], ["partenaires"])
    for dataset, numbers in world.numbers.items():
        world.consents |= {(dataset, number): EPOCH - timedelta(days=number) for number in numbers if number % 3}
    snapshot = oracle.snapshot_of(world)
    for number in range(9):
        for caller in (*cast.collectors, *cast.brokers, *cast.parties, cast.regulator, None):
            check(snapshot, world, number, caller)
        for party in cast.parties:
            check(snapshot, world, number, party, cast.sender)


def test_render_answer_of_the_story_equals_the_json_of_its_value() -> None:
    story = make_story()
    snapshot = oracle.snapshot_of(story.world)
    for number in (4600, 5200, 6000, 1500, 2500, 9001, 7777, 6666, 9999):
        for caller in (*story.organisations.values(), None):
            check(snapshot, story.world, number, caller)


def test_build_answer_of_another_number_leaves_the_first_as_it_was() -> None:
    world = World()
    collector = world.organisation(Role.COLLECTOR)
    dataset = world.dataset(
        collector, {1, 2}, collection=world.collection(world.notice(collector, collector), collector)
    )
    world.consents[dataset, 1], world.consents[dataset, 2] = EPOCH, EPOCH + timedelta(days=1)
    snapshot = oracle.snapshot_of(world)
    visibility_of = visibility_for(snapshot, world, collector)
    first, second = (build_answer(prepare(snapshot, world, number, visibility_of)) for number in (1, 2))
    assert [[origin.consented_at for origin in answer.origins] for answer in (first, second)] == [
        [EPOCH],
        [EPOCH + timedelta(days=1)],
    ]
