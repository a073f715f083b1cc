"""Who sees what. The one place that decides it: once for rows in PostgreSQL, once for the graph in memory.

An organisation sees what it holds, everything upstream of that, and the transfers that it is a side of; the dataset that a
transfer of its own made in the recipient's hands is to it a bare node, with nothing beyond. What it asserts for an
organisation without an account counts as held by it: there is nobody else to look after that. A transfer that its
recipient denies gives the recipient neither a holding nor anything upstream. A campaign is seen by its party, and through a
processor's key only if that processor sent it. A supervisory authority sees everything; the operator, accounts only.
"""

from typing import Final

from sqlalchemy import TextualSelect, Uuid, bindparam, column, text

from service.access.actor import Actor

# Access stands below the features, so the tables are named in plain SQL instead of imported.
_DENIED: Final = """
denied(transfer_id) AS (
    SELECT latest.transfer_id
    FROM (SELECT DISTINCT ON (transfer_id) transfer_id, word
          FROM transfer_statement
          WHERE side = 'recipient'
          ORDER BY transfer_id, recorded_at DESC, id DESC) AS latest
    WHERE latest.word = 'denied')
"""

_SEEN: Final = f"""
WITH RECURSIVE {_DENIED},
held(id) AS (
    SELECT dataset.id
    FROM dataset JOIN organisation AS holder ON holder.id = dataset.holder_id
    WHERE (dataset.holder_id = :sight_own
           OR (dataset.asserted_by_id = :sight_own AND holder.admitted_at IS NULL))
      AND dataset.id NOT IN (SELECT received_dataset_id
                             FROM transfer JOIN denied ON denied.transfer_id = transfer.id)),
datasets(id) AS (
    SELECT id FROM held
    UNION
    SELECT edge.parent_id
    FROM datasets JOIN dataset_parent AS edge ON edge.dataset_id = datasets.id
    WHERE edge.transfer_id IS NULL OR edge.transfer_id NOT IN (SELECT transfer_id FROM denied)),
transfers(id) AS (
    SELECT id FROM transfer
    WHERE sender_id = :sight_own OR recipient_id = :sight_own
       OR (received_dataset_id IN (SELECT id FROM datasets) AND id NOT IN (SELECT transfer_id FROM denied))),
campaigns(id) AS (
    SELECT id FROM campaign
    WHERE party_id = :sight_own AND (:sight_through IS NULL OR sender_id = :sight_through)),
collections(id) AS (
    SELECT collection.id
    FROM collection JOIN organisation AS collector ON collector.id = collection.collector_id
    WHERE collection.collector_id = :sight_own
       OR (collection.asserted_by_id = :sight_own AND collector.admitted_at IS NULL)
       OR collection.id IN (SELECT collection_id FROM dataset WHERE id IN (SELECT id FROM datasets))),
notices(id) AS (
    SELECT notice.id
    FROM notice JOIN organisation AS collector ON collector.id = notice.collector_id
    WHERE notice.collector_id = :sight_own
       OR (notice.asserted_by_id = :sight_own AND collector.admitted_at IS NULL)
       OR notice.id IN (SELECT notice_id FROM collection WHERE id IN (SELECT id FROM collections))),
organisations(id) AS (
    SELECT id FROM organisation
    WHERE id = :sight_own OR id = :sight_through OR asserted_by_id = :sight_own
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


def _rows(actor: Actor, table: str, seen: str, *, by_operator: bool = False) -> TextualSelect:
    """The ids of `table` that `actor` sees; `seen` names them among the common table expressions above."""
    if actor.is_regulator or (actor.is_operator and by_operator):
        return text(f"SELECT id FROM {table}").columns(column("id", Uuid))
    if actor.is_operator:
        return text(f"SELECT id FROM {table} WHERE false").columns(column("id", Uuid))
    own = bindparam("sight_own", actor.organisation_id, Uuid)
    through = bindparam("sight_through", actor.through_id, Uuid)
    statement = text(f"{_SEEN} SELECT id FROM {seen}")
    return statement.bindparams(own, through).columns(column("id", Uuid))


def datasets_seen(actor: Actor) -> TextualSelect:
    """Ids of datasets for `Dataset.id.in_(…)`: held by `actor`, and upstream of those."""
    return _rows(actor, "dataset", "datasets")


def transfers_seen(actor: Actor) -> TextualSelect:
    """Ids of transfers: those `actor` is a side of, and those that delivered into a dataset it sees."""
    return _rows(actor, "transfer", "transfers")


def collections_seen(actor: Actor) -> TextualSelect:
    """Ids of collections: its own, those it asserts for a collector without an account, those of datasets it sees."""
    return _rows(actor, "collection", "collections")


def notices_seen(actor: Actor) -> TextualSelect:
    """Ids of notices: its own, those it asserts for a collector without an account, those of collections it sees."""
    return _rows(actor, "notice", "notices")


def campaigns_seen(actor: Actor) -> TextualSelect:
    """Ids of campaigns: those of the party `actor` speaks for; through a processor, those that processor sent."""
    return _rows(actor, "campaign", "campaigns")


def organisations_seen(actor: Actor) -> TextualSelect:
    """Ids of organisations that stand on a fact which `actor` sees, or that it named here itself."""
    return _rows(actor, "organisation", "organisations", by_operator=True)
