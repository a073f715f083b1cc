"""After a holder erased a number: its answers show it no longer, and those to other organisations stay the same."""

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
from tests.provenance.strategies import Cast, erase, no_deadline, worlds

ERASED = worlds(erasing=True)
Made = tuple[World, Cast]


def without_holdings(world: World, number: int, caller: UUID) -> dict[str, Any]:
    """An answer without its holdings and erasures."""
    return answer_for(world, number, caller).model_dump(exclude={"holdings", "erasures", "summary"})


def counts_as_holder(world: World, caller: UUID, datasets: set[UUID]) -> bool:
    """Whether any of the datasets count as held by the caller."""
    rows = [world.datasets[dataset] for dataset in datasets]
    return any(caller in (row.holder_id, row.asserted_by_id) for row in rows)


@no_deadline
@given(ERASED, st.integers(0, 7), st.data())
def test_erase_by_one_holder_changes_nothing_for_the_others(made: Made, number: int, data: st.DataObject) -> None:
    before, cast = made
    organisations = cast.collectors + cast.brokers + cast.parties
    after = copy.deepcopy(before)
    gone = erase(after, data.draw(st.sampled_from(organisations)), number)
    for caller in organisations:
        if not counts_as_holder(before, caller, gone):
            then, now = answer_for(before, number, caller), answer_for(after, number, caller)
            assert without_holdings(after, number, caller) == without_holdings(before, number, caller)
            assert [holding for holding in then.holdings if holding.dataset.id not in gone] == now.holdings
            shown = {holding.dataset.id for holding in then.holdings}
            ended = {erasure.dataset.id for erasure in now.erasures} - {erasure.dataset.id for erasure in then.erasures}
            assert ended == gone & shown


@no_deadline
@given(ERASED, st.integers(0, 7), st.data())
def test_answer_to_the_holder_that_erased_a_number_is_empty(made: Made, number: int, data: st.DataObject) -> None:
    world, cast = made
    # Neither of what it asserted for holders without an account: that is visible to others.
    holder = data.draw(st.sampled_from(cast.collectors + cast.brokers + cast.parties))
    assume(erase(world, holder, number))
    found = answer_for(world, number, holder)
    parts = (found.holdings, found.chains, found.origins, found.campaigns, found.erasures, found.orphans)
    assert (found.held, *parts) == (False, [], [], [], [], [], [])
    # What others declare remains, unless it delivered what was erased: denied transfers, and those whose file differs.
    denied = {row.id for row in world.transfers.values() if oracle.is_denied(world, row.id)}
    for transfer in found.transfers:
        assert transfer.recipient.id == holder
        assert transfer.id in denied or not oracle.has_number(world, transfer.received_dataset_id, number)


@no_deadline
@given(ERASED, st.integers(0, 7))
def test_answer_to_the_authority_shows_every_former_holding_and_its_erasure(made: Made, number: int) -> None:
    world, cast = made
    found = answer_for(world, number, cast.regulator)
    ended, among = oracle.erasures_of(world, number), oracle.datasets_holding(world, number)
    assert {erasure.dataset.id: erasure.erased_at for erasure in found.erasures} == {
        dataset: moment for dataset, moment in ended.items() if dataset in among
    }
    assert {holding.dataset.id for holding in found.holdings} == among - ended.keys()
    assert found.held == bool(among - ended.keys())
    collected = {dataset for dataset in among if world.datasets[dataset].collection_id}
    assert {origin.dataset.id for origin in found.origins} == collected
    began = {campaign: row.began_at for campaign, row in world.campaigns.items()}
    uses = [(use.dataset_id, use.campaign_id) for use in world.uses if use.dataset_id in among]
    sent = {campaign for dataset, campaign in uses if oracle.held_at(world, dataset, number, began[campaign])}
    assert {campaign.id for campaign in found.campaigns} == sent


