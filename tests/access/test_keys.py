"""API keys: which can be issued, what they permit, when they end, and that the database does not contain them."""

from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from service.access.actor import Scope
from service.core.vocabulary import Role
from tests.builders import filled
from tests.callers import TRADE_SCOPES, Caller, Registry
from tests.inspection import refusal, rows

pytestmark = pytest.mark.one_registry

FACTS = ["facts:read"]


def issue(operator: Caller, organisation: Caller, **more: Any) -> Any:
    return operator.post("/v1/keys", {"organisation_id": str(organisation.id), "scopes": FACTS} | more)


def calling(organisation: Caller, key: str) -> int:
    return Caller(organisation.client, organisation.id, key).request("GET", "/v1/datasets").status_code


def everything(dsn: str) -> Iterator[str]:
    """Every row of every table as text."""
    with psycopg.connect(dsn) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            query = sql.SQL("SELECT row::text FROM {} AS row").format(sql.Identifier(table))
            yield from (text for (text,) in connection.execute(query))


def test_issue_and_rotate_key_show_its_text_once_and_store_it_nowhere(registry: Registry, dsn: str) -> None:
    operator, broker = registry.operator(), registry.organisation(Role.BROKER, scopes=ACCOUNTS)
    body = {"organisation_id": str(broker.id), "scopes": FACTS}
    idempotent = {"Idempotency-Key": "issue-one-key"}
    issued = operator.post("/v1/keys", body, headers=idempotent)
    replayed = operator.request("POST", "/v1/keys", json=body, headers=idempotent)
    assert replayed.headers["idempotent-replayed"] == "true"
    assert replayed.json() == issued | {"key": None}
    rotated = broker.post(f"/v1/keys/{issued['id']}/rotate", headers={"Idempotency-Key": "rotate-one-key"})
    assert calling(broker, issued["key"]) == calling(broker, rotated["key"]) == 200
    stored = "\n".join(everything(dsn))
    for key in (issued, rotated):
        assert key["key"].startswith(f"fil_{key['prefix']}_")
        assert key["prefix"] in stored
        secret = key["key"].removeprefix(f"fil_{key['prefix']}_")
        assert secret not in stored
        assert secret.encode().hex() not in stored
    assert [listed for listed in operator.get("/v1/keys")["items"] if "key" in listed] == []


def test_issue_key_that_does_not_fit_its_organisation_is_refused(registry: Registry, unknown_id: object) -> None:
    operator, broker, party = registry.operator(), registry.broker(), registry.party()
    processor = registry.organisation(Role.PROCESSOR, acts_for=party)
    cases: list[tuple[Any, dict[str, Any], tuple[int, str]]] = [
        (processor.id, {}, (422, "acts_for_missing")),
        (processor.id, {"acts_for_id": str(broker.id)}, (422, "not_a_party")),
        (processor.id, {"acts_for_id": str(unknown_id)}, (422, "not_a_party")),
        (broker.id, {"acts_for_id": str(party.id)}, (422, "not_a_processor")),
        (operator.id, {"scopes": ["numbers:read"]}, (422, "scope_not_for_operator")),
        (unknown_id, {}, (404, "not_found")),
        (broker.id, {"scopes": []}, (422, "invalid_request")),
        (broker.id, {"scopes": ["everything"]}, (422, "invalid_request")),
        (broker.id, {"expires_at": "9999-12-31T23:59:59-12:00"}, (422, "invalid_request")),
    ]
    wrong = []
    for organisation_id, more, expected in cases:
        body = {"organisation_id": str(organisation_id), "scopes": FACTS} | more
        found = refusal(operator.request("POST", "/v1/keys", json=body))
        if found != expected:
            wrong.append((more, found, expected))
    assert wrong == []
    assert operator.get("/v1/keys")["next"] is None


def test_issue_first_key_gives_an_account(registry: Registry) -> None:
    operator, broker = registry.operator(), registry.broker()
    named = broker.post("/v1/organisations", {"legal_name": "Jeux", "country": "FR", "roles": ["collector"]})
    assert named["admitted_at"] is None
    key = operator.post("/v1/keys", {"organisation_id": named["id"], "scopes": FACTS})["key"]
    own = Caller(registry.client, named["id"], key).get(f"/v1/organisations/{named['id']}")
    assert own["admitted_at"] is not None
    notice = {"collector_id": named["id"], "code": "N", "language": "fr", "wording": "…", "mechanism": "oral"}
    notice |= {"purposes": ["transfer"], "valid_from_on": "2020-01-01", "occurred_at": "2020-01-01T00:00:00Z"}
    assert refusal(broker.request("POST", "/v1/notices", json=notice)) == (403, "has_own_account")


