"""Who calls: an organisation, possibly through a processor, with the roles and scopes of its key."""

import uuid
from dataclasses import dataclass
from enum import StrEnum

from service.core.vocabulary import Role


class Scope(StrEnum):
    """What a key may do. A key has any number of scopes, and a route requires one of them."""

    FACTS_READ = "facts:read"
    FACTS_WRITE = "facts:write"
    NUMBERS_READ = "numbers:read"
    NUMBERS_WRITE = "numbers:write"
    ACCOUNTS = "accounts"


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller of one request.

    `organisation_id` is the organisation that sees and asserts. For a processor's key that is the party it acts for
    (GDPR 28), and `through_id` is the processor itself. For an heir's key it is the organisation that `heir_id`
    succeeded, and for which the heir answers and sees as that organisation would.
    """

    key_id: uuid.UUID
    organisation_id: uuid.UUID
    through_id: uuid.UUID | None
    roles: frozenset[Role]
    scopes: frozenset[Scope]
    heir_id: uuid.UUID | None = None

    @property
    def asserts_through_id(self) -> uuid.UUID | None:
        """The organisation whose key states what another asserts: its processor or heir."""
        return self.through_id or self.heir_id

    @property
    def is_regulator(self) -> bool:
        """Whether this is a supervisory authority. It sees everything, and each of its requests is recorded."""
        return Role.REGULATOR in self.roles

    @property
    def is_operator(self) -> bool:
        """Whether this is the operator of the registry, which sees accounts but no numbers."""
        return Role.OPERATOR in self.roles
