"""What counts of what a holder stated of a dataset: that its holding ended, and that it was withdrawn. Pure.

The views `ended_holding` and `withdrawn_dataset` say the same in SQL.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Final, Protocol, TypeVar

from service.core.vocabulary import DatasetStatementKind

_END: Final = (DatasetStatementKind.ENDED, DatasetStatementKind.END_TAKEN_BACK)
_WITHDRAWAL: Final = (DatasetStatementKind.WITHDRAWN, DatasetStatementKind.WITHDRAWAL_TAKEN_BACK)


class Statement(Protocol):
    """What the standing of a dataset depends on, of a statement."""

    @property
    def id(self) -> uuid.UUID:
        """The id, which orders statements that were recorded at the same instant."""

    @property
    def kind(self) -> DatasetStatementKind:
        """What is stated."""

    @property
    def recorded_at(self) -> datetime:
        """When the registry recorded it."""


StatementT = TypeVar("StatementT", bound=Statement)


def end_of(statements: Iterable[StatementT]) -> StatementT | None:
    """The statement by which the holding of a dataset ended; None while it goes on."""
    return _in_force(statements, *_END)


def withdrawal_of(statements: Iterable[StatementT]) -> StatementT | None:
    """The statement that withdrew a dataset; None if it is not withdrawn."""
    return _in_force(statements, *_WITHDRAWAL)


def _in_force(
    statements: Iterable[StatementT], made: DatasetStatementKind, taken_back: DatasetStatementKind
) -> StatementT | None:
    concerned = (statement for statement in statements if statement.kind in (made, taken_back))
    latest = max(concerned, key=lambda statement: (statement.recorded_at, statement.id), default=None)
    return latest if latest is not None and latest.kind is made else None
