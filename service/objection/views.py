"""Everything recorded against the use of a number, as its owner is told."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.campaign.models import Campaign
from service.core.clock import now
from service.core.facts import Fact
from service.number.keyring import KeyRing
from service.objection.create import OPEN
from service.objection.models import Objection, ObjectionFlag, Relay
from service.objection.schemas import CampaignRef, FlagView, HolderView, ObjectionOut, RelayView
from service.organisation.models import Organisation
from service.provenance.answer.references import OrganisationRef

FactT = TypeVar("FactT", bound=Fact)


async def objections_on_number(session: AsyncSession, ring: KeyRing, key: bytes) -> list[ObjectionOut]:
    """All objections on the number with this pseudonym, whoever recorded them, the latest first."""
    query = select(Objection).where(Objection.mark == ring.mark(key))
    rows = await session.exec(query.order_by(col(Objection.recorded_at).desc(), col(Objection.id).desc()))
    return await tell(session, rows.all())


@dataclass(frozen=True, slots=True)
class _Around:
    """What stands around some objections."""

    relays: Sequence[Relay]
    flags: Sequence[ObjectionFlag]
    organisations: Mapping[uuid.UUID, Organisation]
    campaigns: Mapping[uuid.UUID, Campaign]

    def named(self, organisation_id: uuid.UUID | None) -> OrganisationRef | None:
        """An organisation by name."""
        if organisation_id is None:
            return None
        return OrganisationRef(id=organisation_id, legal_name=self.organisations[organisation_id].legal_name)

    def campaign(self, campaign_id: uuid.UUID | None) -> CampaignRef | None:
        """A campaign by name."""
        return None if campaign_id is None else CampaignRef(id=campaign_id, name=self.campaigns[campaign_id].name)


async def tell(session: AsyncSession, rows: Sequence[Objection]) -> list[ObjectionOut]:
    """Objections as the person sees them, in their order, with every hop and flag."""
    around = await _around(session, rows)
    return [
        ObjectionOut(
            **row.model_dump(exclude={"mark", "key"}),
            organisation=around.named(row.organisation_id),
            recorded_by=around.named(row.asserted_by_id),
            campaign=around.campaign(row.campaign_id),
            relays=[_hop(around, relay) for relay in around.relays if relay.objection_id == row.id],
            flags=[_flag(around, flag) for flag in around.flags if flag.objection_id == row.id],
        )
        for row in rows
    ]


async def _around(session: AsyncSession, rows: Sequence[Objection]) -> _Around:
    ids = [row.id for row in rows]
    in_order = select(Relay).where(col(Relay.objection_id).in_(ids)).order_by(col(Relay.cursor))
    relays = (await session.exec(in_order)).all()
    flagged = select(ObjectionFlag).where(col(ObjectionFlag.objection_id).in_(ids)).order_by(col(ObjectionFlag.id))
    flags = (await session.exec(flagged)).all()
    named = {one for row in rows for one in (row.organisation_id, row.asserted_by_id)}
    named |= {relay.holder_id for relay in relays} | {flag.holder_id for flag in flags}
    sent = {row.campaign_id for row in rows} | {flag.campaign_id for flag in flags}
    organisations = await _by_id(session, Organisation, named)
    return _Around(relays, flags, organisations, await _by_id(session, Campaign, sent))


async def _by_id(session: AsyncSession, table: type[FactT], ids: Iterable[uuid.UUID | None]) -> dict[uuid.UUID, FactT]:
    rows = await session.exec(select(table).where(col(table.id).in_([one for one in ids if one is not None])))
    return {row.id: row for row in rows}


def _hop(around: _Around, relay: Relay) -> RelayView:
    holder = around.organisations[relay.holder_id]
    return RelayView(
        **relay.model_dump(exclude={"cursor", "objection_id", "holder_id"}),
        holder=HolderView(
            id=holder.id,
            legal_name=holder.legal_name,
            privacy_contact=holder.privacy_contact,
            has_account=holder.admitted_at is not None,
        ),
        overdue=relay.state in OPEN and relay.due_at < now(),
    )


def _flag(around: _Around, flag: ObjectionFlag) -> FlagView:
    holder = OrganisationRef(id=flag.holder_id, legal_name=around.organisations[flag.holder_id].legal_name)
    return FlagView(
        holder=holder,
        dataset_id=flag.dataset_id,
        campaign=around.campaign(flag.campaign_id),
        recorded_at=flag.recorded_at,
    )
