"""Two worlds that differ only in what an organisation may not see give it the same answers, on every route.

The worlds differ by another supplier of its supplier, another client, or what these erase: none of its numbers.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Final

from service.core.vocabulary import Role
from tests.builders import filled, hand_over, make_collection, make_notice, number, open_dataset
from tests.callers import Caller, Registry
from tests.dataset.builders import complete_erasure, take_off_losses

ROOT: Final = Path(__file__).parent.parent.parent
LATER: Final = {"occurred_at": "2024-03-01T00:00:00Z"}
UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What is another in every world: the registry's clock (all that is told in a world was before 2025), and the version of
# the graph, which all organisations share.
NOW: Final = re.compile(r"20(?:2[5-9]|[3-9]\d)-\d\d-\d\dT[0-9:.]+Z")
# A stream that does not end, and what is the same for everybody.
NOT_COMPARED: Final = {"/v1/jobs/{job_id}/events", "/v1/health"}
DIFFERENCES: Final = ("supplier", "client", "erasure")


@dataclass
class World:
    """One world: its organisations, and the ids of what all worlds have, by name."""

    registry: Registry
    dsn: str
    callers: dict[str, Caller] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def organisation(self, name: str, role: Role) -> Caller:
        """An organisation that has this name in every world."""
        caller = self.callers[name] = self.registry.organisation(role, name=name)
        self.ids[name] = str(caller.id)
        return caller

    def supply(self, name: str, numbers: list[int]) -> str:
        """The broker's dataset of what a new collector collected and transferred to it."""
        shop, broker = self.organisation(name, Role.COLLECTOR), self.callers["Broker"]
        notice = make_notice(shop, shop.id, code=name)
        collection = make_collection(shop, shop.id, notice["id"])
        source = filled(shop, numbers, collection_id=collection["id"], name=name)
        transfer = hand_over(shop, source, broker)
        made = {"notice": notice, "collection": collection, "source": source, "transfer": transfer}
        self.ids |= {f"{kind} of {name}": row["id"] for kind, row in made.items()}
        self.ids[f"bought from {name}"] = transfer["received_dataset_id"]
        return str(transfer["received_dataset_id"])

    def sell(self, name: str, numbers: list[int]) -> None:
        """Transfer a selection of the broker's base to a new party."""
        broker, party = self.callers["Broker"], self.organisation(name, Role.PARTY)
        cut = filled(broker, numbers, derived_from=[self.ids["base"]], name=name, **LATER)
        transfer = hand_over(broker, cut, party, **LATER)
        self.ids |= {f"cut for {name}": cut["id"], f"sold to {name}": transfer["received_dataset_id"]}
        self.ids[f"transfer to {name}"] = transfer["id"]


def make_world(registry: Registry, dsn: str, differences: tuple[str, ...]) -> World:
    """A broker unites what it bought, and sells a selection to a party. What differs has no number of that one's."""
    world = World(registry, dsn)
    broker = world.organisation("Broker", Role.BROKER)
    parents = [world.supply("Shop", [1, 2]), world.supply("Lottery", [2, 3, 4])]
    if "supplier" in differences:
        parents.append(world.supply("Hidden supplier", [2, 3]))
    base = open_dataset(broker, content="union", derived_from=parents, name="base", **LATER)
    world.ids["base"] = broker.seal(base["id"])["id"]
    world.sell("Party", [1])
    if "client" in differences:
        world.sell("Hidden client", [1, 2, 3])
    if "erasure" in differences:
        complete_erasure(dsn, world.callers["Lottery"], 3)
        for name in ("Hidden supplier", "Hidden client"):
            if name in world.callers:
                complete_erasure(dsn, world.callers[name], 2, 3)
        take_off_losses(dsn)
    return world


def answers(world: World, viewer: str, ids: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What an organisation reads on every route that may be read, of these objects, and of every number."""
    caller = world.callers[viewer]
    names = {object_id: name for name, object_id in world.ids.items()}
    for path, methods in json.loads((ROOT / "openapi" / "openapi.json").read_text())["paths"].items():
        if "get" not in methods or path in NOT_COMPARED or not path.startswith("/v1/"):
            continue
        parameters = re.findall(r"{\w+}", path)
        for chosen in product(sorted(ids), repeat=min(len(parameters), 1)):
            url = path
            for parameter in parameters:
                url = url.replace(parameter, ids[chosen[0]])
            yield f"{path} of {chosen}", read(caller, "GET", url, names)
        if not parameters:
            yield f"{path} by single rows", read(caller, "GET", f"{path}?limit=1", names, count_only=True)
    for last in range(5):
        yield f"lookup of {last}", read(caller, "POST", "/v1/lookups", names, json={"number": number(last)})


def read(
    caller: Caller, method: str, url: str, names: Mapping[str, str], *, count_only: bool = False, **options: Any
) -> str:
    """An answer with names in place of ids, without what is fresh in every world, and in an order of its own."""
    answer = caller.request(method, url, **options)
    if not answer.headers.get("content-type", "").startswith(("application/json", "application/problem+json")):
        return f"{answer.status_code} {len(answer.content)}"
    if count_only:
        page = answer.json()
        return f"{answer.status_code} {isinstance(page, dict) and page.get('next') is not None}"
    return f"{answer.status_code} {json.dumps(canonical(answer.json(), names), sort_keys=True)}"


def canonical(node: Any, names: Mapping[str, str]) -> Any:
    """A value without fresh times, with names in place of ids, and with every list in the order of its texts."""
    if isinstance(node, dict):
        return {key: canonical(value, names) for key, value in node.items() if key != "graph_version"}
    if isinstance(node, list):
        return sorted((canonical(item, names) for item in node), key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(node, str):
        return NOW.sub("now", UUID.sub(lambda found: names.get(found[0], "an id"), node))
    return node


def test_organisation_reads_the_same_whatever_it_may_not_see(registry: Registry, dsn: str) -> None:
    # Each world is made when the ones before have been read, since all share their numbers.
    read_in: dict[tuple[str, ...], dict[str, dict[str, str]]] = {}
    for differences in ((), DIFFERENCES):
        world = make_world(registry, dsn, differences)
        common = {name: object_id for name, object_id in world.ids.items() if "Hidden" not in name}
        read_in[differences] = {viewer: dict(answers(world, viewer, common)) for viewer in ("Party", "Shop")}
    for viewer, plain in read_in[()].items():
        other = read_in[DIFFERENCES][viewer]
        assert len(plain) > 100
        assert {route: (plain[route], other[route]) for route in plain if plain[route] != other[route]} == {}
        assert not any("Hidden" in text for text in other.values())
