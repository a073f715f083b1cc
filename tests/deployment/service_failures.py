"""Failures of the API, the worker and the commands, each with secrets, keys, numbers and texts in it."""

import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Final

import httpx2
import psycopg
import pytest

from tests.builders import number, open_dataset
from tests.deployment.database_failures import MINE, TEXT
from tests.deployment.logged import SAID, Deployment
from tests.inspection import defer, rows, until
from tests.message_centre import Said
from tests.persons import ask_code, code_in, confirm
from tests.webhook.builders import add_due_deliveries


def database_password_is_wrong(deployment: Deployment) -> None:
    """The service's role has another password."""
    said = deployment.start_refused("worker", DATABASE_PASSWORD="Zanzibar")
    assert "password authentication failed" in said


def database_address_contains_an_unencoded_password(deployment: Deployment) -> None:
    """The address contains a password with signs of its own."""
    address = "postgresql://filiation:Zanz1bar@zanzibar/zanzibar@127.0.0.1/filiation"
    assert "DATABASE_URL has signs" in deployment.start_refused("worker", DATABASE_URL=address)


def secret_is_set_twice_or_is_none(deployment: Deployment) -> None:
    """The master secret is set twice, is two lines, or is none."""
    path = deployment.machine.folder / "secret"
    path.write_text("Zanzibar\nzanzibar\n")
    assert "are both set" in deployment.start_refused("worker", FILIATION_MASTER_SECRET_FILE=str(path))
    said = deployment.start_refused("worker", FILIATION_MASTER_SECRET="", FILIATION_MASTER_SECRET_FILE=str(path))
    assert "is not one line" in said
    assert "must be 32 bytes" in deployment.start_refused("serve", FILIATION_MASTER_SECRET="Zanzibar" * 8)


def master_secret_is_of_another_registry(deployment: Deployment) -> None:
    """The numbers of the database were encrypted with another master secret."""
    for command in ("serve", "worker"):
        said = deployment.start_refused(command, FILIATION_MASTER_SECRET="5e" * 32)
        assert "were encrypted with the master secret" in said


def caller_has_no_key_or_writes_numbers_into_addresses(deployment: Deployment) -> None:
    """Requests are refused that have numbers, keys and texts in every place."""
    client, mine = deployment.client, number(5200)
    responses = [
        client.get("/v1/datasets", headers={"Authorization": "Bearer fil_zanzibar_zanzibar"}),
        client.post("/v1/lookups", json={"number": mine}),
        client.get(f"/v1/numbers/{mine}/zanzibar?number={mine}&key={deployment.party.key}"),
        deployment.party.request("GET", f"/v1/datasets/{mine}?text=Zanzibar"),
        deployment.party.request("POST", "/v1/lookups", content=f'{{"number": "{mine}", "Zanzibar": '.encode()),
        deployment.party.request("POST", "/v1/lookups", json={"number": mine, "zanzibar": mine}),
        deployment.party.request("POST", "/v1/lookups", json={"number": f"{mine}0000000 Zanzibar"}),
    ]
    assert [response.status_code for response in responses] == [401, 401, 404, 422, 415, 422, 422]


def upload_is_malformed(deployment: Deployment) -> None:
    """Parts are in no encoding, and no format."""
    dataset = open_dataset(deployment.party, name="Zanzibar")
    lines = f"number;zanzibar\n{number(5200)};Zanzibar\n\xff{number(5201)}"
    for media, content in (("text/csv", lines.encode("latin-1")), ("application/x-ndjson", lines.encode("latin-1"))):
        path = f"/v1/datasets/{dataset['id']}/parts/1"
        answer = deployment.party.request("PUT", path, content=content, headers={"Content-Type": media})
        assert answer.status_code < 500


