"""The operations on notices, partner lists and evidence."""

import uuid
from collections import defaultdict
from collections.abc import Sequence

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access import visibility
from service.access.actor import Actor
from service.access.assertion import assertion_columns
from service.access.visible_rows import get_visible, list_visible, read_asserters, visible_among
from service.collection.evidence import AcceptedEvidence
from service.collection.models import EvidenceContent, Notice, NoticeEvidence, Partner, PartnerList
from service.collection.schemas import (
    EvidenceOut,
    NoticeIn,
    NoticeOut,
    PartnerListIn,
    PartnerListOut,
    PartnerOut,
)
from service.core.clock import now
from service.core.errors import Conflict, Forbidden, NotFound, Unprocessable
from service.core.new_rows import insert_rows
from service.core.paging import Page
from service.organisation.operations import (
    find_organisation,
    require_may_assert_for,
    require_organisations,
    require_zone,
)


async def register_notice(session: AsyncSession, actor: Actor, wanted: NoticeIn) -> NoticeOut:
    """Register a notice of the caller, or of a collector without an account."""
    collector = await find_organisation(session, wanted.collector_id, "collector_id")
    require_may_assert_for(actor, collector)
    version = 1
    if wanted.replaces_id is not None:
        replaced = await find_own_notice(session, actor, wanted.replaces_id)
        if replaced.collector_id != wanted.collector_id:
            raise Unprocessable(
                "replaces_other_collector",
                "A new version must name the same `collector_id` as the notice that it replaces.",
            )
        if await session.scalar(select(Notice.id).where(Notice.replaces_id == replaced.id)):
            raise Conflict("already_replaced", "This notice has already been replaced. Replace its latest version.")
        version = replaced.version + 1
    row = Notice(
        **wanted.model_dump(exclude={"occurred_at", "partner_list", "time_zone"}),
        time_zone=wanted.time_zone or require_zone(collector, "time_zone"),
        version=version,
        **assertion_columns(actor, wanted.occurred_at),
    )
    session.add(row)
    await session.flush()
    if wanted.partner_list is not None:
        await _store_partner_list(session, actor, row, wanted.partner_list)
    return (await _response_bodies(session, actor, [row]))[0]


async def find_notice(session: AsyncSession, actor: Actor, notice_id: uuid.UUID) -> Notice:
    """A notice that the caller sees."""
    return await get_visible(session, Notice, visibility.visible_notices(actor), notice_id, "notice")


async def find_own_notice(session: AsyncSession, actor: Actor, notice_id: uuid.UUID) -> Notice:
    """A notice that the caller may add to: its own, or one that it asserts for a collector without an account.

    Seeing a notice upstream is not enough. A partner list added to it would change the answer of every person who saw
    it, and a collection under it would claim an origin that the notice's organisation never stated.
    """
    notice = await find_notice(session, actor, notice_id)
    require_may_assert_for(actor, await find_organisation(session, notice.collector_id, "collector_id"))
    if actor.organisation_id not in (notice.collector_id, notice.asserted_by_id):
        raise Forbidden(
            "not_your_notice", "Only its collector and the organisation that asserts this notice can add to it."
        )
    return notice


async def get_notice(session: AsyncSession, actor: Actor, notice_id: uuid.UUID) -> NoticeOut:
    """A notice with its partner lists and evidence."""
    return (await _response_bodies(session, actor, [await find_notice(session, actor, notice_id)]))[0]


async def list_notices(session: AsyncSession, actor: Actor, after: uuid.UUID | None, limit: int) -> Page[NoticeOut]:
    """The notices that the caller sees."""
    rows = await list_visible(session, Notice, visibility.visible_notices(actor), after, limit)
    return rows.page(await _response_bodies(session, actor, rows.rows))


async def add_partner_list(
    session: AsyncSession, actor: Actor, notice_id: uuid.UUID, wanted: PartnerListIn
) -> PartnerListOut:
    """Add the partner list in force from a day on. Earlier lists stay as they are."""
    notice = await find_own_notice(session, actor, notice_id)
    return await _store_partner_list(session, actor, notice, wanted)


