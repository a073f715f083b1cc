"""One number's answer: what of its case a caller sees, put in order. Pure.

The same builder serves every kind of caller; the one that asks is a function from the datasets that hold the
number to what of them, and around them, is seen.
"""

import uuid
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from service.access.sight import Seen
from service.core.vocabulary import Role
from service.membership.store import Held
from service.provenance.graph import Graph, chains, holding, orphans
from service.provenance.records import Records
from service.provenance.rows import TransferRow
from service.provenance.schemas import Answer, CampaignRef, CampaignSeen, Recipient, Through, TransferSeen
from service.provenance.summary import summarise
from service.provenance.telling import (
    Matter,
    campaign_seen,
    chain_seen,
    holding_seen,
    organisation,
    origin,
    transfer_seen,
)
from service.provenance.trouble import contradictions, orphan_seen

Eyes = Callable[[Collection[uuid.UUID]], Seen]


def answer(graph: Graph, held: Sequence[Held], eyes: Eyes, as_of: datetime) -> Answer:
    """The answer about a number that the datasets of `held` store, as `eyes` see it."""
    matter = _matter(graph, held, eyes)
    records, seen = matter.records, matter.seen
    shown = [records.datasets[one] for one in sorted(seen.datasets, key=graph.rank.__getitem__)]
    astray = orphans(graph, seen.datasets)
    paths, more = chains(graph, seen.datasets | _delivered(matter))
    transfers = [transfer_seen(matter, row) for row in _in_time(matter)]
    campaigns = [
        campaign_seen(matter, row)
        for row in sorted((records.campaigns[one] for one in seen.campaigns), key=lambda row: row.began_at)
    ]
    told = Answer(
        as_of=as_of,
        graph_version=graph.version,
        held=bool(shown),
        summary="",
        origins=[origin(matter, row, row.collection_id) for row in shown if row.collection_id],
        chains=[chain_seen(matter, chain) for chain in paths],
        chains_truncated=more,
        holdings=[holding_seen(matter, row, orphan=row.id in astray) for row in shown],
        transfers=transfers,
        recipients=_recipients(records, transfers, campaigns),
        campaigns=campaigns,
        orphans=[orphan_seen(matter, row) for row in shown if row.id in astray],
        contradictions=contradictions(transfers),
    )
    told.summary = summarise(told)
    return told


def _matter(graph: Graph, held: Sequence[Held], eyes: Eyes) -> Matter:
    holders = holding(graph, [one.dataset_id for one in held])
    seen = eyes(holders)
    known = graph.records.organisations.keys() if seen.whole else _named(graph.records, seen)
    return Matter(graph, holders, {one.dataset_id: one for one in held}, seen, known)


def _named(records: Records, seen: Seen) -> set[uuid.UUID]:
    """The organisations that stand in what is seen; a collector is the first holder of what it collected."""
    named = {records.datasets[one].holder_id for one in seen.datasets | seen.bare} | seen.viewers
    for one in seen.transfers:
        named |= {records.transfers[one].sender_id, records.transfers[one].recipient_id}
    for one in seen.campaigns:
        campaign = records.campaigns[one]
        named |= {campaign.party_id} | ({campaign.sender_id} if campaign.sender_id else set())
    return named


def _delivered(matter: Matter) -> frozenset[uuid.UUID]:
    """The datasets one hop down that the number reached from one which the caller sees."""
    into = matter.records.transfer_into_dataset
    return frozenset(one for one in matter.seen.bare if into[one].dataset_id in matter.seen.datasets)


def _in_time(matter: Matter) -> list[TransferRow]:
    rows = [matter.records.transfers[one] for one in matter.seen.transfers]
    return sorted(rows, key=lambda row: (row.occurred_at, row.id))


def _recipients(
    records: Records, transfers: Sequence[TransferSeen], campaigns: Sequence[CampaignSeen]
) -> list[Recipient]:
    through: dict[uuid.UUID, list[Through]] = {}
    for transfer in transfers:
        through.setdefault(transfer.recipient.id, []).append(
            Through(**vars(transfer) | {"transfer_id": transfer.id, "sender_id": transfer.sender.id})
        )
    return [
        Recipient(
            organisation=organisation(records, recipient),
            kind="client" if Role.PARTY in records.organisations[recipient].roles else "hand",
            through=brought,
            campaigns=[CampaignRef(id=one.id, name=one.name) for one in campaigns if one.party.id == recipient],
        )
        for recipient, brought in through.items()
    ]
