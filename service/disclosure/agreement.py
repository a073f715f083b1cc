"""How far the two sides of a transfer agree that it brought a number to its recipient. Pure."""

from enum import StrEnum

from service.core.vocabulary import Side, TransferStatus
from service.provenance.answer.anomalies import retracting_side
from service.provenance.answer.schemas import TransferView


class Agreement(StrEnum):
    """What the two sides say of a number in a transfer, taken together."""

    AGREED = "agreed"
    RECIPIENT_ALONE = "recipient_alone"
    SENDER_ALONE = "sender_alone"
    ACKNOWLEDGED_LATE = "acknowledged_late"
    NOT_RECEIVED = "not_received"
    NOT_DECLARED = "not_declared"
    DENIED_BY_RECIPIENT = "denied_by_recipient"
    DENIED_BY_SENDER = "denied_by_sender"
    RETRACTED_BY_SENDER = "retracted_by_sender"
    RETRACTED_BY_RECIPIENT = "retracted_by_recipient"
    RETRACTED = "retracted"
    THIRD_PARTY = "third_party"


CONTRADICTED = frozenset(
    {
        Agreement.NOT_RECEIVED,
        Agreement.NOT_DECLARED,
        Agreement.DENIED_BY_RECIPIENT,
        Agreement.DENIED_BY_SENDER,
        Agreement.RETRACTED_BY_SENDER,
        Agreement.RETRACTED_BY_RECIPIENT,
    }
)
"""One side says the contrary of the other, or retracted what the other still says."""

SURE = frozenset({Agreement.AGREED, Agreement.RECIPIENT_ALONE})
"""The recipient itself says that it has the number from the sender, and nobody says otherwise."""


UNSETTLED = CONTRADICTED | {Agreement.SENDER_ALONE, Agreement.ACKNOWLEDGED_LATE}
"""The recipient does not say that it has the number from the sender, or the sender says the contrary."""

RECEIVED = SURE | {Agreement.NOT_DECLARED, Agreement.DENIED_BY_SENDER, Agreement.RETRACTED_BY_SENDER}
"""The recipient itself says so, whatever the sender says."""


def agreement_on(transfer: TransferView) -> Agreement:
    """How far the sides of a transfer agree on the number that the answer is about."""
    if transfer.status is TransferStatus.RETRACTED:
        return Agreement.RETRACTED
    if transfer.status is TransferStatus.DENIED:
        return Agreement.DENIED_BY_RECIPIENT
    if transfer.sender_status is TransferStatus.DENIED:
        return Agreement.DENIED_BY_SENDER
    if transfer.number_received is False:
        return Agreement.NOT_RECEIVED
    if transfer.number_declared is False:
        return Agreement.NOT_DECLARED
    retracted_by = retracting_side(transfer)
    if retracted_by is not None:
        by_sender = retracted_by is Side.SENDER
        return Agreement.RETRACTED_BY_SENDER if by_sender else Agreement.RETRACTED_BY_RECIPIENT
    vouching = frozenset(voucher.side for voucher in transfer.vouched_by)
    if transfer.number_received is None and Side.RECIPIENT in vouching:
        # It denied the transfer until the sender had erased the number.
        return Agreement.ACKNOWLEDGED_LATE
    return _WITHOUT_CONTRADICTION[vouching]


_WITHOUT_CONTRADICTION = {
    frozenset({Side.SENDER, Side.RECIPIENT}): Agreement.AGREED,
    frozenset({Side.RECIPIENT}): Agreement.RECIPIENT_ALONE,
    frozenset({Side.SENDER}): Agreement.SENDER_ALONE,
    frozenset[Side](): Agreement.THIRD_PARTY,
}
