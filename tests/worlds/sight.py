"""What each viewer of the naive registry must be shown: of a number, in lists, and in counts.

An answer and a list are plain dictionaries and sets of short names, so that they can be compared and printed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.worlds.model import Registry
from tests.worlds.rows import Campaign, Dataset, Notice, Transfer
from tests.worlds.standings import View


@dataclass(frozen=True)
class Viewer:
    """An organisation, or a processor's key that acts for a party, or someone who sees everything."""

    name: str
    organisation: str | None = None
    through: str | None = None

    @property
    def sees_everything(self) -> bool:
        return self.organisation is None


REGULATOR = Viewer("regulator")
PERSON = Viewer("person")


@dataclass(frozen=True)
class Seen:
    """What a viewer sees of one number: datasets, those one hop down, transfers and campaigns."""

    datasets: set[str]
    bare: set[str]
    transfers: set[str]
    campaigns: set[str]
    campaigns_not_sent: set[str]


# One number.


def seen_of_number(world: Registry, viewer: Viewer, number: int) -> Seen:
    view = view_of(world, viewer)
    within = {row.name for row in view.having(number)}
    left = {row.name for row in view.holding(number)}
    touching = {row.name for row in world.transfers.values() if number in row.declared or row.received in within}
    if viewer.organisation is None:
        rows = [row for row in world.campaigns.values() if reached_by(world, row, number, within)]
        not_sent = {row.name for row in rows if row.cancelled and not row.corrected}
        return Seen(within, set(), touching, {row.name for row in rows if row.counts}, not_sent)
    own = viewer.organisation
    datasets = {each for name in entry_points(world, own, number) for each in view.upstream(number, name)}
    arrivals = {
        row.name
        for row in world.transfers.values()
        if {row.received, row.dataset} <= datasets and number in row.declared
    }
    as_recipient = {
        name
        for name in touching
        if (row := world.transfers[name]).recipient == own
        and row.status != "retracted"
        and not {row.dataset, row.received}.isdisjoint(within)
        and not has_erased(world, name, number)
    }
    as_sender = {name for name in touching if world.transfers[name].sender == own and _sent_from(world, name) in left}
    bare = {world.transfers[name].received for name in as_sender} & within
    campaigns = {
        row.name
        for row in world.campaigns.values()
        if row.party == own and viewer.through in (None, row.sender) and reached_by(world, row, number, left)
        if row.counts
    }
    return Seen(datasets, bare - datasets, arrivals | as_recipient | as_sender, campaigns, set())


def view_of(world: Registry, viewer: Viewer) -> View:
    return world.all if viewer.sees_everything else world.view


def entry_points(world: Registry, own: str, number: int) -> set[str]:
    """The datasets by which an organisation sees a number, also those that it no longer has.

    Whoever erased it from a dataset of its own no longer sees it through those that it asserts for others.
    """
    erased = any(row.holder == own and number in row.erased for row in world.view.having(number))
    return {
        row.name
        for row in world.view.holding(number)
        if own in world.record_holders(row) and (row.holder == own or not erased)
    }


def has_erased(world: Registry, transfer: str, number: int) -> bool:
    received = world.datasets[world.transfers[transfer].received]
    return world.is_held(received) and number in received.erased


def _sent_from(world: Registry, transfer: str) -> str:
    return world.transfers[transfer].dataset


def reached_by(world: Registry, campaign: Campaign, number: int, among: set[str]) -> bool:
    """Whether a campaign was sent to a number through a dataset that held it when the campaign began."""
    return bool(used_for(world, campaign, number) & among)


def used_for(world: Registry, campaign: Campaign, number: int) -> set[str]:
    rows = [world.datasets[name] for name in campaign.datasets if number in world.datasets[name].has]
    held = [row for row in rows if world.is_held(row)]
    return {row.name for row in held if number not in row.erased or _began_before(campaign, row.erased[number])}


