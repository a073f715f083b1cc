"""One caller does not fill the server: slow clients give way, and an organisation has a share of the places."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import islice
from time import sleep

import httpx2
import psycopg
import pytest
from fastapi import FastAPI, Response

from service.core.body_limits import BodyLimits
from service.core.middleware import OutermostMiddleware
from service.core.request_places import MOST_TRANSACTIONS
from service.core.settings import Settings
from service.main import create_app
from tests.builders import number, open_dataset
from tests.callers import Caller, Registry
from tests.conftest import settings_of_tests
from tests.hostile import address_of, request_head
from tests.inspection import refusal
from tests.sockets import on_a_socket

MOST = 4
# The pool's connections for requests that write.
POOLED = 20


def limited() -> Settings:
    """Settings with few places."""
    return settings_of_tests().model_copy(update={"max_requests": MOST, "streams_at_once": 2})


@pytest.fixture
def registry(dsn: str) -> Iterator[Registry]:
    with on_a_socket(create_app(limited(), dsn, with_worker=False)) as client:
        yield Registry(client, dsn)


@contextmanager
def slow_body(client: httpx2.Client, method: str, path: str, *lines: str) -> Iterator[socket.socket]:
    """A request whose client has sent its head, which was read, and no more than the first byte of its body."""
    head = request_head(method, path, "Content-Length: 1000", "Expect: 100-continue", *lines)
    with socket.create_connection(address_of(client), timeout=30) as connection:
        connection.sendall(head)
        assert connection.recv(65536).startswith(b"HTTP/1.1 100")
        connection.sendall(b"{")
        yield connection


def slow_upload(caller: Caller, dataset_id: str) -> AbstractContextManager[socket.socket]:
    assert isinstance(caller.client, httpx2.Client)
    key = f"Authorization: Bearer {caller.key}"
    return slow_body(caller.client, "PUT", f"/v1/datasets/{dataset_id}/parts/1", key, "Content-Type: text/csv")


def test_slow_bodies_without_a_key_keep_nobody_out(registry: Registry) -> None:
    client = registry.client
    assert isinstance(client, httpx2.Client)
    broker = registry.broker()
    with ExitStack() as stack:
        slow = [
            stack.enter_context(slow_body(client, "POST", "/v1/verifications", "Content-Type: application/json"))
            for _ in range(MOST + 2)
        ]
        assert broker.get("/v1/datasets")["items"] == []
        assert open_dataset(broker)["state"] == "open"
        assert client.get("/v1/objections/deadlines").status_code == 200
        # The first two, and the one that gave way to the body of the broker's own request, which came in time.
        assert [connection.recv(65536)[:12] for connection in slow[:2]] == [b"HTTP/1.1 408"] * 2
        slow[-1].settimeout(0.2)
        with pytest.raises(TimeoutError):
            slow[-1].recv(1)


def test_uploads_of_one_organisation_take_no_more_than_its_share(registry: Registry) -> None:
    broker, other = registry.broker(), registry.broker()
    dataset = open_dataset(broker)
    with ExitStack() as stack:
        for _ in range(MOST // 2):
            stack.enter_context(slow_upload(broker, dataset["id"]))
        refused = broker.request("GET", "/v1/datasets")
        assert refusal(refused) == (429, "too_many_requests_at_once")
        assert int(refused.headers["retry-after"]) > 0
        assert other.get("/v1/datasets")["items"] == []
        assert open_dataset(other)["state"] == "open"
    wait_until_admitted(broker)


def test_event_streams_are_counted_apart_and_for_each_organisation(registry: Registry) -> None:
    broker, other = registry.broker(), registry.broker()
    streams = []
    with ExitStack() as stack:
        for caller in (broker, other):
            dataset_id = open_dataset(caller)["id"]
            caller.put_part(dataset_id, [number(1)])
            job = caller.post(f"/v1/datasets/{dataset_id}/seal")
            path = f"/v1/jobs/{job['id']}/events"
            for _ in range(2):
                stream = caller.client.stream("GET", path, headers={"Authorization": f"Bearer {caller.key}"})
                streams.append(stack.enter_context(stream).iter_lines())
                assert next(streams[-1]) == "event: progress"
            refused = caller.request("GET", path)
            assert refusal(refused) == (429, "too_many_streams")
            assert int(refused.headers["retry-after"]) > 0
        # As many streams are open as requests may run, and they take none of these places.
        third = registry.broker()
        assert third.get("/v1/datasets")["items"] == []
        assert len(broker.get("/v1/jobs")["items"]) == 1


def test_requests_that_wait_for_a_lock_leave_connections_to_others(dsn: str) -> None:
    with (
        on_a_socket(create_app(settings_of_tests(), dsn, with_worker=False)) as client,
        ThreadPoolExecutor(POOLED + MOST_TRANSACTIONS) as pool,
    ):
        registry = Registry(client, dsn)
        broker, other = registry.broker(), registry.broker()
        dataset_id = open_dataset(broker)["id"]
        with psycopg.connect(dsn) as holding:
            holding.execute("SELECT FROM dataset WHERE id = %s FOR UPDATE", (dataset_id,))
            path = f"/v1/datasets/{dataset_id}/seal"
            waiting = [pool.submit(broker.request, "POST", path) for _ in range(POOLED + MOST_TRANSACTIONS)]
            # The others wait. A request that came after the lock is gone would not.
            answered = (request.result() for request in islice(as_completed(waiting), POOLED))
            assert {refusal(response) for response in answered} == {(429, "too_many_requests_at_once")}
            for _ in range(3):
                assert open_dataset(other)["state"] == "open"
        statuses = [request.result().status_code for request in waiting]
    # The dataset is empty. Whoever had a turn learns so as soon as the lock is gone.
    assert statuses.count(409) == MOST_TRANSACTIONS
    assert statuses.count(429) == POOLED


def wait_until_admitted(caller: Caller) -> None:
    """Wait until an organisation's requests are served again."""
    while (response := caller.request("GET", "/v1/datasets")).status_code == 429:
        assert refusal(response) == (429, "too_many_requests_at_once")
        sleep(0.01)
    assert response.status_code == 200


def test_client_that_does_not_read_its_response_gives_way(caplog: pytest.LogCaptureFixture) -> None:
    """Its response is larger than what the system's buffers take. What they take counts as read, at 16 KiB a second."""
    caplog.set_level("INFO", "service.access")
    app, body = FastAPI(), bytes(24 << 20)

    @app.get("/long")
    async def long() -> Response:
        return Response(body)

    @app.get("/short")
    async def short() -> int:
        return 1

    app.add_middleware(OutermostMiddleware, limits=BodyLimits(1024, 1024), most_requests=2)
    with on_a_socket(app, unread_bytes=4096) as client, ExitStack() as stack:
        for _ in range(2):
            connection = stack.enter_context(socket.socket())
            connection.settimeout(30)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(address_of(client))
            connection.sendall(request_head("GET", "/long"))
            assert connection.recv(15) == b"HTTP/1.1 200 OK"
        while (status := client.get("/short").status_code) == 503:
            sleep(0.1)
        assert status == 200
        assert client.get("/short").status_code == 200
    # Later, the server would end the connection, without a word of the response.
    assert "the client did not read its response" in caplog.messages