ACCOUNTS = (*TRADE_SCOPES, Scope.ACCOUNTS)
LAST_USE: LiteralString = "SELECT last_used_at FROM api_key WHERE id = %s"
END_NOW: LiteralString = "UPDATE api_key SET expires_at = now() WHERE id = %s"
A_DAY_PASSES: LiteralString = "UPDATE api_key SET expires_at = expires_at - interval '24 hours' WHERE id = %s"


def test_call_with_expired_rotated_or_revoked_key_is_refused(registry: Registry, dsn: str) -> None:
    operator, broker = registry.operator(), registry.organisation(Role.BROKER, scopes=ACCOUNTS)
    first = issue(operator, broker, expires_at="2100-01-01T00:00:00Z")
    second = broker.post(f"/v1/keys/{first['id']}/rotate")
    assert (second["scopes"], second["expires_at"]) == (first["scopes"], first["expires_at"])
    assert calling(broker, first["key"]) == calling(broker, second["key"]) == 200
    rows(dsn, A_DAY_PASSES, first["id"])
    assert (calling(broker, first["key"]), calling(broker, second["key"])) == (401, 200)
    assert refusal(broker.request("POST", f"/v1/keys/{first['id']}/rotate")) == (409, "key_inactive")
    rows(dsn, END_NOW, second["id"])
    assert calling(broker, second["key"]) == 401
    third = issue(operator, broker)
    ended = operator.request("DELETE", f"/v1/keys/{third['id']}").json()
    assert calling(broker, third["key"]) == 401
    assert operator.request("DELETE", f"/v1/keys/{third['id']}").json() == ended
    assert refusal(broker.request("POST", f"/v1/keys/{third['id']}/rotate")) == (409, "key_inactive")


def test_lookup_records_use_of_the_key_and_is_refused_after_revocation(registry: Registry, dsn: str) -> None:
    operator, broker = registry.operator(), registry.broker()
    key = issue(operator, broker, scopes=["numbers:read"])
    caller = Caller(registry.client, broker.id, key["key"])
    assert not caller.lookup("+33639980001")["held"]
    ((used,),) = rows(dsn, LAST_USE, key["id"])
    caller.lookup("+33639980001")
    assert used is not None
    assert rows(dsn, LAST_USE, key["id"]) == [(used,)]
    rows(dsn, "UPDATE api_key SET last_used_at = last_used_at - interval '2 minutes' WHERE id = %s", key["id"])
    caller.lookup("+33639980001")
    assert rows(dsn, LAST_USE, key["id"]) > [(used,)]
    operator.request("DELETE", f"/v1/keys/{key['id']}")
    refused = caller.request("POST", "/v1/lookups", json={"number": "+33639980001"})
    assert refusal(refused) == (401, "key_refused")


def test_rotate_key_that_expires_within_a_day_keeps_its_expiry(registry: Registry, dsn: str) -> None:
    operator, broker = registry.operator(), registry.organisation(Role.BROKER, scopes=ACCOUNTS)
    short = issue(operator, broker)
    rows(dsn, "UPDATE api_key SET expires_at = now() + interval '1 hour' WHERE id = %s", short["id"])
    before = rows(dsn, "SELECT expires_at FROM api_key WHERE id = %s", short["id"])
    broker.post(f"/v1/keys/{short['id']}/rotate")
    assert rows(dsn, "SELECT expires_at FROM api_key WHERE id = %s", short["id"]) == before


def test_list_keys_shows_their_last_use(registry: Registry) -> None:
    operator, broker = registry.operator(), registry.broker()
    used, unused = issue(operator, broker), issue(operator, broker)
    assert calling(broker, used["key"]) == 200
    last_used = {key["id"]: key["last_used_at"] for key in operator.get("/v1/keys")["items"]}
    assert last_used[used["id"]] is not None
    assert last_used[unused["id"]] is None


CALLS: dict[Scope, tuple[str, str, Any]] = {
    Scope.FACTS_READ: ("GET", "/v1/datasets", None),
    Scope.FACTS_WRITE: ("POST", "/v1/organisations", {"legal_name": "X", "country": "FR", "roles": ["party"]}),
    Scope.NUMBERS_READ: ("POST", "/v1/lookups", {"number": "+33639980001"}),
    Scope.ACCOUNTS: ("GET", "/v1/keys", None),
}


def test_call_without_the_scope_of_the_route_is_refused(registry: Registry) -> None:
    for scope, (method, path, body) in CALLS.items():
        narrow = registry.organisation(Role.BROKER, scopes=[scope])
        wide = registry.organisation(Role.BROKER, scopes=[other for other in Scope if other is not scope])
        assert narrow.request(method, path, json=body).is_success
        assert refusal(wide.request(method, path, json=body)) == (403, "scope_missing")


