"""API keys: what they may be, what they let through, how they end, and that nobody finds one in the database."""

from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from service.access.actor import Scope
from service.core.vocabulary import Role
from tests.builders import filled
from tests.callers import TRADE_SCOPES, Caller, Registry
from tests.inspection import refusal, rows

FACTS = ["facts:read"]


def issue(operator: Caller, organisation: Caller, **more: Any) -> Any:
    return operator.post("/v1/keys", {"organisation_id": str(organisation.id), "scopes": FACTS} | more)


def calling(organisation: Caller, key: str) -> int:
    return Caller(organisation.client, organisation.id, key).request("GET", "/v1/datasets").status_code


def everything(dsn: str) -> Iterator[str]:
    """Every row of every table, as PostgreSQL writes it."""
    with psycopg.connect(dsn) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            query = sql.SQL("SELECT row::text FROM {} AS row").format(sql.Identifier(table))
            yield from (text for (text,) in connection.execute(query))


def test_a_keys_text_is_shown_once_and_stands_nowhere(registry: Registry, dsn: str) -> None:
    operator, broker = registry.operator(), registry.organisation(Role.BROKER, scopes=ACCOUNTS)
    body = {"organisation_id": str(broker.id), "scopes": FACTS}
    once = {"Idempotency-Key": "issue-one-key"}
    issued = operator.post("/v1/keys", body, headers=once)
    replayed = operator.request("POST", "/v1/keys", json=body, headers=once)
    assert replayed.headers["idempotent-replayed"] == "true"
    assert replayed.json() == issued | {"key": None}
    rotated = broker.post(f"/v1/keys/{issued['id']}/rotate", headers={"Idempotency-Key": "rotate-one-key"})
    assert calling(broker, issued["key"]) == calling(broker, rotated["key"]) == 200
    stored = "\n".join(everything(dsn))
    for made in (issued, rotated):
        assert made["key"].startswith(f"fil_{made['prefix']}_")
        assert made["prefix"] in stored
        secret = made["key"].removeprefix(f"fil_{made['prefix']}_")
        assert secret not in stored
        assert secret.encode().hex() not in stored
    assert all("key" not in listed for listed in operator.get("/v1/keys")["items"])


def test_what_a_key_can_be(registry: Registry, unknown_id: object) -> None:
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
    for organisation_id, more, expected in cases:
        body = {"organisation_id": str(organisation_id), "scopes": FACTS} | more
        assert refusal(operator.request("POST", "/v1/keys", json=body)) == expected, more
    assert operator.get("/v1/keys")["next"] is None


def test_a_first_key_is_what_gives_an_account(registry: Registry) -> None:
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


def test_keys_end_by_expiry_by_rotation_after_a_day_and_by_revocation_at_once(registry: Registry, dsn: str) -> None:
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


def test_a_key_that_is_revoked_looks_up_nothing_more_and_one_in_use_shows_it(registry: Registry, dsn: str) -> None:
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


def test_a_rotated_key_that_ends_sooner_is_not_lengthened(registry: Registry, dsn: str) -> None:
    operator, broker = registry.operator(), registry.organisation(Role.BROKER, scopes=ACCOUNTS)
    short = issue(operator, broker)
    rows(dsn, "UPDATE api_key SET expires_at = now() + interval '1 hour' WHERE id = %s", short["id"])
    before = rows(dsn, "SELECT expires_at FROM api_key WHERE id = %s", short["id"])
    broker.post(f"/v1/keys/{short['id']}/rotate")
    assert rows(dsn, "SELECT expires_at FROM api_key WHERE id = %s", short["id"]) == before


def test_the_last_use_of_a_key_is_seen(registry: Registry) -> None:
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


def test_a_scope_lets_through_what_it_names_and_nothing_else(registry: Registry) -> None:
    for scope, (method, path, body) in CALLS.items():
        narrow = registry.organisation(Role.BROKER, scopes=[scope])
        wide = registry.organisation(Role.BROKER, scopes=[other for other in Scope if other is not scope])
        assert narrow.request(method, path, json=body).is_success
        assert refusal(wide.request(method, path, json=body)) == (403, "scope_missing")