def client_speaks_no_http(deployment: Deployment) -> None:
    """Requests are malformed as HTTP."""
    for request in (
        f"GET /{MINE} Zanzibar\r\n\r\n",
        f"{TEXT}\r\n\r\n",
        f"POST /v1/lookups HTTP/1.1\r\n{TEXT}\r\n\r\n",
        f"POST /v1/lookups HTTP/1.1\r\nHost: {MINE}\r\nContent-Length: {MINE}\r\n\r\n{TEXT}",
        f"GET / HTTP/1.1\r\nHost: {MINE}\r\nX: {TEXT * 5000}\r\n\r\n",
    ):
        with (
            socket.create_connection(("127.0.0.1", deployment.machine.port), timeout=30) as connection,
            suppress(ConnectionError),
        ):
            connection.sendall(request.encode())
            assert connection.recv(4096)


@contextmanager
def refused_rows(deployment: Deployment, table: str, moment: str) -> Iterator[None]:
    """Have PostgreSQL refuse what happens to a table, with a number and a text in its message."""
    raises = f"RAISE WARNING '{TEXT}'; RAISE check_violation USING MESSAGE = '{TEXT}', DETAIL = '{TEXT}';"
    function = f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {raises} END $$"
    trigger = f"CREATE TRIGGER refuse BEFORE {moment} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse()"
    with psycopg.connect(deployment.administrator, autocommit=True) as connection:
        connection.execute(function.encode())
        connection.execute(trigger.encode())
        yield
        connection.execute(f"DROP TRIGGER refuse ON {table}".encode())
        connection.execute(b"DROP FUNCTION refuse")


def logged_once(deployment: Deployment, part: str, text: str) -> None:
    """Wait until a part has logged a text."""
    until(lambda: text in deployment.logs()[part])


def request_violates_a_constraint(deployment: Deployment) -> None:
    """A request fails by a constraint that nobody expected. PostgreSQL quotes its row."""
    named = {"legal_name": "Zanzibar SARL", "country": "FR", "roles": ["collector"]}
    with refused_rows(deployment, "organisation", "INSERT"):
        assert deployment.party.request("POST", "/v1/organisations", json=named).status_code == 500
    check = b"ALTER TABLE organisation ADD CONSTRAINT no_such_name CHECK (legal_name <> 'Zanzibar SARL')"
    with psycopg.connect(deployment.administrator, autocommit=True) as connection:
        connection.execute(check)
        assert deployment.party.request("POST", "/v1/organisations", json=named).status_code == 500
        connection.execute(b"ALTER TABLE organisation DROP CONSTRAINT no_such_name")


def request_is_interrupted_in_the_database(deployment: Deployment) -> None:
    """Statements of a request are cancelled, as by a time limit, and its connection is ended, as by a restart."""
    named = {"legal_name": "Zanzibar SA", "country": "FR", "roles": ["collector"]}
    for ends in ("pg_cancel_backend", "pg_terminate_backend"):
        with (
            psycopg.connect(deployment.administrator) as holder,
            psycopg.connect(deployment.administrator, autocommit=True) as looking,
            ThreadPoolExecutor() as threads,
        ):
            holder.execute("LOCK TABLE organisation IN SHARE ROW EXCLUSIVE MODE")
            answer = threads.submit(deployment.party.request, "POST", "/v1/organisations", json=named)
            end = f"SELECT count({ends}(pid)) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            until(lambda: looking.execute(end.encode()).fetchone() != (0,))  # noqa: B023 - it is called here
            assert answer.result().status_code == 503


def task_fails(deployment: Deployment) -> None:
    """Tasks of the worker fail: one by the clock, and a job that somebody waits for."""
    rows(
        deployment.administrator,
        "INSERT INTO message (id, state, sent_at) VALUES (gen_random_uuid(), 'unknown', '2020-01-01')",
    )
    with refused_rows(deployment, "message", "DELETE"):
        defer(deployment.administrator, "forget_messages", timestamp=0)
        logged_once(deployment, "worker", "The task forget_messages failed.")
    dataset = open_dataset(deployment.party, name="Zanzibar")
    deployment.party.put_part(dataset["id"], [number(5205)])
    with refused_rows(deployment, "membership_segment", "INSERT"):
        job = deployment.party.finish(deployment.party.post(f"/v1/datasets/{dataset['id']}/seal"))
        assert job["state"] == "failed"