def _began_before(campaign: Campaign, step: int) -> bool:
    return campaign.when == "past" or (campaign.when == "now" and campaign.step < step)


def answer(world: Registry, viewer: Viewer, number: int) -> dict[str, Any]:
    """Everything that the answer about a number must say to a viewer."""
    seen = seen_of_number(world, viewer, number)
    view = view_of(world, viewer)
    erased = {row.name for row in view.having(number) if number in row.erased}
    orphans = {name for name in seen.datasets if view.is_orphan(number, name)}
    transfers = {name: transfer_of_number(view, world.transfers[name], number) for name in seen.transfers}
    held = [world.datasets[name] for name in seen.datasets - erased]
    current = {row.name for row in held if world.is_current(number, row)}
    campaigns, not_sent = (
        {name: campaign_shown(world, world.campaigns[name], number, seen) for name in names}
        for names in (seen.campaigns, seen.campaigns_not_sent)
    )
    return {
        "held": bool(current),
        "origins": {
            origin_shown(world, world.datasets[name], number)
            for name in seen.datasets
            if world.datasets[name].collection
        },
        "chains": set(chains(view, number, seen.datasets | seen.bare)),
        "holdings": {
            (row.name, row.content, row.name in orphans, row.name in current, row.ended, row.withdrawn) for row in held
        },
        "erasures": seen.datasets & erased,
        "transfers": transfers,
        "recipients": recipients(world, seen),
        "campaigns": campaigns,
        "campaigns_not_sent": not_sent,
        "orphans": {(name, orphan_reason(view, world.datasets[name], number, seen)) for name in orphans},
        "contradictions": {
            (kind, name) for name in transfers for kind in contradictions(world.transfers[name], transfers[name])
        },
    }


def campaign_shown(world: Registry, row: Campaign, number: int, seen: Seen) -> tuple[str, frozenset[str]]:
    return row.state, frozenset(used_for(world, row, number) & seen.datasets)


def origin_shown(world: Registry, row: Dataset, number: int) -> tuple[Any, ...]:
    """A collection and its notice as last corrected, what was recorded of the notice before, and the consent."""
    collection = world.collections[world.latest_collection(row.collection or "")]
    notice = world.notices[world.latest_notice(collection.notice)]
    earlier, word = corrected_versions(world, notice), world.collector_word(collection.name)
    said = word, world.is_contested(number, row.name)
    return row.name, collection.name, notice.name, earlier, said, _consent(world, row, number)


def corrected_versions(world: Registry, notice: Notice) -> tuple[str, ...]:
    """What a notice corrects, the first version first."""
    if notice.corrects is None:
        return ()
    return *corrected_versions(world, world.notices[notice.corrects]), notice.corrects


def _consent(world: Registry, row: Dataset, number: int) -> int | None:
    """The dataset's own day of consent, by the number, as long as its copy is stored."""
    return number if world.stores(number, row.name) else None


def chains(view: View, number: int, shown: set[str]) -> Iterator[tuple[str, ...]]:
    """Every path of a number from a head to an end, as datasets; an orphan's begins with a question mark."""
    children: dict[str, list[str]] = {name: [] for name in shown}
    for name in shown:
        for parent in view.sources(number, name):
            if parent in shown:
                children[parent].append(name)
    reached = {name for names in children.values() for name in names}
    for head in shown - reached:
        start = () if view.datasets[head].collection else ("?",)
        for path in _paths(children, head):
            yield (*start, *path)


def _paths(children: dict[str, list[str]], name: str) -> Iterator[tuple[str, ...]]:
    if not children[name]:
        yield (name,)
    for child in children[name]:
        for path in _paths(children, child):
            yield (name, *path)


