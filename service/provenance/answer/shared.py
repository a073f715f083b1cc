"""What one caller sees alike of every number that lies in the same datasets. Pure.

Millions of numbers lie in the same few datasets. All that differs from one number to the next is when its person
consented.
"""

import uuid
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from service.access.visibility import Visibility
from service.core.erasures import NO_ERASURES, Erasures
from service.core.vocabulary import Role, TransferStatus
from service.provenance.answer.anomalies import contradictions, orphan_view
from service.provenance.answer.campaign_schemas import CampaignView
from service.provenance.answer.campaign_views import (
    Period,
    campaign_views,
    campaigns_not_sent,
    period_of_states,
)
from service.provenance.answer.fragments import Fragments, render_fragments
from service.provenance.answer.origin_views import origin_view
from service.provenance.answer.reads import Reads, recorded_graph
from service.provenance.answer.references import CampaignRef
from service.provenance.answer.schemas import Answer, Recipient, RecipientKind, RecipientTransfer, TransferView
from service.provenance.answer.summary import summarise
from service.provenance.answer.views import (
    AnswerContext,
    chain_view,
    erasure_view,
    holding_view,
    organisation_view,
    transfer_view,
)
from service.provenance.graph.chains import chains
from service.provenance.graph.fact_index import FactIndex, is_current
from service.provenance.graph.graph import Graph, datasets_counted, orphans
from service.provenance.graph.rows import TransferRow


@dataclass(frozen=True, slots=True)
class SharedAnswer:
    """An answer that many numbers share, as a value and rendered: each number adds its consents and the moment.

    `answer` has no `as_of`, and its origins and holdings have no consent. Its parts stand in many answers, so nobody
    changes them. `known` are the organisations that the caller may see named. It holds as long
    as no entry of the graph changes that it was made from, its `reads`, and in the period `holds`, in which no campaign
    of it begins.
    """

    known: Container[uuid.UUID]
    answer: Answer
    fragments: Fragments
    holds: Period
    reads: Reads = frozenset()

    @property
    def size(self) -> int:
        """About how many bytes it takes to keep it rendered."""
        return self.fragments.size + _BYTES_OF_A_READ * len(self.reads)


# An integer in a set.
_BYTES_OF_A_READ: Final = 64


class _Everybody(Container[uuid.UUID]):
    """Every organisation, also those that are recorded later."""

    def __contains__(self, organisation_id: object) -> bool:
        return True


_EVERYBODY: Final = _Everybody()


def make_shared_answer(
    graph: Graph,
    visibility: Visibility,
    datasets: frozenset[uuid.UUID],
    moment: datetime,
    erasures: Erasures = NO_ERASURES,
) -> SharedAnswer:
    """What a caller with this visibility is shown of a number that `datasets` hold, or held until their `erasures`.

    Campaigns that have not begun at the moment are planned.
    """
    reads: set[int] = set()
    recorded = recorded_graph(graph, reads)
    known = _EVERYBODY if visibility.whole else frozenset(organisations_named(recorded.facts, visibility))
    answer = _build(AnswerContext(recorded, datasets, visibility, known, erasures, moment))
    holds = period_of_states((recorded.facts.campaigns[campaign_id] for campaign_id in visibility.campaigns), moment)
    return SharedAnswer(known, answer, render_fragments(answer), holds, frozenset(reads))


def _build(context: AnswerContext) -> Answer:
    facts, visibility, erasures = context.facts, context.visibility, context.erasures
    shown = [facts.datasets[dataset_id] for dataset_id in sorted(visibility.datasets, key=context.graph.place)]
    holding = [row for row in shown if row.id not in erasures]
    counted = datasets_counted(context.graph, visibility.datasets, erasures)
    current = {dataset_id for dataset_id in counted if is_current(facts, dataset_id)}
    orphan_ids = orphans(context.graph, visibility.datasets, erasures)
    paths, more = chains(context.graph, visibility.datasets | _delivered(context), erasures)
    transfers = [transfer_view(context, row) for row in _in_time(context)]
    rows = [facts.campaigns[campaign_id] for campaign_id in visibility.campaigns]
    campaigns = campaign_views(context, rows)
    parts: dict[str, Any] = {
        "held": any(row.id in current for row in holding),
        "origins": [origin_view(context, row, row.collection_id) for row in shown if row.collection_id],
        "chains": [chain_view(context, chain) for chain in paths],
        "chains_truncated": more,
        "holdings": [
            holding_view(context, row, orphan=row.id in orphan_ids, current=row.id in current) for row in holding
        ],
        "erasures": [erasure_view(context, row) for row in shown if row.id in erasures],
        "transfers": transfers,
        "recipients": _recipients(facts, context.known, transfers, campaigns),
        "campaigns": campaigns,
        "campaigns_not_sent": campaign_views(context, campaigns_not_sent(context)),
        "orphans": [orphan_view(context, row) for row in shown if row.id in orphan_ids],
        "contradictions": contradictions(transfers),
    }
    answer = Answer.model_construct(**parts)
    answer.summary = summarise(answer)
    return answer


