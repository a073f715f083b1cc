"""Requests and responses of the verification and session routes."""

import uuid
from datetime import date
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field, StringConstraints

from service.core.facts import RequestBody
from service.core.instant import Day
from service.messaging.models import MessageState
from service.wording.language import Language

OwnedSince = Annotated[
    Day | None,
    Field(
        default=None,
        description="The day from which you have owned the number, if you want to state it. Numbers are reassigned, "
        "so the answer shows only the organisations for facts from before that day.",
        examples=["2021-09-01"],
    ),
]


def _without_spaces(code: object) -> object:
    # People copy a code with the space that their telephone shows in its middle.
    return "".join(code.split()) if isinstance(code, str) else code


class VerificationIn(RequestBody):
    """The number to verify. It is sent in the body only."""

    number: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(
        description="A mobile number, in any usual spelling.", examples=["06 39 98 46 00"]
    )
    region: Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")] = Field(
        default="FR", description="The country of a number without a country code (ISO 3166-1 alpha-2)."
    )
    language: Language = Field(default=Language.FR, description="Language of the message.")


class VerificationOut(BaseModel):
    """A verification whose code was sent. The response is the same for every number."""

    id: uuid.UUID
    expires_at: AwareDatetime = Field(description="Until when the code is valid.")


class VerificationStateOut(VerificationOut):
    """A verification, and what became of its message."""

    message_state: MessageState = Field(
        description="Whether the message with the code reached the telephone, as the mobile operator reports. It is "
        "`unknown` until a report arrives, and if none does."
    )


class ConfirmationIn(RequestBody):
    """The code from the SMS."""

    code: Annotated[str, StringConstraints(pattern="^[0-9]{6}$"), BeforeValidator(_without_spaces)] = Field(
        examples=["042917"]
    )
    owned_since: OwnedSince


class SessionOut(BaseModel):
    """A session for the number with its token, which is shown only this once."""

    token: str = Field(examples=["fis_…"], description="Send it as `Authorization: Bearer fis_…`.")
    expires_at: AwareDatetime


class SessionIn(RequestBody):
    """What the person states about the number."""

    owned_since: OwnedSince


class PersonSessionOut(BaseModel):
    """The current session."""

    owned_since: date | None = Field(examples=["2021-09-01"])
    expires_at: AwareDatetime
