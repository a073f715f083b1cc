"""What an answer shows of campaigns. Pure."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from service.campaign.state import state_of
from service.core.erasures import held_at
from service.core.vocabulary import CampaignState
from service.provenance.answer.campaign_schemas import CampaignUse, CampaignView, CancellationView
from service.provenance.answer.references import CampaignRef
from service.provenance.answer.views import AnswerContext, organisation_view
from service.provenance.graph.fact_index import FactIndex
from service.provenance.graph.rows import CampaignRow


class Period(NamedTuple):
    """From the moment `since` until just before `until`; null without such a bound."""

    since: datetime | None = None
    until: datetime | None = None

    def covers(self, moment: datetime) -> bool:
        """Whether a moment lies in it."""
        return (self.since is None or self.since <= moment) and (self.until is None or moment < self.until)


def period_of_states(rows: Iterable[CampaignRow], moment: datetime) -> Period:
    """The period around a moment in which none of these campaigns begins: their states are the same all the time."""
    beginnings = [row.began_at for row in rows]
    past = [began_at for began_at in beginnings if began_at <= moment]
    future = [began_at for began_at in beginnings if moment < began_at]
    return Period(max(past, default=None), min(future, default=None))


def campaign_state(facts: FactIndex, row: CampaignRow, moment: datetime) -> CampaignState:
    """The state of a campaign at a moment."""
    cancellation = facts.cancellation_of_campaign.get(row.id)
    return state_of(row.began_at, cancellation.recorded_at if cancellation else None, moment)


def campaign_ref(facts: FactIndex, campaign_id: uuid.UUID, moment: datetime) -> CampaignRef:
    """A campaign by name."""
    row = facts.campaign_versions[campaign_id]
    return CampaignRef(id=row.id, name=row.name, state=campaign_state(facts, row, moment))


def campaign_views(context: AnswerContext, rows: Iterable[CampaignRow]) -> list[CampaignView]:
    """Campaigns in the order in which they begin, each with the datasets with the number that the caller may see."""
    return [_campaign_view(context, row) for row in sorted(rows, key=lambda row: (row.began_at, row.id))]


def campaigns_not_sent(context: AnswerContext) -> list[CampaignRow]:
    """The cancelled campaigns that were for the number, for a caller from whom nothing is withheld.

    One that would have begun after the number was erased was not for it.
    """
    facts = context.facts
    if not context.visibility.whole:
        return []
    found = {
        campaign_id: facts.campaign_versions[campaign_id]
        for dataset_id in context.visibility.datasets
        for campaign_id in facts.unsent_campaigns_of_dataset.get(dataset_id, ())
        if held_at(context.erasures, dataset_id, facts.campaign_versions[campaign_id].began_at)
    }
    return list(found.values())


def _campaign_view(context: AnswerContext, row: CampaignRow) -> CampaignView:
    facts, visible = context.facts, context.visibility.datasets
    used = [
        dataset_id
        for dataset_id in facts.datasets_of_version.get(row.id, ())
        if dataset_id in visible and held_at(context.erasures, dataset_id, row.began_at)
    ]
    cancellation = facts.cancellation_of_campaign.get(row.id)
    return CampaignView(
        **context.assertion(row),
        id=row.id,
        name=row.name,
        state=campaign_state(facts, row, context.moment),
        cancellation=CancellationView(**context.assertion(cancellation), reason=cancellation.reason)
        if cancellation
        else None,
        party=organisation_view(facts, context.known, row.party_id),
        sender=organisation_view(facts, context.known, row.sender_id) if row.sender_id else None,
        originator=row.originator,
        message_text=row.message_text,
        poll_name=row.poll_name,
        poll_on=row.poll_on,
        began_at=row.began_at,
        ended_at=row.ended_at,
        corrects_id=row.corrects_id,
        through=[_use(context, dataset_id) for dataset_id in used],
    )


def _use(context: AnswerContext, dataset_id: uuid.UUID) -> CampaignUse:
    transfer = context.facts.transfer_into_dataset.get(dataset_id)
    return CampaignUse(
        dataset=context.dataset(dataset_id),
        transfer_id=transfer.id if transfer else None,
        transfer_status=context.facts.status_of_transfer[transfer.id] if transfer else None,
    )
