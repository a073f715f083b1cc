"""Who answers today for what an organisation held. Pure."""

import uuid
from collections.abc import Iterator, Mapping
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
    heirs = list(heirs_of(organisations, row))
    if not heirs or row.succeeded_on is None:
        return None
    last = heirs[-1]
    return Heir(id=last.id, legal_name=last.legal_name, privacy_contact=last.privacy_contact, since_on=row.succeeded_on)


def heirs_of(organisations: Mapping[uuid.UUID, Succeeded], row: Succeeded) -> Iterator[Succeeded]:
    """Those that succeeded an organisation, one after the other."""
    while row.succeeded_by_id is not None and row.succeeded_by_id in organisations:
        row = organisations[row.succeeded_by_id]
        yield row
