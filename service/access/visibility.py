"""Who sees what. The one place that decides it: once for rows in PostgreSQL, once for the graph in memory.

An organisation sees what it holds, upstream of that whatever at least one of its numbers came from, and the transfers
that it is a side of. So sight follows counts: edges lead from a selection to suppliers whose numbers it does not have.
Of the dataset that a recipient got from it, it sees that this exists and who holds it, and nothing beyond. A dataset
that it asserts for a holder without an account counts as its own, because nobody else here can look after it. A
transfer that is void, because its recipient denies it or nobody states it any more, gives neither a holding nor
anything upstream.

Who asserts a fact is named to those who see that organisation anyway, in lists as in answers (`named`), and to the
organisation that the fact is about.

A party sees its campaigns; a key of a processor that acts for it, only those which that processor sent. An heir sees
what its predecessor sees by keys that act for that one (`Actor.heir_id`), and each sees that the other is there. A
regulator sees everything; the operator sees accounts only. An organisation that erased a number no longer sees anything
of it, not even for the holders that it speaks for. Others still see what came to them through that organisation.
"""

import uuid
from collections.abc import Collection, Container, Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import BigInteger, Select, TextualSelect, Uuid, bindparam, column, false, select, table, text

from service.access.actor import Actor
from service.core.erasures import NO_ERASURES, Erasures, held_at

# A statement that yields ids, for `.where(Table.id.in_(…))`.
Ids = Select[tuple[uuid.UUID]] | TextualSelect

# The tables of the features above are named in SQL, because visibility spans all of them and every one of them filters
# by it. The rules that hold for more than visibility are views: `seen_dataset`, `void_transfer`.
# Sight of datasets is said by a function for all of them or for a page, and by a view for one that a statement names.
_DATASETS: Final = "SELECT datasets_seen_by(:own_id) AS id"
_DATASET_PAGE: Final = "SELECT datasets_seen_by(:own_id, :after_id, :wanted) AS id"
_SINGLE_DATASET: Final = "SELECT dataset_id AS id FROM seen_dataset WHERE organisation_id = :own_id"
# A transfer between others is seen if numbers of the caller's went through it, so that it sees both ends.
_VISIBLE: Final = f"""
WITH RECURSIVE datasets(id) AS MATERIALIZED ({_DATASETS}),
transfers(id) AS (
    SELECT id FROM transfer WHERE sender_id = :own_id OR recipient_id = :own_id OR asserted_by_id = :own_id
    UNION
    SELECT transfer.id
    FROM transfer JOIN datasets AS sent ON sent.id = dataset_id JOIN datasets AS got ON got.id = received_dataset_id
    WHERE NOT EXISTS (SELECT FROM void_transfer WHERE transfer_id = transfer.id)),
campaigns(id) AS (
    SELECT id FROM campaign
    WHERE party_id = :own_id AND (:through_id IS NULL OR sender_id = :through_id)),
collections(id) AS (
    SELECT collection.id
    FROM collection JOIN organisation AS collector ON collector.id = collection.collector_id
    WHERE collection.collector_id = :own_id
       OR (collection.asserted_by_id = :own_id AND collector.admitted_at IS NULL)
    UNION
    SELECT collection_id FROM dataset JOIN datasets ON datasets.id = dataset.id WHERE collection_id IS NOT NULL
    UNION
    SELECT correction.id
    FROM collection AS correction JOIN collections ON correction.corrects_id = collections.id),
notices(id) AS (
    SELECT notice.id
    FROM notice JOIN organisation AS collector ON collector.id = notice.collector_id
    WHERE notice.collector_id = :own_id
       OR (notice.asserted_by_id = :own_id AND collector.admitted_at IS NULL)
    UNION
    SELECT version.id
    FROM collection JOIN notice AS named ON named.id = notice_id JOIN notice AS version USING (first_id)
    WHERE collection.id IN (SELECT id FROM collections)),
organisations(id) AS (
    SELECT id FROM organisation WHERE id = :own_id OR id = :through_id OR asserted_by_id = :own_id
    UNION SELECT id FROM organisation WHERE succeeded_by_id = :own_id
    UNION SELECT succeeded_by_id FROM organisation WHERE id = :own_id AND succeeded_by_id IS NOT NULL
    UNION SELECT holder_id FROM dataset WHERE id IN (SELECT id FROM datasets)
    UNION SELECT sender_id FROM transfer WHERE id IN (SELECT id FROM transfers)
    UNION SELECT recipient_id FROM transfer WHERE id IN (SELECT id FROM transfers)
    UNION SELECT collector_id FROM collection WHERE id IN (SELECT id FROM collections)
    UNION SELECT collector_id FROM notice WHERE id IN (SELECT id FROM notices)
    UNION SELECT sender_id FROM campaign WHERE id IN (SELECT id FROM campaigns) AND sender_id IS NOT NULL
    UNION SELECT asserted_by_id FROM dataset WHERE holder_id = :own_id AND asserted_by_id IS NOT NULL
    UNION SELECT asserted_by_id FROM collection WHERE collector_id = :own_id AND asserted_by_id IS NOT NULL
    UNION SELECT asserted_by_id FROM notice WHERE collector_id = :own_id AND asserted_by_id IS NOT NULL
    UNION SELECT asserted_by_id FROM transfer
          WHERE (sender_id = :own_id OR recipient_id = :own_id) AND asserted_by_id IS NOT NULL
    UNION SELECT organisation_id FROM api_key WHERE acts_for_id = :own_id AND NOT as_heir AND :through_id IS NULL
    UNION SELECT partner.organisation_id
          FROM partner JOIN partner_list ON partner_list.id = partner.partner_list_id
          WHERE partner_list.notice_id IN (SELECT id FROM notices) AND partner.organisation_id IS NOT NULL)
"""  # noqa: S608  (a constant of this module)


