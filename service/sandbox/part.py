"""What a reader process does: it reads one part or piece of evidence from its socket, answers, and ends."""

import socket
from collections.abc import Iterator

from service.intake.columns.choice import ColumnRules
from service.intake.dates.reading import TimeReader
from service.intake.errors import UnreadablePart
from service.intake.reader import Lines, PartReader
from service.number.looks import CountryTest, telephone_test
from service.sandbox.acceptance import Acceptance
from service.sandbox.batch import pack_batch
from service.sandbox.door import close_the_door
from service.sandbox.evidence import answer_with_verdict
from service.sandbox.form import PartForm
from service.sandbox.frames import (
    BATCH,
    END,
    EVIDENCE,
    REFUSAL,
    Edges,
    End,
    pack_end,
    pack_refusal,
    receive_frame,
    send_frame,
)
from service.sandbox.limits import allow_cpu


class _Gone(Exception):
    """The service closed the socket before the part had ended."""


def read_part(connection: socket.socket, memory_bytes: int) -> None:
    """Read one part, or check one piece of evidence. Nothing is raised for what cannot be read: the service is told.

    Raises MemoryError.
    """
    try:
        kind, opening = _next_frame(connection)
        if kind == EVIDENCE:
            close_the_door(memory_bytes)
            answer_with_verdict(connection, bytes(opening).decode(), _portions(connection))
            return
        form = PartForm.from_json(bytes(opening))
        reader = _reader(form)
        acceptance = Acceptance(form.region, form.consent_period, form.rejects_kept)
        close_the_door(memory_bytes)
        _read(connection, reader, acceptance, form.most_lines)
        assert reader.dialect is not None
        edges = Edges(acceptance.begins_cut, acceptance.ends_cut, reader.ends_open)
        end = End(
            reader.dialect,
            reader.read_columns,
            reader.ignored_columns,
            reader.order_counts,
            reader.separators,
            edges,
            reader.has_header,
            reader.hidden_rows,
        )
        send_frame(connection, END, pack_end(end))
    except UnreadablePart as refusal:
        send_frame(connection, REFUSAL, pack_refusal(refusal))
    except (_Gone, BrokenPipeError, ConnectionResetError):
        return


def _reader(form: PartForm) -> PartReader:
    return PartReader(
        format=form.format,
        compression=form.compression,
        dialect=form.dialect,
        rules=ColumnRules(
            form.columns,
            telephone_test(form.region),
            CountryTest(form.region),
            form.consent_period is not None,
            form.date_format,
            form.has_header,
            form.time_zone,
        ),
        times=_times(form),
        sheet=form.sheet,
        folder=form.folder,
    )


def _times(form: PartForm) -> TimeReader | None:
    if form.consent_period is None:
        return None
    assert form.time_zone is not None
    return TimeReader(form.time_zone, form.date_format)


def _read(connection: socket.socket, reader: PartReader, acceptance: Acceptance, most_lines: int | None) -> None:
    lines = 0
    for read in _lines_of(connection, reader):
        allow_cpu(max(reader.received_bytes, reader.expanded_bytes))
        for batch in acceptance.read(read):
            lines += batch.lines
            send_frame(connection, BATCH, pack_batch(batch))
        if most_lines is not None and lines >= most_lines:
            return


def _lines_of(connection: socket.socket, reader: PartReader) -> Iterator[Lines]:
    for portion in _portions(connection):
        allow_cpu(reader.received_bytes + len(portion))
        yield from reader.feed(portion)
    yield from reader.finish()


def _portions(connection: socket.socket) -> Iterator[bytes]:
    return iter(lambda: bytes(_next_frame(connection)[1]), b"")


def _next_frame(connection: socket.socket) -> tuple[bytes, memoryview]:
    frame = receive_frame(connection)
    if frame is None:
        raise _Gone
    return frame
