"""Objections as the owner of the number sees them, with relays and flags."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Uuid, column, or_, table, text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.campaign.models import Campaign, CampaignCancellation
from service.campaign.operations import read_cancellations
from service.campaign.state import state_of
from service.core.clock import now
from service.core.db import run
from service.core.facts import Fact
from service.core.vocabulary import RelayState
from service.number.keyring import KeyRing
from service.objection.answer_period import answer_due_on
from service.objection.contest_schemas import ContestAnswerView, ContestedOrigin
from service.objection.create import OPEN_STATES, AnyObjection, AnyRelay, Recorded
from service.objection.models import ContestAnswer, Objection, ObjectionFlag, Relay
from service.objection.schemas import CheckView, FlagView, HolderView, ObjectionOut, RelayView
from service.organisation.models import Organisation
from service.organisation.succession import with_heirs
from service.provenance.answer.heirs import heir_of
from service.provenance.answer.references import CampaignRef, OrganisationRef
from service.release.operations import CHECK_PERIOD

FactT = TypeVar("FactT", bound=Fact)

_COUNTING: Final = table("counting_campaign", column("id", Uuid)).c.id

_OF_OBJECTION: Final = (
    *("id", "kind", "scope", "purpose", "source"),
    *("occurred_at", "recorded_at", "relayed_at", "closed_at", "withdrawn_at"),
)
_OF_RELAY: Final = (
    *("id", "state", "refusal", "delay"),
    *("recorded_at", "received_at", "due_at", "delivered_at", "acknowledged_at", "extended_at", "ended_at"),
)


async def objections_on_number(session: AsyncSession, ring: KeyRing, key: bytes) -> list[ObjectionOut]:
    """All objections to the use of the number with this pseudonym, by any source, the latest first."""
    query = select(Objection).where(Objection.mark == ring.mark(key))
    rows = await session.exec(query.order_by(col(Objection.recorded_at).desc(), col(Objection.id).desc()))
    return await objection_views(session, rows.all())


@dataclass(frozen=True, slots=True)
class _Related:
    """The relays and flags of some objections, and the organisations and campaigns that these name."""

    relays: Sequence[AnyRelay]
    flags: Sequence[ObjectionFlag]
    organisations: Mapping[uuid.UUID, Organisation]
    campaigns: Mapping[uuid.UUID, Campaign]
    cancellations: Mapping[uuid.UUID, CampaignCancellation]
    collector_ids: Mapping[uuid.UUID, uuid.UUID]
    answers: Sequence[ContestAnswer]

    def origin(self, dataset_id: uuid.UUID | None) -> ContestedOrigin | None:
        """The origin that a contest is about, by its collected dataset."""
        if dataset_id is None:
            return None
        return ContestedOrigin(dataset_id=dataset_id, collector=self.named(self.collector_ids[dataset_id]))

    def named(self, organisation_id: uuid.UUID) -> OrganisationRef:
        """An organisation with its name, which is known."""
        return OrganisationRef(id=organisation_id, legal_name=self.organisations[organisation_id].legal_name)

    def organisation(self, organisation_id: uuid.UUID | None) -> OrganisationRef | None:
        """An organisation with its name."""
        if organisation_id is None:
            return None
        return OrganisationRef(id=organisation_id, legal_name=self.organisations[organisation_id].legal_name)

    def campaign(self, campaign_id: uuid.UUID | None) -> CampaignRef | None:
        """A campaign with its name, and whether it was sent."""
        if campaign_id is None:
            return None
        row, cancellation = self.campaigns[campaign_id], self.cancellations.get(campaign_id)
        state = state_of(row.began_at, cancellation.recorded_at if cancellation else None, now())
        return CampaignRef(id=row.id, name=row.name, state=state)


async def objection_views(session: AsyncSession, rows: Sequence[AnyObjection]) -> list[ObjectionOut]:
    """Objections as the person sees them, in the given order, each with its relays and flags."""
    ids = [row.id for row in rows]
    relays = (await session.exec(select(Relay).where(col(Relay.objection_id).in_(ids)))).all()
    flagged = select(ObjectionFlag).where(col(ObjectionFlag.objection_id).in_(ids), flags_something_that_counts())
    return await _views(session, rows, relays, (await session.exec(flagged.order_by(col(ObjectionFlag.id)))).all())


def flags_something_that_counts() -> ColumnElement[bool]:
    """That a flag is of a dataset, or of a campaign that is neither corrected nor cancelled."""
    return or_(col(ObjectionFlag.campaign_id).is_(None), col(ObjectionFlag.campaign_id).in_(select(_COUNTING)))


async def recorded_view(session: AsyncSession, recorded: Recorded) -> ObjectionOut:
    """An objection as the person sees it who has just made it. A new one needs no reading: nothing is flagged yet."""
    if not recorded.is_new:
        return (await objection_views(session, [recorded.objection]))[0]
    return (await _views(session, [recorded.objection], recorded.relays, ()))[0]


async def _views(
    session: AsyncSession, rows: Sequence[AnyObjection], relays: Sequence[AnyRelay], flags: Sequence[ObjectionFlag]
) -> list[ObjectionOut]:
    related = await _read_related(session, rows, sorted(relays, key=_by_holder), flags)
    return [
        ObjectionOut(
            **_fields(row, _OF_OBJECTION),
            organisation=related.organisation(row.organisation_id),
            recorded_by=related.organisation(row.asserted_by_id),
            campaign=related.campaign(row.campaign_id),
            origin=related.origin(row.dataset_id),
            answers=[
                ContestAnswerView(
                    organisation=related.named(answer.asserted_by_id),
                    **answer.model_dump(include={"answer_text", "consent_record_id", "recorded_at"}),
                )
                for answer in related.answers
                if answer.objection_id == row.id
            ],
            relays=[_relay_view(related, relay) for relay in related.relays if relay.objection_id == row.id],
            check=None if row.relayed_at else _check_view(related, row.received_by_id, row.recorded_at),
            flags=[
                _flag_view(related, flag) for flag in related.flags if flag.objection_id == row.id and row.relayed_at
            ],
        )
        for row in rows
    ]


def _by_holder(relay: AnyRelay) -> tuple[uuid.UUID, datetime, uuid.UUID]:
    """An order of relays that tells nothing of how the holders were found, or of what they do."""
    return relay.holder_id, relay.recorded_at, relay.id


async def _read_related(
    session: AsyncSession, rows: Sequence[AnyObjection], relays: Sequence[AnyRelay], flags: Sequence[ObjectionFlag]
) -> _Related:
    organisation_ids = {row.organisation_id for row in rows} | {row.asserted_by_id for row in rows}
    organisation_ids |= {row.received_by_id for row in rows}
    organisation_ids |= {relay.holder_id for relay in relays} | {flag.holder_id for flag in flags}
    collector_ids, answers = await _of_contests(session, rows)
    organisation_ids |= {*collector_ids.values(), *(answer.asserted_by_id for answer in answers)}
    campaign_ids = {row.campaign_id for row in rows} | {flag.campaign_id for flag in flags}
    organisations = await _by_id(session, Organisation, organisation_ids)
    stated_by = {row.stated_by_id for row in organisations.values()}
    organisations |= await _by_id(session, Organisation, stated_by.difference(organisations))
    organisations = await with_heirs(session, organisations)
    campaigns = await _by_id(session, Campaign, campaign_ids)
    cancellations = await read_cancellations(session, campaigns) if campaigns else {}
    return _Related(relays, flags, organisations, campaigns, cancellations, collector_ids, answers)


_COLLECTORS: Final = text("""
    SELECT objection.id, collection.collector_id
    FROM objection JOIN dataset ON dataset.id = objection.dataset_id
    JOIN collection ON collection.id = coalesce(
        (SELECT correction.former_collection_id FROM dataset_correction AS correction
         WHERE correction.dataset_id = dataset.id AND correction.recorded_at >= objection.recorded_at
           AND correction.former_collection_id IS DISTINCT FROM correction.collection_id
         ORDER BY correction.recorded_at, correction.id LIMIT 1),
        dataset.collection_id)
    WHERE objection.id = ANY(:ids)
