"""Who sees what. The one place that decides it: once for rows in PostgreSQL, once for the graph in memory.

An organisation sees what it holds, everything upstream of that, and the transfers that it is a side of; the
dataset that a transfer of its own made in the recipient's hands is to it a bare node, with nothing beyond.
What it asserts for an organisation without an account counts as held by it: there is nobody else to look
after that. A transfer that its recipient denies gives the recipient neither a holding nor anything upstream.
A campaign is seen by its party, and through a processor's key only if that processor sent it. A supervisory
authority sees everything; the operator, accounts only. Whoever erased a number sees nothing of it any more, not
even for those that it speaks for; others see what came through its hands as before.
"""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Select, TextualSelect, Uuid, bindparam, column, false, select, table, text

from service.access.actor import Actor
from service.core.erasures import NO_ERASURES, Erasures, held_at

# A statement that yields ids, for `.where(Table.id.in_(…))`.
Ids = Select[tuple[uuid.UUID]] | TextualSelect

# Access stands below the features, so their tables are named in plain SQL instead of imported.
_SEEN: Final = """
WITH RECURSIVE held(id) AS (
    SELECT dataset.id
    FROM dataset JOIN organisation AS holder ON holder.id = dataset.holder_id
    WHERE (dataset.holder_id = :sight_own
           OR (dataset.asserted_by_id = :sight_own AND holder.admitted_at IS NULL))
      AND NOT EXISTS (SELECT FROM transfer JOIN denied_transfer ON transfer_id = transfer.id
                      WHERE received_dataset_id = dataset.id)),
datasets(id) AS (
    SELECT id FROM held
    UNION
    SELECT edge.parent_id
    FROM datasets JOIN dataset_parent AS edge ON edge.dataset_id = datasets.id
    WHERE NOT EXISTS (SELECT FROM denied_transfer WHERE denied_transfer.transfer_id = edge.transfer_id)),
transfers(id) AS (
    SELECT id FROM transfer
    WHERE sender_id = :sight_own OR recipient_id = :sight_own
       OR (received_dataset_id IN (SELECT id FROM datasets)
           AND NOT EXISTS (SELECT FROM denied_transfer WHERE transfer_id = transfer.id))),
campaigns(id) AS (
    SELECT id FROM campaign
    WHERE party_id = :sight_own AND (:sight_through IS NULL OR sender_id = :sight_through)),
collections(id) AS (
    SELECT collection.id
    FROM collection JOIN organisation AS collector ON collector.id = collection.collector_id
    WHERE collection.collector_id = :sight_own
       OR (collection.asserted_by_id = :sight_own AND collector.admitted_at IS NULL)
       OR collection.id IN (SELECT collection_id FROM dataset WHERE id IN (SELECT id FROM datasets))
    UNION
    SELECT correction.id
    FROM collection AS correction JOIN collections ON correction.corrects_id = collections.id),
notices(id) AS (
    SELECT notice.id
    FROM notice JOIN organisation AS collector ON collector.id = notice.collector_id
    WHERE notice.collector_id = :sight_own
       OR (notice.asserted_by_id = :sight_own AND collector.admitted_at IS NULL)
       OR notice.id IN (SELECT notice_id FROM collection WHERE id IN (SELECT id FROM collections))),
organisations(id) AS (
    SELECT id FROM organisation WHERE id = :sight_own OR id = :sight_through OR asserted_by_id = :sight_own
    UNION SELECT holder_id FROM dataset WHERE id IN (SELECT id FROM datasets)
    UNION SELECT sender_id FROM transfer WHERE id IN (SELECT id FROM transfers)
    UNION SELECT recipient_id FROM transfer WHERE id IN (SELECT id FROM transfers)
    UNION SELECT collector_id FROM collection WHERE id IN (SELECT id FROM collections)
    UNION SELECT collector_id FROM notice WHERE id IN (SELECT id FROM notices)
    UNION SELECT sender_id FROM campaign WHERE id IN (SELECT id FROM campaigns) AND sender_id IS NOT NULL
    UNION SELECT partner.organisation_id
          FROM partner JOIN partner_list ON partner_list.id = partner.partner_list_id
          WHERE partner_list.notice_id IN (SELECT id FROM notices) AND partner.organisation_id IS NOT NULL)
"""


