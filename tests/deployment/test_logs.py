"""A registry as docker-compose.yml sets it up, beside a message centre: STOP arrives, and no log tells a secret.

Each kind of failure is provoked once, with known secrets, keys, numbers and texts in it. Their lists, each with a
sentence for each failure, are `REFUSED_STARTS`, `SERVICE_FAILURES` and `ENDS` (the API, the worker and the commands),
`KANNEL_FAILURES` (Kannel and the operator), and `QUOTED` and `REFUSED` (PostgreSQL). Then every log is read. What was
written to each log on purpose must be found, and nothing else.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.clusters import own_cluster
from tests.deployment.beside_centre import OPERATORS_PASSWORD
from tests.deployment.database_failures import MINE, QUOTED, REFUSED, TEXT
from tests.deployment.kannel_failures import KANNEL_FAILURES
from tests.deployment.log_search import Found, search
from tests.deployment.logged import Deployment, running_deployment
from tests.deployment.service_failures import ENDS, REFUSED_STARTS, SERVICE_FAILURES

# What was provoked shows in the logs, so they are those of these failures.
EXPECTED: Final = {
    "api": (
        "/v1/lookups 401",
        "Invalid HTTP request received",
        "An unexpected error ended a request.\nsqlalchemy.exc.IntegrityError",
        "overloaded: ",
        "database_unavailable: ",
        "Kannel did not accept a message: ConnectionRefusedError",
        "/v1/verifications 503",
    ),
    "worker": (
        "The task forget_messages failed.\nsqlalchemy.exc.IntegrityError",
        "of kind seal_dataset failed: ",
        "failed with an internal error: ",
        "The work receive_messages ended: IntegrityError",
    ),
    "kannel": (
        "WARNING:",
        "ERROR: SMPP[operator]: SMSC rejected login",
        "Duplicate message part",
        "SMSC returned error code",
        "…",
    ),
    "database": (
        "password authentication failed for user",
        'database "nothing" does not exist',
        "invalid length of startup packet",
        "was terminated by signal 9",
        "was not properly shut down",
    ),
    "migrate": ("The schema was migrated from nothing to ",),
    "refused starts": ("filiation: ", "kannel: "),
}

PLANTED: Final = "planted for the search: "


def planted_in(part: str, secrets: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What is written to a log so that it must be found: the name under which it is, and the words."""
    yield "text", "stop ZANZIBAR"
    yield "operator's password", OPERATORS_PASSWORD
    for name, secret in secrets.items():
        # Kannel's filter masks digits, so a piece of a key or secret is left at most.
        if part != "kannel":
            yield name, secret
            yield name, b64encode(f"kannel:{secret}".encode()).decode()
            yield name, secret[-20:]
    if part != "kannel":
        yield "number", MINE
        yield "number", "06.39.98.52.00"
        yield "text or number", MINE.encode().hex(" ")


def plant(deployment: Deployment) -> dict[str, list[tuple[str, str]]]:
    """Write to the log of each part what must be found there, as that part would."""
    written = {}
    for part in deployment.process_ids():
        written[part] = list(planted_in(part, deployment.secrets | {"key": deployment.party.key}))
        for _, words in written[part]:
            deployment.write_as(part, PLANTED + words)
    return written


def test_stop_arrives_as_deployed_and_no_log_tells_a_secret_a_number_or_a_text(deployment: Deployment) -> None:
    planted = plant(deployment)
    for provoke in (*REFUSED_STARTS, *SERVICE_FAILURES, *KANNEL_FAILURES):
        provoke(deployment)
    for fail in (*QUOTED, *REFUSED):
        fail(deployment.administrator)
    for end in ENDS:
        end(deployment)
    logs = deployment.logs()
    missing = [(part, line) for part, lines in EXPECTED.items() for line in lines if line not in logs[part]]
    assert missing == []
    secrets = deployment.all_secrets()
    found = {part: search(log, secrets) for part, log in logs.items()}
    unseen = [
        (part, name, words)
        for part, written in planted.items()
        for name, words in written
        if not any(seen.name == name and seen.line.endswith(PLANTED + words) for seen in found[part])
    ]
    assert unseen == []
    told = [(part, *seen) for part, lines in found.items() for seen in lines if PLANTED not in seen.line]
    assert told == []


def test_each_failed_statement_would_be_found_in_the_log_of_a_server_that_is_set_up_otherwise() -> None:
    unseen = []
    settings = {"log_parameter_max_length_on_error": "-1"}
    with own_cluster("administrator's", initdb=("--encoding=UTF8", "--locale=C"), settings=settings) as cluster:
        dsn = f"postgresql://postgres:administrator's@127.0.0.1:{cluster.port}/postgres"
        for fail in QUOTED:
            before = len(cluster.log())
            fail(dsn)
            if {"number", "text"} - {seen.name for seen in search(cluster.log()[before:], {})}:
                unseen.append(fail.__name__)
    assert unseen == []
    assert search(TEXT, {}) == [Found("text", TEXT), Found("number", TEXT)]


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    """The registry as the documentation sets it up, beside a message centre, with a campaign to a number."""
    with running_deployment(tmp_path) as running:
        yield running