def _visible_ids(actor: Actor, name: str, statement: str, *, to_operator: bool = False) -> Ids:
    """The ids of the table `name` that `actor` sees: all, none, or those that the statement selects."""
    every = select(table(name, column("id", Uuid)).c.id)
    if actor.is_regulator or (actor.is_operator and to_operator):
        return every
    if actor.is_operator:
        return every.where(false())
    own = {"own_id": actor.organisation_id, "through_id": actor.through_id}
    given = [bindparam(key, value, Uuid) for key, value in own.items() if f":{key}" in statement]
    return text(statement).bindparams(*given).columns(column("id", Uuid))


def _part(name: str) -> str:
    """The statement that selects the ids of a part of `_VISIBLE`."""
    return f"{_VISIBLE} SELECT id FROM {name}"  # noqa: S608  (both are constants of this module)


def visible_datasets(actor: Actor) -> Ids:
    """Ids of the datasets that count as held by `actor`, and of those upstream that a number of them came from."""
    return _visible_ids(actor, "dataset", _DATASETS)


def visible_dataset_page(actor: Actor, after: uuid.UUID | None, limit: int) -> Ids:
    """Those of the same ids that the page of `limit` datasets after an id is taken from, and the id that follows it."""
    if actor.is_regulator or actor.is_operator:
        return visible_datasets(actor)
    own = bindparam("own_id", actor.organisation_id, Uuid)
    page = bindparam("after_id", after or uuid.UUID(int=0), Uuid), bindparam("wanted", limit + 1, BigInteger)
    return text(_DATASET_PAGE).bindparams(own, *page).columns(column("id", Uuid))


def visible_single_dataset(actor: Actor) -> Ids:
    """The same ids as `visible_datasets`, for a statement that asks about one dataset. For several it would be slow."""
    return _visible_ids(actor, "dataset", _SINGLE_DATASET)


def visible_transfers(actor: Actor) -> Ids:
    """Ids of the transfers that `actor` is a side of or registered, and of those whose two ends it sees."""
    return _visible_ids(actor, "transfer", _part("transfers"))


def visible_collections(actor: Actor) -> Ids:
    """Ids of collections: its own, those it asserts for a collector without an account, those of datasets it sees."""
    return _visible_ids(actor, "collection", _part("collections"))


def visible_notices(actor: Actor) -> Ids:
    """Ids of notices: its own, those it asserts for a collector without an account, those of collections it sees."""
    return _visible_ids(actor, "notice", _part("notices"))


def visible_campaigns(actor: Actor) -> Ids:
    """Ids of the campaigns of the party that `actor` is, or of those that it sent for that party."""
    return _visible_ids(actor, "campaign", _part("campaigns"))


def visible_organisations(actor: Actor) -> Ids:
    """Ids of the organisations that appear in a fact that `actor` sees, state something of it or it named here.

    Those that appear are subjects of facts. Who merely asserts a fact is seen by its subject alone.
    """
    return _visible_ids(actor, "organisation", _part("organisations"), to_operator=True)


def named(known: Container[uuid.UUID], organisation_id: uuid.UUID | None) -> uuid.UUID | None:
    """The organisation that asserts something, or None for a reader to whom it is not `known`.

    Every route names asserters by this rule: an answer by what is known of its number, a list by all that is.
    """
    return organisation_id if organisation_id is not None and organisation_id in known else None


IdSet = frozenset[uuid.UUID]
_NONE: Final[IdSet] = frozenset()


