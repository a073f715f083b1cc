"""A world written into the tables, as if it had been registered."""

from collections.abc import Iterable, Sequence

from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from service.campaign.models import Campaign, CampaignDataset
from service.collection.models import Collection, CollectionAttestation, Notice, Partner, PartnerList
from service.dataset.models import AncestorCount, Dataset, DatasetParent, NoticeCount
from service.organisation.models import Organisation
from service.provenance.graph.rows import ReleaseRow, Rows
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
        (CollectionAttestation, facts.attestations),
        (Dataset, facts.datasets),
        (Transfer, facts.transfers),
        (DatasetParent, facts.parents),
        (TransferStatement, facts.statements),
        (DatasetRelease, [_ByOperator(facts, row) for row in facts.releases]),
        (Campaign, facts.campaigns),
        (CampaignDataset, facts.uses),
        (AncestorCount, facts.ancestor_counts),
        (NoticeCount, facts.notice_counts),
    )


class _ByOperator:
    """A release as a row of its table, which names who did it."""

    def __init__(self, facts: Rows, row: ReleaseRow) -> None:
        vars(self).update(vars(row), operator_id=facts.organisations[0].id)
