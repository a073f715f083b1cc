"""The operations on notices, partner lists and evidence. Corrections of notices are checked in `notice_corrections`."""

import uuid
from collections import defaultdict
from collections.abc import Sequence

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access import visibility
from service.access.actor import Actor
from service.access.assertion import assertion_columns
from service.access.correction import lock_for_correction, read_corrections
from service.access.visible_rows import Asserters, get_visible, list_visible, read_asserters, visible_among
from service.collection.evidence import AcceptedEvidence
from service.collection.models import EvidenceContent, EvidenceWithdrawal, Notice, NoticeEvidence, Partner, PartnerList
from service.collection.notice_corrections import current_version, lock_notice, place_of_correction
from service.collection.schemas import (
    EvidenceOut,
    NoticeIn,
    NoticeOut,
    PartnerListIn,
    PartnerListOut,
    PartnerOut,
    WithdrawalIn,
    WithdrawalOut,
)
from service.core.clock import now
from service.core.errors import Conflict, Forbidden, NotFound, Unprocessable
from service.core.ids import uuid7
from service.core.new_rows import insert_rows
from service.core.paging import Page
from service.number.keyring import KeyRing
from service.organisation.operations import (
    find_organisation,
    require_may_assert_for,
    require_organisations,
    require_zone,
)


async def register_notice(session: AsyncSession, ring: KeyRing, actor: Actor, wanted: NoticeIn) -> NoticeOut:
    """Register a notice of the caller, or of a collector without an account; a new version, or a correction."""
    collector = await find_organisation(session, wanted.collector_id, "collector_id")
    notice_id = uuid7()
    if wanted.corrects_id is not None:
        await find_notice(session, actor, wanted.corrects_id)
        place = await place_of_correction(session, ring, actor, wanted, wanted.corrects_id)
    else:
        require_may_assert_for(actor, collector)
        zone = wanted.time_zone or require_zone(collector, "time_zone")
        place = {"version": 1, "first_id": notice_id, "time_zone": zone}
    if wanted.replaces_id is not None:
        replaced = await _lock_replaced(session, actor, wanted, wanted.replaces_id)
        place["version"] = replaced.version + 1
    row = Notice(
        **wanted.model_dump(exclude={"occurred_at", "partner_list"}) | place,
        id=notice_id,
        **assertion_columns(actor, wanted.occurred_at),
    )
    session.add(row)
    await session.flush()
    if wanted.partner_list is not None:
        await _store_partner_list(session, actor, row, wanted.partner_list)
    return (await _response_bodies(session, actor, [row]))[0]


async def _lock_replaced(session: AsyncSession, actor: Actor, wanted: NoticeIn, replaced_id: uuid.UUID) -> Notice:
    """The notice that a new version replaces. It is locked, so that of two new versions at once the second is refused.

    Raises:
        Unprocessable: it is another collector's.
        Conflict: it has been replaced already.
    """
    replaced = await find_own_notice(session, actor, replaced_id)
    if replaced.collector_id != wanted.collector_id:
        raise Unprocessable(
            "replaces_other_collector",
            "A new version must name the same `collector_id` as the notice that it replaces.",
        )
    await lock_notice(session, replaced.first_id)
    versions = select(Notice.id).where(Notice.first_id == replaced.first_id)
    if (await session.exec(select(Notice.id).where(col(Notice.replaces_id).in_(versions)))).first() is not None:
        raise Conflict("already_replaced", "This notice has already been replaced. Replace its latest version.")
    return replaced


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
    if wanted.corrects_id is None:
        notice = await find_own_notice(session, actor, notice_id)
    else:
        notice = await find_notice(session, actor, notice_id)
        await _lock_corrected_list(session, actor, notice, wanted.corrects_id)
    await lock_notice(session, notice.first_id)
    return await _store_partner_list(session, actor, await current_version(session, notice), wanted)