class DatasetLinks(NamedTuple):
    """What a dataset is linked to, as far as visibility depends on it.

    `came_from` are the ancestors that at least one number left in it came from. `parents` are the datasets that it
    is made from, `arrivals` the transfer that delivered it. All three are without what is only reached by a void
    transfer, the first also without what is only reached through a withdrawn dataset. `touching` are
    all transfers that it is sent or delivered by, void or not; `used_in` the campaigns sent to it. `made_at` is when
    it took over the numbers of its parents.
    """

    came_from: Set[uuid.UUID]
    parents: IdSet
    arrivals: IdSet
    touching: IdSet
    used_in: IdSet
    made_at: datetime


class TransferEnds(NamedTuple):
    """The dataset that a transfer handed over, and the one that its recipient got; none, if the transfer is void.

    What was erased from the first before `recorded_at` was not handed over. `stated` is the dataset that it delivered
    as stated, also if it is void. Of a `retracted` transfer nobody states any more that the number came by it.
    """

    dataset_id: uuid.UUID
    received: IdSet
    recorded_at: datetime
    stated: uuid.UUID
    retracted: bool


@dataclass(frozen=True, slots=True)
class VisibilityIndex:
    """What visibility depends on in the whole graph, by ids.

    `held_by` has, by organisation, the datasets that count as held by it (see `holders_of_record`); `spoken_for` those
    of them that it asserts for another holder. `cut_off` are the datasets that void transfers delivered, and those
    withdrawn. `campaigns_of` has campaigns by party and sender, and all campaigns of a party by that party and None.
    For one number nothing here is gone through as a whole: what its datasets link to is intersected with what the
    caller has.
    """

    links: Mapping[uuid.UUID, DatasetLinks]
    transfers: Mapping[uuid.UUID, TransferEnds]
    held_by: Mapping[uuid.UUID, IdSet]
    spoken_for: Mapping[uuid.UUID, IdSet]
    sent_by: Mapping[uuid.UUID, IdSet]
    received_by: Mapping[uuid.UUID, IdSet]
    cut_off: IdSet
    campaigns_of: Mapping[tuple[uuid.UUID, uuid.UUID | None], IdSet]
    campaigns_began: Mapping[uuid.UUID, datetime]


@dataclass(frozen=True, slots=True)
class Visibility:
    """What one caller sees. Of the `bare` datasets, one hop downstream, it sees only that they exist and their holders.

    `own` are the datasets that count as the caller's own, `viewers` its own organisations. If nothing is withheld
    (`whole`), even organisations are named that only assert another's facts.
    """

    datasets: IdSet = frozenset()
    bare: IdSet = frozenset()
    transfers: IdSet = frozenset()
    campaigns: IdSet = frozenset()
    own: IdSet = frozenset()
    viewers: IdSet = frozenset()
    whole: bool = False


def holders_of_record(
    holder_id: uuid.UUID, asserted_by_id: uuid.UUID | None, *, has_account: bool, void: bool
) -> IdSet:
    """By whom a dataset counts as held: its holder and, if that has no account, the organisation that asserts it.

    Nobody holds what a void transfer delivered. The view `holder_of_record` says the same in SQL.
    """
    if void:
        return frozenset()
    return frozenset({holder_id} if has_account or asserted_by_id is None else {holder_id, asserted_by_id})


def visible_to(
    index: VisibilityIndex, actor: Actor, holding: Collection[uuid.UUID] | None = None, ended: Erasures = NO_ERASURES
) -> Visibility:
    """What `actor` sees of the whole graph, or of one number, given the datasets `holding` it now or until its erasure.

    Of a number it sees its own datasets that hold it, and upstream of them those that hold it, by paths of datasets
    that hold it. Of the whole graph it sees what this gives for all numbers of its own, by their counts. It sees the
    transfers by which these came, and its own transfers in which one side says that the number was. Of a recipient's
    file the sender learns only about numbers that it delivered. Otherwise it could find out what else is in the file
    by sealing guesses. Where it erased the number itself, it sees nothing; where others upstream erased it, it still
    sees them.
    """
    within = frozenset(index.links if holding is None else holding)
    if actor.is_regulator:
        return full_visibility(index, within, ended)
    if actor.is_operator:
        return Visibility()
    own = actor.organisation_id
    left = within.difference(ended) if ended else within
    held = held_by_organisation(index, own, left, ended)
    if holding is None:
        datasets = held.union(*(index.links[dataset_id].came_from for dataset_id in held))
    else:
        datasets = _upstream(index, held, within, ended)
    arrivals = set(_arrivals(index, datasets, ended))
    touching = _touching(index, within, ended)
    to_own = touching & index.received_by.get(own, _NONE)
    received = frozenset(id_ for id_ in to_own if _is_shown_to_recipient(index.transfers[id_], ended))
    from_own = touching & index.sent_by.get(own, _NONE)
    sent = {transfer_id for transfer_id in from_own if index.transfers[transfer_id].dataset_id in left}
    delivered = within & _NONE.union(*(index.transfers[transfer_id].received for transfer_id in sent))
    used = _NONE.union(*(index.links[dataset_id].used_in for dataset_id in left))
    return Visibility(
        datasets,
        bare=delivered - datasets,
        transfers=received.union(arrivals, sent),
        campaigns=used & index.campaigns_of.get((own, actor.through_id), _NONE),
        own=held,
        viewers=frozenset({own} | ({actor.asserts_through_id} if actor.asserts_through_id else set())),
    )


