"""HTTP of transfers."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Path

from service.access.idempotency import OnceRoute
from service.access.permit import FactsReader, FactsWriter, NumbersWriter
from service.core.db import SessionDep
from service.core.errors import JSON_BODY, responses
from service.core.paging import After, Limit, Page
from service.core.task_queue import QueueDep
from service.dataset.schemas import DatasetOut
from service.job.schemas import JobOut
from service.number.app_keyring import RingDep
from service.transfer import operations, reconciliation
from service.transfer.schemas import StatementIn, TransferIn, TransferOut

router = APIRouter(prefix="/v1/transfers", tags=["transfers"], route_class=OnceRoute)

TransferId = Annotated[uuid.UUID, Path(description="The id of a transfer.")]


@router.post("", status_code=201, summary="Register a transfer", responses=responses(*JSON_BODY, 404, 409))
async def register_transfer(body: TransferIn, session: SessionDep, queue: QueueDep, actor: FactsWriter) -> TransferOut:
    """Hand a sealed dataset to a recipient, in whose hands it becomes another dataset."""
    return await operations.register_transfer(session, queue, actor, body)


@router.get("", summary="List transfers")
async def list_transfers(
    session: SessionDep, actor: FactsReader, after: After = None, limit: Limit = 100
) -> Page[TransferOut]:
    """Those that you are a side of, and those upstream of what you hold."""
    return await operations.list_transfers(session, actor, after, limit)


@router.get("/{transfer_id}", summary="Get a transfer", responses=responses(404))
async def get_transfer(transfer_id: TransferId, session: SessionDep, actor: FactsReader) -> TransferOut:
    """A transfer with all that both sides say of it."""
    return await operations.get_transfer(session, actor, transfer_id)


@router.post(
    "/{transfer_id}/statements",
    status_code=201,
    summary="Acknowledge or deny a transfer",
    responses=responses(*JSON_BODY, 404, 409),
)
async def state_transfer(
    transfer_id: TransferId, body: StatementIn, session: SessionDep, ring: RingDep, actor: FactsWriter
) -> TransferOut:
    """The side that did not register it says whether it took place. Everything said is kept; the latest counts."""
    return await operations.state_transfer(session, ring, actor, transfer_id, body)


@router.post(
    "/{transfer_id}/receipt",
    status_code=201,
    summary="Open the receipt of a transfer",
    responses=responses(404, 409, 413),
)
async def open_receipt(transfer_id: TransferId, session: SessionDep, actor: NumbersWriter) -> DatasetOut:
    """The recipient opens the received dataset for its own file: send it with `PUT /v1/datasets/{id}/parts/{n}`."""
    return await reconciliation.open_receipt(session, actor, transfer_id)


@router.delete("/{transfer_id}/receipt", summary="Give up the receipt of a transfer", responses=responses(404, 409))
async def drop_receipt(transfer_id: TransferId, session: SessionDep, actor: NumbersWriter) -> TransferOut:
    """The recipient takes back a receipt that it opened by mistake; what it sent of its file is dropped."""
    return await reconciliation.drop_receipt(session, actor, transfer_id)


@router.post(
    "/{transfer_id}/receipt/seal",
    status_code=202,
    summary="Compare the receipt with what was declared",
    responses=responses(404, 409, 413),
)
async def seal_receipt(transfer_id: TransferId, session: SessionDep, queue: QueueDep, actor: NumbersWriter) -> JobOut:
    """A file that matches confirms the transfer and is discarded; one that differs is kept, and disputes it."""
    return await reconciliation.seal_receipt(session, queue, actor, transfer_id)
