"""SIGTERM while streams, uploads and jobs go on: the process ends by itself, and the next one does the rest."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import psycopg

from service.command.serve import GRACE_SECONDS
from service.core.worker import stop_seconds
from tests.builders import number, open_dataset
from tests.callers import Registry
from tests.inspection import until, waiting_for_locks
from tests.test_processes import process_on

# What a stop waits for apart from that: PostgreSQL itself.
REST_SECONDS = 1


def test_serve_that_is_stopped_ends_beside_streams_uploads_and_jobs(dsn: str) -> None:
    assert GRACE_SECONDS + stop_seconds() + REST_SECONDS < 8
    with process_on(dsn) as (client, process_id):
        broker = Registry(client, dsn).broker()
        datasets = [open_dataset(broker)["id"] for _ in range(2)]
        broker.put_part(datasets[0], [number(last) for last in range(50)])
        headers = {"Authorization": f"Bearer {broker.key}"}
        stopped = threading.Event()
        url = f"{client.base_url}/v1/datasets/{datasets[1]}/parts/1"
        uploading = threading.Thread(target=_upload_slowly, args=(url, headers, stopped))
        with psycopg.connect(dsn) as holder:
            holder.execute("LOCK TABLE membership_segment IN SHARE MODE")
            job = broker.post(f"/v1/datasets/{datasets[0]}/seal")
            until(lambda: waiting_for_locks(dsn))
            uploading.start()
            path = f"/v1/jobs/{job['id']}/events"
            with suppress(httpx2.TransportError), client.stream("GET", path, headers=headers) as stream:
                lines = stream.iter_lines()
                next(lines)
                os.kill(process_id, signal.SIGTERM)
                for _ in lines:
                    pass
            until(lambda: not _runs(process_id))
            stopped.set()
            uploading.join()
    with process_on(dsn) as (client, _):
        again = Registry(client, dsn)
        broker.client = again.client
        assert broker.finish(job)["state"] == "succeeded"
        broker.put_part(datasets[1], [number(1)])


def _upload_slowly(url: str, headers: dict[str, str], stopped: threading.Event) -> None:
    """Send one line, and nothing more until the service has stopped."""

    def body() -> Iterator[bytes]:
        yield number(1).encode() + b"\n"
        stopped.wait(60)

    with suppress(httpx2.TransportError):
        httpx2.put(url, content=body(), headers=headers | {"Content-Type": "text/csv"}, timeout=60)


def _runs(process_id: int) -> bool:
    """Whether a process still runs. It stays in the table of processes until its parent has read its status."""
    try:
        status = Path(f"/proc/{process_id}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
