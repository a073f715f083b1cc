"""What answers about parts and datasets say of columns: those that were read, and relevant ones that were not."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import asdict
from typing import Any, Final, NamedTuple, Self

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import run
from service.dataset.models import DatasetPart
from service.dataset.schemas import ColumnOut, PartOut
from service.intake.errors import UnreadablePart
from service.intake.names.roles import Role
from service.sandbox.frames import Edges, End


def stored_columns(end: End) -> dict[str, Any]:
    """The columns and edges of a part as they are stored with it."""
    return {
        **end.edges._asdict(),
        "has_header": end.has_header,
        "hidden_rows": end.hidden_rows,
        "read_columns": [asdict(column) for column in end.read_columns],
        "ignored_columns": [column.stored for column in end.ignored_columns],
    }


def shown_columns(end: End) -> list[str]:
    """The ignored columns as they are shown to who sent the part, with names that are not stored."""
    return [column.shown for column in end.ignored_columns]


class PartColumns(NamedTuple):
    """The columns that a part was read from, by role and position, and whether they are named by a header.

    That is None where each line has the names. The number is None for a part that is only previewed.
    """

    number: int | None
    has_header: bool | None
    places: frozenset[tuple[Role, int | None]]

    @classmethod
    def of(cls, number: int | None, end: End) -> Self:
        """The columns of a part that was read to its end."""
        return cls(number, end.has_header, frozenset((column.role, column.position) for column in end.read_columns))


async def check_places(session: AsyncSession, dataset_id: uuid.UUID, part: PartColumns) -> None:
    """Refuse a part if a header puts columns elsewhere than a part without a header was read from, or has others.

    Its lines may go on from those below that header. Raises UnreadablePart.
    """
    if part.has_header is None:
        return
    query = select(DatasetPart).where(
        DatasetPart.dataset_id == dataset_id,
        DatasetPart.number != part.number,
        DatasetPart.has_header == (not part.has_header),
    )
    for other in (await session.exec(query.order_by(col(DatasetPart.number)))).all():
        if part.places != {(column["role"], column["position"]) for column in other.read_columns}:
            this = "this part" if part.number is None else f"part {part.number}"
            without, named = (f"part {other.number}", this) if part.has_header else (this, f"part {other.number}")
            raise UnreadablePart(
                "columns_elsewhere",
                f"{without.capitalize()} has no header, and the header of {named} has other columns, or has "
                "them in other places. Send the part without a header again with its header, or put the same columns "
                "into all parts, in one order.",
            )


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