def test_keys_are_looked_after_by_their_own_organisation_and_the_operator(registry: Registry) -> None:
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


def test_a_processors_key_reaches_no_key_for_another_party(registry: Registry) -> None:
    operator, one, two = registry.operator(), registry.party(), registry.party()
    accounts = (*TRADE_SCOPES, Scope.ACCOUNTS)
    sender = registry.organisation(Role.PROCESSOR, acts_for=one, scopes=accounts)
    second = issue(operator, sender, acts_for_id=str(two.id))
    assert {key["acts_for_id"] for key in sender.get("/v1/keys")["items"]} == {str(one.id)}
    assert refusal(sender.request("POST", f"/v1/keys/{second['id']}/rotate")) == (404, "not_found")
    assert refusal(sender.request("DELETE", f"/v1/keys/{second['id']}")) == (404, "not_found")


def test_a_processors_key_sees_with_the_eyes_of_its_party_only(registry: Registry) -> None:
    one, two = registry.party(), registry.party()
    dataset, secret = filled(one, [1]), filled(two, [2])
    sender = registry.organisation(Role.PROCESSOR, acts_for=one)
    assert [row["id"] for row in sender.get("/v1/datasets")["items"]] == [dataset["id"]]
    assert sender.request("GET", f"/v1/datasets/{secret['id']}").status_code == 404
    assert not sender.lookup("+33639980002")["held"]
    through = filled(sender, [3], holder_id=str(one.id))
    assert through["asserted_by_id"] == str(one.id)
    assert through["asserted_through_id"] == str(sender.id)


def test_the_operator_sees_accounts_and_neither_facts_nor_numbers(registry: Registry, dsn: str) -> None:
    operator, broker = registry.operator(), registry.broker()
    filled(broker, [1])
    # Not even with scopes that nobody can issue: the role itself is refused.
    rows(dsn, "UPDATE api_key SET scopes = %s WHERE organisation_id = %s", [str(s) for s in Scope], operator.id)
    for path in ("/v1/datasets", "/v1/notices", "/v1/collections", "/v1/transfers", "/v1/campaigns"):
        assert refusal(operator.request("GET", path)) == (403, "role_missing")
    assert refusal(operator.request("POST", "/v1/lookups", json={"number": "+33639980001"})) == (403, "role_missing")
    names = {row["id"] for row in operator.get("/v1/organisations")["items"]}
    assert {str(broker.id), str(operator.id)} <= names


def test_what_is_no_key_is_refused_with_the_same_words(registry: Registry) -> None:
    for authorization in ("Bearer", "Bearer fil_", "Bearer fil__", "Bearer é", "bearer fil_x_y", "fil_x_y"):
        answer = registry.client.get("/v1/datasets", headers=[(b"Authorization", authorization.encode("latin-1"))])
        assert refusal(answer) == (401, "key_refused")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_nobody_gets_more_by_rotating_a_key(registry: Registry) -> None:
    operator, party = registry.operator(), registry.organisation(Role.PARTY, scopes=ACCOUNTS)
    narrow = issue(operator, party, scopes=["accounts"])
    wide = party.get("/v1/keys")["items"][0]
    with_narrow = Caller(party.client, party.id, narrow["key"])
    assert refusal(with_narrow.request("POST", f"/v1/keys/{wide['id']}/rotate")) == (403, "not_your_key")
    assert refusal(operator.request("POST", f"/v1/keys/{wide['id']}/rotate")) == (403, "not_your_key")
    assert with_narrow.post(f"/v1/keys/{narrow['id']}/rotate")["scopes"] == ["accounts"]


def test_a_party_sees_and_ends_the_keys_that_act_for_it(registry: Registry) -> None:
    party = registry.organisation(Role.PARTY, scopes=ACCOUNTS)
    sender = registry.organisation(Role.PROCESSOR, acts_for=party)
    (theirs,) = [key for key in party.get("/v1/keys")["items"] if key["acts_for_id"] == str(party.id)]
    assert refusal(party.request("POST", f"/v1/keys/{theirs['id']}/rotate")) == (403, "not_your_key")
    assert party.request("DELETE", f"/v1/keys/{theirs['id']}").is_success
    assert sender.request("GET", "/v1/datasets").status_code == 401