def _rows(actor: Actor, whole: str, part: str, *, operator: bool = False) -> Ids:
    """The ids of the table `whole` that `actor` sees: all, none, or what `part` of `_SEEN` yields."""
    every = select(table(whole, column("id", Uuid)).c.id)
    if actor.is_regulator or (actor.is_operator and operator):
        return every
    if actor.is_operator:
        return every.where(false())
    statement = text(f"{_SEEN} SELECT id FROM {part}")  # noqa: S608  (both are constants of this module)
    return statement.bindparams(
        bindparam("sight_own", actor.organisation_id, Uuid),
        bindparam("sight_through", actor.through_id, Uuid),
    ).columns(column("id", Uuid))


def visible_datasets(actor: Actor) -> Ids:
    """Ids of datasets: held by `actor`, and upstream of those."""
    return _rows(actor, "dataset", "datasets")


def visible_transfers(actor: Actor) -> Ids:
    """Ids of transfers: those `actor` is a side of, and those that delivered into a dataset it sees."""
    return _rows(actor, "transfer", "transfers")


def visible_collections(actor: Actor) -> Ids:
    """Ids of collections: its own, those it asserts in a collector's stead, and those of datasets seen."""
    return _rows(actor, "collection", "collections")


def visible_notices(actor: Actor) -> Ids:
    """Ids of notices: its own, those it asserts in a collector's stead, and those of collections seen."""
    return _rows(actor, "notice", "notices")


def visible_campaigns(actor: Actor) -> Ids:
    """Ids of campaigns: of the party it speaks for; through a processor, those which that one sent."""
    return _rows(actor, "campaign", "campaigns")


def visible_organisations(actor: Actor) -> Ids:
    """Ids of organisations that stand in a fact which `actor` sees, or that it named here itself."""
    return _rows(actor, "organisation", "organisations", operator=True)


IdSet = frozenset[uuid.UUID]
_NONE: Final[IdSet] = frozenset()


class DatasetLinks(NamedTuple):
    """Where a dataset stands, as far as sight depends on it.

    Upstream lead `parents` and `arrivals`, the datasets it comes from and the transfer that delivered it, unless its
    recipient denies that transfer. `touching` are the transfers at either end of which it is, denied or not; `used_in`
    the campaigns sent to it. `made_at` is when it took over what its parents had.
    """

    parents: IdSet
    arrivals: IdSet
    touching: IdSet
    used_in: IdSet
    made_at: datetime


class TransferEnds(NamedTuple):
    """The dataset that a transfer handed over, and the one that it made there: none, if the recipient denies it.

    What erasure took out of the first before `recorded_at` was not in it.
    """

    dataset_id: uuid.UUID
    received: IdSet
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class VisibilityIndex:
    """What sight depends on, of the whole graph, by ids.

    By organisation: the datasets that count as held by it (see `holders_of_record`), those of them that are another's,
    and the transfers that it sent and received. Campaigns by their party and their sender, and all of a party by it
    and None; and when each began. Nothing here has to be gone through whole for one number: what its datasets lead to
    is cut with what the caller has.
    """

    places: Mapping[uuid.UUID, DatasetLinks]
    transfers: Mapping[uuid.UUID, TransferEnds]
    held_by: Mapping[uuid.UUID, IdSet]
    spoken_for: Mapping[uuid.UUID, IdSet]
    sent_by: Mapping[uuid.UUID, IdSet]
    received_by: Mapping[uuid.UUID, IdSet]
    campaigns_of: Mapping[tuple[uuid.UUID, uuid.UUID | None], IdSet]
    campaigns_began: Mapping[uuid.UUID, datetime]


@dataclass(frozen=True, slots=True)
class Visibility:
    """What one caller sees. `bare` are datasets one hop down: known to exist, and in whose hands.

    `viewers` are the caller's own organisations. `whole`: nothing is withheld, so that an organisation may be
    named even where it only tells of another's affairs.
    """

    datasets: frozenset[uuid.UUID] = frozenset()
    bare: frozenset[uuid.UUID] = frozenset()
    transfers: frozenset[uuid.UUID] = frozenset()
    campaigns: frozenset[uuid.UUID] = frozenset()
    viewers: frozenset[uuid.UUID] = frozenset()
    whole: bool = False


def holders_of_record(
    holder_id: uuid.UUID, asserted_by_id: uuid.UUID | None, *, has_account: bool, denied: bool
) -> frozenset[uuid.UUID]:
    """By whom a dataset counts as held: its holder, and if that has no account, whoever asserts the dataset.

    By nobody, if it is what a transfer delivered that its recipient denies.
    """
    if denied:
        return frozenset()
    return frozenset({holder_id} if has_account or asserted_by_id is None else {holder_id, asserted_by_id})


