"""From rows to wire shapes: what is told of each thing that a caller sees. Pure."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from service.access.sight import Seen
from service.collection.schemas import PartnerOut
from service.core.vocabulary import Content
from service.membership.store import Held
from service.provenance.graph import Chain, Graph, Hop
from service.provenance.records import Records, attestation_of, list_in_force
from service.provenance.rows import (
    CampaignRow,
    DatasetRow,
    FactRow,
    NoticeRow,
    PartnerListRow,
    StatementRow,
    TransferRow,
)
from service.provenance.schemas import (
    Asserted,
    CampaignSeen,
    ChainSeen,
    DatasetRef,
    EvidenceRef,
    Holding,
    HopSeen,
    NoticeSeen,
    OrganisationRef,
    OrganisationSeen,
    Origin,
    PartnerListBasis,
    PartnersInForce,
    Statement,
    TransferSeen,
    Use,
    Voucher,
)
from service.transfer.models import Side, Word


@dataclass(frozen=True)
class Matter:
    """One number's case through one caller's eyes: of `holders`, all that hold it, the caller sees `seen`.

    `stored` is what the uploaded ones among them say of the number; `known` are the organisations that the
    caller may see named.
    """

    graph: Graph
    holders: Collection[uuid.UUID]
    stored: Mapping[uuid.UUID, Held]
    seen: Seen
    known: Collection[uuid.UUID]

    # The same few datasets and hops stand in many chains: each is told once.
    _datasets: dict[uuid.UUID, DatasetRef] = field(default_factory=dict)
    _hops: dict[Hop, HopSeen] = field(default_factory=dict)

    @property
    def records(self) -> Records:
        """The facts."""
        return self.graph.records

    def dataset(self, dataset_id: uuid.UUID) -> DatasetRef:
        """A dataset, as far as the caller sees it."""
        if dataset_id not in self._datasets:
            self._datasets[dataset_id] = dataset_ref(self.records, self.seen, dataset_id)
        return self._datasets[dataset_id]

    def hop(self, hop: Hop) -> HopSeen:
        """A hop of a chain."""
        if hop not in self._hops:
            self._hops[hop] = _hop(self, hop)
        return self._hops[hop]


def organisation(records: Records, organisation_id: uuid.UUID) -> OrganisationSeen:
    """An organisation."""
    row = records.organisations[organisation_id]
    return OrganisationSeen(**vars(row), has_account=row.admitted_at is not None)


def organisation_ref(records: Records, organisation_id: uuid.UUID) -> OrganisationRef:
    """An organisation by name."""
    return OrganisationRef(id=organisation_id, legal_name=records.organisations[organisation_id].legal_name)


def _told(matter: Matter, row: FactRow) -> dict[str, Any]:
    """The columns of a fact, and who asserts it; a name that the caller could learn only here is withheld."""
    return vars(row) | {
        "asserted_by": _if_known(matter, row.asserted_by_id),
        "asserted_through": _if_known(matter, row.asserted_through_id),
    }


def _if_known(matter: Matter, organisation_id: uuid.UUID | None) -> OrganisationRef | None:
    if organisation_id is None or organisation_id not in matter.known:
        return None
    return organisation_ref(matter.records, organisation_id)


def dataset_ref(records: Records, seen: Seen, dataset_id: uuid.UUID) -> DatasetRef:
    """A dataset; of one that is one hop down only in whose hands it is."""
    row = records.datasets[dataset_id]
    name = row.name if dataset_id in seen.datasets else None
    return DatasetRef(id=row.id, name=name, holder=organisation_ref(records, row.holder_id))


def origin(matter: Matter, dataset: DatasetRow, collection_id: uuid.UUID) -> Origin:
    """The origin that a collected dataset gives the number."""
    records = matter.records
    collection = records.collections[collection_id]
    notice = records.notices[collection.notice_id]
    stored = matter.stored.get(dataset.id)
    consented_at = stored.consented_at if stored else None
    listed = list_in_force(records, notice, consented_at) if consented_at else None
    unlisted = PartnerListBasis.NONE_YET if consented_at else PartnerListBasis.CONSENT_DAY_UNKNOWN
    attestation = attestation_of(records, collection)
    return Origin(
        **_told(matter, collection),
        dataset=matter.dataset(dataset.id),
        collection_id=collection.id,
        collector=organisation(records, collection.collector_id),
        consented_at=consented_at,
        consent_record_id=stored.record_id if stored else None,
        notice=_notice(matter, notice),
        partner_list=_partners(matter, listed) if listed else None,
        partner_list_basis=PartnerListBasis.CONSENT_DAY if listed else unlisted,
        attested=attestation is not None,
        attested_at=attestation.recorded_at if attestation else None,
    )


def _notice(matter: Matter, row: NoticeRow) -> NoticeSeen:
    evidence = [EvidenceRef(**vars(piece)) for piece in matter.records.evidence_of_notice.get(row.id, ())]
    return NoticeSeen(**_told(matter, row), evidence=evidence)


def _partners(matter: Matter, row: PartnerListRow) -> PartnersInForce:
    partners = [PartnerOut(**vars(one)) for one in matter.records.partners_of_list.get(row.id, ())]
    return PartnersInForce(**_told(matter, row), partners=partners)


def holding_seen(matter: Matter, row: DatasetRow, *, orphan: bool) -> Holding:
    """A dataset that holds the number."""
    stored = matter.stored.get(row.id)
    told = _told(matter, row)
    transfer = matter.records.transfer_into_dataset.get(row.id)
    if row.content == Content.UPLOADED and transfer is not None:
        # It holds the recipient's own file now, for which the recipient answers and not whoever told of the transfer.
        file = words(matter.records, transfer.id)[Side.RECIPIENT]
        told |= {key: value for key, value in _told(matter, file).items() if key in Asserted.model_fields}
    return Holding(
        **told,
        dataset=matter.dataset(row.id),
        orphan=orphan,
        consented_at=stored.consented_at if stored else None,
    )


def chain_seen(matter: Matter, chain: Chain) -> ChainSeen:
    """A chain, hop by hop."""
    return ChainSeen(
        head=matter.dataset(chain.head_id),
        orphan=chain.orphan,
        hops=[matter.hop(hop) for hop in chain.hops],
    )


def _hop(matter: Matter, hop: Hop) -> HopSeen:
    records = matter.records
    transfer = records.transfers[hop.transfer_id] if hop.transfer_id else None
    fact: FactRow = transfer or records.datasets[hop.dataset_id]
    return HopSeen(
        **vars(fact),
        kind="transfer" if transfer else "derivation",
        from_dataset=matter.dataset(hop.parent_id),
        to_dataset=matter.dataset(hop.dataset_id),
        transfer_id=hop.transfer_id,
        status=records.status_of_transfer[transfer.id] if transfer else None,
        vouched_by=vouchers(matter, transfer) if transfer else [],
    )


def transfer_seen(matter: Matter, row: TransferRow) -> TransferSeen:
    """A transfer with what both sides say of it, and of this number in it."""
    records = matter.records
    return TransferSeen(
        **_told(matter, row),
        sender=organisation_ref(records, row.sender_id),
        recipient=organisation_ref(records, row.recipient_id),
        status=records.status_of_transfer[row.id],
        number_declared=row.dataset_id in matter.holders if _said(matter, row, Side.SENDER) else None,
        number_received=row.received_dataset_id in matter.holders if _said(matter, row, Side.RECIPIENT) else None,
        vouched_by=vouchers(matter, row),
        statements=[Statement(**_told(matter, said)) for said in records.statements_of_transfer.get(row.id, ())],
    )


def _said(matter: Matter, row: TransferRow, side: Side) -> bool:
    """Whether a side itself said anything of a transfer: another's word about it is not its own."""
    organisation_id = row.sender_id if side is Side.SENDER else row.recipient_id
    statements = matter.records.statements_of_transfer.get(row.id, ())
    told = [said.asserted_by_id for said in statements if said.side == side]
    return organisation_id in told or row.asserted_by_id == organisation_id


