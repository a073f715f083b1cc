"""The log of a process: its reader may stop, and nothing else does."""

import logging
import os
import signal
import threading
from contextlib import ExitStack
from pathlib import Path

import psycopg

from service.command.logs import UnblockedHandler
from tests.builders import number, open_dataset
from tests.callers import Registry
from tests.inspection import until
from tests.test_processes import process_on


def record_of(text: str) -> logging.LogRecord:
    return logging.LogRecord("service", logging.INFO, "", 0, text, None, None)


def test_log_whose_reader_has_stopped_holds_up_nobody_and_counts_what_it_drops() -> None:
    reading, writing = os.pipe()
    handler, most = UnblockedHandler(writing, most=50), 4000
    # Much more than a pipe and the queue take.
    for place in range(most):
        handler.emit(record_of(f"{place} " + "x" * 200))
    with os.fdopen(reading, "rb") as reader:
        read: list[bytes] = []
        dropped = 0

        def read_all() -> None:
            nonlocal dropped
            for line in reader:
                read.append(line)
                if line.endswith(b"because nobody read them.\n"):
                    dropped += int(line.split()[0])

        thread = threading.Thread(target=read_all, daemon=True)
        thread.start()
        # What is emitted while the reader reads is written, and so is how much was dropped before.
        until(lambda: not handler._lines.unfinished_tasks)
        handler.emit(record_of("last"))
        handler.flush()
        os.close(writing)
        thread.join()
    assert read[0].startswith(b"0 ")
    assert b"last\n" in read
    assert dropped > 0
    assert len([line for line in read if line.split()[0].isdigit() and b"xxx" in line]) + dropped == most


def test_service_whose_log_nobody_reads_answers(dsn: str) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    # The pipe is full before the service writes its first line.
    try:
        while True:
            os.write(writing, bytes(65536))
    except BlockingIOError:
        os.set_blocking(writing, True)
    with process_on(dsn, stderr=writing) as (client, process_id):
        for _ in range(100):
            assert client.get("/healthz").status_code == 200
        os.kill(process_id, signal.SIGTERM)
        until(lambda: not Path(f"/proc/{process_id}/fd").exists() or _is_zombie(process_id))
    os.close(reading)
    os.close(writing)


def _is_zombie(process_id: int) -> bool:
    return " Z " in Path(f"/proc/{process_id}/stat").read_text()


def test_stop_that_interrupts_many_requests_logs_one_line(dsn: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("w") as written, process_on(dsn, stderr=written.fileno()) as (client, process_id):
        broker = Registry(client, dsn).broker()
        dataset_id = open_dataset(broker)["id"]
        broker.put_part(dataset_id, [number(1)])
        with psycopg.connect(dsn) as holder, ExitStack() as stack:
            holder.execute("LOCK TABLE membership_segment IN SHARE MODE")
            job = broker.post(f"/v1/datasets/{dataset_id}/seal")
            headers = {"Authorization": f"Bearer {broker.key}"}
            streams = []
            for _ in range(4):
                stream = client.stream("GET", f"/v1/jobs/{job['id']}/events", headers=headers)
                streams.append(stack.enter_context(stream).iter_lines())
                assert next(streams[-1]) == "event: progress"
            os.kill(process_id, signal.SIGTERM)
            until(lambda: not Path(f"/proc/{process_id}/fd").exists() or _is_zombie(process_id))
    text = log.read_text()
    assert "Traceback" not in text, text
    assert text.count("running task(s)") == 1