def webhook_cannot_be_called(deployment: Deployment) -> None:
    """An address with a secret in it has no host, and another's key cannot be read."""
    statement = """
        INSERT INTO webhook_endpoint (id, organisation_id, api_key_id, url, secret_encrypted, recorded_at)
        SELECT gen_random_uuid(), organisation_id, id, 'https://zanzibar.invalid/' || %s, 'Zanzibar', now()
        FROM api_key WHERE organisation_id = %s RETURNING id
    """
    ((endpoint_id,),) = rows(deployment.administrator, statement, TEXT, deployment.party.id)
    add_due_deliveries(deployment.administrator, {"id": endpoint_id}, deployment.party.id, 1)
    defer(deployment.administrator, "retry_webhooks", timestamp=0)
    logged_once(deployment, "worker", "failed with an internal error")


def stop_cannot_be_recorded(deployment: Deployment) -> None:
    """PostgreSQL refuses the row of a STOP, which stays with Kannel until it does not."""
    with refused_rows(deployment, "inbound_message", "INSERT"):
        deployment.centre.say(Said(number(5207).removeprefix("+"), "38001", SAID))
        logged_once(deployment, "worker", "The work receive_messages ended: IntegrityError")
    until(lambda: deployment.objections() == 1)


def person_enters_a_wrong_code(deployment: Deployment) -> None:
    """A person gets a code, and enters another."""
    begun = ask_code(deployment.client, number(5200)).json()
    until(lambda: deployment.centre.submitted)
    code = code_in(deployment.centre.submitted[-1].text.decode("latin-1"))
    deployment.secrets["code"] = code
    wrong = confirm(deployment.client, begun["id"], f"{(int(code) + 1) % 10**6:06}")
    right = confirm(deployment.client, begun["id"], code)
    assert (wrong.status_code, right.status_code) == (422, 201)
    deployment.secrets["session"] = right.json()["token"]


def kannel_is_away(deployment: Deployment) -> None:
    """Nobody takes a code."""
    deployment.kannel.kill()
    assert ask_code(deployment.client, number(5201)).status_code == 503
    deployment.begin_kannel()


def worker_and_database_are_killed_while_a_stop_arrives(deployment: Deployment) -> None:
    """A STOP arrives while the worker and the database are away."""
    assert deployment.machine.cluster is not None
    deployment.machine.processes["worker"].kill()
    deployment.machine.cluster.crash()
    deployment.centre.say(Said(number(5200).removeprefix("+"), "38001", SAID))
    until(lambda: deployment.centre.untold == 0)
    assert deployment.party.request("POST", "/v1/lookups", json={"number": number(5200)}).status_code == 503
    assert ask_code(deployment.client, number(5201)).status_code == 503
    deployment.machine.cluster.start()
    deployment.machine.start("worker")
    until(lambda: deployment.objections() == 2 and deployment.kannel.kept() <= 1)


def api_is_killed(deployment: Deployment) -> None:
    """A request ends with its process."""
    deployment.machine.processes["api"].kill()
    with pytest.raises(httpx2.TransportError):
        deployment.party.request("POST", "/v1/lookups", json={"number": number(5200)})


REFUSED_STARTS: Final[Sequence[Callable[[Deployment], None]]] = (
    database_password_is_wrong,
    database_address_contains_an_unencoded_password,
    secret_is_set_twice_or_is_none,
    master_secret_is_of_another_registry,
)

SERVICE_FAILURES: Final[Sequence[Callable[[Deployment], None]]] = (
    caller_has_no_key_or_writes_numbers_into_addresses,
    client_speaks_no_http,
    upload_is_malformed,
    request_violates_a_constraint,
    request_is_interrupted_in_the_database,
    task_fails,
    webhook_cannot_be_called,
    stop_cannot_be_recorded,
    person_enters_a_wrong_code,
    kannel_is_away,
)

ENDS: Final[Sequence[Callable[[Deployment], None]]] = (
    worker_and_database_are_killed_while_a_stop_arrives,
    api_is_killed,
)
"""What leaves a part away, and so comes last."""
