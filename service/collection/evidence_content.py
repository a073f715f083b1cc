"""The content of evidence as it is stored: encrypted, in pieces that are decrypted one by one while a client reads.

Screenshots and documents may show numbers of persons, so a copy of the database must not show them.
"""

import struct
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Final

from fastapi.responses import StreamingResponse
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.collection.models import NoticeEvidence
from service.core.db import Database
from service.number.keyring import ENCRYPTION_BYTES, KeyRing

_PIECE_BYTES: Final = 256 * 1024
_STORED_PIECE_BYTES: Final = _PIECE_BYTES + ENCRYPTION_BYTES
_PIECE: Final = text("SELECT substring(content FROM :begin FOR :count) FROM evidence_content WHERE evidence_id = :id")


def encrypt_content(ring: KeyRing, evidence_id: uuid.UUID, content: bytes) -> bytes:
    """A file as it is stored: each piece of 256 KiB is encrypted for its place, and for nowhere else."""
    starts = range(0, len(content), _PIECE_BYTES)
    return b"".join(
        ring.encrypt(content[start : start + _PIECE_BYTES], _context(evidence_id, place))
        for place, start in enumerate(starts)
    )


def evidence_response(
    database: Database, ring: KeyRing, evidence: NoticeEvidence, headers: Mapping[str, str]
) -> StreamingResponse:
    """The file as it was uploaded. However many clients do not read it, each holds one piece of it in memory."""
    length = {"Content-Length": str(evidence.byte_count)}
    pieces = _pieces(database, ring, evidence)
    return StreamingResponse(pieces, media_type=evidence.media_type, headers={**headers, **length})


async def _pieces(database: Database, ring: KeyRing, evidence: NoticeEvidence) -> AsyncIterator[bytes]:
    for place in range(_count_pieces(evidence)):
        # Each in a snapshot of its own: no connection waits for the client. The content never changes.
        async with database.snapshot() as session:
            piece = await _read_piece(session, ring, evidence.id, place)
        yield piece


async def read_content(session: AsyncSession, ring: KeyRing, evidence: NoticeEvidence) -> bytes:
    """The whole file as it was uploaded."""
    return b"".join([await _read_piece(session, ring, evidence.id, place) for place in range(_count_pieces(evidence))])


def _count_pieces(evidence: NoticeEvidence) -> int:
    return -(-evidence.byte_count // _PIECE_BYTES)


async def _read_piece(session: AsyncSession, ring: KeyRing, evidence_id: uuid.UUID, place: int) -> bytes:
    found = {"id": evidence_id, "begin": place * _STORED_PIECE_BYTES + 1, "count": _STORED_PIECE_BYTES}
    stored: bytes = await session.scalar(_PIECE, found)
    return ring.decrypt(stored, _context(evidence_id, place))


def _context(evidence_id: uuid.UUID, place: int) -> bytes:
    return b"evidence" + evidence_id.bytes + struct.pack(">I", place)
