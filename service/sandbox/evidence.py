"""The check of evidence in a reader process: what it is told, what it answers, and what the service makes of that."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from service.intake.evidence import ActiveContent, NotWhole, TooManyPixels, UnfitEvidence, check_evidence
from service.sandbox.batch import BrokenReader
from service.sandbox.frames import VERDICT, send_frame

_FIT: Final = b"fit"
_FAULTS: Final[dict[bytes, type[UnfitEvidence]]] = {
    b"not whole": NotWhole,
    b"too large": TooManyPixels,
    b"active": ActiveContent,
}
_VERDICTS: Final = {fault: verdict for verdict, fault in _FAULTS.items()}


@dataclass(frozen=True, slots=True)
class EvidenceForm:
    """What a piece of evidence is checked as: a file of this media type, which is one of `EVIDENCE_TYPES`."""

    media_type: str

    def to_json(self) -> bytes:
        """The form as the first frame has it."""
        return self.media_type.encode()


def answer_with_verdict(connection: socket.socket, media_type: str, portions: Iterable[bytes]) -> None:
    """Check one file in a reader process, and send the verdict. Raises MemoryError."""
    content = b"".join(portions)
    try:
        check_evidence(content, media_type)
    except UnfitEvidence as fault:
        send_frame(connection, VERDICT, _VERDICTS[type(fault)])
        return
    send_frame(connection, VERDICT, _FIT)


def accept_verdict(kind: bytes, payload: memoryview) -> None:
    """Read the frame that answers for a piece of evidence.

    Raises:
        UnfitEvidence: the file is not accepted.
        BrokenReader: a reader process never sends that.
    """
    verdict = bytes(payload)
    if kind != VERDICT or verdict not in (_FIT, *_FAULTS):
        raise BrokenReader
    if verdict != _FIT:
        raise _FAULTS[verdict]
