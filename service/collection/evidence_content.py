"""The bytes of a piece of evidence, as a response that is read from the database as fast as its client reads it."""

from collections.abc import AsyncIterator, Mapping
from typing import Final

from fastapi.responses import StreamingResponse
from sqlalchemy import text

from service.collection.models import NoticeEvidence
from service.core.db import Database

_PIECE_BYTES: Final = 256 * 1024
_PIECE: Final = text("SELECT substring(content FROM :begin FOR :count) FROM evidence_content WHERE evidence_id = :id")


def evidence_response(database: Database, evidence: NoticeEvidence, headers: Mapping[str, str]) -> StreamingResponse:
    """The file as it was uploaded. However many clients do not read it, each holds one piece of it in memory."""
    length = {"Content-Length": str(evidence.byte_count)}
    return StreamingResponse(_pieces(database, evidence), media_type=evidence.media_type, headers={**headers, **length})


async def _pieces(database: Database, evidence: NoticeEvidence) -> AsyncIterator[bytes]:
    for begin in range(0, evidence.byte_count, _PIECE_BYTES):
        # Each in a snapshot of its own: no connection waits for the client. The content never changes.
        async with database.snapshot() as session:
            found = {"id": evidence.id, "begin": begin + 1, "count": _PIECE_BYTES}
            piece: bytes = await session.scalar(_PIECE, found)
        yield piece