def transfer_of_number(view: View, row: Transfer, number: int) -> tuple[Any, ...]:
    """The status, whether each side says that the number was in it, and the sides that vouch for it."""
    received = view.datasets[row.received]
    word = row.word("recipient")
    got: bool | None = number in received.has and view.is_held(received) and view.counts(number, row.received)
    if not got and not (word and word.status == "denied") and received.content != "uploaded":
        # Without a file of its own, a recipient says nothing of what the sender no longer holds.
        got = None
    return (
        row.status,
        number in row.declared and view.counts(number, row.dataset) if row.vouches("sender") else None,
        got if word and word.by == row.recipient else None,
        vouching(row),
    )


def vouching(row: Transfer) -> frozenset[str]:
    return frozenset(side for side in ("sender", "recipient") if row.vouches(side))


def contradictions(row: Transfer, shown: tuple[Any, ...]) -> Iterator[str]:
    status, declared, received, _ = shown
    if status == "retracted":
        return
    if status == "denied":
        yield "denied_by_recipient"
    elif declared and received is False:
        yield "declared_not_received"
    elif received and declared is False:
        yield "received_not_declared"
    sender = row.word("sender")
    if sender and sender.status == "denied":
        yield "denied_by_sender"
    if row.retracted and row.by in (row.sender, row.recipient):
        yield "retracted_by_sender" if row.by == row.sender else "retracted_by_recipient"


def recipients(world: Registry, seen: Seen) -> dict[str, tuple[str, frozenset[str], frozenset[str]]]:
    rows = [row for name in seen.transfers if (row := world.transfers[name]).status != "retracted"]
    return {
        recipient: (
            "client" if world.organisations[recipient].role == "party" else "intermediary",
            frozenset(row.name for row in rows if row.recipient == recipient),
            frozenset(name for name in seen.campaigns if world.campaigns[name].party == recipient),
        )
        for recipient in {row.recipient for row in rows}
    }


def orphan_reason(view: View, row: Dataset, number: int, seen: Seen) -> str:
    """Why a holding has no origin; nothing of a transfer that the viewer does not see."""
    if not row.came:
        return "no_source_declared"
    if view.sources(number, row.name):
        return "source_is_orphan"
    if row.transfer in seen.transfers:
        return "not_in_senders_dataset"
    arrivals = [view.transfers[arrival] for parent in row.came if (arrival := view.datasets[parent].transfer)]
    return "transfer_denied" if any(each.status == "denied" for each in arrivals) else "not_in_sources"


def recorder(world: Registry, viewer: Viewer, number: int, by: str | None) -> str:
    """Who recorded an objection, as a holder reads it: named only if it said itself what the viewer sees of a path."""
    if by is None:
        return "person"
    seen = seen_of_number(world, viewer, number)
    held = [world.datasets[name] for name in seen.datasets]
    named = {viewer.organisation, viewer.through} | {row.holder for row in held if row.by == row.holder}
    for transfer in (world.transfers[name] for name in seen.transfers):
        for side, organisation in (("sender", transfer.sender), ("recipient", transfer.recipient)):
            if transfer.vouches(side):
                named.add(organisation)
    return by if by in named else "organisation_or_sender"


def holders(world: Registry, number: int) -> set[str]:
    return {row.holder for row in world.current_holdings(number)}


# Lists.


def own_datasets(world: Registry, own: str) -> set[str]:
    return {row.name for row in world.datasets.values() if own in world.record_holders(row)}


def count_left(world: Registry, dataset: str, ancestor: str) -> int:
    """How many numbers that a dataset holds now came from an ancestor."""
    view = world.view
    return sum(ancestor in view.upstream(number, dataset) for number in view.current(view.datasets[dataset]))


def visible_datasets(world: Registry, viewer: Viewer) -> set[str]:
    """What a viewer holds, and what at least one of its numbers came from and still comes from."""
    if viewer.organisation is None:
        return set(world.datasets)
    own, view = own_datasets(world, viewer.organisation), world.view
    counted = [row for row in map(world.datasets.__getitem__, own) if not row.withdrawn]
    return own | {
        ancestor for row in counted for number in view.current(row) for ancestor in view.upstream(number, row.name)
    }


