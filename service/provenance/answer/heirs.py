"""Who answers today for what an organisation held. Pure."""

import uuid
from collections.abc import Mapping
from datetime import date
from typing import Protocol

from service.provenance.answer.references import Heir


class Succeeded(Protocol):
    """What is known of an organisation that another may have succeeded."""

    @property
    def id(self) -> uuid.UUID: ...  # noqa: D102 - the column's name
    @property
    def legal_name(self) -> str: ...  # noqa: D102
    @property
    def privacy_contact(self) -> str | None: ...  # noqa: D102
    @property
    def succeeded_by_id(self) -> uuid.UUID | None: ...  # noqa: D102
    @property
    def succeeded_on(self) -> date | None: ...  # noqa: D102


def heir_of(organisations: Mapping[uuid.UUID, Succeeded], row: Succeeded) -> Heir | None:
    """The last of those that succeeded an organisation one after the other; None if nobody did.

    A succession leads nowhere twice: `organisation.succession` refuses what would.
    """
    heir, since = row, row.succeeded_on
    while heir.succeeded_by_id is not None and heir.succeeded_by_id in organisations:
        heir = organisations[heir.succeeded_by_id]
    if heir is row or since is None:
        return None
    return Heir(id=heir.id, legal_name=heir.legal_name, privacy_contact=heir.privacy_contact, since_on=since)
