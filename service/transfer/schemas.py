"""Request and response bodies of transfers and statements."""

import uuid
from typing import Literal

from pydantic import BaseModel, Field

from service.core.facts import FactIn, FactOut, RequestBody
from service.core.text import Line, Note
from service.core.vocabulary import LawfulBasis, ProcessingRole, Purpose, Side, TransferStatus


class Criterion(RequestBody):
    """One criterion by which the numbers were selected."""

    criterion: Line = Field(examples=["age"])
    selection: Line = Field(examples=["30-60"], description="Which values were selected.")
    source: Line | None = Field(default=None, description="Where the data behind it come from.")


class CriterionOut(BaseModel):
    """One criterion by which the numbers were selected."""

    criterion: str = Field(examples=["age"])
    selection: str = Field(examples=["30-60"])
    source: str | None


class TransferIn(FactIn):
    """A whole sealed dataset handed over. The sender registers it, or the recipient if the sender has no account."""

    dataset_id: uuid.UUID = Field(description="The sender's sealed dataset.")
    recipient_id: uuid.UUID
    purpose: Purpose = Field(examples=["political_canvassing"])
    lawful_basis: LawfulBasis
    sender_role: ProcessingRole
    recipient_role: ProcessingRole
    contract: Line | None = Field(
        default=None, examples=["Contrat de location 2024-118"], description="The reference of the contract."
    )
    targeting: list[Criterion] = Field(
        default_factory=list, max_length=100, examples=[[{"criterion": "age", "selection": "30-60"}]]
    )


class StatementIn(FactIn):
    """What a side states of a transfer that the other side registered."""

    status: Literal[TransferStatus.ACKNOWLEDGED, TransferStatus.DENIED] = Field(
        description="`acknowledged`: it took place as registered. `denied`: there was no such transfer."
    )
    comment: Note | None = Field(default=None, examples=["Reçu le 2 avril."])


class StatementOut(FactOut):
    """What a side stated of a transfer. Every statement is kept; the latest of each side counts."""

    side: Side
    status: TransferStatus
    comment: str | None
    extra_count: int | None = Field(description="Numbers in the recipient's file that the sender does not declare.")
    missing_count: int | None = Field(description="Numbers that the sender declares and the recipient's file lacks.")


class TransferOut(FactOut):
    """A transfer with the statements of both sides."""

    sender_id: uuid.UUID
    recipient_id: uuid.UUID
    dataset_id: uuid.UUID
    received_dataset_id: uuid.UUID = Field(description="The dataset that the recipient got by it.")
    purpose: Purpose = Field(examples=["political_canvassing"])
    lawful_basis: LawfulBasis
    sender_role: ProcessingRole
    recipient_role: ProcessingRole
    contract: str | None = Field(examples=["Contrat de location 2024-118"])
    targeting: list[CriterionOut]
    status: TransferStatus = Field(description="What the recipient stated last; `declared` until it states anything.")
    number_count: int = Field(
        description="Numbers that the sender declares: those of its dataset that it had not erased before.",
        examples=[3500],
    )
    statements: list[StatementOut]
