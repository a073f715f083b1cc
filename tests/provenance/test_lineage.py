"""Lineage and impact by counts: a dataset that gave or got no number is not reached, whatever the edges say."""

from functools import cache

from hypothesis import given

from service.access import visibility
from service.core.vocabulary import DatasetState, Role
from service.provenance.lineage.walk import (
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
from tests.provenance.story import Story, make_story
from tests.provenance.strategies import Cast, no_deadline, worlds

FAR = None


@cache
def story_and_snapshot() -> tuple[Story, Snapshot]:
    story = make_story()
    return story, oracle.snapshot_of(story.world)


def impact(notice: str, caller: str = "CNIL") -> tuple[dict[str, int | None], set[str], set[str]]:
    """Datasets with counts, clients and campaigns that a notice of the story reached, as a caller sees it."""
    story, snapshot = story_and_snapshot()
    seen = visibility.visible_to(snapshot.visibility_index, oracle.actor_for(story.world, story.organisations[caller]))
    facts = snapshot.graph.facts
    counts = datasets_reached(facts, story.notices[notice], seen.datasets | seen.bare)
    reached_campaigns = campaigns_sent_to(facts, seen.campaigns, counts)
    return (
        {name: counts[dataset] for name, dataset in story.datasets.items() if dataset in counts},
        {name for name, client in story.organisations.items() if client in clients_holding(facts, counts)},
        {name for name, campaign in story.campaigns.items() if campaign in reached_campaigns},
    )


def ancestry(
    name: str, caller: str = "CNIL", direction: Direction = Direction.UPSTREAM, depth: int | None = FAR
) -> set[str]:
    """The names of what is in the lineage of a dataset of the story."""
    story, snapshot = story_and_snapshot()
    seen = visibility.visible_to(snapshot.visibility_index, oracle.actor_for(story.world, story.organisations[caller]))
    found = walk_lineage(snapshot.graph, story.datasets[name], direction, depth, seen.datasets | seen.bare)
    return {code for code, dataset in story.datasets.items() if dataset in found.distances}


def test_impact_of_the_contest_form_reaches_one_party_and_not_the_other() -> None:
    datasets, clients, campaigns = impact("JL-1")
    assert datasets == {"D1": 3000, "R1": 3000, "D5": 3000, "X8": 3000, "D8": 3000, "X9": 1000, "D9": 1000}
    assert (clients, campaigns) == ({"Rivage"}, {"C2"})


def test_impact_of_the_first_quote_form_reaches_the_other_party_and_a_broker() -> None:
    datasets, clients, campaigns = impact("CA-1")
    assert datasets == {"D2": 3000, "R2": 3000, "D5": 3000, "X6": 500, "D6": 500, "X8": 2000, "D8": 2000}
    assert (clients, campaigns) == ({"Aube"}, {"C1"})


def test_impact_shown_to_the_collector_is_one_hop_without_clients() -> None:
    datasets, clients, campaigns = impact("EM-1", "Enseigne Maison")
    assert datasets == {"D4": 4500, "R4": 4500}
    assert (clients, campaigns) == (set(), set())


def test_lineage_of_a_selection_leaves_out_ancestors_that_gave_it_no_number() -> None:
    assert ancestry("D6") == {"D6", "X6", "D5", "R2", "R3", "R4", "D2", "D3", "D4"}
    assert ancestry("D9") == {"D9", "X9", "D8", "X8", "R1", "D1"}
    assert ancestry("D9", depth=2) == {"D9", "X9", "D8"}


def test_lineage_counts_the_datasets_beyond_its_depth() -> None:
    story, snapshot = story_and_snapshot()
    everything = snapshot.graph.facts.datasets.keys()
    for depth, left_out in ((None, 0), (5, 0), (2, 3), (1, 4)):
        found = walk_lineage(snapshot.graph, story.datasets["D9"], Direction.UPSTREAM, depth, everything)
        assert (len(found.distances), found.beyond) == (6 - left_out, left_out)


def test_lineage_downstream_is_one_hop_for_the_sender_and_all_for_the_regulator() -> None:
    down = Direction.DOWNSTREAM
    assert ancestry("D1", direction=down) == {"D1", "R1", "D5", "X8", "D8", "X9", "D9"}
    assert ancestry("D1", "Contact Direct", down) == {"D1", "R1", "D5", "X8", "D8"}
    assert ancestry("X8", "Contact Direct", down) == {"X8", "D8"}
    assert ancestry("D4", "Enseigne Maison", Direction.BOTH) == {"D4", "R4"}


@no_deadline
@given(worlds())
def test_lineage_upstream_is_where_numbers_came_from(made: tuple[World, Cast]) -> None:
    world, _ = made
    graph = oracle.snapshot_of(world).graph
    datasets_of = {number: oracle.datasets_holding(world, number) for number in oracle.all_numbers(world)}
    sealed = [dataset for dataset, row in world.datasets.items() if row.state == DatasetState.SEALED]
    for start in sealed:
        found = walk_lineage(graph, start, Direction.UPSTREAM, FAR, world.datasets)
        expected = {start}
        for number, among in datasets_of.items():
            if start in among:
                expected |= {dataset for dataset in among if oracle.comes_from(world, number, start, dataset, among)}
        assert found.distances.keys() == expected
        below = walk_lineage(graph, start, Direction.DOWNSTREAM, FAR, world.datasets).distances
        assert all(
            start in walk_lineage(graph, descendant, Direction.UPSTREAM, FAR, world.datasets).distances
            for descendant in below
        )
        assert {hop.parent_id for hop in found.hops} | {hop.dataset_id for hop in found.hops} <= expected


@no_deadline
@given(worlds())
def test_lineage_distance_is_that_of_the_shortest_path(made: tuple[World, Cast]) -> None:
    world, _ = made
    graph = oracle.snapshot_of(world).graph
    for start in world.datasets:
        found = walk_lineage(graph, start, Direction.BOTH, FAR, world.datasets)
        steps = {(hop.parent_id, hop.dataset_id) for hop in found.hops}
        for dataset, distance in found.distances.items():
            nearer = [
                abs(found.distances[parent if distance > 0 else child])
                for parent, child in steps
                if dataset == (child if distance > 0 else parent)
            ]
            assert distance == 0 or min(nearer) == abs(distance) - 1


def test_count_from_ancestor_before_sealing_is_none() -> None:
    world = World()
    broker = world.organisation(Role.BROKER)
    source = world.dataset(broker, {1})
    unsealed = world.dataset(broker, {1}, [source], state=DatasetState.OPEN)
    graph = oracle.snapshot_of(world).graph
    assert count_from_ancestor(graph.facts, source, unsealed) is None
    assert walk_lineage(graph, unsealed, Direction.UPSTREAM, FAR, world.datasets).distances == {unsealed: 0, source: -1}


def test_lineage_and_impact_leave_out_what_a_denied_transfer_delivered() -> None:
    world = World()
    collector, party = world.organisation(Role.COLLECTOR), world.organisation(Role.PARTY)
    notice = world.notice(collector, collector)
    made = world.dataset(collector, {1}, collection=world.collection(notice, collector))
    transfer, _ = world.transfer(made, party)
    # The counts are those from before the denial; the world's list of statements keeps growing.
    counted = oracle.rows_of(world)
    world.add_statement(transfer, "recipient", "denied")
    facts = make_snapshot(1, counted).graph.facts
    assert set(datasets_reached(facts, notice, world.datasets)) == {made}
    assert walk_lineage(oracle.snapshot_of(world).graph, made, Direction.DOWNSTREAM, FAR, world.datasets).distances == {
        made: 0
    }
