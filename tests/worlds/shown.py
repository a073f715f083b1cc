"""What each viewer of the naive registry must be shown in lists, and all that it must be shown at all."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from tests.worlds import reach, sight
from tests.worlds.model import Registry
from tests.worlds.sight import Viewer

LISTS = ("organisations", "notices", "collections", "datasets", "transfers", "campaigns")


def everything_shown(world: Registry, viewer: Viewer, numbers: Iterable[int]) -> dict[str, Any]:
    """All that an organisation must be shown of some numbers, and in lists, lineage, impact, flags and relays."""
    assert viewer.organisation is not None
    notices = [row.name for row in world.notices.values() if row.collector == viewer.organisation]
    return {
        "lookups": {number: sight.answer(world, viewer, number) for number in numbers},
        "lists": lists_shown(world, viewer),
        "lineage": {name: reach.lineage(world, viewer, name) for name in visible(world, viewer, "datasets")},
        "impact": {name: reach.impact(world, viewer, name) for name in notices},
        "orphans": {name: orphans_shown(world, name) for name in sight.own_datasets(world, viewer.organisation)},
        "flags": flags_shown(world, viewer),
        "relays": relays_shown(world, viewer),
    }


def lists_shown(world: Registry, viewer: Viewer) -> dict[str, dict[str, Any]]:
    """What a viewer lists, by kind and name."""
    return {
        "organisations": {name: world.organisations[name].account for name in visible(world, viewer, "organisations")},
        "notices": {name: world.notices[name].collector for name in visible(world, viewer, "notices")},
        "collections": {
            name: (world.collections[name].collector, world.collections[name].notice, world.collector_word(name))
            for name in visible(world, viewer, "collections")
        },
        "datasets": {name: dataset_shown(world, viewer, name) for name in visible(world, viewer, "datasets")},
        "transfers": {name: transfer_shown(world, name) for name in visible(world, viewer, "transfers")},
        "campaigns": {name: campaign_shown(world, name) for name in visible(world, viewer, "campaigns")},
    }


def campaign_shown(world: Registry, name: str) -> tuple[Any, ...]:
    row = world.campaigns[name]
    return row.party, row.sender, frozenset(row.datasets), row.state, row.corrects


def visible(world: Registry, viewer: Viewer, kind: str) -> set[str]:
    shown: set[str] = getattr(sight, f"visible_{kind}")(world, viewer)
    return shown


def dataset_shown(world: Registry, viewer: Viewer, name: str) -> tuple[Any, ...]:
    """A dataset as a list shows it: of another's, only the parents that the viewer sees, and no counts of its file."""
    row, datasets = world.datasets[name], visible(world, viewer, "datasets")
    own = viewer.sees_everything or viewer.organisation in (row.holder, row.by)
    parents = frozenset(parent for parent in row.came if own or parent in datasets) if row.transfer is None else ()
    transfer = row.transfer if row.transfer in visible(world, viewer, "transfers") else None
    orphan_count = row.orphan_count if own else None
    marks = row.ended, row.withdrawn
    return row.holder, row.content, row.number_count, orphan_count, row.collection, transfer, frozenset(parents), marks


def transfer_shown(world: Registry, name: str) -> tuple[Any, ...]:
    row = world.transfers[name]
    statements = tuple((each.side, each.status, each.extra, each.missing) for each in row.statements)
    return row.sender, row.recipient, row.dataset, row.received, row.status, row.number_count, statements


def orphans_shown(world: Registry, name: str) -> set[int]:
    row = world.datasets[name]
    return {number for number in world.view.current(row) if world.counting.is_orphan(number, name)}


def flags_shown(world: Registry, viewer: Viewer) -> Counter[str]:
    """How many numbers of each own dataset or campaign had been objected to before."""
    flags = world.flags_shown()
    return Counter(
        {
            subject: len({world.objections[objection].number for other, objection in flags if other == subject})
            for subject, _ in flags
            if subject in _own_subjects(world, viewer)
        }
    )


def _own_subjects(world: Registry, viewer: Viewer) -> set[str]:
    held = {row.name for row in world.datasets.values() if row.holder == viewer.organisation}
    return held | visible(world, viewer, "campaigns")


def relays_shown(world: Registry, viewer: Viewer) -> Counter[tuple[Any, ...]]:
    """The relays to a holder, each with the number while it is open and the holder still holds it."""
    own = viewer.organisation or ""
    return Counter(
        (
            row.name,
            relay.state,
            row.number if relay.is_open and _still_held(world, own, row.number) else None,
            sight.recorder(world, viewer, row.number, row.by),
        )
        for row in world.objections.values()
        for relay in row.relays
        if relay.holder == own
    )


def _still_held(world: Registry, own: str, number: int) -> bool:
    return any(not world.datasets[name].ended for name in sight.entry_points(world, own, number))
