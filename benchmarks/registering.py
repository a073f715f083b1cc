"""Datasets over HTTP, from the first byte sent until sealed, by a client that costs little itself.

The file goes from the kernel's page cache to the socket (sendfile), so that what is measured is the service.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks.calling import Caller
from benchmarks.service import HOST, Service

_AT_ONCE = 4
_OCCURRED_AT = "2024-01-15T00:00:00Z"


def make_collection(caller: Caller) -> str:
    """The id of a collection under a notice, both the caller's own, that went on from 2020 on."""
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


def open_dataset(caller: Caller, **facts: Any) -> str:
    """The id of a new dataset of the caller's."""
    body = {"occurred_at": _OCCURRED_AT, "holder_id": caller.id, "name": "Base"}
    return str(caller.post("/v1/datasets", body | facts)["id"])


def send(service: Service, caller: Caller, dataset_id: str, file: Path, span: range, number: int = 1) -> None:
    """Upload the bytes `span` of `file` as one part."""
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
        said = response.read()
        if response.status != 200:
            raise RuntimeError(f"part {number} was refused ({response.status}): {said[:500]!r}")
    finally:
        connection.close()


def seal(caller: Caller, dataset_id: str) -> None:
    """Seal a dataset and wait until it is."""
    caller.finish(caller.post(f"/v1/datasets/{dataset_id}/seal"))


def register_many(service: Service, caller: Caller, files: Iterable[Path]) -> None:
    """The sealed datasets that many files make: all are sent, four at once, before the first is waited for."""

    def start(file: Path) -> Any:
        dataset_id = open_dataset(caller)
        send(service, caller, dataset_id, file, range(file.stat().st_size))
        return caller.post(f"/v1/datasets/{dataset_id}/seal")

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for job in list(pool.map(start, files)):
            caller.finish(job)


def register(service: Service, caller: Caller, file: Path, **facts: Any) -> Any:
    """The sealed dataset that a file makes, sent as one part."""
    dataset_id = open_dataset(caller, **facts)
    send(service, caller, dataset_id, file, range(file.stat().st_size))
    seal(caller, dataset_id)
    return caller.get(f"/v1/datasets/{dataset_id}")
