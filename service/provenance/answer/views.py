"""From rows to wire shapes: what an answer shows of each thing that its caller may see. Pure."""

import uuid
from collections.abc import Collection, Container
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict

from service.access.visibility import Visibility, named
from service.core.erasures import Erasures, held_at
from service.core.vocabulary import Content, Role, Side, TransferStatus
from service.provenance.answer.dataset_refs import dataset_ref, organisation_ref
from service.provenance.answer.heirs import heir_of
from service.provenance.answer.references import DatasetRef, OrganisationRef, OrganisationView
from service.provenance.answer.schemas import (
    ChainView,
    Erasure,
    Holding,
    HopView,
    Retraction,
    Statement,
    TransferView,
    Voucher,
)
from service.provenance.graph.chains import Chain
from service.provenance.graph.fact_index import FactIndex
from service.provenance.graph.graph import Graph, Hop
from service.provenance.graph.rows import (
    DatasetRow,
    FactRow,
    StatementRow,
    TransferRow,
)
from service.transfer.schemas import CriterionOut
from service.transfer.status import Standing, standing_of


@dataclass(frozen=True)
class AnswerContext:
    """What an answer is made from: the graph, where one number is, and what one caller may see of it.

    Of the datasets that the answer depends on, `holding_datasets` hold the number, or held it until their `erasures`.
    `known` are the organisations that the caller may see named. `moment` decides which campaigns have begun.
    """

    graph: Graph
    holding_datasets: Collection[uuid.UUID]
    visibility: Visibility
    known: Container[uuid.UUID]
    erasures: Erasures
    moment: datetime

    # The same few datasets and hops are part of many chains: each view is made once.
    _datasets: dict[uuid.UUID, DatasetRef] = field(default_factory=dict)
    _hops: dict[Hop, HopView] = field(default_factory=dict)

    @property
    def facts(self) -> FactIndex:
        """The recorded facts."""
        return self.graph.facts

    def assertion(self, row: FactRow) -> "Assertion":
        """Who asserts a fact, and when."""
        return assertion(self.facts, self.known, row)

    def dataset(self, dataset_id: uuid.UUID) -> DatasetRef:
        """A dataset, as far as the caller may see it."""
        if dataset_id not in self._datasets:
            self._datasets[dataset_id] = dataset_ref(self.facts, self.visibility, dataset_id)
        return self._datasets[dataset_id]

    def hop(self, hop: Hop) -> HopView:
        """A hop of a chain."""
        if hop not in self._hops:
            self._hops[hop] = _hop(self, hop)
        return self._hops[hop]


class Assertion(TypedDict):
    """The fields of `Asserted`."""

    asserted_by: OrganisationRef | None
    asserted_through: OrganisationRef | None
    occurred_at: datetime
    recorded_at: datetime


def organisation_view(facts: FactIndex, known: Container[uuid.UUID], organisation_id: uuid.UUID) -> OrganisationView:
    """An organisation with its contact, and whose word these are until it speaks for itself."""
    row = facts.organisations[organisation_id]
    return OrganisationView(
        id=row.id,
        legal_name=row.legal_name,
        country=row.country,
        registration_number=row.registration_number,
        roles=[Role(role) for role in row.roles],
        privacy_contact=row.privacy_contact,
        has_account=row.admitted_at is not None,
        stated_by=None if row.stated_by_id == row.id else _if_known(facts, known, row.stated_by_id),
        stated_at=row.stated_at,
        closed_on=row.closed_on,
        succeeded_by=heir_of(facts.organisations, row),
    )


def assertion(facts: FactIndex, known: Container[uuid.UUID], row: FactRow) -> Assertion:
    """Who asserts a fact, and when. An organisation that is not `known` to the caller is withheld."""
    return {
        "asserted_by": _if_known(facts, known, row.asserted_by_id),
        "asserted_through": _if_known(facts, known, row.asserted_through_id),
        "occurred_at": row.occurred_at,
        "recorded_at": row.recorded_at,
    }


def _if_known(
    facts: FactIndex, known: Container[uuid.UUID], organisation_id: uuid.UUID | None
) -> OrganisationRef | None:
    found = named(known, organisation_id)
    return organisation_ref(facts, found) if found else None


def holding_view(context: AnswerContext, row: DatasetRow, *, orphan: bool, current: bool) -> Holding:
    """A dataset that holds the number, without the number's own consent in it."""
    return Holding(
        **context.assertion(_answered_for(context.facts, row)),
        dataset=context.dataset(row.id),
        content=row.content,
        sealed_at=row.sealed_at,
        orphan=orphan,
        current=current,
        consented_at=None,
    )


def erasure_view(context: AnswerContext, row: DatasetRow) -> Erasure:
    """A dataset that held the number until its holder erased it."""
    return Erasure(
        **context.assertion(_answered_for(context.facts, row)),
        dataset=context.dataset(row.id),
        erased_at=context.erasures[row.id],
    )


