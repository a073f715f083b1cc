"""What began with a key ends within seconds when that is revoked or expires, and nothing of it is kept."""

import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from service.main import create_app
from tests.builders import number, open_dataset
from tests.callers import Caller, Registry
from tests.conftest import settings_of_tests
from tests.inspection import refusal, rows
from tests.sockets import on_a_socket


@pytest.fixture
def registry(dsn: str) -> Iterator[Registry]:
    with on_a_socket(create_app(settings_of_tests(), dsn, with_worker=False)) as client:
        yield Registry(client, dsn)


def sent_until(ended: threading.Event, begun: threading.Event) -> Iterator[bytes]:
    """A body that its client goes on sending until it is told to end."""
    last = 0
    while not ended.wait(0.1):
        yield f"{number(last % 1000)}\n".encode() * 10
        begun.set()
        last += 1


@pytest.mark.parametrize("column", ["revoked_at", "expires_at"])
def test_upload_whose_key_has_ended_is_refused_while_its_body_arrives(
    registry: Registry, dsn: str, column: str
) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    begun, ended = threading.Event(), threading.Event()
    found: list[Any] = []

    def upload() -> None:
        found.append(put(broker, dataset["id"], sent_until(ended, begun)))

    thread = threading.Thread(target=upload)
    thread.start()
    begun.wait()
    rows(dsn, f"UPDATE api_key SET {column} = now() - interval '1 second' WHERE organisation_id = %s", broker.id)
    thread.join(20)
    is_over = not thread.is_alive()
    ended.set()
    thread.join()
    assert is_over, "the upload went on"
    # A client that is still sending may find the connection closed before it reads why.
    assert found[0] is None or refusal(found[0]) == (401, "key_refused")
    assert rows(dsn, "SELECT FROM dataset_part") == []
    assert rows(dsn, "SELECT FROM staged_run") == []


def put(caller: Caller, dataset_id: str, content: Any) -> httpx2.Response | None:
    try:
        headers = {"Content-Type": "text/csv"}
        return caller.request("PUT", f"/v1/datasets/{dataset_id}/parts/1", content=content, headers=headers)
    except httpx2.NetworkError:
        return None


def test_upload_whose_key_was_revoked_before_its_end_is_not_kept(registry: Registry, dsn: str) -> None:
    """Its body ends before anybody looks at the key again."""
    broker = registry.broker()
    dataset = open_dataset(broker)

    def body() -> Iterator[bytes]:
        yield f"{number(1)}\n".encode()
        rows(dsn, "UPDATE api_key SET revoked_at = now() WHERE organisation_id = %s", broker.id)
        yield f"{number(2)}\n".encode()

    response = put(broker, dataset["id"], body())
    assert response is not None
    assert refusal(response) == (401, "key_refused")
    assert rows(dsn, "SELECT FROM dataset_part") == []


def test_upload_with_a_key_that_was_rotated_and_expires_goes_on(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    issued = registry.operator().post(
        "/v1/keys", {"organisation_id": str(broker.id), "scopes": ["facts:read", "numbers:write", "accounts"]}
    )
    rotated = Caller(broker.client, broker.id, issued["key"])

    def body() -> Iterator[bytes]:
        yield f"{number(1)}\n".encode()
        rotated.post(f"/v1/keys/{issued['id']}/rotate")
        rows(dsn, "UPDATE api_key SET expires_at = now() WHERE id = %s", issued["id"])
        yield f"{number(2)}\n".encode()

    response = put(rotated, dataset["id"], body())
    assert response is not None
    assert response.status_code == 200


def test_download_breaks_off_when_its_key_is_revoked(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    wrong = "x" * 90
    broker.put_part(dataset["id"], ["phone", *(f"{wrong}{line}" for line in range(60_000))])
    headers = {"Authorization": f"Bearer {broker.key}"}
    path = f"/v1/datasets/{dataset['id']}/rejects.csv"
    with broker.client.stream("GET", path, headers=headers) as response:
        pieces = response.iter_bytes()
        next(pieces)
        rows(dsn, "UPDATE api_key SET revoked_at = now() WHERE organisation_id = %s", broker.id)
        with pytest.raises(httpx2.RemoteProtocolError):
            list(pieces)