def _is_shown_to_recipient(ends: TransferEnds, ended: Erasures) -> bool:
    """Not after its erasure, nor if the transfer was retracted: what was stated by mistake is not the recipient's."""
    return not ends.retracted and ends.received.isdisjoint(ended)


def held_by_organisation(
    index: VisibilityIndex, organisation_id: uuid.UUID, left: IdSet, ended: Collection[uuid.UUID]
) -> IdSet:
    """Which of the datasets `left` holding a number count as held by an organisation.

    Once it erased the number from a dataset of its own, those that it asserts for other holders no longer count.
    """
    held, spoken_for = index.held_by.get(organisation_id, _NONE), index.spoken_for.get(organisation_id, _NONE)
    erased = bool(ended) and not (held - spoken_for).isdisjoint(ended)
    return left & held - spoken_for if erased else left & held


def full_visibility(
    index: VisibilityIndex, holding: Collection[uuid.UUID], ended: Erasures = NO_ERASURES
) -> Visibility:
    """Everything about the datasets `holding` a number now or until its erasure: for the person and the regulator."""
    within = frozenset(holding)
    return Visibility(within, _NONE, _stated(index, within, ended), _used(index, within, ended), whole=True)


def _stated(index: VisibilityIndex, within: IdSet, ended: Erasures) -> IdSet:
    """The transfers in which the number was, as anybody says or said.

    What a void transfer delivered may have been passed on by others that are void too. They stay in the history.
    """
    found = waiting = _touching(index, within, ended)
    while waiting:
        delivered = frozenset(ends.stated for id_ in waiting if not (ends := index.transfers[id_]).received)
        waiting = _touching(index, delivered, ended) - found
        found |= waiting
    return found


def _touching(index: VisibilityIndex, within: IdSet, ended: Erasures) -> IdSet:
    """The transfers in which, as one side says, the number was."""
    found = _NONE.union(*(index.links[dataset_id].touching for dataset_id in within))
    if not ended:
        return found
    return frozenset(transfer_id for transfer_id in found if _was_in(index.transfers[transfer_id], within, ended))


def _was_in(ends: TransferEnds, within: IdSet, ended: Erasures) -> bool:
    declared = ends.dataset_id in within and held_at(ended, ends.dataset_id, ends.recorded_at)
    return declared or not within.isdisjoint(ends.received)


def _used(index: VisibilityIndex, within: IdSet, ended: Erasures) -> IdSet:
    """The campaigns that were sent to the number, without those that began after its erasure."""
    if not ended:
        return _NONE.union(*(index.links[dataset_id].used_in for dataset_id in within))
    return frozenset(
        campaign_id
        for dataset_id in within
        for campaign_id in index.links[dataset_id].used_in
        if held_at(ended, dataset_id, index.campaigns_began[campaign_id])
    )


def _upstream(index: VisibilityIndex, held: IdSet, within: IdSet, ended: Erasures) -> IdSet:
    found, waiting = held, held
    while waiting:
        parents = (_parents(index.links[dataset_id], ended) for dataset_id in waiting)
        waiting = within & _NONE.union(*parents) - found
        found |= waiting
    return found


def _arrivals(index: VisibilityIndex, datasets: IdSet, ended: Erasures) -> Iterable[uuid.UUID]:
    """The transfers between two of the `datasets`."""
    for dataset_id in datasets:
        links = index.links[dataset_id]
        for transfer_id in links.arrivals:
            sent = index.transfers[transfer_id].dataset_id
            if sent in datasets and sent in _parents(links, ended):
                yield transfer_id


def _parents(links: DatasetLinks, ended: Erasures) -> IdSet:
    if not ended:
        return links.parents
    return frozenset(parent_id for parent_id in links.parents if held_at(ended, parent_id, links.made_at))
