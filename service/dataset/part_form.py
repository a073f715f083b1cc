"""What a part is read with: what its caller declares, and what its dataset says of numbers and times."""

import tempfile
import uuid
from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from service.collection.operations import collection_period
from service.core.clock import now
from service.core.errors import Unprocessable
from service.core.time_zone import ask_for_zone, zones_of
from service.dataset.declaration import Declared
from service.intake.dialect import Dialect
from service.intake.media import Format
from service.sandbox.form import ConsentPeriod, PartForm


def part_form(
    declared: Declared,
    dialect: Dialect | None,
    region: str,
    time_zone: str | None,
    period: ConsentPeriod | None,
    rejects_kept: int,
    most_lines: int | None = None,
) -> PartForm:
    """The form of a part of a dataset with this region and time zone."""
    return PartForm(
        **declared._asdict(),
        dialect=dialect,
        region=region,
        time_zone=time_zone,
        consent_period=period,
        rejects_kept=rejects_kept,
        most_lines=most_lines,
        folder=tempfile.gettempdir(),
    )


def zone_of(region: str, stated: str | None, *, reads_consent: bool) -> str | None:
    """The time zone of a dataset: the stated one, else that of its region; None if that has several.

    Raises Unprocessable if consent times would be read in none.
    """
    zones = zones_of(region)
    if stated is not None or len(zones) == 1:
        return stated or zones[0]
    if reads_consent:
        raise Unprocessable("time_zone_missing", ask_for_zone(region, "time_zone="))
    return None


def settled_dialect(stored: dict[str, Any] | None, declared: Format) -> Dialect | None:
    """The dialect that is stored with a dataset. Raises Unprocessable if a part is in another format."""
    dialect = Dialect.from_json(stored) if stored else None
    if dialect is not None and dialect.format is not declared:
        raise Unprocessable(
            "format_differs", f"The first part of this dataset is {dialect.format}. Send this part in that format."
        )
    return dialect


async def consent_period(
    session: AsyncSession, collection_id: uuid.UUID | None, dataset_at: datetime
) -> ConsentPeriod | None:
    """When the consents of a dataset of this time can have been given; None for a dataset without a collection."""
    if collection_id is None:
        return None
    begin, end = await collection_period(session, collection_id)
    return ConsentPeriod(begin, end, dataset_at, now())
