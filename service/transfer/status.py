"""What counts of the statements of a transfer, and its status. Pure. The one home of what a status means.

The views `transfer_status` and `void_transfer` say the same in SQL, for packages below this one and for questions about
many transfers.

The organisation that registered a transfer may retract what it stated. Then all of its statements count for nothing,
until it states the transfer again. What others stated stays: a transfer rests on their word alone, or on nobody's.
Of each side, its own word counts as soon as it has spoken, and before that what another stated in its place.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar

from service.core.vocabulary import Side, TransferStatus


class Statement(Protocol):
    """What the status depends on, of a statement."""

    @property
    def id(self) -> uuid.UUID:
        """The id, which orders statements that were recorded at the same instant."""

    @property
    def asserted_by_id(self) -> uuid.UUID | None:
        """The organisation that made it."""

    @property
    def side(self) -> Side:
        """The side that made it, or in whose place it was made."""

    @property
    def status(self) -> TransferStatus:
        """What is stated of the transfer."""

    @property
    def recorded_at(self) -> datetime:
        """When the registry recorded it."""


class Registered(Protocol):
    """What the status depends on, of the transfer itself."""

    @property
    def sender_id(self) -> uuid.UUID:
        """The sender."""

    @property
    def recipient_id(self) -> uuid.UUID:
        """The recipient."""

    @property
    def asserted_by_id(self) -> uuid.UUID | None:
        """The organisation that registered it: a side, or another in the sender's place."""


StatementT = TypeVar("StatementT", bound=Statement)

ASSERTING: Final = frozenset(
    {TransferStatus.DECLARED, TransferStatus.ACKNOWLEDGED, TransferStatus.CONFIRMED, TransferStatus.DISPUTED}
)
"""The statements that a transfer took place."""

VOID: Final = frozenset({TransferStatus.DENIED, TransferStatus.RETRACTED})
"""The statuses of a transfer that gives its recipient no holding, no sight, no origin and no count."""


@dataclass(frozen=True, slots=True)
class Standing(Generic[StatementT]):
    """What counts of the statements of a transfer.

    `sender` and `recipient` are the statements that count for each side, `retraction` is that of the organisation
    which registered the transfer, as long as it has not stated it again.
    """

    sender: StatementT | None
    recipient: StatementT | None
    retraction: StatementT | None

    @property
    def status(self) -> TransferStatus:
        """The status: the recipient's word, or `declared` before that; `retracted` if nobody states it any more."""
        if self.recipient is not None and self.recipient.status in ASSERTING:
            return self.recipient.status
        if self.retraction is None or (self.sender is not None and self.sender.status in ASSERTING):
            return TransferStatus.DECLARED if self.recipient is None else self.recipient.status
        return TransferStatus.RETRACTED

    def of(self, side: Side) -> StatementT | None:
        """The statement that counts for a side."""
        return self.sender if side is Side.SENDER else self.recipient

    def vouching(self, transfer: Registered) -> frozenset[Side]:
        """The sides that themselves state now that the transfer took place."""
        ids = {Side.SENDER: transfer.sender_id, Side.RECIPIENT: transfer.recipient_id}
        return frozenset(
            side
            for side, organisation_id in ids.items()
            if (word := self.of(side)) is not None
            and word.status in ASSERTING
            and word.asserted_by_id == organisation_id
        )


def standing_of(transfer: Registered, statements: Iterable[StatementT]) -> Standing[StatementT]:
    """What counts of the statements of a transfer, given in any order."""
    ordered = sorted(statements, key=lambda statement: (statement.recorded_at, statement.id))
    by_registrant = [statement for statement in ordered if statement.asserted_by_id == transfer.asserted_by_id]
    last = by_registrant[-1] if by_registrant else None
    retraction = last if last is not None and last.status is TransferStatus.RETRACTED else None
    if retraction is not None:
        ordered = [statement for statement in ordered if statement.asserted_by_id != transfer.asserted_by_id]
    return Standing(
        sender=_word(ordered, Side.SENDER, transfer.sender_id),
        recipient=_word(ordered, Side.RECIPIENT, transfer.recipient_id),
        retraction=retraction,
    )


def _word(ordered: Sequence[StatementT], side: Side, organisation_id: uuid.UUID) -> StatementT | None:
    """The last statement of a side itself, or else the last that another made in its place."""
    of_side = [statement for statement in ordered if statement.side is side]
    own = [statement for statement in of_side if statement.asserted_by_id == organisation_id]
    counting = own or of_side
    return counting[-1] if counting else None
