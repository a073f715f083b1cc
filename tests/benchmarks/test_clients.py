"""The clients that ask as fast as they are answered."""

import pytest
from fastapi import FastAPI, Request, Response

from benchmarks.clients import ask, lookups
from tests.sockets import on_a_socket


def application(seen: list[bytes], status: int = 200) -> FastAPI:
    """An application that remembers what it was asked."""
    app = FastAPI()

    @app.post("/v1/lookups")
    async def look_up_number(request: Request) -> Response:
        seen.append(await request.body())
        # Longer than one piece of a socket, so that answers arrive in parts.
        return Response(b"x" * 200_000, status, headers={"Authorization": request.headers["authorization"]})

    return app


def test_every_client_asks_again_once_it_is_answered() -> None:
    seen: list[bytes] = []
    with on_a_socket(application(seen)) as client:
        port = client.base_url.port
        assert port is not None
        load = ask(lookups(port, "key", [33639980001, 33639980002]), clients=4, seconds=0.3)
    assert set(seen) == {b'{"number": "+33639980001"}', b'{"number": "+33639980002"}'}
    assert 0 < load.p50 <= load.p99
    assert load.per_second * 0.3 <= len(seen)


def test_a_refusal_is_no_answer() -> None:
    with on_a_socket(application([], status=500)) as client:
        port = client.base_url.port
        assert port is not None
        with pytest.raises(RuntimeError, match="500"):
            ask(lookups(port, "key", [33639980001]), clients=2, seconds=0.3)
