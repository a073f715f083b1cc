"""Registers datasets over HTTP, from the first byte sent until they are sealed.

The client costs little itself: a file goes from the kernel's page cache to the socket by `sendfile`.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks.callers import Caller
from benchmarks.service import HOST, Service

_PARALLEL_UPLOADS = 4
_OCCURRED_AT = "2024-01-15T00:00:00Z"


def make_collection(caller: Caller) -> str:
    """The id of a new collection of the caller under its own notice, which began in 2020 and has no end."""
    notice = caller.post(
        "/v1/notices",
        {
            "occurred_at": "2020-01-01T00:00:00Z",
            "collector_id": caller.id,
            "code": "N-1",
            "language": "fr",
            "wording": "☐ J'accepte de recevoir par SMS les offres des partenaires listés ici.",
            "mechanism": "unticked_box",
            "purposes": ["commercial_canvassing", "political_canvassing"],
            "valid_from_on": "2020-01-01",
            "partner_list": {
                "occurred_at": "2020-01-01T00:00:00Z",
                "valid_from_on": "2020-01-01",
                "partners": [{"name": "Contact Direct SAS"}],
            },
        },
    )
    collection = caller.post(
        "/v1/collections",
        {
            "occurred_at": "2020-01-02T00:00:00Z",
            "collector_id": caller.id,
            "notice_id": notice["id"],
            "channel": "web_form",
            "address": "https://form.example",
            "began_on": "2020-01-01",
        },
    )
    return str(collection["id"])


def open_dataset(caller: Caller, **fields: Any) -> str:
    """The id of a new, open dataset of the caller. `fields` are added to the request."""
    body = {"occurred_at": _OCCURRED_AT, "holder_id": caller.id, "name": "Base"}
    return str(caller.post("/v1/datasets", body | fields)["id"])


def upload_part(service: Service, caller: Caller, dataset_id: str, file: Path, span: range, number: int = 1) -> None:
    """Upload the bytes `span` of `file` as one part of a dataset."""
    connection = HTTPConnection(HOST, service.port, timeout=600)
    try:
        connection.putrequest("PUT", f"/v1/datasets/{dataset_id}/parts/{number}")
        connection.putheader("Authorization", f"Bearer {caller.key}")
        connection.putheader("Content-Type", "text/csv")
        connection.putheader("Content-Length", str(len(span)))
        connection.endheaders()
        with file.open("rb") as opened:
            connection.sock.sendfile(opened, span.start, len(span))
        response = connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise RuntimeError(f"part {number} was refused ({response.status}): {answer[:500]!r}")
    finally:
        connection.close()


def seal_dataset(caller: Caller, dataset_id: str) -> None:
    """Seal a dataset and wait until it is sealed."""
    caller.finish(caller.post(f"/v1/datasets/{dataset_id}/seal"))


def register_many(service: Service, caller: Caller, files: Iterable[Path]) -> None:
    """Register many files, each as a sealed dataset: all are uploaded, four at a time, before the first is awaited."""

    def start_sealing(file: Path) -> Any:
        dataset_id = open_dataset(caller)
        upload_part(service, caller, dataset_id, file, range(file.stat().st_size))
        return caller.post(f"/v1/datasets/{dataset_id}/seal")

    with ThreadPoolExecutor(_PARALLEL_UPLOADS) as pool:
        for job in list(pool.map(start_sealing, files)):
            caller.finish(job)


def register_patiently(service: Service, caller: Caller, file: Path) -> None:
    """Register a file as one part, and wait for its sealing by the events of the job."""
    dataset_id = open_dataset(caller)
    upload_part(service, caller, dataset_id, file, range(file.stat().st_size))
    caller.follow(caller.post(f"/v1/datasets/{dataset_id}/seal"))


def register(service: Service, caller: Caller, file: Path, **fields: Any) -> Any:
    """Register a file, uploaded as one part, and return the sealed dataset."""
    dataset_id = open_dataset(caller, **fields)
    upload_part(service, caller, dataset_id, file, range(file.stat().st_size))
    seal_dataset(caller, dataset_id)
    return caller.get(f"/v1/datasets/{dataset_id}")
