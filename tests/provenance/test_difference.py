"""The graph by its differences equals the graph loaded afresh, and kept answers equal those made afresh."""

from dataclasses import fields

from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.vocabulary import ChangeKind
from service.provenance.answer.cache import AnswerCache
from service.provenance.answer.render import render_answer
from service.provenance.graph.rows import KINDS, Rows
from service.provenance.snapshot import NO_SNAPSHOT, Snapshot, make_snapshot, next_snapshot
from tests.provenance import oracle
from tests.provenance.answers import prepare, visibility_for
from tests.provenance.builders import EPOCH, World
from tests.provenance.changes import difference_of, frozen_rows, require_equal
from tests.provenance.strategies import Cast, make_cast, no_deadline, steps


@settings(no_deadline, max_examples=40)
@given(st.data())
def test_next_snapshot_after_any_change_equals_the_snapshot_made_afresh(data: st.DataObject) -> None:
    world = World()
    cast = make_cast(world)
    before, kept = Rows(), NO_SNAPSHOT
    for version in range(1, data.draw(st.integers(2, 8))):
        for _ in range(data.draw(st.integers(1, 3))):
            data.draw(steps(world, cast, erasing=True))
            _correct(data, world)
        rows = frozen_rows(world)
        more = data.draw(st.lists(st.sampled_from(ChangeKind), max_size=2))
        former_facts = {field.name: dict(getattr(kept.graph.facts, field.name)) for field in fields(kept.graph.facts)}
        found = next_snapshot(kept, version, difference_of(before, rows, more))
        require_equal(found, make_snapshot(version, rows))
        # The snapshot before is still what it was, for the requests that read it.
        assert former_facts == {name: getattr(kept.graph.facts, name) for name in former_facts}
        before, kept = rows, found
        if version > 1:
            require_same_answers(world, cast, kept)


def require_same_answers(world: World, cast: Cast, kept: Snapshot) -> None:
    """Refuse answers that were kept from earlier states and differ from those made afresh."""
    for caller in (cast.collectors[0], cast.collectors[1], cast.brokers[0], cast.parties[0], cast.regulator):
        visibility_of = visibility_for(kept, world, caller)
        for number in range(8):
            found = render_answer(prepare(kept, world, number, visibility_of))
            assert found == render_answer(prepare(kept, world, number, visibility_of, AnswerCache()))


def _correct(data: st.DataObject, world: World) -> None:
    """Perhaps admit an organisation, or correct a notice, a collection or a campaign, or cancel one."""
    match data.draw(
        st.sampled_from(["nothing", "admit", "collection", "campaign", "cancel", "notice", "collector", "partners"])
    ):
        case "admit":
            world.admit(data.draw(st.sampled_from(sorted(world.organisations))))
        case "collection" if world.collections:
            world.correct_collection(data.draw(st.sampled_from(world.collections)).id)
        case "campaign" if world.campaigns:
            world.correct_campaign(data.draw(st.sampled_from(sorted(world.campaigns))))
        case "cancel" if open_campaigns := [row_id for row_id in world.campaigns if not world.is_cancelled(row_id)]:
            world.cancel(data.draw(st.sampled_from(open_campaigns)))
        case "notice" if world.notices:
            world.correct_notice(data.draw(st.sampled_from(world.notices)).id)
        case "collector" if world.collections:
            status = data.draw(st.sampled_from(["attested", "denied", "withdrawn"]))
            world.attest(data.draw(st.sampled_from(world.collections)).id, status)
        case "partners" if world.notices:
            notice = data.draw(st.sampled_from(world.notices))
            world.partner_list(notice.id, notice.valid_from_on, [("Partner", None)])
    for dataset, numbers in world.numbers.items():
        world.consents |= {(dataset, number): EPOCH for number in numbers if number % 3}


def test_next_snapshot_without_what_was_removed_equals_the_snapshot_made_afresh() -> None:
    world = World()
    cast = make_cast(world)
    collection = world.collection(world.notice(cast.collectors[0], cast.collectors[0]), cast.collectors[0])
    base = world.dataset(cast.collectors[0], {1, 2}, collection=collection)
    _, received = world.transfer(base, cast.brokers[0])
    world.campaign(cast.parties[0], [world.transfer(received, cast.parties[0])[1]])
    rows = oracle.rows_of(world)
    whole = make_snapshot(1, rows)
    for kind in (ChangeKind.ANCESTOR_COUNT, ChangeKind.CAMPAIGN_DATASET, ChangeKind.NOTICE_COUNT):
        fewer = Rows(**vars(rows) | {KINDS[kind].field: ()})
        require_equal(next_snapshot(whole, 1, difference_of(rows, fewer)), make_snapshot(1, fewer))
    require_equal(next_snapshot(whole, 0, difference_of(rows, Rows())), NO_SNAPSHOT)
    require_equal(next_snapshot(NO_SNAPSHOT, 1, difference_of(Rows(), rows)), whole)
