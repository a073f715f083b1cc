"""The answers worked out naively: from sets of numbers, and by trying every path."""

import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from service.access.actor import Actor
from service.core.vocabulary import DatasetState, Role
from service.membership.store import Membership
from service.provenance.graph import rows
from service.provenance.snapshot import Snapshot, make_snapshot
from tests.provenance.builders import World

LATER = datetime.max.replace(tzinfo=UTC)


def parents_of(world: World, dataset: uuid.UUID) -> list[uuid.UUID]:
    return [edge.parent_id for edge in world.parents if edge.dataset_id == dataset]


def children_of(world: World, dataset: uuid.UUID) -> list[uuid.UUID]:
    return [edge.dataset_id for edge in world.parents if edge.parent_id == dataset]


def content(world: World, dataset: uuid.UUID) -> frozenset[int]:
    """The numbers of a dataset, erased or not."""
    if world.datasets[dataset].content == "uploaded":
        return world.numbers[dataset]
    return frozenset().union(*(content(world, parent) for parent in parents_of(world, dataset)))


def made_at(world: World, dataset: uuid.UUID) -> datetime:
    """When a dataset took over the numbers of its parents: again if its recipient takes a denial back."""
    said = [
        statement
        for statement in world.statements
        if statement.side == "recipient" and world.transfers[statement.transfer_id].received_dataset_id == dataset
    ]
    denials = [place for place, statement in enumerate(said) if statement.status == "denied"]
    taken_back = said[denials[-1] + 1 :] if denials and world.datasets[dataset].content == "shared" else []
    return taken_back[0].recorded_at if taken_back else first_made_at(world, dataset)


def first_made_at(world: World, dataset: uuid.UUID) -> datetime:
    """When a dataset took over the numbers of its parents for the first time."""
    row = world.datasets[dataset]
    received = any(transfer.received_dataset_id == dataset for transfer in world.transfers.values())
    return row.recorded_at if received or row.sealed_at is None else row.sealed_at


def held_at(world: World, dataset: uuid.UUID, number: int, moment: datetime) -> bool:
    """Whether a dataset had a number at a moment."""
    return has_number(world, dataset, number) and moment < world.erased.get((dataset, number), LATER)


def has_number(world: World, dataset: uuid.UUID, number: int) -> bool:
    """Whether a dataset has a number, or had it until its holder erased it."""
    if (dataset, number) in world.erased:
        return True
    if world.datasets[dataset].content == "uploaded":
        return number in world.numbers[dataset]
    made = made_at(world, dataset)
    return any(held_at(world, parent, number, made) for parent in parents_of(world, dataset))


def erasures_of(world: World, number: int) -> dict[uuid.UUID, datetime]:
    """The datasets from which a number was erased, and when."""
    return {dataset: moment for (dataset, erased), moment in world.erased.items() if erased == number}


def is_denied(world: World, transfer: uuid.UUID | None) -> bool:
    statements = [row.status for row in world.statements if row.transfer_id == transfer and row.side == "recipient"]
    return statements[-1:] == ["denied"]


def is_held(world: World, dataset: uuid.UUID) -> bool:
    transfers = [row.id for row in world.transfers.values() if row.received_dataset_id == dataset]
    sealed = world.datasets[dataset].state == DatasetState.SEALED
    return sealed and not any(is_denied(world, transfer) for transfer in transfers)


def datasets_holding(world: World, number: int) -> set[uuid.UUID]:
    """The datasets that hold a number, or held it until it was erased."""
    return {dataset for dataset in world.datasets if is_held(world, dataset) and has_number(world, dataset, number)}


def sources_of(world: World, number: int, dataset: uuid.UUID) -> set[uuid.UUID]:
    """The parents that had a number when the dataset was made from them, for the first time if it was erased since."""
    made = (first_made_at if (dataset, number) in world.erased else made_at)(world, dataset)
    return {parent for parent in parents_of(world, dataset) if held_at(world, parent, number, made)}


def memberships_of(world: World, number: int) -> list[Membership]:
    """What the membership store would return for a number."""
    return [
        Membership(dataset, world.consents.get((dataset, number)), None)
        for dataset, numbers in world.numbers.items()
        if number in numbers
    ]


def paths(world: World, number: int, head: uuid.UUID, among: set[uuid.UUID]) -> Iterator[tuple[uuid.UUID, ...]]:
    """Every path of a number from `head` down to a dataset without a child among `among`."""
    children = [
        child for child in children_of(world, head) if child in among and head in sources_of(world, number, child)
    ]
    if not children:
        yield (head,)
    for child in children:
        for path in paths(world, number, child, among):
            yield (head, *path)


def has_origin(world: World, number: int, dataset: uuid.UUID, among: set[uuid.UUID]) -> bool:
    """Whether a path of a number among `among` leads back to a collected dataset."""
    if world.datasets[dataset].collection_id is not None:
        return True
    return any(has_origin(world, number, source, among) for source in sources_of(world, number, dataset) & among)


def comes_from(world: World, number: int, dataset: uuid.UUID, ancestor: uuid.UUID, among: set[uuid.UUID]) -> bool:
    """Whether a path of datasets that all hold the number leads from `ancestor` to `dataset`."""
    if dataset == ancestor:
        return True
    sources = sources_of(world, number, dataset) & among
    return any(comes_from(world, number, source, ancestor, among) for source in sources)


