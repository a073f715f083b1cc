"""HTTP routes of datasets."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import StreamingResponse

from service.access.idempotency import IdempotentRoute
from service.access.permit import FactsReader, FactsWriter, HoldersReader, NumbersWriter, Uploader
from service.core.body_limits import Body, reads
from service.core.db import DatabaseDep, SessionDep
from service.core.disk import NEEDS_ROOM, DiskDep
from service.core.errors import JSON_BODY, Unprocessable, UnsupportedMedia, responses
from service.core.paging import After, Limit, Page
from service.core.settings import SettingsDep
from service.core.task_queue import QueueDep
from service.core.text import Line
from service.dataset import operations, orphans, parts, rejects
from service.dataset.schemas import DatasetIn, DatasetOut, OrphanPage, PartOut, RejectOut
from service.intake.dialect import ColumnChoice
from service.intake.errors import UnreadablePart
from service.intake.media import (
    CONTENT_ENCODINGS,
    MEDIA_TYPES,
    Compression,
    Format,
    compression_of_content_encoding,
    format_of_content_type,
)
from service.job.schemas import JobOut
from service.number.app_keyring import RingDep
from service.usage.uploads import counted_upload

router = APIRouter(prefix="/v1/datasets", tags=["datasets"], route_class=IdempotentRoute)

DatasetId = Annotated[uuid.UUID, Path(description="The id of a dataset.")]
Column = Annotated[Line | None, Query(description="Name of a column in the header, or its position from 1.")]
TextCursor = Annotated[str | None, Query(max_length=40, description="The `next` of the previous page.")]

_FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_CSV_EXAMPLE = "telephone;date_consentement\n06 39 98 40 01;02/10/2023 12:00\n0639984002;03/10/2023 12:00\n"
_NDJSON_EXAMPLE = '{"phone": "+33639984001"}\n{"phone": "+33639984002"}\n'
_EXAMPLES = {Format.CSV: {"example": _CSV_EXAMPLE}, Format.NDJSON: {"example": _NDJSON_EXAMPLE}}
_PART: dict[str, Any] = {
    "parameters": [
        {
            "name": "Content-Encoding",
            "in": "header",
            "description": f"How the body is compressed: {', '.join(CONTENT_ENCODINGS)}.",
            "schema": {"type": "string", "examples": ["gzip"]},
        }
    ],
    "requestBody": {
        "required": True,
        "content": {name: _FILE | _EXAMPLES.get(form, {}) for name, form in MEDIA_TYPES.items()},
    },
}


def _columns(
    column: Column = None, consented_at_column: Column = None, consent_record_id_column: Column = None
) -> ColumnChoice:
    """Which columns of a part to read, where the header does not show it."""
    try:
        return ColumnChoice(phone=column, consented_at=consented_at_column, consent_record_id=consent_record_id_column)
    except UnreadablePart as refusal:
        raise Unprocessable(refusal.slug, refusal.detail) from refusal


@router.post(
    "",
    status_code=201,
    summary="Register a dataset",
    dependencies=[NEEDS_ROOM],
    responses=responses(*JSON_BODY, 404, 409, 429, 507),
)
async def register_dataset(
    body: DatasetIn, session: SessionDep, settings: SettingsDep, ring: RingDep, actor: FactsWriter
) -> DatasetOut:
    """Creates an open dataset. Upload its parts, then seal it. A union takes no parts."""
    return await operations.register_dataset(session, settings, ring, actor, body)


@router.get("", summary="List datasets")
async def list_datasets(
    session: SessionDep, ring: RingDep, actor: FactsReader, after: After = None, limit: Limit = 100
) -> Page[DatasetOut]:
    """The datasets that you hold, and those upstream of them."""
    return await operations.list_datasets(session, ring, actor, after, limit)


@router.get("/{dataset_id}", summary="Get a dataset", responses=responses(404))
async def get_dataset(dataset_id: DatasetId, session: SessionDep, ring: RingDep, actor: FactsReader) -> DatasetOut:
    """A dataset with its counts."""
    return await operations.get_dataset(session, ring, actor, dataset_id)


@router.get("/{dataset_id}/parts", summary="List the parts of a dataset", responses=responses(404))
async def list_parts(dataset_id: DatasetId, session: SessionDep, actor: FactsReader) -> list[PartOut]:
    """The parts that arrived whole. An interrupted client continues after them."""
    return await operations.list_parts(session, actor, dataset_id)


@router.put(
    "/{dataset_id}/parts/{number}",
    summary="Upload a part",
    dependencies=[NEEDS_ROOM],
    responses=responses(404, 409, 415, 429, 503, 507),
    openapi_extra=_PART,
)
@reads(Body.UPLOAD)
async def upload_part(
    dataset_id: DatasetId,
    number: Annotated[int, Path(ge=1, le=1_000_000, description="From 1. Part 1 defines the layout of all parts.")],
    request: Request,
    uploads: parts.UploadsDep,
    disk: DiskDep,
    actor: Uploader,
    columns: Annotated[ColumnChoice, Depends(_columns)],
) -> PartOut:
    """CSV, NDJSON or Parquet, plain or with `Content-Encoding: gzip` or `zstd`, of any size.

    The same bytes again change nothing; other bytes replace the part while the dataset is open. Lines without a
    possible number are rejected with a reason, and all others accepted.
    """
    declared, body = (*_form(request), columns), disk.while_room(request.stream())
    length = request.headers.get("content-length", "")
    body_bytes = int(length) if length.isdecimal() else None
    async with counted_upload(uploads.database, uploads.settings, actor.organisation_id, body_bytes) as usage:
        return await parts.upload_part(uploads, usage, actor, dataset_id, number, declared, body)


def _form(request: Request) -> tuple[Format, Compression]:
    try:
        return (
            format_of_content_type(request.headers.get("content-type")),
            compression_of_content_encoding(request.headers.get("content-encoding")),
        )
    except UnreadablePart as refusal:
        raise UnsupportedMedia(refusal.slug, refusal.detail) from refusal


@router.post(
    "/{dataset_id}/seal",
    status_code=202,
    summary="Seal a dataset",
    dependencies=[NEEDS_ROOM],
    responses=responses(404, 409, 413, 507),
)
async def seal_dataset(dataset_id: DatasetId, session: SessionDep, queue: QueueDep, actor: NumbersWriter) -> JobOut:
    """Closes it for good. A job stores its numbers and counts where they come from; follow it at `/v1/jobs`."""
    return await operations.seal_dataset(session, queue, actor, dataset_id)


@router.get("/{dataset_id}/rejects", summary="List rejected lines", responses=responses(404))
async def list_rejects(
    dataset_id: DatasetId,
    session: SessionDep,
    actor: HoldersReader,
    after: TextCursor = None,
    limit: Limit = 100,
) -> Page[RejectOut]:
    """The part, line and reason of each rejected line. The raw values are in the CSV."""
    return await rejects.list_rejects(session, actor, dataset_id, after, limit)


_REJECTS_EXAMPLE = 'part,line,reason,raw\r\n1,3017,scientific_notation,"3,36E+10"\r\n'
_CSV: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The lines, as CSV.",
        "content": {"text/csv": {"schema": {"type": "string"}, "example": _REJECTS_EXAMPLE}},
    }
}


@router.get(
    "/{dataset_id}/rejects.csv",
    summary="Download rejected lines",
    response_class=StreamingResponse,
    responses=responses(404) | _CSV,
)
async def download_rejects(
    dataset_id: DatasetId, session: SessionDep, database: DatabaseDep, ring: RingDep, actor: HoldersReader
) -> StreamingResponse:
    """The rejected lines with their raw values, which are kept encrypted for 7 days and given to the holder only."""
    await operations.find_own_dataset(session, actor, dataset_id)
    lines = rejects.download_rejects(database, ring, dataset_id)
    headers = {"Content-Disposition": 'attachment; filename="rejects.csv"'}
    return StreamingResponse(lines, media_type="text/csv", headers=headers)


@router.get("/{dataset_id}/orphans", summary="List the orphans of a dataset", responses=responses(404, 409))
async def list_orphans(
    dataset_id: DatasetId,
    session: SessionDep,
    ring: RingDep,
    actor: HoldersReader,
    after: TextCursor = None,
    limit: Limit = 100,
) -> OrphanPage:
    """The numbers of your dataset from which no path of holdings leads back to a collection."""
    return await orphans.list_orphans(session, ring, actor, dataset_id, after, limit)
