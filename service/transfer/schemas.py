"""Request and response bodies of transfers and statements."""

import uuid
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from service.core.facts import FactIn, FactOut, RequestBody
from service.core.text import Line, Note
from service.core.time_zone import TimeZone
from service.core.vocabulary import LawfulBasis, ProcessingRole, Purpose, Side, TransferStatus
from service.dataset.schemas import Region


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
    """What a side states of a transfer that the other registered, or that the one who registered it was mistaken."""

    status: Literal[
        TransferStatus.ACKNOWLEDGED, TransferStatus.DENIED, TransferStatus.RETRACTED, TransferStatus.DECLARED
    ] = Field(
        description="`acknowledged`: it took place as registered. `denied`: there was no such transfer. `retracted`: "
        "you registered it by mistake. To take that back, state `declared` or, as the recipient, `acknowledged`."
    )
    comment: Note | None = Field(
        default=None,
        description="Required to retract a transfer: the reason, which the persons concerned read.",
        examples=["Reçu le 2 avril."],
    )

    @model_validator(mode="after")
    def _states_reason(self) -> Self:
        if self.status is TransferStatus.RETRACTED and not self.comment:
            raise ValueError("`comment` must say why the transfer is retracted")
        return self


class StatementOut(FactOut):
    """What was stated of a transfer. Every statement is kept.

    Of each side its own latest counts, or else what another stated in its place. After a retraction, nothing counts
    that the same organisation stated before.
    """

    side: Side
    status: TransferStatus
    comment: str | None
    extra_count: int | None = Field(description="Numbers in the recipient's file that the sender does not declare.")
    missing_count: int | None = Field(description="Numbers that the sender declares and the recipient's file lacks.")


class ReconciliationIn(RequestBody):
    """How the recipient's own file is to be read."""

    default_region: Region | None = Field(
        default=None,
        description="Region of numbers without a country code (ISO 3166-1 alpha-2). Default: your own country.",
        examples=["FR"],
    )
    time_zone: TimeZone | None = Field(
        default=None,
        description="Time zone of times without an offset (IANA). Default: the one of `default_region`, if it has one.",
        examples=["Europe/Paris"],
    )


class ReconciliationOut(BaseModel):
    """An open reconciliation: how your file is read, and what its comparison found, which does not count yet."""

    transfer_id: uuid.UUID
    dataset_id: uuid.UUID = Field(description="The received dataset, whose parts are your file.")
    default_region: str = Field(examples=["FR"])
    time_zone: str | None
    compared_at: AwareDatetime | None = Field(
        description="When the file was compared as it is now. Null before, and after another part was sent."
    )
    extra_count: int | None = Field(description="Numbers in your file that the sender does not declare.")
    missing_count: int | None = Field(description="Numbers that the sender declares and your file lacks.")


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
    status: TransferStatus = Field(
        description="What the recipient states; `declared` until it states anything. `retracted`: it was registered by "
        "mistake, and nobody states it any more."
    )
    vouched_by: list[Side] = Field(description="The sides that themselves state now that it took place.")
    retracted_at: AwareDatetime | None = Field(
        description="When the organisation that registered it retracted it. Then it rests on the other side alone, or "
        "it is `retracted`."
    )
    recipient_has_account: bool = Field(
        description="If not, the transfer is one-sided: the recipient can neither confirm nor deny it here."
    )
    number_count: int = Field(
        description="Numbers that the sender declares: those of its dataset that it had not erased before.",
        examples=[3500],
    )
    statements: list[StatementOut]
