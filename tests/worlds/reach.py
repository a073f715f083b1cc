"""What each viewer of the naive registry must be shown of the lineage of datasets and of the impact of notices."""

from typing import Any

from tests.worlds.model import Registry
from tests.worlds.sight import Viewer, own_datasets, visible_campaigns, visible_datasets


def lineage(world: Registry, viewer: Viewer, start: str) -> dict[str, Any]:
    """The ancestors and descendants of a dataset, and the edges that numbers came by.

    How many numbers came from one dataset to another is shown if the lower is the viewer's own or one hop down.
    """
    visible, bare = visible_datasets(world, viewer), set[str]()
    if viewer.organisation:
        bare = {row.received for row in world.transfers.values() if row.sender == viewer.organisation}
    counted = own_datasets(world, viewer.organisation) | (bare - visible) if viewer.organisation else visible
    row, shown = world.datasets[start], visible | bare
    nodes: dict[str, tuple[Any, ...]] = {start: (0, row.number_count, row.number_count if start in counted else None)}
    edges: dict[tuple[str, str], int | None] = {}
    for sign in (-1, 1):
        common = {
            name: row.counts.get(name, 0) if sign < 0 else world.datasets[name].counts.get(start, 0) for name in shown
        }
        among = {start} | {name for name, count in common.items() if count}
        passed = [
            (parent, name)
            for name in among
            for parent in among & world.datasets[name].came.keys()
            if world.datasets[name].counts.get(parent) and world.is_held(world.datasets[name])
            if not world.datasets[parent].withdrawn
        ]
        for name, distance in _distances(start, {edge[::sign] for edge in passed}).items():
            number_count = world.datasets[name].number_count if name in visible else None
            lower = start if sign < 0 else name
            nodes.setdefault(name, (sign * distance, number_count, common.get(name) if lower in counted else None))
        for parent, name in passed:
            if parent in nodes and name in nodes:
                edges[parent, name] = world.datasets[name].counts[parent] if name in counted else None
    return {"nodes": nodes, "edges": edges}


def _distances(start: str, steps: set[tuple[str, ...]]) -> dict[str, int]:
    found, waiting, distance = {start: 0}, {start}, 0
    while waiting:
        distance += 1
        waiting = {after for before, after in steps if before in waiting} - found.keys()
        found |= dict.fromkeys(waiting, distance)
    return found


def impact(world: Registry, viewer: Viewer, version: str) -> dict[str, Any]:
    """The datasets, clients and campaigns that a notice's numbers reached, as far as the viewer may see."""
    notice = world.first_notice(version)
    visible = visible_datasets(world, viewer)
    sent = {row.received for row in world.transfers.values() if row.sender == viewer.organisation}
    datasets = {
        name: count
        for name in visible | sent
        if (count := world.datasets[name].notice_counts.get(notice)) and world.is_usable(world.datasets[name])
    }
    clients: dict[str, set[str]] = {}
    for name in datasets:
        holder = world.datasets[name].holder
        if world.organisations[holder].role == "party":
            clients.setdefault(holder, set()).add(name)
    campaigns = {
        name: used
        for name in visible_campaigns(world, viewer)
        if world.campaigns[name].counts and (used := datasets.keys() & set(world.campaigns[name].datasets))
    }
    return {
        "datasets": datasets,
        "clients": {name: _distinct(world, notice, group, datasets) for name, group in clients.items()},
        "campaigns": {name: _distinct(world, notice, group, datasets) for name, group in campaigns.items()},
    }


def _distinct(world: Registry, notice: str, group: set[str], counts: dict[str, int]) -> int:
    """One dataset's count is that of its sealing; a count over several leaves out what was erased since."""
    if len(group) == 1:
        return counts[next(iter(group))]
    return len(
        {
            number
            for name in group
            for number in world.view.current(world.datasets[name])
            if any(
                (collection := world.datasets[each].collection)
                and world.first_notice(world.collections[collection].notice) == notice
                for each in world.view.upstream(number, name)
            )
        }
    )