def _answered_for(facts: FactIndex, row: DatasetRow) -> FactRow:
    """The fact whose asserter answers for the numbers of a dataset."""
    transfer = facts.transfer_into_dataset.get(row.id)
    if row.content == Content.UPLOADED and transfer is not None:
        # It now holds the recipient's own file, for which the recipient answers and not the transfer's asserter.
        return standing_in(facts, transfer).recipient or row
    return row


def chain_view(context: AnswerContext, chain: Chain) -> ChainView:
    """A chain, hop by hop."""
    return ChainView(
        head=context.dataset(chain.head_id),
        orphan=chain.orphan,
        hops=[context.hop(hop) for hop in chain.hops],
    )


def _hop(context: AnswerContext, hop: Hop) -> HopView:
    facts = context.facts
    transfer = facts.transfers[hop.transfer_id] if hop.transfer_id else None
    fact: FactRow = transfer or facts.datasets[hop.dataset_id]
    return HopView(
        kind="transfer" if transfer else "derivation",
        from_dataset=context.dataset(hop.parent_id),
        to_dataset=context.dataset(hop.dataset_id),
        transfer_id=hop.transfer_id,
        status=facts.status_of_transfer[transfer.id] if transfer else None,
        sender_role=transfer.sender_role if transfer else None,
        recipient_role=transfer.recipient_role if transfer else None,
        occurred_at=fact.occurred_at,
        recorded_at=fact.recorded_at,
        vouched_by=vouchers(context, transfer) if transfer else [],
    )


def transfer_view(context: AnswerContext, row: TransferRow) -> TransferView:
    """A transfer with what both sides state of it, and of this number in it."""
    facts, standing = context.facts, standing_in(context.facts, row)
    return TransferView(
        **context.assertion(row),
        id=row.id,
        sender=organisation_ref(facts, row.sender_id),
        recipient=organisation_ref(facts, row.recipient_id),
        dataset_id=row.dataset_id,
        received_dataset_id=row.received_dataset_id,
        purpose=row.purpose,
        lawful_basis=row.lawful_basis,
        sender_role=row.sender_role,
        recipient_role=row.recipient_role,
        contract=row.contract,
        targeting=[CriterionOut(**criterion) for criterion in row.targeting],
        status=facts.status_of_transfer[row.id],
        sender_status=standing.sender.status if standing.sender else None,
        recipient_status=standing.recipient.status if standing.recipient else None,
        retraction=_retraction(context, standing.retraction) if standing.retraction else None,
        recipient_has_account=facts.organisations[row.recipient_id].admitted_at is not None,
        number_declared=_declared(context, row),
        number_received=_received(context, row),
        vouched_by=vouchers(context, row),
        statements=[_statement(context, statement) for statement in facts.statements_of_transfer.get(row.id, ())],
    )


def _retraction(context: AnswerContext, row: StatementRow) -> Retraction:
    return Retraction(**context.assertion(row), reason=row.comment)


def _declared(context: AnswerContext, row: TransferRow) -> bool | None:
    """Whether the sender's dataset contained the number. None if the sender itself declares nothing."""
    if Side.SENDER not in standing_in(context.facts, row).vouching(row):
        return None
    return row.dataset_id in context.holding_datasets and held_at(context.erasures, row.dataset_id, row.recorded_at)


def _received(context: AnswerContext, row: TransferRow) -> bool | None:
    """Whether the recipient received the number, by its own file or by its agreement. None if it does not say.

    A recipient without a file of its own agrees to what the sender's dataset holds by then. If it denied the transfer
    at first and the sender erased the number meanwhile, its agreement says nothing of the number.
    """
    word = standing_in(context.facts, row).recipient
    if word is None or word.asserted_by_id != row.recipient_id:
        return None
    if row.received_dataset_id in context.holding_datasets:
        return True
    if row.received_dataset_id in context.facts.withdrawn:
        # Its own file was the wrong one, as it says itself.
        return None
    own_file = context.facts.datasets[row.received_dataset_id].content == Content.UPLOADED
    return False if own_file or word.status is TransferStatus.DENIED else None


def _statement(context: AnswerContext, row: StatementRow) -> Statement:
    return Statement(
        **context.assertion(row),
        side=row.side,
        status=row.status,
        comment=row.comment,
        extra_count=row.extra_count,
        missing_count=row.missing_count,
    )


def standing_in(facts: FactIndex, row: TransferRow) -> Standing[StatementRow]:
    """What counts of the statements of a transfer."""
    return standing_of(row, facts.statements_of_transfer.get(row.id, ()))


def vouchers(context: AnswerContext, row: TransferRow) -> list[Voucher]:
    """The sides that vouch for a transfer: their own word, which counts, is that it took place."""
    facts, standing = context.facts, standing_in(context.facts, row)
    vouching = standing.vouching(row)
    return [
        Voucher(side=side, organisation=organisation_ref(facts, organisation_id), recorded_at=word.recorded_at)
        for side, organisation_id in ((Side.SENDER, row.sender_id), (Side.RECIPIENT, row.recipient_id))
        if side in vouching and (word := standing.of(side)) is not None
    ]
