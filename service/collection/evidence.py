"""Accepts evidence: it is checked in a reader process, hashed and encrypted before any transaction begins."""

import hashlib
import uuid
from functools import partial
from typing import Annotated, Final, NamedTuple

from fastapi import Depends, Request

from service.access.permit import admitted
from service.collection.evidence_content import encrypt_content
from service.core.errors import Overloaded, Unprocessable, UnsupportedMedia
from service.core.ids import uuid7
from service.intake.errors import UnreadablePart
from service.intake.evidence import (
    EVIDENCE_TYPES,
    MOST_PAGES,
    MOST_PIXELS,
    ActiveContent,
    TooManyPixels,
    UnfitEvidence,
)
from service.number.app_keyring import RingDep
from service.number.keyring import KeyRing
from service.sandbox.evidence import EvidenceForm
from service.sandbox.launcher import ReaderLost
from service.sandbox.pool import ReaderPool, ReaderPoolDep

_WRONG_TYPE: Final = (
    "evidence_type",
    f"Send a complete file of one of the types {', '.join(EVIDENCE_TYPES)}, with its Content-Type.",
)


class AcceptedEvidence(NamedTuple):
    """A checked file with the id that it gets, its SHA-256 (hexadecimal), and its content as it is stored."""

    id: uuid.UUID
    media_type: str
    sha256: str
    byte_count: int
    encrypted: bytes


async def accept_evidence(
    pool: ReaderPool, ring: KeyRing, organisation_id: uuid.UUID, media_type: str, content: bytes
) -> AcceptedEvidence:
    """Check a file of an organisation. It must be of the stated type, complete, and harmless to whoever opens it.

    Raises:
        UnsupportedMedia: its type is not accepted, differs from the stated type, or the file is incomplete.
        Unprocessable: it is too large to be shown, acts when it is opened, or cannot be checked.
        Overloaded: the service reads as many files as it can, or the process that read this one was ended from outside.
    """
    if media_type not in EVIDENCE_TYPES:
        raise UnsupportedMedia(*_WRONG_TYPE)
    try:
        async with pool.reader(organisation_id, EvidenceForm(media_type)) as reader, pool.turn():
            await pool.in_thread(partial(reader.check, content))
    except ActiveContent:
        raise Unprocessable(
            "evidence_active",
            "This PDF holds a script, an action, another file or encryption. Print it to a new PDF, and send that.",
        ) from None
    except TooManyPixels:
        raise Unprocessable(
            "evidence_too_large",
            f"Send a smaller file, of at most {MOST_PIXELS // 1_000_000} million pixels or {MOST_PAGES} pages.",
        ) from None
    except UnfitEvidence:
        raise UnsupportedMedia(*_WRONG_TYPE) from None
    except UnreadablePart:
        raise Unprocessable(
            "evidence_unreadable",
            "Checking this file failed, or took more memory or time than it may, so it is damaged or made to do harm. "
            "Take the screenshot again, or print the document to a new PDF, and send that.",
        ) from None
    except ReaderLost:
        raise Overloaded(
            "reader_lost",
            "The process that checked this file was ended from outside. Nothing of the file was kept. Send it again.",
        ) from None
    # Ten megabytes would take the event loop for tens of milliseconds.
    return await pool.in_thread(partial(_prepare, ring, media_type, content))


def _prepare(ring: KeyRing, media_type: str, content: bytes) -> AcceptedEvidence:
    evidence_id = uuid7()
    encrypted = encrypt_content(ring, evidence_id, content)
    return AcceptedEvidence(evidence_id, media_type, hashlib.sha256(content).hexdigest(), len(content), encrypted)


async def _accepted(request: Request, pool: ReaderPoolDep, ring: RingDep) -> AcceptedEvidence:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return await accept_evidence(pool, ring, admitted(request).organisation_id, media_type, await request.body())


AcceptedEvidenceDep = Annotated[AcceptedEvidence, Depends(_accepted)]
"""The file in a request's body. A route names it before its session, so that no transaction waits for the check."""
