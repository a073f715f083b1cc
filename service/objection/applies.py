"""Which objection applies to which organisations, for which purposes, at which moment. The only home of this rule.

It is written twice, for single objections in Python and for bulk in SQL. A property test checks that both agree.
"""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple, Protocol

from sqlalchemy import ColumnElement, and_, case, or_, true
from sqlmodel import col

from service.core.vocabulary import ObjectionScope, Purpose
from service.objection.models import Objection


class Scoped(Protocol):
    """What the rule reads of an objection's scope."""

    @property
    def scope(self) -> ObjectionScope: ...  # noqa: D102 - the column's name
    @property
    def organisation_id(self) -> uuid.UUID | None: ...  # noqa: D102
    @property
    def purpose(self) -> Purpose | None: ...  # noqa: D102


class Recorded(Scoped, Protocol):
    """What the rule reads of an objection that is recorded."""

    @property
    def recorded_at(self) -> datetime: ...  # noqa: D102
    @property
    def received_by_id(self) -> uuid.UUID | None: ...  # noqa: D102
    @property
    def relayed_at(self) -> datetime | None: ...  # noqa: D102


class Use(NamedTuple):
    """A use of a number: by which organisations, and for which purposes. None: any purpose is possible."""

    organisation_ids: Collection[uuid.UUID]
    purposes: Collection[Purpose] | None


def covers(objection: Scoped, use: Use) -> bool:
    """Whether a use is within the scope of an objection, at any time."""
    match objection.scope:
        case ObjectionScope.EVERYTHING:
            return True
        case ObjectionScope.ORGANISATION:
            return objection.organisation_id in use.organisation_ids
        case ObjectionScope.PURPOSE:
            return use.purposes is None or objection.purpose in use.purposes
        case ObjectionScope.ORIGIN:
            # A contest forbids nothing by itself: it asks for rectification and restriction (GDPR 16, 18).
            return False


def applies(objection: Recorded, use: Use, moment: datetime) -> bool:
    """Whether an objection forbids a use at a moment (GDPR 21(3)).

    It applies from the moment at which it was recorded here, for as long as it is kept, whether or not a holder has
    completed its relay. What an organisation received applies to others only since it is relayed.
    """
    received_itself = objection.received_by_id in use.organisation_ids
    since = objection.recorded_at if received_itself else objection.relayed_at
    return since is not None and since <= moment and covers(objection, use)


def covers_clause(use: Use) -> ColumnElement[bool]:
    """`covers` as a condition on the rows of `Objection`."""
    of_purpose = true() if use.purposes is None else col(Objection.purpose).in_(use.purposes)
    return or_(
        col(Objection.scope) == ObjectionScope.EVERYTHING,
        and_(
            col(Objection.scope) == ObjectionScope.ORGANISATION,
            col(Objection.organisation_id).in_(use.organisation_ids),
        ),
        and_(col(Objection.scope) == ObjectionScope.PURPOSE, of_purpose),
    )


def applies_clause(use: Use, moment: datetime) -> ColumnElement[bool]:
    """`applies` as a condition on the rows of `Objection`."""
    received_itself = col(Objection.received_by_id).in_(use.organisation_ids)
    since = case((received_itself, col(Objection.recorded_at)), else_=col(Objection.relayed_at))
    return and_(since <= moment, covers_clause(use))
