"""From changed campaigns to what the facts say of them: which count, and which datasets they use. Pure."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from operator import attrgetter

from service.core.vocabulary import ChangeKind
from service.provenance.graph.draft import Difference, Draft, Ids, put_versions, versions_from
from service.provenance.graph.edited import Edited
from service.provenance.graph.fact_index import FactIndex


def put_campaigns(draft: Draft, facts: FactIndex, difference: Difference) -> None:
    """A corrected or cancelled campaign no longer counts, but keeps its own address in the API."""
    changed = difference.of(ChangeKind.CAMPAIGN)
    heads = put_versions(draft.campaign_versions, draft.correction_of_campaign, changed, difference.rows.campaigns)
    of_campaign = difference.of(ChangeKind.CAMPAIGN_DATASET)
    uses: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    for use in difference.rows.uses:
        uses[use.campaign_id].append(use.dataset_id)
    in_order = {campaign_id: tuple(sorted(found, key=attrgetter("int"))) for campaign_id, found in uses.items()}
    draft.datasets_of_version.put_all(of_campaign, in_order)
    cancelled = difference.of(ChangeKind.CAMPAIGN_CANCELLATION)
    draft.cancellation_of_campaign.put_all(cancelled, {row.campaign_id: row for row in difference.rows.cancellations})
    chains = (versions_from(draft.correction_of_campaign, head) for head in heads)
    concerned = {*changed, *of_campaign, *cancelled}.union(*chains)
    for campaign_id in concerned:
        counts = not (_is_corrected(draft, campaign_id) or _is_cancelled(draft, campaign_id))
        draft.campaigns.put(campaign_id, draft.campaign_versions.current.get(campaign_id) if counts else None)
        used = draft.datasets_of_version.current.get(campaign_id)
        draft.datasets_of_campaign.put(campaign_id, used if campaign_id in draft.campaigns.current else None)
    former = {
        dataset_id
        for campaign_id in concerned
        for dataset_id in (
            *facts.datasets_of_version.get(campaign_id, ()),
            *draft.datasets_of_version.current.get(campaign_id, ()),
        )
    }
    unsent = [
        campaign_id
        for campaign_id in concerned
        if _is_cancelled(draft, campaign_id) and not _is_corrected(draft, campaign_id)
    ]
    sent_or_planned = [campaign_id for campaign_id in concerned if campaign_id in draft.campaigns.current]
    _put_campaigns_of_datasets(draft, draft.campaigns_of_dataset, former, concerned, sent_or_planned)
    _put_campaigns_of_datasets(draft, draft.unsent_campaigns_of_dataset, former, concerned, unsent)


def _is_corrected(draft: Draft, campaign_id: uuid.UUID) -> bool:
    return campaign_id in draft.correction_of_campaign.current


def _is_cancelled(draft: Draft, campaign_id: uuid.UUID) -> bool:
    return campaign_id in draft.cancellation_of_campaign.current


def _put_campaigns_of_datasets(
    draft: Draft, edited: Edited[uuid.UUID, Sequence[uuid.UUID]], dataset_ids: Ids, concerned: Ids, campaign_ids: Ids
) -> None:
    """Put the campaigns of each of these datasets: those in `campaign_ids`, and all others but `concerned` ones."""
    new: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    for campaign_id in campaign_ids:
        for dataset_id in draft.datasets_of_version.current.get(campaign_id, ()):
            # The id of the indexed row, so that set operations compare objects by identity.
            new[dataset_id].append(draft.campaign_versions.current[campaign_id].id)
    for dataset_id in dataset_ids:
        kept = [row_id for row_id in edited.current.get(dataset_id, ()) if row_id not in concerned]
        in_order = sorted([*kept, *new.get(dataset_id, ())], key=attrgetter("int"))
        edited.put(dataset_id, tuple(in_order) or None)
