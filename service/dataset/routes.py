"""HTTP routes of datasets."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import StreamingResponse

from service.access.idempotency import IdempotentRoute
from service.access.key_watch import items_while_key_lives, while_key_lives
from service.access.permit import FactsReader, FactsWriter, HoldersReader, NumbersWriter, Uploader
from service.core.body_limits import Body, reads
from service.core.bounded_route import BoundedRoute
from service.core.db import DatabaseDep, SessionDep
from service.core.disk import NEEDS_ROOM, DiskDep
from service.core.errors import JSON_BODY, responses
from service.core.paging import After, Limit, Page, TextCursor
from service.core.settings import SettingsDep
from service.core.task_queue import QueueDep
from service.dataset import correction, discard, operations, orphans, parts, preview, rejects, standing_operations
from service.dataset.correction_schemas import DatasetCorrectionIn, DatasetCorrectionOut
from service.dataset.declaration import PART_IN_OPENAPI, DeclaredPart
from service.dataset.preview import PreviewedPart
from service.dataset.schemas import (
    DatasetIn,
    DatasetOut,
    DateFormatIn,
    NumberPage,
    PartOut,
    PreviewOut,
    RejectOut,
)
from service.dataset.standing_schemas import DatasetStatementOut, DatasetWithdrawalIn, HoldingEndIn, TakenBackIn
from service.job.schemas import JobOut
from service.number.app_keyring import RingDep
from service.usage.uploads import counted_upload

router = APIRouter(prefix="/v1/datasets", tags=["datasets"], route_class=IdempotentRoute)
previews = APIRouter(prefix="/v1/previews", tags=["datasets"], route_class=BoundedRoute)

DatasetId = Annotated[uuid.UUID, Path(description="The id of a dataset.")]


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


@previews.post(
    "",
    summary="Preview a part",
    responses=responses(404, 409, 415, 429, 503),
    openapi_extra=PART_IN_OPENAPI,
)
@reads(Body.UPLOAD)
async def preview_part(
    request: Request, uploads: parts.UploadsDep, actor: Uploader, declared: DeclaredPart, previewed: PreviewedPart
) -> PreviewOut:
    """Shows how a file, or its beginning, would be read: columns, first lines, and why lines would be rejected.

    Nothing is kept. Of text, send a beginning that ends with a whole line; of Parquet and XLSX, the whole file.
    """
    async with (
        while_key_lives(uploads.database, actor),
        counted_upload(uploads.database, uploads.settings, actor.organisation_id, _length(request)) as usage,
    ):
        return await preview.preview_part(uploads, usage, actor, declared, previewed, request.stream())


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


@router.delete("/{dataset_id}", summary="Throw an open dataset away", responses=responses(404, 409))
async def discard_dataset(
    dataset_id: DatasetId, session: SessionDep, ring: RingDep, actor: NumbersWriter
) -> DatasetOut:
    """Deletes a dataset that is not sealed, with its parts and rejected lines, and returns it as it was.

    It no longer counts as open. It also goes by itself, 90 days after the last upload.
    """
    return await discard.discard_dataset(session, ring, actor, dataset_id)


@router.post(
    "/{dataset_id}/corrections",
    status_code=201,
    summary="Correct the name, date or collection of a dataset",
    dependencies=[NEEDS_ROOM],
    responses=responses(*JSON_BODY, 404, 409, 507),
)
async def correct_dataset(
    dataset_id: DatasetId,
    body: DatasetCorrectionIn,
    session: SessionDep,
    ring: RingDep,
    queue: QueueDep,
    actor: FactsWriter,
) -> DatasetCorrectionOut:
    """For its holder, or for who asserts it as long as its holder has no account. What counted before stays recorded.

    Origins follow at once. Counts of what was made from it are made again, and are null until then.
    """
    return await correction.correct_dataset(session, ring, queue, actor, dataset_id, body)


@router.get("/{dataset_id}/corrections", summary="List the corrections of a dataset", responses=responses(404))
async def list_corrections(
    dataset_id: DatasetId, session: SessionDep, actor: FactsReader, after: After = None, limit: Limit = 100
) -> Page[DatasetCorrectionOut]:
    """What was corrected of its name, date and collection, the first correction first."""
    return await correction.list_corrections(session, actor, dataset_id, after, limit)


@router.post(
    "/{dataset_id}/end",
    status_code=201,
    summary="End the holding of a dataset",
    dependencies=[NEEDS_ROOM],
    responses=responses(*JSON_BODY, 404, 409, 507),
)
async def end_holding(
    dataset_id: DatasetId, body: HoldingEndIn, session: SessionDep, actor: FactsWriter
) -> DatasetStatementOut:
    """States since when you no longer have it, and why. You had its numbers until then, in every answer.

    From then on no relay, flag or campaign counts it. Relays that are open stay open: answer the persons.
    """
    return await standing_operations.end_holding(session, actor, dataset_id, body)


@router.post(
    "/{dataset_id}/end/take-back",
    status_code=201,
    summary="Take the end of a holding back",
    dependencies=[NEEDS_ROOM],
    responses=responses(*JSON_BODY, 404, 409, 507),
)
async def take_end_back(
    dataset_id: DatasetId, body: TakenBackIn, session: SessionDep, queue: QueueDep, actor: FactsWriter
) -> DatasetStatementOut:
    """For an end that was said by mistake. Objections that were recorded since then flag the dataset."""
    return await standing_operations.take_end_back(session, queue, actor, dataset_id, body)


@router.post(
    "/{dataset_id}/withdrawal",
    status_code=201,
    summary="Withdraw a sealed dataset",
    dependencies=[NEEDS_ROOM],
    responses=responses(*JSON_BODY, 404, 409, 507),
)
async def withdraw_dataset(
    dataset_id: DatasetId, body: DatasetWithdrawalIn, session: SessionDep, queue: QueueDep, actor: FactsWriter
) -> DatasetStatementOut:
    """States that it was never so. Other organisations no longer see it, and what came from it alone is not counted.

    The persons of its numbers and the authority still see it, marked with your reason. It is refused while a campaign
    that began used it, or a recipient confirmed or disputed it, or passed it on.
    """
    return await standing_operations.withdraw_dataset(session, queue, actor, dataset_id, body)


@router.post(
    "/{dataset_id}/withdrawal/take-back",
    status_code=201,
    summary="Take the withdrawal of a dataset back",
    dependencies=[NEEDS_ROOM],
    responses=responses(*JSON_BODY, 404, 409, 507),
)
async def take_withdrawal_back(
    dataset_id: DatasetId, body: TakenBackIn, session: SessionDep, queue: QueueDep, actor: FactsWriter
) -> DatasetStatementOut:
    """States that it was so after all. It is shown and counted again."""
    return await standing_operations.take_withdrawal_back(session, queue, actor, dataset_id, body)


@router.get("/{dataset_id}/statements", summary="List what the holder states of a dataset", responses=responses(404))
async def list_dataset_statements(
    dataset_id: DatasetId, session: SessionDep, actor: FactsReader, after: After = None, limit: Limit = 100
) -> Page[DatasetStatementOut]:
    """Ends of the holding, withdrawals, and both taken back, the first statement first."""
    return await standing_operations.list_statements(session, actor, dataset_id, after, limit)


@router.get("/{dataset_id}/parts", summary="List the parts of a dataset", responses=responses(404))
async def list_parts(dataset_id: DatasetId, session: SessionDep, actor: FactsReader) -> list[PartOut]:
    """The parts that arrived whole. An interrupted client continues after them."""
    return await operations.list_parts(session, actor, dataset_id)


@router.put(
    "/{dataset_id}/parts/{number}",
    summary="Upload a part",
    dependencies=[NEEDS_ROOM],
    responses=responses(404, 409, 415, 429, 503, 507),
    openapi_extra=PART_IN_OPENAPI,
)
@reads(Body.UPLOAD)
async def upload_part(
    dataset_id: DatasetId,
    number: Annotated[int, Path(ge=1, le=1_000_000, description="From 1. Part 1 defines the layout of all parts.")],
    request: Request,
    uploads: parts.UploadsDep,
    disk: DiskDep,
    actor: Uploader,
    declared: DeclaredPart,
) -> PartOut:
    """CSV, NDJSON, Parquet or XLSX, plain or with `Content-Encoding: gzip` or `zstd`, of any size.

    The same bytes again change nothing; other bytes replace the part while the dataset is open. Lines without a
    possible number are rejected with a reason, and all others accepted. An upload ends with its key.
    """
    body = disk.while_room(request.stream())
    async with (
        while_key_lives(uploads.database, actor),
        counted_upload(uploads.database, uploads.settings, actor.organisation_id, _length(request)) as usage,
    ):
        return await parts.upload_part(uploads, usage, actor, dataset_id, number, declared, body)


def _length(request: Request) -> int | None:
    """How many bytes the client says that the body has."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() else None


@router.put(
    "/{dataset_id}/date-format",
    summary="State the date format of a dataset",
    dependencies=[NEEDS_ROOM],
    responses=responses(*JSON_BODY, 404, 409, 507),
)
async def state_date_format(
    dataset_id: DatasetId, body: DateFormatIn, session: SessionDep, ring: RingDep, actor: NumbersWriter
) -> DatasetOut:
    """States how consent times are written, while the dataset is open; `day_first` confirms how parts were read.

    It holds for all parts without a statement of their own. Parts that it would read in another way must be sent again
    before the dataset can be sealed.
    """
    return await operations.state_date_format(session, ring, actor, dataset_id, body)


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


_REJECTS_EXAMPLE = (
    'part,line,reason,raw,explanation\r\n1,3017,scientific_notation,"3,36E+10","A spreadsheet wrote the number in…"\r\n'
)
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
    lines = items_while_key_lives(database, actor, rejects.download_rejects(database, ring, dataset_id))
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
) -> NumberPage:
    """The numbers of your dataset from which no path of holdings leads back to a collection."""
    return await orphans.list_orphans(session, ring, actor, dataset_id, after, limit)