def organisations_named(facts: FactIndex, visibility: Visibility) -> set[uuid.UUID]:
    """The organisations that visible facts name. A collector is the holder of the dataset that it collected.

    Who asserts a fact is named to the organisation that it is about. `visible_organisations` says the same in SQL.
    """
    datasets = (facts.datasets[dataset_id] for dataset_id in visibility.datasets | visibility.bare)
    named = {dataset.holder_id for dataset in datasets} | visibility.viewers
    for transfer_id in visibility.transfers:
        named |= {facts.transfers[transfer_id].sender_id, facts.transfers[transfer_id].recipient_id}
    named.update(asserter for asserter in _speaking_of(facts, visibility) if asserter)
    for campaign_id in visibility.campaigns:
        campaign = facts.campaigns[campaign_id]
        named |= {campaign.party_id} | ({campaign.sender_id} if campaign.sender_id else set())
    return named


def _speaking_of(facts: FactIndex, visibility: Visibility) -> Iterator[uuid.UUID | None]:
    """Who asserts a visible fact about the reader itself."""
    for dataset_id in visibility.datasets:
        dataset = facts.datasets[dataset_id]
        if dataset.holder_id in visibility.viewers:
            yield dataset.asserted_by_id
        collection = facts.collections.get(dataset.collection_id) if dataset.collection_id else None
        if collection is not None and collection.collector_id in visibility.viewers:
            yield from (collection.asserted_by_id, facts.notices[collection.notice_id].asserted_by_id)
    for transfer_id in visibility.transfers:
        transfer = facts.transfers[transfer_id]
        if not visibility.viewers.isdisjoint({transfer.sender_id, transfer.recipient_id}):
            yield transfer.asserted_by_id


def _delivered(context: AnswerContext) -> frozenset[uuid.UUID]:
    """The datasets one hop down which the number reached from a visible dataset."""
    visibility, arrivals = context.visibility, context.facts.transfer_into_dataset
    return frozenset(received for received in visibility.bare if arrivals[received].dataset_id in visibility.datasets)


def _in_time(context: AnswerContext) -> list[TransferRow]:
    rows = [context.facts.transfers[transfer_id] for transfer_id in context.visibility.transfers]
    return sorted(rows, key=lambda row: (row.occurred_at, row.id))


def _recipients(
    facts: FactIndex,
    known: Container[uuid.UUID],
    transfers: Sequence[TransferView],
    campaigns: Sequence[CampaignView],
) -> list[Recipient]:
    through: dict[uuid.UUID, list[RecipientTransfer]] = {}
    for transfer in transfers:
        if transfer.status is TransferStatus.RETRACTED:
            # Nobody states any more that it brought the number.
            continue
        through.setdefault(transfer.recipient.id, []).append(
            RecipientTransfer(
                transfer_id=transfer.id,
                sender_id=transfer.sender.id,
                occurred_at=transfer.occurred_at,
                status=transfer.status,
                number_declared=transfer.number_declared,
                number_received=transfer.number_received,
            )
        )
    sent_by: dict[uuid.UUID, list[CampaignRef]] = {}
    for campaign in campaigns:
        sent_by.setdefault(campaign.party.id, []).append(
            CampaignRef(id=campaign.id, name=campaign.name, state=campaign.state)
        )
    return [
        Recipient(
            organisation=organisation_view(facts, known, recipient),
            kind=RecipientKind.CLIENT
            if Role.PARTY in facts.organisations[recipient].roles
            else RecipientKind.INTERMEDIARY,
            through=brought,
            campaigns=sent_by.get(recipient, []),
        )
        for recipient, brought in through.items()
    ]