def visible_transfers(world: Registry, viewer: Viewer) -> set[str]:
    """Those that a viewer is a side of or registered, and those that at least one of its numbers came through."""
    if viewer.organisation is None:
        return set(world.transfers)
    sides = {row.name for row in world.transfers.values() if viewer.organisation in (row.sender, row.recipient, row.by)}
    through = set()
    seen, view = visible_datasets(world, viewer), world.view
    own = [world.datasets[name] for name in own_datasets(world, viewer.organisation)]
    for row in (each for each in own if not each.withdrawn):
        for number in view.current(row):
            for each in view.upstream(number, row.name):
                transfer = world.datasets[each].transfer
                if transfer and number in world.transfers[transfer].declared:
                    through |= {transfer} & {name for name in world.transfers if world.transfers[name].dataset in seen}
    return sides | through


def _asserts_for(world: Registry, viewer: Viewer, organisation: str, by: str) -> bool:
    own = viewer.organisation
    return own in (None, organisation) or (by == own and not world.organisations[organisation].account)


def visible_collections(world: Registry, viewer: Viewer) -> set[str]:
    datasets = visible_datasets(world, viewer)
    found = {row.name for row in world.collections.values() if _asserts_for(world, viewer, row.collector, row.by)}
    found |= {collection for name in datasets if (collection := world.datasets[name].collection)}
    for row in world.collections.values():  # A correction comes after what it corrects.
        found |= {row.name} if row.corrects in found else set()
    return found


def visible_notices(world: Registry, viewer: Viewer) -> set[str]:
    """Those of its own, and all versions of those that visible collections name."""
    named = {world.first_notice(world.collections[name].notice) for name in visible_collections(world, viewer)}
    own = {row.name for row in world.notices.values() if _asserts_for(world, viewer, row.collector, row.by)}
    return own | {name for name in world.notices if world.first_notice(name) in named}


def visible_campaigns(world: Registry, viewer: Viewer) -> set[str]:
    if viewer.organisation is None:
        return set(world.campaigns)
    return {
        row.name
        for row in world.campaigns.values()
        if row.party == viewer.organisation and viewer.through in (None, row.sender)
    }


def visible_organisations(world: Registry, viewer: Viewer) -> set[str]:
    """Those that a fact names which the viewer sees, those that it named here, and those with a key of its own."""
    if viewer.organisation is None:
        return set(world.organisations)
    found: set[str | None] = {viewer.organisation, viewer.through}
    found |= {row.name for row in world.organisations.values() if row.named_by == viewer.organisation}
    found |= {world.datasets[name].holder for name in visible_datasets(world, viewer)}
    transfers = [world.transfers[name] for name in visible_transfers(world, viewer)]
    found |= {row.sender for row in transfers} | {row.recipient for row in transfers}
    found |= {world.collections[name].collector for name in visible_collections(world, viewer)}
    found |= {world.notices[name].collector for name in visible_notices(world, viewer)}
    found |= {world.campaigns[name].sender for name in visible_campaigns(world, viewer)}
    found |= asserting_of(world, viewer.organisation)
    found |= {world.heirs.get(viewer.organisation)}
    found |= {name for name, heir in world.heirs.items() if heir == viewer.organisation}
    if viewer.through is None:
        found |= {processor for processor, party in world.processors.items() if party == viewer.organisation}
    return {name for name in found if name is not None}


def asserting_of(world: Registry, subject: str) -> set[str]:
    """Who asserts any fact about an organisation."""
    facts = [(row.by, {row.collector}) for row in world.collections.values()]
    facts += [(row.by, {row.collector}) for row in world.notices.values()]
    facts += [(row.by, {row.holder}) for row in world.datasets.values()]
    facts += [(row.by, {row.sender, row.recipient}) for row in world.transfers.values()]
    return {by for by, about in facts if subject in about}