def is_released(world: World, dataset: uuid.UUID) -> bool:
    """Whether the operator released what a dataset holds, and did not take that back."""
    sealed_at = world.datasets[dataset].sealed_at
    acts = [row for row in world.releases if row.dataset_id == dataset]
    return bool(acts) and sealed_at is not None and not acts[-1].withdrawn and acts[-1].recorded_at > sealed_at


def counts(world: World, number: int, dataset: uuid.UUID, among: set[uuid.UUID]) -> bool:
    """Whether a number counts in a dataset: every path to it from a collection is tried."""
    if not has_origin(world, number, dataset, among):
        return is_released(world, dataset)
    return any(_counts_along(world, path) for path in _paths_to(world, number, dataset, among))


def _paths_to(world: World, number: int, dataset: uuid.UUID, among: set[uuid.UUID]) -> Iterator[tuple[uuid.UUID, ...]]:
    """Every path of a number among `among` from a collected dataset to `dataset`."""
    if world.datasets[dataset].collection_id is not None:
        yield (dataset,)
    for source in sources_of(world, number, dataset) & among:
        for path in _paths_to(world, number, source, among):
            yield (*path, dataset)


def _counts_along(world: World, path: tuple[uuid.UUID, ...]) -> bool:
    """Whether the last first upload of a path was released, and each later transfer declared by its sender."""
    arrivals = {row.received_dataset_id: row for row in world.transfers.values()}
    firsts = [
        place
        for place, dataset in enumerate(path)
        if world.datasets[dataset].collection_id is not None
        or (dataset in arrivals and arrivals[dataset].asserted_by_id != arrivals[dataset].sender_id)
    ]
    later = [arrivals[dataset] for dataset in path[firsts[-1] + 1 :] if dataset in arrivals]
    return is_released(world, path[firsts[-1]]) and all(
        transfer.asserted_by_id == transfer.sender_id for transfer in later
    )


def all_numbers(world: World) -> set[int]:
    return set().union(*world.numbers.values())


def _representatives(world: World) -> Iterator[tuple[int, int]]:
    """One of all numbers that are stored in and erased from the same datasets, and how many these are."""
    groups: dict[tuple[frozenset[uuid.UUID], frozenset[tuple[uuid.UUID, datetime]]], list[int]] = {}
    for number in all_numbers(world):
        datasets = frozenset(dataset for dataset, numbers in world.numbers.items() if number in numbers)
        groups.setdefault((datasets, frozenset(erasures_of(world, number).items())), []).append(number)
    for numbers in groups.values():
        yield numbers[0], len(numbers)


def rows_of(world: World) -> rows.Rows:
    """The rows that the service would read of this world, with the counts of sealing and those left by erasures."""
    left: Counter[tuple[uuid.UUID, uuid.UUID]] = Counter()
    ancestors: Counter[tuple[uuid.UUID, uuid.UUID]] = Counter()
    notices: Counter[tuple[uuid.UUID, uuid.UUID]] = Counter()
    sizes: Counter[uuid.UUID] = Counter()
    first = {row.id: row.first_id for row in world.notices}
    notice_of = {row.id: first[row.notice_id] for row in world.collections}
    for number, count in _representatives(world):
        among = datasets_holding(world, number)
        for dataset in among:
            above = {ancestor for ancestor in among if comes_from(world, number, dataset, ancestor, among)}
            collections = {row.collection_id for ancestor in above if (row := world.datasets[ancestor]).collection_id}
            sizes[dataset] += count
            from_ancestors = dict.fromkeys([(dataset, ancestor) for ancestor in above - {dataset}], count)
            from_notices = dict.fromkeys([(dataset, notice_of[collection]) for collection in collections], count)
            ancestors.update(from_ancestors)
            notices.update(from_notices)
            if (dataset, number) not in world.erased:
                left.update(from_ancestors | from_notices)
    return rows.Rows(
        organisations=list(world.organisations.values()),
        notices=world.notices,
        partner_lists=world.partner_lists,
        partners=world.partners,
        collections=world.collections,
        collector_statements=world.collector_statements,
        datasets=[
            replace(row, number_count=sizes[row.id], made_at=row.made_at and made_at(world, row.id))
            for row in world.datasets.values()
        ],
        parents=world.parents,
        transfers=list(world.transfers.values()),
        statements=world.statements,
        releases=world.releases,
        campaigns=list(world.campaigns.values()),
        cancellations=world.cancellations,
        uses=world.uses,
        ancestor_counts=[rows.AncestorCountRow(*key, count, left[key]) for key, count in ancestors.items()],
        notice_counts=[rows.NoticeCountRow(*key, count, left[key]) for key, count in notices.items()],
    )


def snapshot_of(world: World) -> Snapshot:
    return make_snapshot(1, rows_of(world))


def actor_for(world: World, organisation: uuid.UUID, through: uuid.UUID | None = None) -> Actor:
    """A caller that acts for an organisation."""
    roles = frozenset(Role(role) for role in world.organisations[through or organisation].roles)
    return Actor(uuid.UUID(int=0), organisation, through, roles, frozenset())
