"""The HTTP clients of the benchmarks."""

import pytest
from fastapi import FastAPI, Request, Response

from benchmarks.clients import lookup_requests, run_load
from tests.sockets import on_a_socket


def application(bodies: list[bytes], status: int = 200) -> FastAPI:
    """An application that appends the bodies of its requests to `bodies`."""
    app = FastAPI()

    @app.post("/v1/lookups")
    async def look_up_number(request: Request) -> Response:
        bodies.append(await request.body())
        # Longer than one read of a socket, so that answers arrive in pieces.
        return Response(b"x" * 200_000, status, headers={"Authorization": request.headers["authorization"]})

    return app


def test_run_load_sends_all_bodies_and_counts_the_answers() -> None:
    bodies: list[bytes] = []
    with on_a_socket(application(bodies)) as client:
        port = client.base_url.port
        assert port is not None
        load = run_load(lookup_requests(port, "key", [33639980001, 33639980002]), clients=4, seconds=0.3)
    assert set(bodies) == {b'{"number": "+33639980001"}', b'{"number": "+33639980002"}'}
    assert 0 < load.p50 <= load.p99
    assert load.per_second * 0.3 <= len(bodies)


def test_run_load_with_a_refused_request_fails() -> None:
    with on_a_socket(application([], status=500)) as client:
        port = client.base_url.port
        assert port is not None
        with pytest.raises(RuntimeError, match="500"):
            run_load(lookup_requests(port, "key", [33639980001]), clients=2, seconds=0.3)