def trade() -> tuple[World, dict[str, UUID]]:
    """Numbers that a broker received from a collector, put into a union and transferred to a party, which used them."""
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


def test_summary_names_who_erased_the_number() -> None:
    world, who = trade()
    erase(world, who["broker"], 1)
    assert "Erased by Courtier." in answer_for(world, 1, who["party"]).summary
    assert "Erased" not in answer_for(world, 1, who["shop"]).summary
    assert "Erased" not in answer_for(world, 2, who["party"]).summary


def test_dataset_made_after_an_erasure_does_not_get_the_number() -> None:
    world, who = trade()
    erase(world, who["broker"], 1)
    other = world.organisation(Role.PARTY)
    union = world.dataset(who["broker"], None, [who["base"]])
    late, received = world.transfer(who["base"], other)
    assert not answer_for(world, 1, other).held
    assert not answer_for(world, 1, who["broker"]).held
    found = answer_for(world, 1, who["authority"])
    assert {union, received}.isdisjoint(holding.dataset.id for holding in found.holdings)
    assert late not in {transfer.id for transfer in found.transfers}
    assert answer_for(world, 2, other).held
    assert answer_for(world, 1, who["party"]).held


def test_file_with_a_number_that_its_source_erased_before_is_an_orphan() -> None:
    world, who = trade()
    erase(world, who["broker"], 1)
    late, received = world.transfer(who["base"], who["party"])
    world.dispute(late, {1, 2})
    found = answer_for(world, 1, who["party"])
    (orphan,) = found.orphans
    assert (orphan.dataset.id, orphan.reason) == (received, OrphanReason.NOT_IN_SENDERS_DATASET)
    (contradiction,) = found.contradictions
    assert (contradiction.kind, contradiction.transfer_id) == ("received_not_declared", late)
    again = world.dataset(who["broker"], {1}, [who["base"]])
    found = answer_for(world, 1, who["broker"])
    assert [(orphan.dataset.id, orphan.reason) for orphan in found.orphans] == [(again, OrphanReason.NOT_IN_SOURCES)]
    assert not found.origins


def test_campaign_that_began_after_the_erasure_is_not_shown() -> None:
    world, who = trade()
    (before,) = world.campaigns
    erase(world, who["party"], 1)
    ended = world.erased[who["received"], 1]
    world.campaign(who["party"], [who["received"]])
    sent = world.campaign(who["party"], [who["received"]], began_at=ended - timedelta(seconds=1))
    found = answer_for(world, 1, who["authority"])
    assert {campaign.id for campaign in found.campaigns} == {before, sent}
    assert answer_for(world, 1, who["party"]).campaigns == []
    assert len(answer_for(world, 2, who["party"]).campaigns) == 3


def test_answer_to_the_authority_shows_an_erased_holding_whose_stored_copy_is_gone() -> None:
    world, who = trade()
    transfer = next(row.id for row in world.transfers.values() if row.received_dataset_id == who["received"])
    world.dispute(transfer, {1, 2, 3})
    erase(world, who["party"], 1)
    before = answer_for(world, 1, who["authority"])
    world.numbers[who["received"]] = frozenset({2, 3})
    after = answer_for(world, 1, who["authority"])
    assert after == before
    assert [erasure.dataset.id for erasure in after.erasures] == [who["received"]]
    assert after.contradictions == []


def test_orphan_stays_an_orphan_after_its_erasure() -> None:
    world, who = trade()
    stray = world.dataset(who["broker"], {5})
    _, bought = world.transfer(stray, who["party"])
    erase(world, who["broker"], 5)
    found = answer_for(world, 5, who["party"])
    assert [(orphan.dataset.id, orphan.reason) for orphan in found.orphans] == [
        (stray, OrphanReason.NO_SOURCE_DECLARED),
        (bought, OrphanReason.SOURCE_IS_ORPHAN),
    ]
    assert [holding.dataset.id for holding in found.holdings] == [bought]