async def _store_partner_list(
    session: AsyncSession, actor: Actor, notice: Notice, wanted: PartnerListIn
) -> PartnerListOut:
    if wanted.valid_from_on < notice.valid_from_on:
        raise Unprocessable(
            "partner_list_before_notice", "`valid_from_on` is before the first day of the notice. Correct it."
        )
    if notice.valid_until_on is not None and wanted.valid_from_on > notice.valid_until_on:
        raise Unprocessable(
            "partner_list_after_notice", "`valid_from_on` is after the last day of the notice. Correct it."
        )
    if wanted.corrects_id is not None:
        corrected = await session.get(PartnerList, wanted.corrects_id)
        if corrected is None or corrected.notice_id != notice.id:
            raise NotFound("partner list of this notice")
    row = PartnerList(
        notice_id=notice.id,
        **wanted.model_dump(include={"valid_from_on", "categories", "corrects_id"}),
        **assertion_columns(actor, wanted.occurred_at),
    )
    session.add(row)
    await session.flush()
    named = {
        f"partners.{position}.organisation_id": partner.organisation_id
        for position, partner in enumerate(wanted.partners)
        if partner.organisation_id is not None
    }
    await require_organisations(session, named)
    partners = [
        {"partner_list_id": row.id, "position": position, "name": it.name, "organisation_id": it.organisation_id}
        for position, it in enumerate(wanted.partners)
    ]
    await insert_rows(session, Partner, partners)
    return PartnerListOut(
        **row.model_dump(), partners=[PartnerOut(**partner.model_dump()) for partner in wanted.partners]
    )


async def _response_bodies(session: AsyncSession, actor: Actor, notices: Sequence[Notice]) -> list[NoticeOut]:
    """Notices with their partner lists and evidence, in a few queries however many there are."""
    ids = [notice.id for notice in notices]
    replaced_ids = (notice.replaces_id for notice in notices)
    replaced = await visible_among(session, Notice, visibility.visible_notices(actor), replaced_ids)
    lists = (
        await session.exec(
            select(PartnerList)
            .where(col(PartnerList.notice_id).in_(ids))
            .order_by(col(PartnerList.valid_from_on), col(PartnerList.recorded_at), col(PartnerList.id))
        )
    ).all()
    partners = (
        await session.exec(
            select(Partner)
            .where(col(Partner.partner_list_id).in_([partner_list.id for partner_list in lists]))
            .order_by(col(Partner.position))
        )
    ).all()
    evidence = (
        await session.exec(
            select(NoticeEvidence)
            .where(col(NoticeEvidence.notice_id).in_(ids))
            .order_by(col(NoticeEvidence.recorded_at), col(NoticeEvidence.id))
        )
    ).all()
    asserters = await read_asserters(session, actor, notices, lists, evidence)
    names: dict[uuid.UUID, list[PartnerOut]] = defaultdict(list)
    for partner in partners:
        names[partner.partner_list_id].append(PartnerOut(name=partner.name, organisation_id=partner.organisation_id))
    return [
        NoticeOut(
            **asserters.body(
                notice,
                replaces_id=notice.replaces_id if notice.replaces_id in replaced else None,
                partner_lists=[
                    PartnerListOut(**asserters.body(partner_list), partners=names[partner_list.id])
                    for partner_list in lists
                    if partner_list.notice_id == notice.id
                ],
                evidence=[EvidenceOut(**asserters.body(piece)) for piece in evidence if piece.notice_id == notice.id],
            )
        )
        for notice in notices
    ]


async def add_evidence(
    session: AsyncSession, actor: Actor, notice_id: uuid.UUID, evidence: AcceptedEvidence
) -> EvidenceOut:
    """Store a checked screenshot of the form."""
    notice = await find_own_notice(session, actor, notice_id)
    row = NoticeEvidence(
        id=evidence.id,
        notice_id=notice.id,
        media_type=evidence.media_type,
        sha256=evidence.sha256,
        byte_count=evidence.byte_count,
        **assertion_columns(actor, now()),
    )
    session.add(row)
    await session.flush()
    session.add(EvidenceContent(evidence_id=row.id, content=evidence.encrypted))
    return EvidenceOut(**row.model_dump())


async def get_evidence(
    session: AsyncSession, actor: Actor, notice_id: uuid.UUID, evidence_id: uuid.UUID
) -> NoticeEvidence:
    """What is recorded of a piece of evidence."""
    await find_notice(session, actor, notice_id)
    row = await session.get(NoticeEvidence, evidence_id)
    if row is None or row.notice_id != notice_id:
        raise NotFound("piece of evidence")
    return row
