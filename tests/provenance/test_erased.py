"""After a holder erased a number: it is nowhere there, and nothing changes for whoever has it from there."""

import copy
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import assume, given
from hypothesis import strategies as st

from service.core.vocabulary import OrphanReason, Role
from tests.provenance import oracle
from tests.provenance.answers import answer_for
from tests.provenance.builders import World
from tests.provenance.strategies import Cast, erase, unhurried, worlds

ERASED = worlds(erasing=True)
Made = tuple[World, Cast]


def told(world: World, number: int, caller: UUID) -> dict[str, Any]:
    """An answer, but for where the number is now and is not any more."""
    return answer_for(world, number, caller).model_dump(exclude={"holdings", "erasures", "summary"})


def keeps(world: World, caller: UUID, datasets: set[UUID]) -> bool:
    """Whether any of the datasets count as held by the caller."""
    return any(caller in (world.datasets[one].holder_id, world.datasets[one].asserted_by_id) for one in datasets)


@unhurried
@given(ERASED, st.integers(0, 7), st.data())
def test_one_holders_erasure_changes_nothing_for_the_others(made: Made, number: int, data: st.DataObject) -> None:
    before, cast = made
    organisations = cast.collectors + cast.brokers + cast.parties
    after = copy.deepcopy(before)
    gone = erase(after, data.draw(st.sampled_from(organisations)), number)
    for caller in organisations:
        if not keeps(before, caller, gone):
            then, now = answer_for(before, number, caller), answer_for(after, number, caller)
            assert told(after, number, caller) == told(before, number, caller)
            assert [one for one in then.holdings if one.dataset.id not in gone] == now.holdings
            shown = {one.dataset.id for one in then.holdings}
            ended = {one.dataset.id for one in now.erasures} - {one.dataset.id for one in then.erasures}
            assert ended == gone & shown


@unhurried
@given(ERASED, st.integers(0, 7), st.data())
def test_whoever_erased_a_number_is_told_nothing_of_it(made: Made, number: int, data: st.DataObject) -> None:
    world, cast = made
    """Not for others either that have no account: what it told of them is the others' to see."""
    holder = data.draw(st.sampled_from(cast.collectors + cast.brokers + cast.parties))
    assume(erase(world, holder, number))
    found = answer_for(world, number, holder)
    parts = (found.holdings, found.chains, found.origins, found.campaigns, found.erasures, found.orphans)
    assert (found.held, *parts) == (False, [], [], [], [], [], [])
    # What another says that it gave stays, unless that is what was erased: it is denied, or differs from the file.
    denied = {row.id for row in world.transfers.values() if oracle.denied(world, row.id)}
    for transfer in found.transfers:
        assert transfer.recipient.id == holder
        assert transfer.id in denied or not oracle.has(world, transfer.received_dataset_id, number)


@unhurried
@given(ERASED, st.integers(0, 7))
def test_the_authority_still_sees_every_hand_and_until_when_it_had_the_number(made: Made, number: int) -> None:
    world, cast = made
    found = answer_for(world, number, cast.regulator)
    ended, among = oracle.ended(world, number), oracle.holders(world, number)
    assert {one.dataset.id: one.erased_at for one in found.erasures} == {
        one: moment for one, moment in ended.items() if one in among
    }
    assert {one.dataset.id for one in found.holdings} == among - ended.keys()
    assert found.held == bool(among - ended.keys())
    assert {one.dataset.id for one in found.origins} == {one for one in among if world.datasets[one].collection_id}
    began = {one: row.began_at for one, row in world.campaigns.items()}
    uses = [(use.dataset_id, use.campaign_id) for use in world.uses if use.dataset_id in among]
    sent = {campaign for one, campaign in uses if oracle.held_at(world, one, number, began[campaign])}
    assert {one.id for one in found.campaigns} == sent


