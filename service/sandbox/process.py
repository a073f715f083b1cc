"""One reader process as the service sees it: bytes in, batches or a verdict out, and why it ended."""

import asyncio
import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

from service.intake.errors import UnreadablePart
from service.sandbox.batch import Batch, BrokenReader, unpack_batch
from service.sandbox.evidence import EvidenceForm, accept_verdict
from service.sandbox.form import PartForm
from service.sandbox.frames import (
    BATCH,
    BYTES,
    END,
    EVIDENCE,
    PART,
    REFUSAL,
    End,
    receive_frame,
    send_frame,
    unpack_end,
    unpack_refusal,
)
from service.sandbox.launcher import Launcher, ReaderLost
from service.sandbox.limits import CPU_SECONDS, CPU_SECONDS_PER_MIB
from service.sandbox.template import OUT_OF_MEMORY

Result = TypeVar("Result")

# A reader that has something to do and says nothing for so long is stuck.
_SILENT_SECONDS: Final = 120
# A piece of evidence is small, and takes seconds at most.
_SILENT_SECONDS_OF_EVIDENCE: Final = 30
# As much as the system allows: the two sides then wait for each other less often.
_BUFFER_BYTES: Final = 4 << 20
# A struct timeval of five seconds.
_CHECKED_AFTER: Final = struct.pack("ll", 5, 0)

# `check` sends and receives in one thread, so nothing else would notice a reader that takes no more bytes.
_EVIDENCE_SENT_AFTER: Final = struct.pack("ll", _SILENT_SECONDS_OF_EVIDENCE, 0)


def _needs_too_much_memory(most: int) -> UnreadablePart:
    """The refusal of a part that needs more than so many bytes of memory to read."""
    return UnreadablePart(
        "too_much_memory",
        f"This part needs more than {most >> 20} MiB of memory to read: its lines are very long, or a few bytes of it "
        "stand for very many. Write it again as CSV, or as Parquet with row groups of at most 100,000 rows.",
    )


