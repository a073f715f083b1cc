"""Wire shapes of what a holder states of a sealed dataset: the end of its holding, and its withdrawal."""

import uuid

from pydantic import Field

from service.core.facts import FactIn, FactOut, RequestBody
from service.core.text import Note
from service.core.vocabulary import DatasetStatementKind, EndReason


class HoldingEndIn(FactIn):
    """Since when the holder no longer has a dataset, and why. `occurred_at` is since when."""

    end_reason: EndReason = Field(
        description="`deleted`: it deleted the file. `returned`: it gave the file back. `retention_over`: its "
        "retention period is over. `poll_over`: the poll that it was for is over."
    )
    reason: Note | None = Field(default=None, examples=["Fichier détruit après le second tour."])


class DatasetWithdrawalIn(RequestBody):
    """Why a dataset was never so."""

    reason: Note = Field(examples=["Registered twice: the other one is right."])


class TakenBackIn(RequestBody):
    """Why an end or a withdrawal is taken back."""

    reason: Note | None = Field(default=None, examples=["Said of the wrong file."])


class DatasetStatementOut(FactOut):
    """What its holder stated of a sealed dataset. Every statement is kept; the latest of each pair counts."""

    dataset_id: uuid.UUID
    kind: DatasetStatementKind
    end_reason: EndReason | None = Field(description="Of an end.")
    reason: str | None = Field(description="In the holder's words. Null upstream of what you hold.")