def sold() -> tuple[World, dict[str, UUID]]:
    """A collector's number, bought, put into a base and sold to a party that campaigned with it; by names."""
    world = World()
    who = {
        "shop": world.organisation(Role.COLLECTOR),
        "broker": world.organisation(Role.BROKER, name="Courtier"),
        "party": world.organisation(Role.PARTY),
        "authority": world.organisation(Role.REGULATOR),
    }
    collection = world.collection(world.notice(who["shop"], who["shop"]), who["shop"])
    file = world.dataset(who["shop"], {1, 2}, collection=collection)
    _, bought = world.transfer(file, who["broker"])
    who["base"] = world.dataset(who["broker"], None, [bought])
    _, who["received"] = world.transfer(who["base"], who["party"])
    world.campaign(who["party"], [who["received"]])
    return world, who


def test_the_summary_says_who_erased_it() -> None:
    world, who = sold()
    erase(world, who["broker"], 1)
    assert "Erased by Courtier." in answer_for(world, 1, who["party"]).summary
    assert "Erased" not in answer_for(world, 1, who["shop"]).summary
    assert "Erased" not in answer_for(world, 2, who["party"]).summary


def test_what_is_made_of_a_dataset_after_the_erasure_does_not_get_the_number() -> None:
    world, who = sold()
    erase(world, who["broker"], 1)
    other = world.organisation(Role.PARTY)
    union = world.dataset(who["broker"], None, [who["base"]])
    late, received = world.transfer(who["base"], other)
    assert not answer_for(world, 1, other).held
    assert not answer_for(world, 1, who["broker"]).held
    assert {union, received}.isdisjoint(one.dataset.id for one in answer_for(world, 1, who["authority"]).holdings)
    assert late not in {one.id for one in answer_for(world, 1, who["authority"]).transfers}
    assert answer_for(world, 2, other).held
    assert answer_for(world, 1, who["party"]).held


def test_a_file_sent_of_an_erased_number_is_an_orphan_and_its_sender_did_not_declare_it() -> None:
    world, who = sold()
    erase(world, who["broker"], 1)
    late, received = world.transfer(who["base"], who["party"])
    world.dispute(late, {1, 2})
    found = answer_for(world, 1, who["party"])
    assert [(one.dataset.id, one.reason) for one in found.orphans] == [(received, OrphanReason.NOT_IN_SENDERS_DATASET)]
    assert [(one.kind, one.transfer_id) for one in found.contradictions] == [("received_not_declared", late)]
    again = world.dataset(who["broker"], {1}, [who["base"]])
    found = answer_for(world, 1, who["broker"])
    assert [(one.dataset.id, one.reason) for one in found.orphans] == [(again, OrphanReason.NOT_IN_SOURCES)]
    assert not found.origins


def test_a_campaign_that_began_after_the_erasure_was_not_sent_to_the_number() -> None:
    world, who = sold()
    (before,) = world.campaigns
    erase(world, who["party"], 1)
    ended = world.erased[who["received"], 1]
    world.campaign(who["party"], [who["received"]])
    sent = world.campaign(who["party"], [who["received"]], began_at=ended - timedelta(seconds=1))
    assert {one.id for one in answer_for(world, 1, who["authority"]).campaigns} == {before, sent}
    assert answer_for(world, 1, who["party"]).campaigns == []
    assert len(answer_for(world, 2, who["party"]).campaigns) == 3


def test_the_authority_sees_an_ended_holding_whose_copy_is_gone() -> None:
    world, who = sold()
    transfer = next(row.id for row in world.transfers.values() if row.received_dataset_id == who["received"])
    world.dispute(transfer, {1, 2, 3})
    erase(world, who["party"], 1)
    before = answer_for(world, 1, who["authority"])
    world.numbers[who["received"]] = frozenset({2, 3})
    after = answer_for(world, 1, who["authority"])
    assert after == before
    assert [one.dataset.id for one in after.erasures] == [who["received"]]
    assert after.contradictions == []


def test_a_holding_without_origin_is_told_of_as_that_after_its_end_too() -> None:
    world, who = sold()
    stray = world.dataset(who["broker"], {5})
    _, bought = world.transfer(stray, who["party"])
    erase(world, who["broker"], 5)
    found = answer_for(world, 5, who["party"])
    assert [(one.dataset.id, one.reason) for one in found.orphans] == [
        (stray, OrphanReason.NO_SOURCE_DECLARED),
        (bought, OrphanReason.SOURCE_IS_ORPHAN),
    ]
    assert [one.dataset.id for one in found.holdings] == [bought]
