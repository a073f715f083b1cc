"""Webhooks end with the key that they belong to: by revocation, by expiry, and not by a rotation."""

from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
import pytest
from pydantic import SecretStr

from service.access.actor import Scope
from service.core.settings import Settings
from service.core.vocabulary import Role
from tests.builders import collected, number
from tests.callers import TRADE_SCOPES, Caller, Registry
from tests.conftest import MASTER_SECRET
from tests.inspection import defer, refusal, rows, until
from tests.webhook.builders import deliveries, delivery_after, make_pending_due, register
from tests.webhook.conftest import Announce
from tests.webhook.receiver import Receiver, receiving

ALL_SCOPES = (*TRADE_SCOPES, Scope.ACCOUNTS)
EXPIRE: LiteralString = "UPDATE api_key SET expires_at = now() - interval '2 hours' WHERE id = %s"
END_SOON: LiteralString = "UPDATE api_key SET expires_at = now() + interval '13 days' WHERE id = %s"


@pytest.fixture
def settings() -> Settings:
    """Settings of a service that may call loopback addresses."""
    return Settings(master_secret=SecretStr(MASTER_SECRET), webhook_allow_private=True, verifications_per_address=1000)


@pytest.fixture
def party(registry: Registry) -> Caller:
    return registry.organisation(Role.PARTY, scopes=ALL_SCOPES)


def key_of(caller: Caller) -> str:
    """The id of the key that a caller calls with."""
    prefix = caller.key.split("_")[1]
    found: str = next(key["id"] for key in caller.get("/v1/keys")["items"] if key["prefix"] == prefix)
    return found


def rotate(caller: Caller) -> Caller:
    """The same organisation, calling with the key that replaces its own."""
    return Caller(caller.client, caller.id, caller.post(f"/v1/keys/{key_of(caller)}/rotate")["key"])


def webhook_of(caller: Caller, webhook: Any) -> Any:
    return next(row for row in caller.get("/v1/webhooks")["items"] if row["id"] == webhook["id"])


def events_of(caller: Caller, webhook: Any) -> list[tuple[str, str]]:
    return [(row["event"], row["subject_id"]) for row in deliveries(caller, webhook)]


def watch_until(dsn: str, caller: Caller, webhook: Any, count: int) -> list[tuple[str, str]]:
    """The events for a webhook, once the worker has looked at the keys and there are so many."""
    defer(dsn, "watch_keys", timestamp=0)
    until(lambda: rows(dsn, "SELECT 1 FROM procrastinate_jobs WHERE task_name = 'watch_keys'") == [])
    found = events_of(caller, webhook)
    assert len(found) == count
    return found


@dataclass
class Sides:
    """A party that two processors act for, each with a webhook, and a collector that reports letters of two persons."""

    party: Caller
    sender: Caller
    other: Caller
    collector: Caller

    def report(self, last_four: int) -> None:
        """Record an objection that reaches the party as a relay."""
        letter = {"number": number(last_four), "occurred_at": "2024-05-20T10:00:00Z"}
        self.collector.post("/v1/objections/received", {"kind": "objection", "numbers": [letter]})


@pytest.fixture
def sides(registry: Registry, party: Caller) -> Sides:
    sender, other = (registry.organisation(Role.PROCESSOR, acts_for=party, scopes=ALL_SCOPES) for _ in range(2))
    collector = registry.collector()
    for caller in (party, collector):
        collected(caller, [1, 2])
    return Sides(party, sender, other, collector)


def test_revoke_key_of_processor_stops_its_webhook_and_announces_it_to_the_party(
    sides: Sides, receiver: Receiver, dsn: str
) -> None:
    party = sides.party
    with receiving() as of_party, receiving() as of_other:
        kept, of_rival = register(party, of_party), register(sides.other, of_other)
        receiver.status = 503
        made = register(sides.sender, receiver)
        assert (made["api_key_id"], made["through_id"]) == (key_of(sides.sender), str(sides.sender.id))
        assert (kept["api_key_id"], kept["through_id"]) == (key_of(party), None)
        sides.report(1)
        delivery_after(sides.sender, made)
        assert len(receiver.got) == 1
        party.request("DELETE", f"/v1/keys/{made['api_key_id']}").raise_for_status()
        assert refusal(sides.sender.request("GET", "/v1/webhooks")) == (401, "key_refused")
        (waiting,) = deliveries(party, made)
        assert (waiting["state"], waiting["last_outcome"]) == ("cancelled", "key ended")
        assert webhook_of(party, made)["removed_at"] is not None
        receiver.status = 204
        make_pending_due(dsn)
        sides.report(2)
        # The party's own webhook gets both relays; the processor's address gets nothing more.
        of_party.wait_for(2)
        assert len(party.get("/v1/objections/relays")["items"]) == 2
        assert len(receiver.got) == 1
        defer(dsn, "watch_keys", timestamp=0)
        event = of_party.wait_for(3)[-1].verified(kept["secret"])
    assert event["type"] == "key.revoked"
    assert (event["data"]["api_key_id"], event["data"]["webhook_ids"]) == (made["api_key_id"], [made["id"]])
    assert ("key.revoked", made["api_key_id"]) not in events_of(sides.other, of_rival)


