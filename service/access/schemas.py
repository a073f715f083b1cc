"""Wire shapes of API keys."""

import uuid

from pydantic import AwareDatetime, BaseModel, Field

from service.access.actor import Scope
from service.core.facts import Wire
from service.core.instant import Instant


class KeyIn(Wire):
    """A key to be issued."""

    organisation_id: uuid.UUID = Field(description="Whose key it is.")
    acts_for_id: uuid.UUID | None = Field(
        default=None, description="For a processor's key: the one party that it acts for (GDPR 28)."
    )
    scopes: list[Scope] = Field(min_length=1, examples=[["facts:read", "facts:write", "numbers:read", "numbers:write"]])
    expires_at: Instant | None = Field(default=None, description="Null: it stays good until it is revoked.")


class KeyOut(BaseModel):
    """A key, without its secret."""

    id: uuid.UUID
    organisation_id: uuid.UUID
    acts_for_id: uuid.UUID | None
    prefix: str = Field(examples=["1f0c9a7d2b44"], description="The part of the key that names it.")
    scopes: list[Scope]
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    revoked_at: AwareDatetime | None
    last_used_at: AwareDatetime | None = Field(description="To the minute.")


class IssuedKey(KeyOut):
    """A key that was just made: the only time that its text is shown."""

    key: str | None = Field(
        examples=["fil_1f0c9a7d2b44_…"],
        description="Keep it now: it is not stored here. Null when a repeated request gets its answer again.",
    )


class InspectionOut(BaseModel):
    """One look by the regulator."""

    id: uuid.UUID
    operation: str = Field(examples=["get_lineage"])
    subject: str | None = Field(description="The id of what was looked at; null for a number.")
    number_fingerprint: str | None = Field(
        description="Of a number that was looked at: a keyed hash, the same for every look at the same number."
    )
    api_key_id: uuid.UUID = Field(description="The key that was used.")
    reason: str | None
    recorded_at: AwareDatetime
