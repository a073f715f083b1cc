"""Upstream an organisation sees only what at least one of its numbers came from: by HTTP, in lists and lineage."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.builders import collected, filled, hand_over, number, open_dataset
from tests.callers import Caller, Registry

pytestmark = pytest.mark.one_registry

LATER = {"occurred_at": "2024-03-01T00:00:00Z"}


@dataclass
class Trade:
    """A broker that merged the numbers of two collectors, and a party that got a selection of the first only."""

    first: Caller
    second: Caller
    broker: Caller
    party: Caller
    sources: tuple[Any, Any]
    bought: tuple[Any, Any]
    base: Any
    sold: Any


@pytest.fixture
def trade(registry: Registry) -> Trade:
    first, second, broker, party = registry.collector(), registry.collector(), registry.broker(), registry.party()
    sources = collected(first, [1, 2]), collected(second, [3])
    bought = hand_over(first, sources[0], broker), hand_over(second, sources[1], broker, contract="secret 17")
    parents = [transfer["received_dataset_id"] for transfer in bought]
    base = broker.seal(open_dataset(broker, content="union", derived_from=parents, **LATER)["id"])
    selection = filled(broker, [1], derived_from=[base["id"]], **LATER)
    sold = hand_over(broker, selection, party, **LATER)
    return Trade(first, second, broker, party, sources, bought, base, sold)


def test_every_list_and_item_shows_no_supplier_whose_numbers_did_not_come(trade: Trade) -> None:
    source, transfer = trade.sources[1], trade.bought[1]
    hidden = [str(trade.second.id), source["id"], source["collection_id"], transfer["id"]]
    hidden += [transfer["received_dataset_id"], "secret 17"]
    read = {path: trade.party.get(f"/v1/{path}") for path in ("organisations", "notices", "collections", "datasets")}
    read["transfers"] = trade.party.get("/v1/transfers")
    for dataset in read["datasets"]["items"]:
        path = f"datasets/{dataset['id']}/lineage"
        read[path] = trade.party.get(f"/v1/{path}?direction=both")
    assert {path: word for path, answer in read.items() for word in hidden if word in json.dumps(answer)} == {}
    items = [
        f"organisations/{trade.second.id}",
        f"datasets/{source['id']}",
        f"datasets/{source['id']}/lineage",
        f"datasets/{transfer['received_dataset_id']}",
        f"collections/{source['collection_id']}",
        f"transfers/{transfer['id']}",
    ]
    assert {path: trade.party.request("GET", f"/v1/{path}").status_code for path in items} == dict.fromkeys(items, 404)
    # What its number came from, it sees.
    assert trade.sources[0]["id"] in json.dumps(read["datasets"])
    assert trade.bought[0]["id"] in json.dumps(read["transfers"])
    assert trade.party.lookup(number(1))["held"]


def test_get_dataset_upstream_shows_no_other_parent_and_nothing_of_its_file(trade: Trade) -> None:
    base = trade.party.get(f"/v1/datasets/{trade.base['id']}")
    assert base["derived_from"] == [trade.bought[0]["received_dataset_id"]]
    assert (base["number_count"], base["duplicate_count"], base["rejected_count"], base["orphan_count"]) == (
        3,
        None,
        None,
        None,
    )
    assert sorted(trade.broker.get(f"/v1/datasets/{trade.base['id']}")["derived_from"]) == sorted(
        transfer["received_dataset_id"] for transfer in trade.bought
    )


def test_get_lineage_upstream_counts_only_the_numbers_of_the_caller(trade: Trade) -> None:
    own = trade.party.get(f"/v1/datasets/{trade.sold['received_dataset_id']}/lineage")
    assert {node["common_count"] for node in own["nodes"]} == {1}
    assert len(own["nodes"]) == 5
    counted = {edge["number_count"] for edge in own["edges"]}
    assert counted == {1, None}
    above = trade.party.get(f"/v1/datasets/{trade.base['id']}/lineage?direction=upstream")
    assert {node["common_count"] for node in above["nodes"]} == {None}
