"""Endpoints: who registers them, with which addresses, and who sees them."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, LiteralString

import pytest

from service.access.actor import Scope
from service.core.settings import Settings
from service.core.vocabulary import Role
from tests.callers import Caller, Registry
from tests.conftest import settings_of_tests
from tests.inspection import refusal, rows, until

# An IP address, so that registering it asks no name server.
URL = "https://1.1.1.1/filiation"


@pytest.fixture
def settings() -> Settings:
    """The default settings, which allow no private addresses."""
    return settings_of_tests()


def register(caller: Caller, url: str = URL, **options: Any) -> Any:
    return caller.post("/v1/webhooks", {"url": url}, **options)


def refused(caller: Caller, url: str) -> tuple[int, str]:
    return refusal(caller.request("POST", "/v1/webhooks", json={"url": url}))


def test_register_shows_secret_once_and_stores_it_encrypted(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    once = {"Idempotency-Key": "webhook-0001"}
    made = register(broker, headers=once)
    assert made["secret"].startswith("whsec_")
    assert register(broker, headers=once) == made | {"secret": None}
    rotated = broker.post(f"/v1/webhooks/{made['id']}/rotate", headers={"Idempotency-Key": "webhook-0002"})
    assert rotated["secret"] not in (None, made["secret"])
    listed = broker.get("/v1/webhooks")["items"]
    assert listed == [{key: value for key, value in rotated.items() if key != "secret"}]
    stored = str(rows(dsn, "SELECT * FROM webhook_endpoint") + rows(dsn, "SELECT body FROM idempotent_request"))
    for secret in (made["secret"], rotated["secret"]):
        assert secret not in stored
        assert secret.removeprefix("whsec_") not in stored


REFUSED_URLS = {
    "crm.example": "webhook_address_malformed",
    "http://1.1.1.1/": "webhook_address_insecure",
    "https://1.1.1.1:25/": "webhook_address_port",
    "https://1.1.1.1/0639980001": "webhook_address_with_number",
    "https://localhost/": "webhook_address_private",
    "https://127.1:8443/": "webhook_address_private",
    "https://[::ffff:192.168.0.1]/": "webhook_address_private",
    "https://169.254.169.254/latest/meta-data": "webhook_address_private",
    "https://does-not-exist.invalid/": "webhook_address_unresolved",
}


def test_register_address_that_may_not_be_called_is_refused(registry: Registry) -> None:
    broker = registry.broker()
    assert {url: refused(broker, url) for url in REFUSED_URLS} == {
        url: (422, slug) for url, slug in REFUSED_URLS.items()
    }
    assert broker.get("/v1/webhooks")["items"] == []


def test_register_name_with_a_private_address_is_refused(registry: Registry, dns: dict[str, list[str]]) -> None:
    broker = registry.broker()
    dns["hook.example"] = ["1.1.1.1 10.0.0.1", "10.0.0.1 1.1.1.1", "1.1.1.1 2606:4700::1111"]
    for _ in range(2):
        assert refused(broker, "https://hook.example/") == (422, "webhook_address_private")
    assert register(broker, "https://HOOK.example/x")["url"] == "https://hook.example/x"


def test_webhook_of_another_organisation_is_not_found(registry: Registry, unknown_id: object) -> None:
    broker, rival = registry.broker(), registry.party()
    made = register(broker)
    for webhook_id in (made["id"], unknown_id):
        for method, path in (("GET", "/deliveries"), ("POST", "/rotate"), ("DELETE", "")):
            answer = rival.request(method, f"/v1/webhooks/{webhook_id}{path}")
            assert refusal(answer) == (404, "not_found")
    answer = broker.request("POST", f"/v1/webhooks/deliveries/{unknown_id}/retry")
    assert refusal(answer) == (404, "not_found")
    assert rival.get("/v1/webhooks")["items"] == []
    assert broker.get("/v1/webhooks")["items"][0]["removed_at"] is None


def test_register_without_number_scope_is_refused(registry: Registry) -> None:
    facts = registry.organisation(Role.BROKER, scopes=(Scope.FACTS_READ, Scope.FACTS_WRITE, Scope.NUMBERS_READ))
    assert refused(facts, URL) == (403, "scope_missing")
    assert facts.get("/v1/webhooks")["items"] == []
    for caller in (registry.regulator(), registry.operator()):
        assert refused(caller, URL)[0] == 403
        assert caller.request("GET", "/v1/webhooks").status_code == 403


def test_register_with_processor_key_acts_for_its_party(registry: Registry) -> None:
    party, rival = registry.party(), registry.party()
    sender = registry.organisation(Role.PROCESSOR, acts_for=party)
    made = register(sender)
    assert [webhook["id"] for webhook in party.get("/v1/webhooks")["items"]] == [made["id"]]
    other = registry.organisation(Role.PROCESSOR, acts_for=rival)
    assert other.get("/v1/webhooks")["items"] == []


def test_register_eleventh_webhook_is_refused_until_one_is_removed(registry: Registry) -> None:
    broker = registry.broker()
    made = [register(broker, f"https://1.1.1.1/{place}") for place in range(10)]
    assert refused(broker, URL) == (409, "too_many_webhooks")
    removed = broker.request("DELETE", f"/v1/webhooks/{made[0]['id']}").json()
    assert removed["removed_at"] is not None
    assert broker.request("DELETE", f"/v1/webhooks/{made[0]['id']}").json() == removed
    register(broker)
    first = broker.get("/v1/webhooks", params={"limit": 6})
    second = broker.get("/v1/webhooks", params={"limit": 6, "after": first["next"]})
    assert len(first["items"]) == 6
    assert len(second["items"]) == 5
    assert second["next"] is None


# Processes of a test run may share a server, where others have transactions too.
_WAITING_FOR_THE_SERVICE: LiteralString = """
    SELECT FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%%'
"""


def test_register_with_a_name_server_that_does_not_answer_holds_up_nobody(
    registry: Registry, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker, answered, asked = registry.broker(), threading.Event(), []

    def get_addresses(name: str, *_: object, **__: object) -> list[Any]:
        asked.append(name)
        answered.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", get_addresses)
    with ThreadPoolExecutor(30) as pool:
        waiting = [pool.submit(refused, broker, f"https://slow{serial}.example/") for serial in range(30)]
        until(lambda: len(asked) >= 4)
        # What is open for a moment may belong to a request on its way. A request that waits keeps nothing open.
        until(lambda: not rows(dsn, _WAITING_FOR_THE_SERVICE))
        assert not all(request.done() for request in waiting)
        assert register(broker)["url"] == URL
        answered.set()
        found = {future.result() for future in waiting}
    assert found <= {(422, "webhook_address_unresolved"), (503, "overloaded")}