async def _lock_corrected_list(session: AsyncSession, actor: Actor, notice: Notice, corrected_id: uuid.UUID) -> None:
    corrected = await session.get(PartnerList, corrected_id)
    if corrected is None or corrected.notice_id != notice.first_id:
        raise NotFound("partner list of this notice")
    await lock_for_correction(session, actor, PartnerList, corrected_id)


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
    row = PartnerList(
        notice_id=notice.first_id,
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
    ids = [notice.first_id for notice in notices]
    replaced_ids = (notice.replaces_id for notice in notices)
    replaced = await visible_among(session, Notice, visibility.visible_notices(actor), replaced_ids)
    # Whoever sees a version of a notice sees its corrections.
    corrections = await read_corrections(session, Notice, [notice.id for notice in notices])
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
    withdrawals = await _withdrawals(session, evidence)
    asserters = await read_asserters(session, actor, notices, lists, evidence, withdrawals.values())
    names: dict[uuid.UUID, list[PartnerOut]] = defaultdict(list)
    for partner in partners:
        names[partner.partner_list_id].append(PartnerOut(name=partner.name, organisation_id=partner.organisation_id))
    return [
        NoticeOut(
            **asserters.body(
                notice,
                replaces_id=notice.replaces_id if notice.replaces_id in replaced else None,
                corrected_by_id=corrections.get(notice.id),
                partner_lists=[
                    PartnerListOut(**asserters.body(partner_list), partners=names[partner_list.id])
                    for partner_list in lists
                    if partner_list.notice_id == notice.first_id
                ],
                evidence=[
                    _evidence_out(asserters, piece, withdrawals.get(piece.id))
                    for piece in evidence
                    if piece.notice_id == notice.first_id
                ],
            )
        )
        for notice in notices
    ]


async def _withdrawals(
    session: AsyncSession, evidence: Sequence[NoticeEvidence]
) -> dict[uuid.UUID, EvidenceWithdrawal]:
    ids = [piece.id for piece in evidence]
    query = select(EvidenceWithdrawal).where(col(EvidenceWithdrawal.evidence_id).in_(ids))
    return {row.evidence_id: row for row in (await session.exec(query)).all()} if ids else {}


def _evidence_out(asserters: Asserters, row: NoticeEvidence, withdrawal: EvidenceWithdrawal | None) -> EvidenceOut:
    body = WithdrawalOut(**asserters.body(withdrawal)) if withdrawal else None
    return EvidenceOut(**asserters.body(row, withdrawal=body))


async def add_evidence(
    session: AsyncSession, actor: Actor, notice_id: uuid.UUID, evidence: AcceptedEvidence
) -> EvidenceOut:
    """Store a checked screenshot of the form."""
    notice = await find_own_notice(session, actor, notice_id)
    row = NoticeEvidence(
        id=evidence.id,
        notice_id=notice.first_id,
        media_type=evidence.media_type,
        sha256=evidence.sha256,
        byte_count=evidence.byte_count,
        **assertion_columns(actor, now()),
    )
    session.add(row)
    await session.flush()
    session.add(EvidenceContent(evidence_id=row.id, content=evidence.encrypted))
    return EvidenceOut(**row.model_dump(), withdrawal=None)


async def withdraw_evidence(
    session: AsyncSession, actor: Actor, notice_id: uuid.UUID, evidence_id: uuid.UUID, wanted: WithdrawalIn
) -> EvidenceOut:
    """Record that a piece of evidence does not show the form as it was. It can still be read: it is proof of the claim.

    Its row is locked, so that of two withdrawals at once the second is refused.

    Raises:
        NotFound: the notice has no such piece of evidence, or the caller may not see it.
        Forbidden: another organisation uploaded it.
        Conflict: it has been withdrawn already.
    """
    await get_evidence(session, actor, notice_id, evidence_id)
    row = await session.get_one(NoticeEvidence, evidence_id, with_for_update=True)
    if row.asserted_by_id != actor.organisation_id:
        raise Forbidden("not_your_fact", "Another organisation uploaded this file, and only it can withdraw the file.")
    if await _withdrawals(session, [row]):
        raise Conflict("already_withdrawn", "This file has already been withdrawn. You need not withdraw it again.")
    fact = assertion_columns(actor, wanted.occurred_at)
    withdrawal = EvidenceWithdrawal(evidence_id=row.id, reason=wanted.reason, **fact)
    session.add(withdrawal)
    await session.flush()
    return _evidence_out(await read_asserters(session, actor, [row], [withdrawal]), row, withdrawal)


async def get_evidence(
    session: AsyncSession, actor: Actor, notice_id: uuid.UUID, evidence_id: uuid.UUID
) -> NoticeEvidence:
    """What is recorded of a piece of evidence."""
    notice = await find_notice(session, actor, notice_id)
    row = await session.get(NoticeEvidence, evidence_id)
    if row is None or row.notice_id != notice.first_id:
        raise NotFound("piece of evidence")
    return row
