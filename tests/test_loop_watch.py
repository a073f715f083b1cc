"""The watch on the event loop finds what computes for long in it, and nothing else."""

import threading
import time

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.core.body_limits import BodyLimits
from service.core.middleware import OutermostMiddleware
from tests import loop_watch


def compute(seconds: float) -> None:
    """Use the processor for so long."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    app.add_middleware(OutermostMiddleware, limits=BodyLimits(1024, 1024))

    @app.get("/computing")
    async def compute_in_the_loop() -> None:
        compute(loop_watch.MOST_SECONDS * 5)

    @app.get("/beside")
    def compute_in_a_thread() -> None:
        compute(loop_watch.MOST_SECONDS * 5)

    @app.get("/sleeping")
    async def hold_up_the_loop_without_computing() -> None:
        threading.Event().wait(loop_watch.MOST_SECONDS * 5)

    return TestClient(app)


def test_request_that_computes_in_the_loop_is_found(client: TestClient) -> None:
    assert client.get("/computing").status_code == 200
    (found,) = loop_watch.take_findings()
    assert " ms in " in found


def test_request_that_computes_in_a_thread_or_waits_is_not_found(client: TestClient) -> None:
    assert client.get("/beside").status_code == 200
    assert client.get("/sleeping").status_code == 200
    assert loop_watch.take_findings() == []
