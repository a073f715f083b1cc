"""What a person is sent has a padded size and takes a multiple of a time, however it is made and sent."""

import asyncio
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from service.core.padding import LEAST_BYTES
from service.core.personal_responses import PersonalResponses, mark_personal, seconds_left

SECONDS = st.floats(0, 1000)


@given(elapsed=SECONDS, step=st.floats(0.001, 5))
def test_response_is_sent_at_the_next_multiple_of_the_step(elapsed: float, step: float) -> None:
    left = seconds_left(elapsed, step)
    assert 0 <= left <= step
    steps = (elapsed + left) / step
    assert abs(steps - round(steps)) * step < 1e-9


@given(elapsed=SECONDS)
def test_step_of_zero_is_no_wait(elapsed: float) -> None:
    assert seconds_left(elapsed, 0) == 0


def call(media_type: str, parts: list[bytes], *, personal: bool) -> tuple[httpx2.Response, list[float]]:
    """The response of an application that sends `parts`, and how long it was held back."""
    waits: list[float] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if personal:
            mark_personal(Request(scope))
        length = str(sum(map(len, parts))).encode()
        headers = [(b"content-type", media_type.encode()), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    async def get() -> httpx2.Response:
        transport: Any = httpx2.ASGITransport(app=PersonalResponses(application, 0.3, wait))
        async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
            return await client.get("/")

    return asyncio.run(get()), waits


@pytest.mark.parametrize("media_type", ["application/json", "application/problem+json", "text/html; charset=utf-8"])
def test_personal_response_is_padded_as_a_whole_and_waits_once(media_type: str) -> None:
    response, waits = call(media_type, [b"[1,", b"2]"], personal=True)
    assert response.content.startswith(b"[1,2]")
    assert len(response.content) == int(response.headers["content-length"]) == LEAST_BYTES
    assert response.headers["cache-control"] == "no-store, no-transform"
    (wait,) = waits
    assert 0 <= wait <= 0.3


def test_other_response_is_sent_as_it_is() -> None:
    response, waits = call("application/json", [b"[1,", b"2]"], personal=False)
    assert (response.content, waits) == (b"[1,2]", [])


def test_personal_response_without_content_waits_and_stays_empty() -> None:
    response, waits = call("application/json", [], personal=True)
    assert (response.content, len(waits)) == (b"", 1)


def test_personal_response_of_a_kind_without_padding_is_refused() -> None:
    with pytest.raises(ValueError, match="text/csv is sent to a person"):
        call("text/csv", [b"a,b"], personal=True)
