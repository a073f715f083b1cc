"""What answers about parts and datasets say of columns: those that were read, and relevant ones that were not."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import run
from service.dataset.models import DatasetPart
from service.dataset.schemas import ColumnOut, PartOut
from service.intake.errors import UnreadablePart
from service.sandbox.frames import Edges, End


def stored_columns(end: End) -> dict[str, Any]:
    """The columns and edges of a part as they are stored with it."""
    return {
        **end.edges._asdict(),
        "has_header": end.has_header,
        "read_columns": [asdict(column) for column in end.read_columns],
        "ignored_columns": [column.stored for column in end.ignored_columns],
    }


def shown_columns(end: End) -> list[str]:
    """The ignored columns as they are shown to who sent the part, with names that are not stored."""
    return [column.shown for column in end.ignored_columns]


async def check_places(session: AsyncSession, part: DatasetPart) -> None:
    """Refuse a part if a header puts columns elsewhere than a part without a header was read from.

    Its lines may go on from those below that header. Raises UnreadablePart.
    """
    if part.has_header is None:
        return
    query = select(DatasetPart).where(
        DatasetPart.dataset_id == part.dataset_id,
        DatasetPart.number != part.number,
        DatasetPart.has_header == (not part.has_header),
    )
    places = _places_of(part)
    for other in (await session.exec(query.order_by(col(DatasetPart.number)))).all():
        if any(places.get(role, place) != place for role, place in _places_of(other).items()):
            without, named = (other, part) if part.has_header else (part, other)
            raise UnreadablePart(
                "columns_elsewhere",
                f"Part {without.number} has no header, and the header of part {named.number} has the columns in other "
                "places than those that the first part was read from. Send the part without a header again with its "
                "header, or put the columns of all parts in one order.",
            )


def _places_of(part: DatasetPart) -> dict[str, int]:
    return {column["role"]: column["position"] for column in part.read_columns}


_NOT_SHOWN: Final = {"dataset_id", "upload", "digest", "states_date_format", *Edges._fields}


def part_out(row: DatasetPart, **extra: Any) -> PartOut:
    """The response body of a part."""
    return PartOut(**row.model_dump(exclude=_NOT_SHOWN) | extra)


_OF_PARTS: Final = text("""
    SELECT dataset_id, sum(accepted_count)::bigint, sum(consent_count)::bigint,
        jsonb_agg(DISTINCT read_columns), jsonb_agg(DISTINCT ignored_columns)
    FROM dataset_part WHERE dataset_id = ANY(:ids) GROUP BY dataset_id
""")


async def read_part_columns(
    session: AsyncSession, dataset_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, dict[str, Any]]:
    """For each dataset with parts, what their lines and columns are, as members of its response body."""
    found = await run(session, _OF_PARTS, {"ids": list(dataset_ids)})
    return {
        dataset_id: {
            "accepted_count": accepted,
            "consent_count": consents,
            "read_columns": [ColumnOut(**column) for column in _distinct(read)],
            "ignored_columns": _distinct(ignored),
        }
        for dataset_id, accepted, consents, read, ignored in map(tuple, found)
    }


def _distinct(of_parts: Iterable[Iterable[Any]]) -> list[Any]:
    distinct: list[Any] = []
    for columns in of_parts:
        distinct.extend(column for column in columns if column not in distinct)
    return distinct
