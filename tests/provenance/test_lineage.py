"""Lineage and impact by counts: what gave or got no number is not reached, whatever the edges say."""

from functools import cache

from hypothesis import given

from service.access import visibility
from service.core.vocabulary import DatasetState, Role
from service.provenance.lineage.lineage import (
    Direction,
    campaigns_sent_to,
    clients_holding,
    count_from_ancestor,
    datasets_reached,
    walk_lineage,
)
from service.provenance.snapshot import Snapshot, make_snapshot
from tests.provenance import oracle
from tests.provenance.builders import World
from tests.provenance.story import Story, tell
from tests.provenance.strategies import Cast, unhurried, worlds

FAR = 100


@cache
def told() -> tuple[Story, Snapshot]:
    story = tell()
    return story, oracle.snapshot_of(story.world)


def impact(notice: str, caller: str = "CNIL") -> tuple[dict[str, int], set[str], set[str]]:
    """Datasets with counts, clients and campaigns that a notice of the story reached, as a caller sees it."""
    story, snapshot = told()
    seen = visibility.visible_to(snapshot.visibility_index, oracle.actor(story.world, story.organisations[caller]))
    facts = snapshot.graph.facts
    counts = datasets_reached(facts, story.notices[notice], seen.datasets | seen.bare)
    return (
        {name: counts[one] for name, one in story.datasets.items() if one in counts},
        {name for name, one in story.organisations.items() if one in clients_holding(facts, counts)},
        {name for name, one in story.campaigns.items() if one in campaigns_sent_to(facts, seen.campaigns, counts)},
    )


def ancestry(name: str, caller: str = "CNIL", direction: Direction = Direction.UPSTREAM, depth: int = FAR) -> set[str]:
    """The names of what is in the lineage of a dataset of the story."""
    story, snapshot = told()
    seen = visibility.visible_to(snapshot.visibility_index, oracle.actor(story.world, story.organisations[caller]))
    found = walk_lineage(snapshot.graph, story.datasets[name], direction, depth, seen.datasets | seen.bare)
    return {known for known, one in story.datasets.items() if one in found.distances}


def test_the_contest_form_reached_one_party_and_not_the_other() -> None:
    datasets, clients, campaigns = impact("JL-1")
    assert datasets == {"D1": 3000, "R1": 3000, "D5": 3000, "X8": 3000, "D8": 3000, "X9": 1000, "D9": 1000}
    assert (clients, campaigns) == ({"Rivage"}, {"C2"})


def test_the_first_quote_form_reached_the_other_party_and_a_broker() -> None:
    datasets, clients, campaigns = impact("CA-1")
    assert datasets == {"D2": 3000, "R2": 3000, "D5": 3000, "X6": 500, "D6": 500, "X8": 2000, "D8": 2000}
    assert (clients, campaigns) == ({"Aube"}, {"C1"})


def test_a_collector_sees_one_hop_of_the_impact_and_no_client() -> None:
    datasets, clients, campaigns = impact("EM-1", "Enseigne Maison")
    assert datasets == {"D4": 4500, "R4": 4500}
    assert (clients, campaigns) == (set(), set())


def test_a_cut_has_no_ancestor_that_gave_it_no_number() -> None:
    assert ancestry("D6") == {"D6", "X6", "D5", "R2", "R3", "R4", "D2", "D3", "D4"}
    assert ancestry("D9") == {"D9", "X9", "D8", "X8", "R1", "D1"}
    assert ancestry("D9", depth=2) == {"D9", "X9", "D8"}


def test_downstream_is_one_hop_for_the_sender_and_all_for_the_regulator() -> None:
    down = Direction.DOWNSTREAM
    assert ancestry("D1", direction=down) == {"D1", "R1", "D5", "X8", "D8", "X9", "D9"}
    assert ancestry("D1", "Contact Direct", down) == {"D1", "R1", "D5", "X8", "D8"}
    assert ancestry("X8", "Contact Direct", down) == {"X8", "D8"}
    assert ancestry("D4", "Enseigne Maison", Direction.BOTH) == {"D4", "R4"}


@unhurried
@given(worlds())
def test_lineage_is_what_numbers_came_by(made: tuple[World, Cast]) -> None:
    world, _ = made
    graph = oracle.snapshot_of(world).graph
    among = {number: oracle.holders(world, number) for number in oracle.all_numbers(world)}
    sealed = [one for one, row in world.datasets.items() if row.state == DatasetState.SEALED]
    for start in sealed:
        found = walk_lineage(graph, start, Direction.UPSTREAM, FAR, world.datasets)
        expected = {start}
        for number, holders in among.items():
            if start in holders:
                expected |= {one for one in holders if oracle.comes_from(world, number, start, one, holders)}
        assert found.distances.keys() == expected
        below = walk_lineage(graph, start, Direction.DOWNSTREAM, FAR, world.datasets).distances
        assert all(
            start in walk_lineage(graph, one, Direction.UPSTREAM, FAR, world.datasets).distances for one in below
        )
        assert {hop.parent_id for hop in found.hops} | {hop.dataset_id for hop in found.hops} <= expected


@unhurried
@given(worlds())
def test_a_dataset_is_as_far_as_its_shortest_way(made: tuple[World, Cast]) -> None:
    world, _ = made
    graph = oracle.snapshot_of(world).graph
    for start in world.datasets:
        found = walk_lineage(graph, start, Direction.BOTH, FAR, world.datasets)
        steps = {(hop.parent_id, hop.dataset_id) for hop in found.hops}
        for one, distance in found.distances.items():
            nearer = [
                abs(found.distances[parent if distance > 0 else child])
                for parent, child in steps
                if one == (child if distance > 0 else parent)
            ]
            assert distance == 0 or min(nearer) == abs(distance) - 1


def test_nobody_has_counted_before_sealing() -> None:
    world = World()
    broker = world.organisation(Role.BROKER)
    source = world.dataset(broker, {1})
    unsealed = world.dataset(broker, {1}, [source], state=DatasetState.OPEN)
    graph = oracle.snapshot_of(world).graph
    assert count_from_ancestor(graph.facts, source, unsealed) is None
    assert walk_lineage(graph, unsealed, Direction.UPSTREAM, FAR, world.datasets).distances == {unsealed: 0, source: -1}


def test_what_a_denied_transfer_delivered_was_not_reached() -> None:
    world = World()
    collector, party = world.organisation(Role.COLLECTOR), world.organisation(Role.PARTY)
    notice = world.notice(collector, collector)
    made = world.dataset(collector, {1}, collection=world.collection(notice, collector))
    transfer, _ = world.transfer(made, party)
    # Counts as they were while the transfer stood; the list of statements goes on growing.
    counted = oracle.rows_of(world)
    world.say(transfer, "recipient", "denied")
    facts = make_snapshot(1, counted).graph.facts
    assert set(datasets_reached(facts, notice, world.datasets)) == {made}
    assert walk_lineage(oracle.snapshot_of(world).graph, made, Direction.DOWNSTREAM, FAR, world.datasets).distances == {
        made: 0
    }
