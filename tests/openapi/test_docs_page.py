"""The interactive documentation: served from local files, wherever messages go, and it works without a network."""

import re
from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import expect
from pydantic import SecretStr

from service.core.openapi import operations_of
from service.core.setting_types import GatewayKind
from service.core.settings import Settings
from service.main import create_app
from tests.conftest import MASTER_SECRET
from tests.examples import examples
from tests.portal.browsing import running_chromium
from tests.sockets import on_a_socket

PATIENCE_MS = 120_000


def settings_with(gateway: GatewayKind) -> Settings:
    """Settings that show messages on this machine, or send them."""
    secret = SecretStr(MASTER_SECRET)
    if gateway is GatewayKind.OUTBOX:
        return Settings(master_secret=secret)
    return Settings(master_secret=secret, sms_gateway=gateway, kannel_address="127.0.0.1:13001")


@pytest.fixture(params=list(GatewayKind))
def service(request: pytest.FixtureRequest, dsn: str) -> Iterator[httpx2.Client]:
    """The service on a socket, with each gateway."""
    with on_a_socket(create_app(settings_with(request.param), dsn)) as client:
        yield client


def test_docs_page_refers_to_local_files_only_and_each_is_served(service: httpx2.Client) -> None:
    wrong = []
    page = service.get("/docs")
    assert page.status_code == 200
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(links) >= 5
    for link in links:
        if ":" in link or link.startswith("//"):
            wrong.append((link, "is elsewhere"))
        elif not service.get(f"/{link}").is_success:
            wrong.append((link, "is not served"))
    assert wrong == []


def test_docs_page_allows_scripts_and_requests_of_its_origin_only(service: httpx2.Client) -> None:
    page = service.get("/docs")
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert (policy["script-src"], policy["connect-src"], policy["style-src"]) == ("'self'", "'self'", "'self'")
    assert re.findall(r"<script(?![^>]* src=)|<style| on[a-z]+=| style=", page.text) == []


@pytest.mark.parametrize("service", list(GatewayKind)[: examples(1, 2)], indirect=True)
def test_docs_page_shows_every_operation_and_asks_nobody_else(service: httpx2.Client) -> None:
    url = str(service.base_url).rstrip("/")
    troubles: list[str] = []
    expected = len(list(operations_of(service.get("/openapi.json").json())))
    with running_chromium() as chromium:
        page = chromium.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "request", lambda request: None if request.url.startswith((url, "data:")) else troubles.append(request.url)
        )
        page.goto(f"{url}/docs")
        expect(page.locator(".opblock")).to_have_count(expected, timeout=PATIENCE_MS)
        # A request from the page gets through its policy.
        health = page.locator("#operations-health-get_health")
        health.locator(".opblock-summary-control").click()
        health.get_by_role("button", name="Try it out").click()
        health.get_by_role("button", name="Execute").click()
        expect(health.locator(".live-responses-table .response-col_status").last).to_contain_text(
            "200", timeout=PATIENCE_MS
        )
    assert troubles == []
