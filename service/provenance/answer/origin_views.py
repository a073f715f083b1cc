"""What an answer shows of where a number comes from. Pure."""

import uuid
from collections.abc import Container
from datetime import datetime
from typing import Any, NamedTuple

from service.collection.schemas import PartnerOut
from service.membership.store import Membership
from service.provenance.answer.origin_schemas import (
    CollectorDenial,
    EarlierNotice,
    EvidenceRef,
    NoticeView,
    Origin,
    PartnerListBasis,
    PartnerListView,
    WithdrawalView,
)
from service.provenance.answer.views import AnswerContext, assertion, organisation_view
from service.provenance.graph.fact_index import (
    FactIndex,
    attestation_of,
    denial_of,
    earlier_versions,
    notice_of,
    partner_list_in_force,
)
from service.provenance.graph.rows import DatasetRow, EvidenceRow, NoticeRow, PartnerListRow


def origin_view(context: AnswerContext, dataset: DatasetRow, collection_id: uuid.UUID) -> Origin:
    """The origin that a collected dataset gives a number, without the number's own consent."""
    facts = context.facts
    collection = facts.collections[collection_id]
    attestation, denial = attestation_of(facts, collection), denial_of(facts, collection)
    return Origin(
        **context.assertion(collection),
        dataset=context.dataset(dataset.id),
        collection_id=collection.id,
        collector=organisation_view(facts, context.known, collection.collector_id),
        channel=collection.channel,
        address=collection.address,
        began_on=collection.began_on,
        ended_on=collection.ended_on,
        corrects_id=collection.corrects_id,
        consented_at=None,
        consent_record_id=None,
        notice=_notice(context, facts.notices[collection.notice_id]),
        partner_list=None,
        partner_list_basis=PartnerListBasis.CONSENT_DAY_UNKNOWN,
        attested=attestation is not None,
        attested_at=attestation.recorded_at if attestation else None,
        denial=CollectorDenial(**context.assertion(denial), comment=denial.comment) if denial else None,
    )


class Consent(NamedTuple):
    """The fields of `Origin` that are each number's own, with the partner list as a row."""

    consented_at: datetime | None
    consent_record_id: str | None
    partner_list: PartnerListRow | None
    partner_list_basis: PartnerListBasis


def consent_of(facts: FactIndex, dataset_id: uuid.UUID, membership: Membership | None) -> Consent:
    """The consent under which a collected dataset got a number, by the number's membership in it, if it is stored."""
    if membership is None or membership.consented_at is None:
        record_id = membership.record_id if membership else None
        return Consent(None, record_id, None, PartnerListBasis.CONSENT_DAY_UNKNOWN)
    partner_list = partner_list_in_force(facts, notice_of(facts, dataset_id), membership.consented_at)
    basis = PartnerListBasis.CONSENT_DAY if partner_list else PartnerListBasis.NONE_YET
    return Consent(membership.consented_at, membership.record_id, partner_list, basis)


def _notice(context: AnswerContext, row: NoticeRow) -> NoticeView:
    facts = context.facts
    return NoticeView(
        **_shown(context, row),
        version=row.version,
        time_zone=row.time_zone,
        corrects_id=row.corrects_id,
        earlier=[EarlierNotice(**_shown(context, earlier)) for earlier in earlier_versions(facts, row)],
        evidence=[_evidence(context, piece) for piece in facts.evidence_of_notice.get(row.first_id, ())],
    )


def _shown(context: AnswerContext, row: NoticeRow) -> dict[str, Any]:
    """What a version of a notice says that was shown."""
    return {
        **context.assertion(row),
        "id": row.id,
        "code": row.code,
        "language": row.language,
        "wording": row.wording,
        "mechanism": row.mechanism,
        "purposes": list(row.purposes),
        "valid_from_on": row.valid_from_on,
        "valid_until_on": row.valid_until_on,
    }


def _evidence(context: AnswerContext, row: EvidenceRow) -> EvidenceRef:
    withdrawal = context.facts.withdrawal_of_evidence.get(row.id)
    return EvidenceRef(
        id=row.id,
        media_type=row.media_type,
        sha256=row.sha256,
        byte_count=row.byte_count,
        recorded_at=row.recorded_at,
        withdrawal=WithdrawalView(**context.assertion(withdrawal), reason=withdrawal.reason) if withdrawal else None,
    )


def partner_list_view(facts: FactIndex, known: Container[uuid.UUID], row: PartnerListRow) -> PartnerListView:
    """A partner list, for a caller who may see the organisations `known` named."""
    return PartnerListView(
        **assertion(facts, known, row),
        id=row.id,
        valid_from_on=row.valid_from_on,
        partners=[PartnerOut(**vars(partner)) for partner in facts.partners_of_list.get(row.id, ())],
        categories=list(row.categories),
        corrects_id=row.corrects_id,
    )