def test_processor_sees_and_changes_only_webhooks_of_its_own_keys(
    registry: Registry, party: Caller, receiver: Receiver
) -> None:
    first, second = (registry.organisation(Role.PROCESSOR, acts_for=party) for _ in range(2))
    made, own = register(first, receiver), register(party, receiver)
    assert second.get("/v1/webhooks")["items"] == []
    for webhook in (made, own):
        path = f"/v1/webhooks/{webhook['id']}"
        for method, end in (("GET", "/deliveries"), ("POST", "/rotate"), ("DELETE", "")):
            assert refusal(second.request(method, path + end)) == (404, "not_found")
    assert {row["id"] for row in party.get("/v1/webhooks")["items"]} == {made["id"], own["id"]}
    assert party.request("DELETE", f"/v1/webhooks/{made['id']}").status_code == 200


def test_rotate_key_hands_over_webhooks_and_jobs(party: Caller, receiver: Receiver, dsn: str) -> None:
    made = register(party, receiver)
    assert party.post("/v1/keys/" + key_of(party) + "/rotate")["replaces_id"] == key_of(party)
    renewed = rotate(party)
    # The first replacement was never used, so that the second takes the webhook over.
    assert webhook_of(renewed, made)["api_key_id"] == key_of(renewed)
    later = register(party, receiver)
    assert later["api_key_id"] == key_of(renewed), "what the old key still makes belongs to the new one"
    rows(dsn, EXPIRE, key_of_prefix(dsn, party))
    assert watch_until(dsn, renewed, made, 0) == []
    assert {row["removed_at"] for row in renewed.get("/v1/webhooks")["items"]} == {None}
    renewed.request("DELETE", f"/v1/keys/{key_of(renewed)}").raise_for_status()
    assert rows(dsn, "SELECT count(*) FROM webhook_endpoint WHERE removed_at IS NULL") == [(0,)]


def key_of_prefix(dsn: str, caller: Caller) -> str:
    """The id of a caller's key, whether or not it can still call."""
    return str(rows(dsn, "SELECT id FROM api_key WHERE prefix = %s", caller.key.split("_")[1])[0][0])


def test_expiring_key_is_announced_once_and_at_its_expiry_ends_like_a_revoked_one(
    registry: Registry, party: Caller, receiver: Receiver, dsn: str, announce_event: Announce
) -> None:
    operator, key_id = registry.operator(), key_of(party)
    scopes = [str(scope) for scope in ALL_SCOPES]
    issued = operator.post("/v1/keys", {"organisation_id": str(party.id), "scopes": scopes})
    second = Caller(party.client, party.id, issued["key"])
    with receiving() as of_second:
        ending, kept = register(party, receiver), register(second, of_second)
        watch_until(dsn, second, kept, 0)
        rows(dsn, END_SOON, key_id)
        for _ in range(2):
            assert watch_until(dsn, second, kept, 1) == [("key.expiring", key_id)]
        assert events_of(second, ending) == [("key.expiring", key_id)]
        receiver.wait_for(1)
        rows(dsn, EXPIRE, key_id)
        # Nothing goes to its address any more, although the worker has not looked at it yet.
        announce_event(party.id)
        of_second.wait_for(2)
        until(lambda: deliveries(second, ending, state="pending") == [])
        assert len(receiver.got) == 1
        for _ in range(2):
            assert watch_until(dsn, second, kept, 3)[-1] == ("key.expired", key_id)
        assert webhook_of(second, ending)["removed_at"] is not None
        of_second.wait_for(3)


def test_webhook_in_use_cannot_be_left_without_a_key(party: Caller, receiver: Receiver, dsn: str) -> None:
    made = register(party, receiver)
    rows(dsn, "UPDATE api_key SET revoked_at = now() WHERE id = %s", made["api_key_id"])
    for statement in (
        "UPDATE webhook_endpoint SET removed_at = NULL",
        "INSERT INTO webhook_endpoint (id, organisation_id, api_key_id, url, secret_encrypted, recorded_at) "
        "SELECT gen_random_uuid(), organisation_id, api_key_id, url, '', now() FROM webhook_endpoint",
    ):
        with pytest.raises(psycopg.errors.CheckViolation):
            rows(dsn, statement)


def test_key_that_the_operator_issues_is_shown_and_announced_to_its_organisation(
    registry: Registry, party: Caller, receiver: Receiver, dsn: str
) -> None:
    operator = registry.operator()
    webhook = register(party, receiver)
    issued = operator.post("/v1/keys", {"organisation_id": str(party.id), "scopes": ["numbers:read"]})
    assert watch_until(dsn, party, webhook, 1) == [("key.issued", issued["id"])]
    assert watch_until(dsn, party, webhook, 1) == [("key.issued", issued["id"])]
    issuers = {key["id"]: key["issued_by_id"] for key in party.get("/v1/keys")["items"]}
    assert issuers == {key_of(party): None, issued["id"]: str(operator.id)}
    event = receiver.wait_for(1)[0].verified(webhook["secret"])
    assert (event["data"]["api_key_id"], event["data"]["issued_by_id"]) == (issued["id"], str(operator.id))