class ReaderProcess:
    """Reads one part, or checks one piece of evidence, in a process of its own.

    `send` and `receive` block, and are called from two threads. Every reader must be closed, which ends its process.
    """

    def __init__(self, launcher: Launcher, form: PartForm | EvidenceForm, memory_bytes: int) -> None:
        self._launcher, self._form, self._memory_bytes = launcher, form, memory_bytes
        self._socket, self._theirs = socket.socketpair()
        for end in (self._socket, self._theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        # A timeout of Python's own would also cut short what is being sent.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _CHECKED_AFTER)
        if isinstance(form, EvidenceForm):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _EVIDENCE_SENT_AFTER)
        self._lock = threading.Lock()
        self._closed = False
        self._pid: int | None = None
        self._memory_exceeded = False
        # Since when the reader has owed an answer; None while it waits for bytes.
        self._owing_since: float | None = None
        self._last_line = 0
        self._rejects_left = form.rejects_kept if isinstance(form, PartForm) else 0
        self.end: End | None = None
        self.answered = asyncio.Event()
        """Set once nothing more is expected of the reader."""

    @property
    def pid(self) -> int | None:
        """The id of the process, once it has started."""
        return self._pid

    def start(self) -> None:
        """Start the process. Raises ReaderLost if that is not possible."""
        with self._theirs:
            self._template = self._launcher.template()
            pid = self._template.fork(self._theirs, self._memory_bytes)
        with self._lock:
            self._pid = pid
            if self._closed:
                self._template.forget(pid)
                raise ReaderLost
        self._send(self._form.to_json(), PART if isinstance(self._form, PartForm) else EVIDENCE)

    def send(self, portion: bytes | memoryview) -> bool:
        """Give the reader the next bytes; returns when it has taken nearly all. False if it wants no more."""
        self._owing_since = time.monotonic()
        wanted = self._send(portion)
        self._owing_since = None
        return wanted

    def finish(self) -> None:
        """Tell the reader that there are no more bytes."""
        self._owing_since = time.monotonic()
        self._send(b"")

    def _send(self, payload: bytes | memoryview, kind: bytes = BYTES) -> bool:
        try:
            send_frame(self._socket, kind, payload)
        except OSError:
            # Why it ended is said by `receive`.
            return False
        return True

    def receive(self) -> Batch | None:
        """The next batch; None after the last one, when `end` is set.

        Raises:
            UnreadablePart: the part cannot be read, or reading it takes too much.
            ReaderLost: the process was ended from outside.
        """
        if self.end is not None:
            return None
        return self._next(self._understand)

    def check(self, content: bytes) -> None:
        """Give the reader a whole piece of evidence, and wait for its verdict. Blocks.

        Raises:
            UnfitEvidence: the file is not accepted.
            UnreadablePart: to check it takes too much, or the process failed on it.
            ReaderLost: the process was ended from outside.
        """
        portions = memoryview(content)
        for start in range(0, len(content), _BUFFER_BYTES):
            if not self.send(portions[start : start + _BUFFER_BYTES]):
                break
        self.finish()
        self._next(accept_verdict)

    def _next(self, understand: Callable[[bytes, memoryview], Result]) -> Result:
        """The next frame, as it is understood."""
        try:
            frame = receive_frame(self._socket, self._check_silence)
            if frame is not None:
                return understand(*frame)
        except OSError:
            raise self._reason() from None
        except BrokenReader:
            raise self._accused() from None
        raise self._reason()

    def _understand(self, kind: bytes, payload: memoryview) -> Batch | None:
        if kind == BATCH:
            batch = unpack_batch(payload)
            self._check(batch)
            return batch
        if kind == END and isinstance(self._form, PartForm):
            self.end = unpack_end(payload, self._form.format)
            return None
        if kind == REFUSAL:
            raise unpack_refusal(payload)
        raise BrokenReader

    def _check(self, batch: Batch) -> None:
        """Raise BrokenReader for a batch that cannot follow the ones before."""
        reads_consent = isinstance(self._form, PartForm) and self._form.consent_period is not None
        columns = (batch.consented_at, batch.record_ids)
        kept = batch.refusals.line
        if any(column is not None and not reads_consent for column in columns):
            raise BrokenReader
        if len(kept) and int(kept[0]) <= self._last_line:
            raise BrokenReader
        self._rejects_left -= len(kept)
        if self._rejects_left < 0:
            raise BrokenReader
        self._last_line = int(kept[-1]) if len(kept) else self._last_line

    def _check_silence(self) -> None:
        since = self._owing_since
        most = _SILENT_SECONDS if isinstance(self._form, PartForm) else _SILENT_SECONDS_OF_EVIDENCE
        if since is not None and time.monotonic() - since > most:
            raise _takes_too_long()

    def end_for_memory(self) -> None:
        """End the process because it has too much memory, where the system does not see to that."""
        self._memory_exceeded = True
        self._end_process()

    def _end_process(self) -> None:
        if self._pid is not None:
            self._template.kill(self._pid)

    def _accused(self) -> UnreadablePart:
        """End a process that breaks the rules."""
        self._end_process()
        return _reader_failed()

    def _reason(self) -> Exception:
        """Why the process ended without an answer."""
        if self._pid is None or self._closed:
            return ReaderLost()
        status = self._template.status(self._pid)
        cause = os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else 0
        # Where Python raises MemoryError, libraries abort the process.
        if self._memory_exceeded or cause == signal.SIGABRT or _exit_status(status) == OUT_OF_MEMORY:
            return _needs_too_much_memory(self._memory_bytes)
        if cause == signal.SIGXCPU:
            return _takes_too_long()
        if status is None or (cause and cause not in _OWN_FAULTS):
            return ReaderLost()
        return _reader_failed()

    def close(self) -> None:
        """End the process if it still runs, and whatever waits for it."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._pid is not None:
                self._template.forget(self._pid)
        for end in (self._socket, self._theirs):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def _exit_status(status: int | None) -> int | None:
    return os.WEXITSTATUS(status) if status is not None and os.WIFEXITED(status) else None


def _takes_too_long() -> UnreadablePart:
    return UnreadablePart(
        "takes_too_long",
        f"This part takes more processor time to read than it may: {CPU_SECONDS} seconds, and {CPU_SECONDS_PER_MIB} "
        "for each MiB of it. Check that it is a list of numbers, or send it in smaller parts.",
    )


def _reader_failed() -> UnreadablePart:
    return UnreadablePart(
        "reader_failed",
        "The process that read this part failed on it, so the part is damaged or made to do harm. Write the file "
        "again, as CSV if you can, and send it again.",
    )


_OWN_FAULTS = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGSYS})
