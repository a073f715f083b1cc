"""What a reader process does: it reads the bytes of one part from its socket, answers with batches, and ends."""

import socket
from collections.abc import Iterable

from service.intake.errors import UnreadablePart
from service.intake.reader import Lines, PartReader
from service.sandbox.acceptance import Acceptance
from service.sandbox.batch import pack_batch
from service.sandbox.form import PartForm
from service.sandbox.frames import (
    BATCH,
    END,
    REFUSAL,
    pack_end,
    pack_refusal,
    receive_frame,
    send_frame,
)
from service.sandbox.limits import allow_cpu, close_the_door


class _Gone(Exception):
    """The service closed the socket before the part had ended."""


def read_part(connection: socket.socket, memory_bytes: int) -> None:
    """Read one part. For a part that cannot be read nothing is raised: the service is told. Raises MemoryError."""
    try:
        form = PartForm.from_json(bytes(_next(connection)))
        reader = _reader(form)
        acceptance = Acceptance(form.region, form.consent_period, form.rejects_kept)
        close_the_door(memory_bytes)
        _read(connection, reader, acceptance)
        assert reader.dialect is not None
        send_frame(connection, END, pack_end(reader.dialect, reader.ignored_columns))
    except UnreadablePart as refusal:
        send_frame(connection, REFUSAL, pack_refusal(refusal))
    except (_Gone, BrokenPipeError, ConnectionResetError):
        return


def _reader(form: PartForm) -> PartReader:
    return PartReader(
        format=form.format,
        compression=form.compression,
        dialect=form.dialect,
        columns=form.columns,
        time_zone=form.time_zone,
        reads_consent=form.consent_period is not None,
        folder=form.folder,
    )


def _read(connection: socket.socket, reader: PartReader, acceptance: Acceptance) -> None:
    for portion in iter(lambda: bytes(_next(connection)), b""):
        allow_cpu(reader.received_bytes + len(portion))
        _answer(connection, reader, reader.feed(portion), acceptance)
    _answer(connection, reader, reader.finish(), acceptance)


def _answer(
    connection: socket.socket, reader: PartReader, lines_of_part: Iterable[Lines], acceptance: Acceptance
) -> None:
    for lines in lines_of_part:
        allow_cpu(max(reader.received_bytes, reader.expanded_bytes))
        for batch in acceptance.read(lines):
            send_frame(connection, BATCH, pack_batch(batch))


def _next(connection: socket.socket) -> memoryview:
    frame = receive_frame(connection)
    if frame is None:
        raise _Gone
    return frame[1]
