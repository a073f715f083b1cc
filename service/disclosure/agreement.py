"""How well founded it is that a transfer brought a number to its recipient. Pure."""

from enum import StrEnum

from service.core.vocabulary import Side, TransferStatus
from service.provenance.answer.schemas import TransferView


class Standing(StrEnum):
    """What the two sides say of a number in a transfer, taken together."""

    AGREED = "agreed"
    RECIPIENT_ALONE = "recipient_alone"
    SENDER_ALONE = "sender_alone"
    NOT_RECEIVED = "not_received"
    NOT_DECLARED = "not_declared"
    DENIED_BY_RECIPIENT = "denied_by_recipient"
    DENIED_BY_SENDER = "denied_by_sender"
    ANOTHERS_WORD = "anothers_word"


CONTRADICTED = frozenset(
    {Standing.NOT_RECEIVED, Standing.NOT_DECLARED, Standing.DENIED_BY_RECIPIENT, Standing.DENIED_BY_SENDER}
)
"""One side says the contrary of the other."""

SURE = frozenset({Standing.AGREED, Standing.RECIPIENT_ALONE})
"""The recipient itself says that it has the number from there, and nobody says otherwise."""


RECEIVED = SURE | {Standing.NOT_DECLARED, Standing.DENIED_BY_SENDER}
"""The recipient itself says so, whatever the sender says."""


def standing(transfer: TransferView) -> Standing:
    """How a transfer stands with regard to the number that the answer is about."""
    latest = {said.side: said.status for said in transfer.statements}
    if transfer.status is TransferStatus.DENIED:
        return Standing.DENIED_BY_RECIPIENT
    if latest.get(Side.SENDER) == TransferStatus.DENIED:
        return Standing.DENIED_BY_SENDER
    if transfer.number_received is False:
        return Standing.NOT_RECEIVED
    if transfer.number_declared is False:
        return Standing.NOT_DECLARED
    return _WHO_VOUCHES[frozenset(voucher.side for voucher in transfer.vouched_by)]


_WHO_VOUCHES = {
    frozenset({Side.SENDER, Side.RECIPIENT}): Standing.AGREED,
    frozenset({Side.RECIPIENT}): Standing.RECIPIENT_ALONE,
    frozenset({Side.SENDER}): Standing.SENDER_ALONE,
    frozenset[Side](): Standing.ANOTHERS_WORD,
}
