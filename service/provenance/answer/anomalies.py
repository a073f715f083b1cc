"""What is wrong in the provenance of a number: orphans, and sides that contradict each other. Pure."""

from collections.abc import Iterable, Sequence

from service.core.vocabulary import OrphanReason, Side, TransferStatus
from service.provenance.answer.schemas import Contradiction, Orphan, TransferView
from service.provenance.answer.views import AnswerContext
from service.provenance.graph.fact_index import FactIndex
from service.provenance.graph.graph import sources
from service.provenance.graph.rows import DatasetRow, TransferRow
from service.wording.direction import isolated


def orphan_view(context: AnswerContext, row: DatasetRow) -> Orphan:
    """A holding without a declared origin, and why it has none."""
    transfer = _transfer_shown(context, row)
    reason = _reason(context, row, transfer)
    return Orphan(
        dataset=context.dataset(row.id),
        reason=reason,
        explanation=_explanation(context.facts, row, reason, transfer),
        transfer_id=transfer.id if transfer else None,
    )


def _transfer_shown(context: AnswerContext, row: DatasetRow) -> TransferRow | None:
    """The transfer that delivered a dataset, unless the number did not come by it and the caller is not a side."""
    transfer = context.facts.transfer_into_dataset.get(row.id)
    return transfer if transfer is not None and transfer.id in context.visibility.transfers else None


def _reason(context: AnswerContext, row: DatasetRow, transfer: TransferRow | None) -> OrphanReason:
    facts = context.facts
    parents = [edge.parent_id for edge in facts.parents_of_dataset.get(row.id, ())]
    if not parents:
        return OrphanReason.NO_SOURCE_DECLARED
    if any(edge.parent_id in context.holding_datasets for edge in sources(facts, row.id, context.erasures)):
        return OrphanReason.SOURCE_IS_ORPHAN
    if transfer is not None:
        return OrphanReason.NOT_IN_SENDERS_DATASET
    arrivals = [facts.transfer_into_dataset.get(parent) for parent in parents]
    if any(facts.status_of_transfer[arrival.id] is TransferStatus.DENIED for arrival in arrivals if arrival):
        return OrphanReason.TRANSFER_DENIED
    return OrphanReason.NOT_IN_SOURCES


def _explanation(facts: FactIndex, row: DatasetRow, reason: OrphanReason, transfer: TransferRow | None) -> str:
    holder = isolated(facts.organisations[row.holder_id].legal_name)
    sender = isolated(facts.organisations[transfer.sender_id].legal_name) if transfer else holder
    match reason:
        case OrphanReason.NO_SOURCE_DECLARED:
            return f"{holder} declares neither a collection nor a source dataset for it."
        case OrphanReason.NOT_IN_SENDERS_DATASET:
            return f"{holder} received it from {sender}, whose dataset does not contain it."
        case OrphanReason.TRANSFER_DENIED:
            return f"{holder} denies the transfer that is declared as its source."
        case OrphanReason.NOT_IN_SOURCES:
            return f"None of the source datasets that {holder} declares contains it."
        case OrphanReason.SOURCE_IS_ORPHAN:
            return f"{holder} got it from a holding that has no declared origin either."


def contradictions(transfers: Sequence[TransferView]) -> list[Contradiction]:
    """What one side of these transfers states of the number and the other contradicts."""
    return [contradiction for transfer in transfers for contradiction in _contradictions_in(transfer)]


def _contradictions_in(transfer: TransferView) -> Iterable[Contradiction]:
    sender, recipient = isolated(transfer.sender.legal_name), isolated(transfer.recipient.legal_name)
    if transfer.status is TransferStatus.RETRACTED:
        return
    if transfer.status is TransferStatus.DENIED:
        text = f"{sender} states that it transferred the number to {recipient}, which denies the transfer."
        yield Contradiction(kind="denied_by_recipient", transfer_id=transfer.id, explanation=text)
    elif transfer.number_declared and transfer.number_received is False:
        text = f"{sender} states that it transferred the number to {recipient}, whose own file does not contain it."
        yield Contradiction(kind="declared_not_received", transfer_id=transfer.id, explanation=text)
    elif transfer.number_received and transfer.number_declared is False:
        text = f"{recipient} states that it received the number from {sender}, whose dataset does not contain it."
        yield Contradiction(kind="received_not_declared", transfer_id=transfer.id, explanation=text)
    if transfer.sender_status is TransferStatus.DENIED:
        text = f"{recipient} states that it received the number from {sender}, which denies the transfer."
        yield Contradiction(kind="denied_by_sender", transfer_id=transfer.id, explanation=text)
    yield from _retracted_by_a_side(transfer)


def _retracted_by_a_side(transfer: TransferView) -> Iterable[Contradiction]:
    """One side registered the transfer and retracted it, and the other still states it."""
    sender, recipient = isolated(transfer.sender.legal_name), isolated(transfer.recipient.legal_name)
    match retracting_side(transfer):
        case Side.SENDER:
            text = f"{recipient} states that it received the number from {sender}, which retracted its own statement."
            yield Contradiction(kind="retracted_by_sender", transfer_id=transfer.id, explanation=text)
        case Side.RECIPIENT:
            text = f"{sender} states that it transferred the number to {recipient}, which retracted its own statement."
            yield Contradiction(kind="retracted_by_recipient", transfer_id=transfer.id, explanation=text)


def retracting_side(transfer: TransferView) -> Side | None:
    """The side that retracted its own statement, unless it was another organisation, or nobody."""
    who = transfer.retraction.asserted_by if transfer.retraction else None
    return {transfer.sender: Side.SENDER, transfer.recipient: Side.RECIPIENT}.get(who) if who else None
