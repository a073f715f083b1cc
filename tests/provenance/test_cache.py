"""Answers that many numbers share: equal to answers made afresh, and never more than the cache has room for."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from uuid import UUID

import orjson
from hypothesis import given

from service.core.vocabulary import Role
from service.provenance.answer.cache import AnswerCache
from service.provenance.answer.fragments import to_json
from service.provenance.answer.render import render_answer
from service.provenance.answer.shared import SharedAnswer
from service.provenance.snapshot import Snapshot, next_snapshot
from tests.provenance import oracle
from tests.provenance.answers import answer_for, prepare, visibility_for
from tests.provenance.builders import EPOCH, LATER, World
from tests.provenance.changes import difference_of, frozen_rows
from tests.provenance.strategies import Cast, no_deadline, worlds


def rendered(world: World, snapshot: Snapshot, cache: AnswerCache, number: int, caller: UUID) -> bytes:
    return render_answer(prepare(snapshot, world, number, visibility_for(snapshot, world, caller), cache))


def shared_of(world: World, snapshot: Snapshot, number: int, caller: UUID) -> SharedAnswer:
    return prepare(snapshot, world, number, visibility_for(snapshot, world, caller)).shared


@no_deadline
@given(worlds(erasing=True))
def test_cached_answers_equal_answers_made_afresh(made: tuple[World, Cast]) -> None:
    world, cast = made
    for dataset, numbers in world.numbers.items():
        world.consents |= {(dataset, number): EPOCH - timedelta(days=number) for number in numbers if number % 3}
    snapshot = oracle.snapshot_of(world)
    callers = [*cast.collectors, *cast.brokers, *cast.parties, cast.regulator]
    for _ in range(2):
        for number in range(9):
            for caller in callers:
                kept = rendered(world, snapshot, snapshot.answers, number, caller)
                assert kept == rendered(world, snapshot, AnswerCache(), number, caller)


def test_numbers_that_look_alike_to_a_caller_share_an_answer_whoever_else_holds_them() -> None:
    """The time of an answer may not show holdings that the caller may not see."""
    world = World()
    broker, party = world.organisation(Role.BROKER), world.organisation(Role.PARTY)
    base = world.dataset(broker, {1, 2, 3})
    world.dataset(party, {2})
    world.transfer(world.dataset(broker, {3}, [base]), party)
    snapshot = oracle.snapshot_of(world)
    assert shared_of(world, snapshot, 1, broker) is shared_of(world, snapshot, 2, broker)
    assert shared_of(world, snapshot, 1, broker) is not shared_of(world, snapshot, 3, broker)
    assert shared_of(world, snapshot, 1, party) is shared_of(world, snapshot, 9, party)
    assert shared_of(world, snapshot, 2, party) is not shared_of(world, snapshot, 1, party)


def test_numbers_share_an_answer_for_the_sender_whatever_its_recipients_erased() -> None:
    world = World()
    broker, party = world.organisation(Role.BROKER), world.organisation(Role.PARTY)
    _, received = world.transfer(world.dataset(broker, {1, 2, 3}), party)
    snapshot = oracle.snapshot_of(world)
    world.erase(2, [received])
    world.erase(3, world.numbers)
    assert shared_of(world, snapshot, 1, broker) is shared_of(world, snapshot, 2, broker)
    assert shared_of(world, snapshot, 1, broker) is not shared_of(world, snapshot, 3, broker)
    assert shared_of(world, snapshot, 1, party) is not shared_of(world, snapshot, 2, party)
    assert shared_of(world, snapshot, 1, party) is not shared_of(world, snapshot, 3, party)


def test_cache_keeps_the_latest_answers_within_its_limit() -> None:
    world = World()
    broker = world.organisation(Role.BROKER)
    for number in range(3):
        world.dataset(broker, {number}, name="same length")
    snapshot = oracle.snapshot_of(world)
    room = AnswerCache(most_bytes=2 * shared_of(world, snapshot, 0, broker).size)
    for number, kept in ((0, 1), (1, 2), (0, 2), (2, 2), (1, 2)):
        assert rendered(world, snapshot, room, number, broker) == rendered(
            world, snapshot, AnswerCache(), number, broker
        )
        assert len(room) == kept
    none = AnswerCache(most_bytes=0)
    assert rendered(world, snapshot, none, 0, broker) == rendered(world, snapshot, room, 0, broker)
    assert len(none) == 0


def test_partner_list_names_its_asserter_only_to_callers_who_may_see_it() -> None:
    world = World()
    other, party = world.organisation(Role.PARTY), world.organisation(Role.PARTY)
    collector, regulator = world.organisation(Role.COLLECTOR), world.organisation(Role.REGULATOR)
    notice = world.notice(collector, other)
    world.partner_list(notice, date(2020, 1, 1), [("Courtier", None)])
    dataset = world.dataset(collector, {1}, collection=world.collection(notice, other))
    world.consents[dataset, 1] = EPOCH
    world.transfer(dataset, party)
    snapshot = oracle.snapshot_of(world)
    for caller, known in ((party, False), (regulator, True), (party, False)):
        sent = rendered(world, snapshot, snapshot.answers, 1, caller).decode()
        assert "Courtier" in sent
        assert (str(other) in sent) == known


def test_next_snapshot_keeps_the_answers_that_a_change_does_not_touch() -> None:
    world = World()
    collector, broker, party = (world.organisation(role) for role in (Role.COLLECTOR, Role.BROKER, Role.PARTY))
    notice = world.notice(collector, collector)
    collection = world.collection(notice, broker)
    base = world.dataset(collector, {1, 2}, collection=collection)
    _, received = world.transfer(base, broker)
    extract = world.dataset(broker, {1}, [received])
    transfer, _ = world.transfer(extract, party)
    other = world.dataset(broker, {7})
    asked = ((1, collector), (1, broker), (1, party), (2, broker), (7, broker))
    kept, rows = oracle.snapshot_of(world), frozen_rows(world)

    def change(change_world: Callable[[], object]) -> set[tuple[int, UUID]]:
        """The answers that were not kept."""
        nonlocal kept, rows
        before = {key: shared_of(world, kept, *key) for key in asked}
        change_world()
        now = frozen_rows(world)
        kept, rows = next_snapshot(kept, kept.graph.version + 1, difference_of(rows, now)), now
        return {key for key in asked if shared_of(world, kept, *key) is not before[key]}

    everybody = set(asked) - {(7, broker)}
    assert change(lambda: world.dataset(party, {9})) == set()
    assert change(lambda: world.notice(collector, collector)) == set()
    assert change(lambda: world.transfer(extract, world.organisation(Role.PARTY))) == {(1, broker)}
    assert change(lambda: world.add_statement(transfer, "recipient", "confirmed")) == {(1, broker), (1, party)}
    assert change(lambda: world.attest(collection)) == everybody
    assert change(lambda: world.correct_collection(collection)) == everybody
    assert change(lambda: world.correct_notice(notice)) == everybody
    assert change(lambda: world.transfer(other, party)) == {(7, broker)}
    assert change(lambda: world.partner_list(notice, date(2020, 1, 1), [("P", None)])) == set()


def test_kept_answer_turns_when_a_planned_campaign_begins_without_a_change_of_the_graph() -> None:
    world = World()
    party = world.organisation(Role.PARTY)
    began_at = LATER + timedelta(days=1)
    world.campaign(party, [world.dataset(party, {1})], name="C", began_at=began_at, ended_at=began_at)
    world.campaign(party, [world.dataset(party, {2})], name="past")
    snapshot = oracle.snapshot_of(world)
    moment = timedelta(microseconds=1)

    def asked(as_of: datetime, number: int = 1) -> SharedAnswer:
        return prepare(snapshot, world, number, visibility_for(snapshot, world, party), as_of=as_of).shared

    before, after = asked(LATER), asked(began_at)
    assert asked(LATER, 2) is asked(began_at, 2)
    assert asked(began_at + timedelta(days=9)) is after
    for shared, state in ((before, "planned"), (asked(began_at - moment), "planned"), (after, "sent")):
        (campaign,) = shared.answer.campaigns
        assert campaign.state == state
        assert orjson.loads(to_json(shared.fragments.fields["campaigns"]))[0]["state"] == state
    assert before.answer.summary.startswith("Planned for later: “C”.")
    assert after.answer.summary.startswith("Used in the campaign “C”.")
    assert len(snapshot.answers) == 2


def test_party_sees_no_trace_of_its_cancelled_campaign_and_the_regulator_reads_why() -> None:
    world = World()
    party, regulator = world.organisation(Role.PARTY), world.organisation(Role.REGULATOR)
    dataset = world.dataset(party, {1})
    began_at = LATER + timedelta(days=1)
    planned = world.campaign(party, [dataset], name="planned", began_at=began_at, ended_at=began_at)
    past = world.campaign(party, [dataset], name="past")
    corrected = world.campaign(party, [dataset], name="corrected")
    for campaign in (planned, past, corrected):
        world.cancel(campaign)
    world.correct_campaign(corrected)
    (sent,) = answer_for(world, 1, party).campaigns
    assert (sent.corrects_id, sent.state) == (corrected, "sent")
    assert answer_for(world, 1, party).campaigns_not_sent == []
    seen = answer_for(world, 1, regulator)
    assert [campaign.id for campaign in seen.campaigns] == [sent.id]
    assert [(campaign.name, campaign.state) for campaign in seen.campaigns_not_sent] == [
        ("past", "not_sent"),
        ("planned", "cancelled"),
    ]
    assert all(campaign.cancellation and campaign.cancellation.reason for campaign in seen.campaigns_not_sent)
    world.erase(1, [dataset])
    assert answer_for(world, 1, regulator).campaigns_not_sent[0].name == "past"
    assert len(answer_for(world, 1, regulator).campaigns_not_sent) == 1