@pytest.mark.own_registry
def test_keys_are_managed_by_their_organisation_and_the_operator_only(registry: Registry) -> None:
    accounts = (*TRADE_SCOPES, Scope.ACCOUNTS)
    broker, other = (registry.organisation(Role.BROKER, scopes=accounts) for _ in range(2))
    own = broker.get("/v1/keys")["items"]
    assert [key["organisation_id"] for key in own] == [str(broker.id)]
    assert refusal(other.request("POST", f"/v1/keys/{own[0]['id']}/rotate")) == (404, "not_found")
    assert refusal(other.request("DELETE", f"/v1/keys/{own[0]['id']}")) == (404, "not_found")
    body = {"organisation_id": str(broker.id), "scopes": FACTS}
    assert refusal(broker.request("POST", "/v1/keys", json=body)) == (403, "role_missing")
    seen = {key["organisation_id"] for key in registry.operator().get("/v1/keys")["items"]}
    assert {str(broker.id), str(other.id)} <= seen


def test_processor_manages_no_keys_for_another_party(registry: Registry) -> None:
    operator, party, other_party = registry.operator(), registry.party(), registry.party()
    accounts = (*TRADE_SCOPES, Scope.ACCOUNTS)
    sender = registry.organisation(Role.PROCESSOR, acts_for=party, scopes=accounts)
    second = issue(operator, sender, acts_for_id=str(other_party.id))
    assert {key["acts_for_id"] for key in sender.get("/v1/keys")["items"]} == {str(party.id)}
    assert refusal(sender.request("POST", f"/v1/keys/{second['id']}/rotate")) == (404, "not_found")
    assert refusal(sender.request("DELETE", f"/v1/keys/{second['id']}")) == (404, "not_found")


def test_processor_sees_what_its_party_sees(registry: Registry) -> None:
    party, other_party = registry.party(), registry.party()
    dataset, hidden = filled(party, [1]), filled(other_party, [2])
    sender = registry.organisation(Role.PROCESSOR, acts_for=party)
    assert [row["id"] for row in sender.get("/v1/datasets")["items"]] == [dataset["id"]]
    assert sender.request("GET", f"/v1/datasets/{hidden['id']}").status_code == 404
    assert not sender.lookup("+33639980002")["held"]
    through = filled(sender, [3], holder_id=str(party.id))
    assert through["asserted_by_id"] == str(party.id)
    assert through["asserted_through_id"] == str(sender.id)


def test_operator_reads_facts_or_numbers_is_refused(registry: Registry, dsn: str) -> None:
    operator, broker = registry.operator(), registry.broker()
    filled(broker, [1])
    # Even with scopes that cannot be issued: the role does not suffice.
    rows(dsn, "UPDATE api_key SET scopes = %s WHERE organisation_id = %s", [str(scope) for scope in Scope], operator.id)
    for path in ("/v1/datasets", "/v1/notices", "/v1/collections", "/v1/transfers", "/v1/campaigns"):
        assert refusal(operator.request("GET", path)) == (403, "role_missing")
    assert refusal(operator.request("POST", "/v1/lookups", json={"number": "+33639980001"})) == (403, "role_missing")
    names = {row["id"] for row in operator.get("/v1/organisations")["items"]}
    assert {str(broker.id), str(operator.id)} <= names


def test_call_with_a_malformed_key_is_refused_like_an_unknown_key(registry: Registry) -> None:
    for authorization in ("Bearer", "Bearer fil_", "Bearer fil__", "Bearer é", "bearer fil_x_y", "fil_x_y"):
        answer = registry.client.get("/v1/datasets", headers=[(b"Authorization", authorization.encode("latin-1"))])
        assert refusal(answer) == (401, "key_refused")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_rotate_key_with_more_scopes_than_the_calling_key_is_refused(registry: Registry) -> None:
    operator, party = registry.operator(), registry.organisation(Role.PARTY, scopes=ACCOUNTS)
    narrow = issue(operator, party, scopes=["accounts"])
    wide = party.get("/v1/keys")["items"][0]
    with_narrow = Caller(party.client, party.id, narrow["key"])
    assert refusal(with_narrow.request("POST", f"/v1/keys/{wide['id']}/rotate")) == (403, "not_your_key")
    assert refusal(operator.request("POST", f"/v1/keys/{wide['id']}/rotate")) == (403, "not_your_key")
    assert with_narrow.post(f"/v1/keys/{narrow['id']}/rotate")["scopes"] == ["accounts"]


def test_party_lists_and_revokes_keys_that_act_for_it(registry: Registry) -> None:
    party = registry.organisation(Role.PARTY, scopes=ACCOUNTS)
    sender = registry.organisation(Role.PROCESSOR, acts_for=party)
    (theirs,) = [key for key in party.get("/v1/keys")["items"] if key["acts_for_id"] == str(party.id)]
    assert refusal(party.request("POST", f"/v1/keys/{theirs['id']}/rotate")) == (403, "not_your_key")
    assert party.request("DELETE", f"/v1/keys/{theirs['id']}").is_success
    assert sender.request("GET", "/v1/datasets").status_code == 401
