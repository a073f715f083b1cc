"""Schemas of API keys and inspections."""

import uuid

from pydantic import AwareDatetime, BaseModel, Field

from service.access.actor import Scope
from service.core.facts import RequestBody
from service.core.instant import Instant
from service.core.text import Line


class KeyIn(RequestBody):
    """A key to issue."""

    organisation_id: uuid.UUID = Field(description="The organisation whose key this is.")
    acts_for_id: uuid.UUID | None = Field(
        default=None,
        description="For a processor's key: the party that it acts for (GDPR 28). For an heir's: an organisation that "
        "it succeeded. The heir then sees and answers for what that one held.",
    )
    label: Line | None = Field(
        default=None, examples=["CRM, Paris"], description="What the key is for, to tell several apart."
    )
    scopes: list[Scope] = Field(min_length=1, examples=[["facts:read", "facts:write", "numbers:read", "numbers:write"]])
    expires_at: Instant | None = Field(default=None, description="Null if the key stays valid until it is revoked.")


class KeyOut(BaseModel):
    """A key, without its secret."""

    id: uuid.UUID
    organisation_id: uuid.UUID
    acts_for_id: uuid.UUID | None
    as_heir: bool = Field(description="Whether the key acts for an organisation that its own succeeded.")
    label: str | None = Field(examples=["CRM, Paris"], description="What the key is for.")
    prefix: str = Field(examples=["1f0c9a7d2b44"], description="The part of the key that identifies it.")
    scopes: list[Scope]
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    revoked_at: AwareDatetime | None
    last_used_at: AwareDatetime | None = Field(description="When the key was last used, to the minute.")
    issued_by_id: uuid.UUID | None = Field(
        description="The operator that issued it. Null if that was the operator's command line, or a rotation."
    )
    replaces_id: uuid.UUID | None = Field(description="The key that this one replaced in a rotation.")


class IssuedKey(KeyOut):
    """A new key. Its text is shown only here."""

    key: str | None = Field(
        examples=["fil_1f0c9a7d2b44_…"],
        description="Store it now: the registry does not. Null if a repeated request gets its first response again.",
    )


class InspectionOut(BaseModel):
    """A time that the supervisory authority looked at something."""

    id: uuid.UUID
    operation: str = Field(examples=["get_lineage"])
    subject: str | None = Field(description="The id of what was looked at. Null for a number.")
    number_fingerprint: str | None = Field(
        description="A keyed hash of a number that was looked up, the same for each lookup of that number."
    )
    api_key_id: uuid.UUID = Field(description="The API key of the request.")
    reason: str | None
    recorded_at: AwareDatetime
