"""Every limit by organisation, by the public API: what is refused, what a refusal leaves, and who can raise it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from pydantic import SecretStr

from service.access.actor import Scope
from service.core.settings import Settings
from service.core.vocabulary import Role
from service.main import create_app
from tests.builders import collected, number, open_dataset
from tests.callers import TRADE_SCOPES, Caller, Registry
from tests.conftest import MASTER_SECRET
from tests.direct_client import DirectClient
from tests.inspection import refusal, rows

LIMITS: dict[str, int] = {
    "bytes_per_day": 400,
    "lines_per_day": 40,
    "staged_numbers": 25,
    "datasets_per_day": 12,
    "open_datasets": 10,
    "webhooks_per_day": 3,
    "reports_per_day": 4,
    "lookups_per_day": 5,
    "keys_at_once": 3,
}


def limited(**more: int) -> Settings:
    """Settings with small limits."""
    return Settings(master_secret=SecretStr(MASTER_SECRET), **LIMITS | more)  # type: ignore[arg-type]


@pytest.fixture
def settings() -> Settings:
    return limited()


@pytest.fixture
def broker(registry: Registry) -> Caller:
    return registry.organisation(Role.BROKER, scopes=(*TRADE_SCOPES, Scope.ACCOUNTS))


def counted(dsn: str, kind: str) -> int:
    """What is counted of a kind, of all organisations and days."""
    ((count,),) = rows(dsn, "SELECT coalesce(sum(count), 0) FROM daily_usage WHERE kind = %s", kind)
    return int(count)


def put(caller: Caller, dataset: Any, lines: list[str], part: int = 1, *, chunked: bool = False) -> Response:
    content = "\n".join(lines).encode()
    body = [content[at : at + 50] for at in range(0, len(content), 50)] if chunked else content
    path = f"/v1/datasets/{dataset['id']}/parts/{part}"
    return caller.request("PUT", path, content=body, headers={"Content-Type": "text/csv"})


def repetitions(caller: Caller, kind: str) -> Callable[[int], Response]:
    """Something that an organisation may do a few times, given how often it has done it."""
    dataset = open_dataset(caller) if kind in ("bytes", "lines") else None
    said = {"kind": "objection", "numbers": [{"number": number(9), "occurred_at": "2024-05-20T10:00:00Z"}]}
    place = {"occurred_at": "2024-01-01T00:00:00Z", "holder_id": str(caller.id), "name": "Base"}
    done: dict[str, Callable[[int], Response]] = {
        "bytes": lambda turn: put(caller, dataset, [number(turn) + ";" + "x" * 88], turn + 1),
        "lines": lambda turn: put(caller, dataset, ["a;"] * 9 + [number(turn)], turn + 1),
        "datasets": lambda _: caller.request("POST", "/v1/datasets", json=place),
        "webhooks": lambda turn: caller.request("POST", "/v1/webhooks", json={"url": f"https://1.1.1.1/{turn}"}),
        "lookups": lambda _: caller.request("POST", "/v1/lookups", json={"number": number(1)}),
        "reports": lambda _: caller.request("POST", "/v1/objections/received", json=said),
    }
    return done[kind]


# How often each may be done, by the limits above.
TIMES = {"bytes": 3, "lines": 4, "datasets": 5, "webhooks": 3, "lookups": 5, "reports": 4}


def test_each_daily_limit_is_refused_announced_and_raised(registry: Registry, dsn: str) -> None:
    operator = registry.operator()
    operator.post("/v1/usage/limits", {"organisation_id": str(operator.id), "kind": "lookups", "daily_limit": 9})
    for kind, times in TIMES.items():
        caller, other = registry.broker(), registry.broker()
        if kind == "datasets":
            body = {"organisation_id": str(caller.id), "kind": kind, "daily_limit": times}
            operator.post("/v1/usage/limits", body)
        act = repetitions(caller, kind)
        answers = [act(turn) for turn in range(times)]
        assert [answer.is_success for answer in answers] == [True] * times, (kind, answers[-1].text)
        refused = act(times)
        assert_refused(refused, kind)
        usage = {row["kind"]: row for row in caller.get("/v1/usage")}
        assert usage[kind]["count"] <= usage[kind]["daily_limit"]
        assert f"{usage[kind]['daily_limit']:,}" in refused.json()["detail"]
        assert {row["count"] for row in other.get("/v1/usage")} == {0}
        alert = operator.get("/v1/usage/alerts")["items"][-1]
        assert (alert["organisation_id"], alert["kind"]) == (str(caller.id), kind)
        assert alert["reached_limit"] == usage[kind]["daily_limit"]
        higher = {"organisation_id": str(caller.id), "kind": kind, "daily_limit": usage[kind]["daily_limit"] + 100}
        assert operator.post("/v1/usage/limits", higher)["operator_id"] == str(operator.id)
        assert act(times).is_success
    assert len(operator.get("/v1/usage/limits")["items"]) == len(TIMES) + 2


def assert_refused(answer: Response, kind: str) -> None:
    assert refusal(answer) == (429, f"{kind.removesuffix('s')}_quota")
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    assert abs((midnight - now).total_seconds() - int(answer.headers["retry-after"])) < 600
    assert midnight.strftime("%Y-%m-%dT00:00Z") in answer.json()["detail"]


def test_next_day_counts_from_nothing(broker: Caller, dsn: str) -> None:
    for kind in ("webhooks", "lookups"):
        act = repetitions(broker, kind)
        while (answer := act(counted(dsn, kind))).is_success:
            pass
        assert_refused(answer, kind)
        rows(dsn, "UPDATE daily_usage SET day = day - 1")
        assert act(9).is_success


def test_set_limit_is_for_the_operator_and_for_what_is_limited(
    registry: Registry, broker: Caller, unknown_id: object
) -> None:
    body = {"organisation_id": str(broker.id), "kind": "lookups", "daily_limit": 1000}
    for caller in (broker, registry.regulator()):
        assert refusal(caller.request("POST", "/v1/usage/limits", json=body))[0] == 403
        assert refusal(caller.request("GET", "/v1/usage/limits"))[0] == 403
    operator = registry.operator()
    wrong = (
        ({"kind": "numbers"}, (422, "usage_not_limited")),
        ({"organisation_id": str(unknown_id)}, (404, "not_found")),
    )
    for change, expected in wrong:
        assert refusal(operator.request("POST", "/v1/usage/limits", json=body | change)) == expected


@pytest.mark.parametrize("chunked", [False, True])
def test_refused_upload_leaves_nothing_half_written(broker: Caller, dsn: str, chunked: bool) -> None:
    dataset = open_dataset(broker)
    for lines, slug in (([number(1), "x" * 400], "byte_quota"), ([number(at) for at in range(26)], "staged_quota")):
        assert refusal(put(broker, dataset, lines, chunked=chunked)) == (429, slug)
        for table in ("staged_run", "rejected_line", "dataset_part"):
            assert rows(dsn, f"SELECT count(*) FROM {table}") == [(0,)]
        rows(dsn, "DELETE FROM daily_usage")
    assert put(broker, dataset, [number(1)]).is_success
    assert counted(dsn, "bytes") == len(number(1)), "what was reserved in vain is taken back"


def test_repeated_part_and_repeated_request_count_once(broker: Caller, dsn: str) -> None:
    once = {"Idempotency-Key": "base-of-may"}
    body = {"occurred_at": "2024-01-01T00:00:00Z", "holder_id": str(broker.id), "name": "Base"}
    dataset, *_ = [broker.post("/v1/datasets", body, headers=once) for _ in range(3)]
    lines = [number(last) for last in range(10)]
    for _ in range(3):
        assert put(broker, dataset, lines).is_success
    assert [counted(dsn, kind) for kind in ("datasets", "lines", "bytes")] == [1, 10, len("\n".join(lines))]


def test_staged_numbers_are_free_again_once_their_dataset_is_sealed(broker: Caller, dsn: str) -> None:
    first, second = open_dataset(broker), open_dataset(broker)
    assert put(broker, first, [number(last) for last in range(15)]).is_success
    refused = put(broker, second, [number(last) for last in range(11)])
    assert refusal(refused) == (429, "staged_quota")
    assert int(refused.headers["retry-after"]) == 600
    broker.seal(first["id"])
    rows(dsn, "DELETE FROM daily_usage")
    assert rows(dsn, "SELECT count(*) FROM staged_run") == [(0,)]
    assert put(broker, second, [number(last) for last in range(11)]).is_success


def test_open_datasets_are_limited_until_one_is_sealed(broker: Caller) -> None:
    made = [open_dataset(broker) for _ in range(10)]
    body = {"occurred_at": "2024-01-01T00:00:00Z", "holder_id": str(broker.id), "name": "Base"}
    assert refusal(broker.request("POST", "/v1/datasets", json=body)) == (429, "open_dataset_quota")
    broker.put_part(made[0]["id"], [number(1)])
    broker.seal(made[0]["id"])
    made.append(open_dataset(broker))
    assert refusal(broker.request("POST", "/v1/datasets", json=body)) == (429, "open_dataset_quota")
    assert broker.request("DELETE", f"/v1/datasets/{made[1]['id']}").status_code == 200
    open_dataset(broker)


def test_rotate_key_is_refused_when_too_many_are_valid(broker: Caller, registry: Registry) -> None:
    (own,) = broker.get("/v1/keys")["items"]
    for _ in range(2):
        broker.post(f"/v1/keys/{own['id']}/rotate")
    refused = broker.request("POST", f"/v1/keys/{own['id']}/rotate")
    assert refusal(refused) == (429, "key_quota")
    assert 0 < int(refused.headers["retry-after"]) <= 24 * 3600
    issued = {"organisation_id": str(broker.id), "scopes": ["facts:read"]}
    assert registry.operator().post("/v1/keys", issued)["key"], "the operator has no such limit"


@pytest.fixture
def two_processes(dsn: str) -> Iterator[list[TestClient]]:
    apps = [create_app(limited(lookups_per_day=25), dsn, with_worker=False) for _ in range(2)]
    with DirectClient(apps[0]) as one, DirectClient(apps[1]) as other:
        yield [one, other]


def test_lookups_of_two_processes_never_exceed_the_limit_together(two_processes: list[TestClient], dsn: str) -> None:
    broker = Registry(two_processes[0], dsn).broker()
    callers = [Caller(client, broker.id, broker.key) for client in two_processes]
    answers = [
        callers[turn % 2].request("POST", "/v1/lookups", json={"number": number(1)}).status_code for turn in range(30)
    ]
    assert answers == [200] * 25 + [429] * 5
    assert counted(dsn, "lookups") == 25


def test_key_that_looks_up_too_fast_is_slowed_and_others_are_not(dsn: str) -> None:
    with DirectClient(create_app(limited(lookups_per_day=10**6, lookups_per_second=1), dsn)) as client:
        registry = Registry(client, dsn)
        fast, slow, regulator = registry.broker(), registry.broker(), registry.regulator()
        collected(slow, [1])
        # Ten at once, and one more for each second that this takes.
        while (answer := fast.request("POST", "/v1/lookups", json={"number": number(1)})).is_success:
            pass
        assert refusal(answer) == (429, "lookup_rate")
        assert answer.headers["retry-after"] == "1"
        assert slow.lookup(number(1))["held"]
        assert regulator.lookup(number(1), reason="Contrôle")["held"]
