"""One function per operation on campaigns."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from procrastinate import App
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access import visibility
from service.access.actor import Actor
from service.access.assertion import assertion_columns
from service.access.correction import lock_for_correction
from service.access.visible_rows import get_visible, list_visible, read_asserters, visible_among
from service.campaign.models import Campaign, CampaignCancellation, CampaignDataset
from service.campaign.schemas import CampaignIn, CampaignOut, CancellationIn, CancellationOut
from service.campaign.state import state_of
from service.core.clock import now
from service.core.errors import Conflict, Forbidden, Unprocessable
from service.core.new_rows import insert_rows
from service.core.paging import Page
from service.core.task_queue import TaskName, defer
from service.core.vocabulary import DatasetState, Role
from service.dataset.models import Dataset
from service.dataset.operations import lock_datasets
from service.dataset.standing_checks import refuse_not_held
from service.organisation.operations import find_organisation, require_active


async def register_campaign(session: AsyncSession, queue: App, actor: Actor, wanted: CampaignIn) -> CampaignOut:
    """Register a campaign, as its party or as the processor that sends it for the party.

    Raises:
        Forbidden: the caller is not the party, nor the processor that sends for it.
        NotFound: the sender or a dataset does not exist, or the caller may not see the dataset.
        Conflict: a dataset is not sealed, or the campaign to correct has been corrected already.
        Unprocessable: the sender is not a processor, a dataset is held by another organisation or came later.
    """
    party = await find_organisation(session, wanted.party_id, "party_id")
    if party.id != actor.organisation_id or Role.PARTY not in party.roles:
        raise Forbidden(
            "not_the_party",
            "This key does not act for the party in `party_id`. Use a key that does.",
        )
    require_active(party, wanted.began_at)
    await _check_sender(session, actor, wanted)
    if wanted.corrects_id is not None:
        await get_campaign(session, actor, wanted.corrects_id)
        await lock_for_correction(session, actor, Campaign, wanted.corrects_id)
    for dataset in await lock_datasets(session, actor, wanted.dataset_ids):
        _check_dataset(wanted, dataset)
    await refuse_not_held(session, wanted.dataset_ids, wanted.began_at)
    row = Campaign(
        **wanted.model_dump(exclude={"dataset_ids"}),
        asserted_by_id=actor.organisation_id,
        asserted_through_id=actor.asserts_through_id,
        # A campaign may be registered before it is sent. What it claims to have happened is its sending.
        occurred_at=wanted.began_at,
    )
    session.add(row)
    await session.flush()
    uses = [{"campaign_id": row.id, "dataset_id": dataset_id} for dataset_id in wanted.dataset_ids]
    await insert_rows(session, CampaignDataset, uses)
    await defer(session, queue, TaskName.FLAG_OBJECTIONS, campaign_id=str(row.id))
    return (await _with_datasets(session, actor, [row]))[0]


async def _check_sender(session: AsyncSession, actor: Actor, wanted: CampaignIn) -> None:
    if actor.through_id is not None and wanted.sender_id != actor.through_id:
        raise Forbidden("not_the_sender", "This key belongs to a processor. Name that processor in `sender_id`.")
    if wanted.sender_id is not None:
        sender = await find_organisation(session, wanted.sender_id, "sender_id")
        if Role.PROCESSOR not in sender.roles:
            raise Unprocessable(
                "sender_not_a_processor",
                "`sender_id` is not a processor. Leave it out if the party sends.",
            )


def _check_dataset(wanted: CampaignIn, dataset: Dataset) -> None:
    if dataset.holder_id != wanted.party_id:
        raise Unprocessable(
            "dataset_not_held_by_party",
            "The party does not hold this dataset. Register the transfer to it first.",
        )
    if dataset.state != DatasetState.SEALED:
        raise Conflict("dataset_not_sealed", "A campaign can only use sealed datasets. Seal the dataset first.")
    if wanted.began_at < dataset.occurred_at:
        raise Unprocessable(
            "campaign_before_dataset",
            "The campaign began before the party had this dataset. Correct `began_at`.",
        )


async def cancel_campaign(
    session: AsyncSession, actor: Actor, campaign_id: uuid.UUID, wanted: CancellationIn
) -> CampaignOut:
    """Record that a campaign will not be sent or, if it had begun, that it was not.

    The campaign's row is locked. So of a correction and a cancellation at the same time, a cancellation that comes
    second is refused, and a correction that comes second says that the campaign was sent after all.

    Raises:
        NotFound: the caller sees no such campaign.
        Forbidden: another organisation asserts it.
        Conflict: it has been corrected or cancelled already.
    """
    await get_campaign(session, actor, campaign_id)
    row = await lock_for_correction(session, actor, Campaign, campaign_id)
    former = select(CampaignCancellation.id).where(CampaignCancellation.campaign_id == campaign_id)
    if (await session.exec(former)).first() is not None:
        raise Conflict("already_cancelled", "This campaign has already been cancelled. You need not cancel it again.")
    fact = assertion_columns(actor, wanted.occurred_at)
    session.add(CampaignCancellation(campaign_id=row.id, reason=wanted.reason, **fact))
    await session.flush()
    return (await _with_datasets(session, actor, [row]))[0]


async def get_campaign(session: AsyncSession, actor: Actor, campaign_id: uuid.UUID) -> CampaignOut:
    """A campaign that the caller may see."""
    row = await get_visible(session, Campaign, visibility.visible_campaigns(actor), campaign_id, "campaign")
    return (await _with_datasets(session, actor, [row]))[0]


async def list_campaigns(session: AsyncSession, actor: Actor, after: uuid.UUID | None, limit: int) -> Page[CampaignOut]:
    """The campaigns that the caller may see."""
    rows = await list_visible(session, Campaign, visibility.visible_campaigns(actor), after, limit)
    return rows.page(await _with_datasets(session, actor, rows.rows))


async def _with_datasets(session: AsyncSession, actor: Actor, campaigns: Sequence[Campaign]) -> list[CampaignOut]:
    query = select(CampaignDataset).where(col(CampaignDataset.campaign_id).in_([row.id for row in campaigns]))
    used = (await session.exec(query.order_by(col(CampaignDataset.dataset_id)))).all()
    cancellations = await read_cancellations(session, [row.id for row in campaigns])
    asserters = await read_asserters(session, actor, campaigns, cancellations.values())
    # A processor's key sees a correction that names it, and not the campaign that another sent by the first word.
    corrected_ids = (row.corrects_id for row in campaigns)
    corrected = await visible_among(session, Campaign, visibility.visible_campaigns(actor), corrected_ids)
    moment = now()

    def details(row: Campaign) -> dict[str, Any]:
        cancellation = cancellations.get(row.id)
        return {
            "corrects_id": row.corrects_id if row.corrects_id in corrected else None,
            "dataset_ids": [use.dataset_id for use in used if use.campaign_id == row.id],
            "state": state_of(row.began_at, cancellation.recorded_at if cancellation else None, moment),
            "cancellation": CancellationOut(**asserters.body(cancellation)) if cancellation else None,
        }

    return [CampaignOut(**asserters.body(row, **details(row))) for row in campaigns]


async def read_cancellations(
    session: AsyncSession, campaign_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, CampaignCancellation]:
    """The cancellations of those campaigns that were cancelled, by campaign."""
    query = select(CampaignCancellation).where(col(CampaignCancellation.campaign_id).in_(campaign_ids))
    return {row.campaign_id: row for row in (await session.exec(query)).all()}
