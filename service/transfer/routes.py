"""HTTP routes of transfers and their reconciliation."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Path, Query

from service.access.idempotency import IdempotentRoute
from service.access.permit import FactsReader, FactsWriter, HoldersReader, NumbersWriter
from service.core.db import SessionDep
from service.core.disk import NEEDS_ROOM
from service.core.errors import JSON_BODY, responses
from service.core.paging import After, Limit, Page, TextCursor
from service.core.task_queue import QueueDep
from service.dataset.schemas import DatasetOut, NumberPage
from service.job.schemas import JobOut
from service.number.app_keyring import RingDep
from service.transfer import differences, operations, reconciliation, statements
from service.transfer.schemas import ReconciliationIn, ReconciliationOut, StatementIn, TransferIn, TransferOut

router = APIRouter(prefix="/v1/transfers", tags=["transfers"], route_class=IdempotentRoute)

TransferId = Annotated[uuid.UUID, Path(description="The id of a transfer.")]


@router.post(
    "",
    status_code=201,
    summary="Register a transfer",
    dependencies=[NEEDS_ROOM],
    responses=responses(*JSON_BODY, 404, 409, 507),
)
async def register_transfer(body: TransferIn, session: SessionDep, queue: QueueDep, actor: FactsWriter) -> TransferOut:
    """The recipient gets a dataset of its own, which shares the content of the sender's."""
    return await operations.register_transfer(session, queue, actor, body)


@router.get("", summary="List transfers")
async def list_transfers(
    session: SessionDep, actor: FactsReader, after: After = None, limit: Limit = 100
) -> Page[TransferOut]:
    """The transfers that you are a side of, and those upstream of what you hold."""
    return await operations.list_transfers(session, actor, after, limit)


@router.get("/{transfer_id}", summary="Get a transfer", responses=responses(404))
async def get_transfer(transfer_id: TransferId, session: SessionDep, actor: FactsReader) -> TransferOut:
    """A transfer with every statement of both sides."""
    return await operations.get_transfer(session, actor, transfer_id)


@router.post(
    "/{transfer_id}/statements",
    status_code=201,
    summary="Acknowledge, deny or retract a transfer",
    responses=responses(*JSON_BODY, 404, 409),
)
async def state_transfer(
    transfer_id: TransferId, body: StatementIn, session: SessionDep, ring: RingDep, queue: QueueDep, actor: FactsWriter
) -> TransferOut:
    """The side that did not register it acknowledges or denies it. The one that registered it by mistake retracts it.

    Every statement is kept. A retraction is taken back by stating the transfer again. A retracted transfer that the
    other side does not state itself gives no holding, origin or sight. The person still reads that it was stated by
    mistake, and why. A retraction is refused (`in_use`) while what was delivered is in use further on.
    """
    return await statements.state_transfer(session, ring, queue, actor, transfer_id, body)


@router.post(
    "/{transfer_id}/reconciliation",
    status_code=201,
    summary="Open the reconciliation of a transfer",
    dependencies=[NEEDS_ROOM],
    responses=responses(*JSON_BODY, 404, 409, 507),
)
async def open_reconciliation(
    transfer_id: TransferId,
    session: SessionDep,
    ring: RingDep,
    actor: NumbersWriter,
    body: ReconciliationIn | None = None,
) -> DatasetOut:
    """Opens the received dataset for the recipient's own file. Send it with `PUT /v1/datasets/{id}/parts/{number}`.

    Numbers without a country code are read in your own country, unless you state another region.
    """
    return await reconciliation.open_reconciliation(session, ring, actor, transfer_id, body or ReconciliationIn())


@router.get(
    "/{transfer_id}/reconciliation", summary="Get the open reconciliation of a transfer", responses=responses(404, 409)
)
async def get_reconciliation(transfer_id: TransferId, session: SessionDep, actor: NumbersWriter) -> ReconciliationOut:
    """What the comparison of your file found, for you to confirm or cancel."""
    return await reconciliation.get_reconciliation(session, actor, transfer_id)


@router.delete(
    "/{transfer_id}/reconciliation", summary="Cancel the reconciliation of a transfer", responses=responses(404, 409)
)
async def cancel_reconciliation(transfer_id: TransferId, session: SessionDep, actor: NumbersWriter) -> TransferOut:
    """For a recipient that opened it by mistake, or sent a wrong file. The parts that it sent are deleted."""
    return await reconciliation.cancel_reconciliation(session, actor, transfer_id)


@router.post(
    "/{transfer_id}/reconciliation/compare",
    status_code=202,
    summary="Compare the recipient's file with what was declared",
    dependencies=[NEEDS_ROOM],
    responses=responses(404, 409, 413, 507),
)
async def start_comparison(
    transfer_id: TransferId,
    session: SessionDep,
    queue: QueueDep,
    actor: NumbersWriter,
    confirm: Annotated[bool, Query(description="Let the file count at once, without a look at the result.")] = False,
) -> JobOut:
    """Look at the result with `GET …/reconciliation` and `GET …/differences`, and then confirm or cancel."""
    return await reconciliation.start_comparison(session, queue, actor, transfer_id, confirm=confirm)


@router.post(
    "/{transfer_id}/reconciliation/confirm",
    status_code=202,
    summary="Confirm the reconciliation of a transfer",
    dependencies=[NEEDS_ROOM],
    responses=responses(404, 409, 413, 507),
)
async def confirm_reconciliation(
    transfer_id: TransferId, session: SessionDep, queue: QueueDep, actor: NumbersWriter
) -> JobOut:
    """A file that matches confirms the transfer and is deleted. One that differs disputes the transfer and is kept."""
    return await reconciliation.confirm_reconciliation(session, queue, actor, transfer_id)


@router.get("/{transfer_id}/differences", summary="List the differences of a transfer", responses=responses(404, 409))
async def list_differences(
    transfer_id: TransferId,
    session: SessionDep,
    ring: RingDep,
    actor: HoldersReader,
    after: TextCursor = None,
    limit: Limit = 100,
) -> NumberPage:
    """For the recipient, the numbers of its file that the sender does not declare; for the sender, those that it lacks.

    The recipient lists them as soon as its file was compared, the sender once the transfer is disputed.
    """
    return await differences.list_differences(session, ring, actor, transfer_id, after, limit)
