"""The status of a transfer, from the statements of its sides. Pure.

The view `transfer_status` says the same in SQL, for packages below this one and for questions about many transfers.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from service.core.vocabulary import Side, TransferStatus


class Statement(Protocol):
    """What the status depends on, of a statement."""

    @property
    def id(self) -> uuid.UUID:
        """The id, which orders statements that were recorded at the same instant."""

    @property
    def side(self) -> Side:
        """The side that made it."""

    @property
    def status(self) -> TransferStatus:
        """What that side states of the transfer."""

    @property
    def recorded_at(self) -> datetime:
        """When the registry recorded it."""


def status_of(statements: Iterable[Statement]) -> TransferStatus:
    """The status that the recipient stated last, or `declared` as long as the recipient has stated nothing."""
    by_recipient = (statement for statement in statements if statement.side is Side.RECIPIENT)
    latest = max(by_recipient, key=lambda statement: (statement.recorded_at, statement.id), default=None)
    return TransferStatus.DECLARED if latest is None else latest.status