""")


async def collectors_of_contests(session: AsyncSession, contest_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """The collectors of contested origins, by contest: as it was when the person contested it.

    A later correction of the dataset's collection takes nothing from the contest.
    """
    rows = await run(session, _COLLECTORS, {"ids": list(contest_ids)})
    return {row.id: row.collector_id for row in rows}


async def _of_contests(
    session: AsyncSession, rows: Sequence[AnyObjection]
) -> tuple[dict[uuid.UUID, uuid.UUID], Sequence[ContestAnswer]]:
    """The collectors of contested origins, by their collected datasets, and what was answered, in order."""
    contests = {row.id: row.dataset_id for row in rows if row.dataset_id is not None}
    if not contests:
        return {}, ()
    collectors = await collectors_of_contests(session, contests)
    found = {contests[objection_id]: collector_id for objection_id, collector_id in collectors.items()}
    answered = select(ContestAnswer).where(col(ContestAnswer.objection_id).in_(contests))
    answers = (await session.exec(answered.order_by(col(ContestAnswer.recorded_at), col(ContestAnswer.id)))).all()
    return found, answers


async def _by_id(session: AsyncSession, table: type[FactT], ids: Iterable[uuid.UUID | None]) -> dict[uuid.UUID, FactT]:
    known = [row_id for row_id in ids if row_id is not None]
    if not known:
        return {}
    return {row.id: row for row in await session.exec(select(table).where(col(table.id).in_(known)))}


def _fields(row: AnyObjection | AnyRelay, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _relay_view(related: _Related, relay: AnyRelay) -> RelayView:
    holder = related.organisations[relay.holder_id]
    return RelayView(
        **_fields(relay, _OF_RELAY),
        check=_check_view(related, relay.holder_id, relay.recorded_at) if relay.state == RelayState.WAITING else None,
        holder=HolderView(
            id=holder.id,
            legal_name=holder.legal_name,
            privacy_contact=holder.privacy_contact,
            stated_by=None if holder.stated_by_id == holder.id else related.organisation(holder.stated_by_id),
            has_account=holder.admitted_at is not None,
            closed_on=holder.closed_on,
            succeeded_by=heir_of(related.organisations, holder),
        ),
        due_on=relay.due_at and answer_due_on(relay.due_at, holder),
        overdue=relay.state in OPEN_STATES and relay.due_at is not None and relay.due_at <= now(),
    )


def _check_view(related: _Related, organisation_id: uuid.UUID | None, since: datetime) -> CheckView:
    organisation, due_at = related.organisation(organisation_id), since + CHECK_PERIOD
    assert organisation is not None, "an objection waits for the organisation that received it, a relay for its holder"
    return CheckView(organisation=organisation, due_at=due_at, overdue=due_at < now())


def _flag_view(related: _Related, flag: ObjectionFlag) -> FlagView:
    holder = OrganisationRef(id=flag.holder_id, legal_name=related.organisations[flag.holder_id].legal_name)
    return FlagView(
        holder=holder,
        dataset_id=flag.dataset_id,
        campaign=related.campaign(flag.campaign_id),
        recorded_at=flag.recorded_at,
    )
