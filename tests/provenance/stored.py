"""A world written into the tables, as if it had been registered."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from service.campaign.models import Campaign, CampaignCancellation, CampaignDataset
from service.collection.models import Collection, CollectorStatement, Notice, Partner, PartnerList
from service.core.vocabulary import Content
from service.dataset.models import AncestorCount, Dataset, DatasetParent, NoticeCount
from service.organisation.models import Organisation
from service.provenance.graph.rows import DatasetRow, Rows
from service.release.models import DatasetRelease
from service.transfer.models import Transfer, TransferStatement


async def store_world(session: AsyncSession, facts: Rows) -> None:
    """Write every row, those that others refer to first."""
    for table, rows in _in_order(facts):
        session.add_all(table(**vars(row)) for row in rows)
        await session.flush()


def _in_order(facts: Rows) -> Iterable[tuple[type[SQLModel], Sequence[object]]]:
    return (
        (Organisation, facts.organisations),
        (Notice, facts.notices),
        (PartnerList, facts.partner_lists),
        (Partner, facts.partners),
        (Collection, facts.collections),
        (CollectorStatement, facts.collector_statements),
        (Dataset, [_With(row, taken_over_at=_taken_over_at(row)) for row in facts.datasets]),
        (Transfer, facts.transfers),
        (DatasetParent, facts.parents),
        (TransferStatement, facts.statements),
        (DatasetRelease, [_With(row, operator_id=facts.organisations[0].id) for row in facts.releases]),
        (Campaign, facts.campaigns),
        (CampaignDataset, facts.uses),
        (CampaignCancellation, facts.cancellations),
        (AncestorCount, facts.ancestor_counts),
        (NoticeCount, facts.notice_counts),
    )


class _With:
    """A row with more columns, which its table has and the graph does not read."""

    def __init__(self, row: object, **more: Any) -> None:
        vars(self).update(vars(row), **more)


def _taken_over_at(row: DatasetRow) -> datetime | None:
    """When a recipient acknowledged what it had denied; what it says of other shared datasets is the same."""
    return row.made_at if row.content == Content.SHARED else None