def words(records: Records, transfer_id: uuid.UUID) -> dict[Side, StatementRow]:
    """The latest statement of each side that made one."""
    return {Side(said.side): said for said in records.statements_of_transfer.get(transfer_id, ())}


def vouchers(matter: Matter, row: TransferRow) -> list[Voucher]:
    """The sides that stand by a transfer: by a latest word other than denial, or by having registered it."""
    records = matter.records
    latest = words(records, row.id)
    found = []
    for side, organisation_id in ((Side.SENDER, row.sender_id), (Side.RECIPIENT, row.recipient_id)):
        said: FactRow | None = latest.get(side) or (row if row.asserted_by_id == organisation_id else None)
        denied = side in latest and latest[side].word == Word.DENIED
        if said is not None and not denied and said.asserted_by_id == organisation_id:
            told_of = organisation_ref(records, organisation_id)
            found.append(Voucher(side=side, organisation=told_of, recorded_at=said.recorded_at))
    return found


def campaign_seen(matter: Matter, row: CampaignRow) -> CampaignSeen:
    """A campaign, and through which of the datasets that the caller sees the number was in it."""
    records = matter.records
    used = [one for one in records.datasets_of_campaign.get(row.id, ()) if one in matter.seen.datasets]
    return CampaignSeen(
        **_told(matter, row),
        party=organisation(records, row.party_id),
        sender=organisation(records, row.sender_id) if row.sender_id else None,
        through=[_use(matter, dataset) for dataset in used],
    )


def _use(matter: Matter, dataset_id: uuid.UUID) -> Use:
    transfer = matter.records.transfer_into_dataset.get(dataset_id)
    return Use(
        dataset=matter.dataset(dataset_id),
        transfer_id=transfer.id if transfer else None,
        transfer_status=matter.records.status_of_transfer[transfer.id] if transfer else None,
    )