def visible_to(
    scene: VisibilityIndex, actor: Actor, holding: Collection[uuid.UUID] | None = None, ended: Erasures = NO_ERASURES
) -> Visibility:
    """What `actor` sees of the whole graph, or of one number, given the datasets `holding` it, or that did.

    Of one number it sees: its own datasets that hold it, those holding it upstream by paths of datasets that
    hold it, the transfers which delivered into these, and those it is a side of in which one side says that
    the number was. Of a recipient's file a sender learns nothing but of the numbers that it delivered: else it could
    find out what else is in that file by sealing guesses. From where it erased the number itself it sees nothing; where
    others upstream did, it sees on.
    """
    within = frozenset(scene.places if holding is None else holding)
    if actor.is_regulator:
        return full_visibility(scene, within, ended)
    if actor.is_operator:
        return Visibility()
    own = actor.organisation_id
    left = within.difference(ended) if ended else within
    datasets = _upstream(scene, held_by_organisation(scene, own, left, ended), within, ended)
    arrivals = _NONE.union(*(scene.places[one].arrivals for one in datasets))
    touching = _touching(scene, within, ended)
    received = touching & scene.received_by.get(own, _NONE)
    given = touching & scene.sent_by.get(own, _NONE)
    sent = {one for one in given if scene.transfers[one].dataset_id in left}
    delivered = within & _NONE.union(*(scene.transfers[one].received for one in sent))
    used = _NONE.union(*(scene.places[one].used_in for one in left))
    return Visibility(
        datasets,
        bare=delivered - datasets,
        transfers=arrivals.union((one for one in received if scene.transfers[one].received.isdisjoint(ended)), sent),
        campaigns=used & scene.campaigns_of.get((own, actor.through_id), _NONE),
        viewers=frozenset({own} | ({actor.through_id} if actor.through_id else set())),
    )


def held_by_organisation(
    scene: VisibilityIndex, organisation_id: uuid.UUID, left: IdSet, ended: Collection[uuid.UUID]
) -> frozenset[uuid.UUID]:
    """Those of the datasets `left` holding a number that count as held by an organisation.

    Once it erased the number itself, those that it speaks for do not, whose holders have no account here.
    """
    held, others = scene.held_by.get(organisation_id, _NONE), scene.spoken_for.get(organisation_id, _NONE)
    erased = bool(ended) and not (held - others).isdisjoint(ended)
    return left & held - others if erased else left & held


def full_visibility(
    scene: VisibilityIndex, holding: Collection[uuid.UUID], ended: Erasures = NO_ERASURES
) -> Visibility:
    """Everything about the datasets `holding` a number, or that did: what the person and the authority see."""
    within = frozenset(holding)
    return Visibility(within, _NONE, _touching(scene, within, ended), _used(scene, within, ended), whole=True)


def _touching(scene: VisibilityIndex, within: IdSet, ended: Erasures) -> IdSet:
    """The transfers in which, as one side says, the number was."""
    found = _NONE.union(*(scene.places[one].touching for one in within))
    return frozenset(one for one in found if _was_in(scene.transfers[one], within, ended)) if ended else found


def _was_in(ends: TransferEnds, within: IdSet, ended: Erasures) -> bool:
    declared = ends.dataset_id in within and held_at(ended, ends.dataset_id, ends.recorded_at)
    return declared or not within.isdisjoint(ends.received)


def _used(scene: VisibilityIndex, within: IdSet, ended: Erasures) -> IdSet:
    """The campaigns that were sent to the number: not those that began after it was erased."""
    if not ended:
        return _NONE.union(*(scene.places[one].used_in for one in within))
    used = ((one, campaign) for one in within for campaign in scene.places[one].used_in)
    return frozenset(campaign for one, campaign in used if held_at(ended, one, scene.campaigns_began[campaign]))


def _upstream(scene: VisibilityIndex, held: IdSet, within: IdSet, ended: Erasures) -> IdSet:
    found, waiting = held, held
    while waiting:
        waiting = within & _NONE.union(*(_parents(scene.places[one], ended) for one in waiting)) - found
        found |= waiting
    return found


def _parents(place: DatasetLinks, ended: Erasures) -> IdSet:
    return frozenset(one for one in place.parents if held_at(ended, one, place.made_at)) if ended else place.parents
