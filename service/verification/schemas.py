"""Wire shapes of verifications and sessions."""

import uuid
from datetime import date
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field, StringConstraints

from service.core.facts import Wire
from service.core.instant import Day
from service.wording.language import Language

Since = Annotated[
    Day | None,
    Field(
        default=None,
        description="Since when the number is yours, if you want to say: numbers change hands, and what happened "
        "before is then told by organisation only.",
        examples=["2021-09-01"],
    ),
]


def _closed_up(code: object) -> object:
    # People copy a code with the blank that their telephone shows in its middle.
    return "".join(code.split()) if isinstance(code, str) else code


class VerificationIn(Wire):
    """The number to prove. It travels in the body alone."""

    number: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(
        description="A mobile number, in any usual spelling.", examples=["06 39 98 46 00"]
    )
    region: Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")] = Field(
        default="FR", description="Where a number without country code is from (ISO 3166-1 alpha-2)."
    )
    language: Language = Field(default=Language.FR, description="Language of the message.")


class VerificationOut(BaseModel):
    """A code is on its way. The answer is the same for every number."""

    id: uuid.UUID
    expires_at: AwareDatetime = Field(description="Until when the code is good.")


class ConfirmationIn(Wire):
    """The code that came by SMS."""

    code: Annotated[str, StringConstraints(pattern="^[0-9]{6}$"), BeforeValidator(_closed_up)] = Field(
        examples=["042917"]
    )
    owned_since: Since


class SessionOut(BaseModel):
    """A session that speaks for the number: the only time that its token is shown."""

    token: str = Field(examples=["fis_…"], description="Send it as `Authorization: Bearer fis_…`.")
    expires_at: AwareDatetime


class SessionIn(Wire):
    """What the person says of the number."""

    owned_since: Since


class PersonSessionOut(BaseModel):
    """The session as it is now."""

    owned_since: date | None = Field(examples=["2021-09-01"])
    expires_at: AwareDatetime
