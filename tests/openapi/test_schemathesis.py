"""Requests that Schemathesis generates from the OpenAPI document, valid and invalid, by each kind of organisation.

They go to the service over a socket, and are the same in every run. Half of the ids in them are replaced by existing
ids, so that they get past the first 404.
"""

import itertools
import json
import re
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import CoveragePhaseData, CoverageScenario
from schemathesis.specs.openapi import checks

from service.access.actor import Scope
from service.core.vocabulary import Role
from service.demo.files import screenshot
from service.intake.evidence import EVIDENCE_TYPES
from service.intake.media import MEDIA_TYPES
from service.main import create_app
from tests.builders import filled, hand_over, make_collection, make_notice, open_dataset
from tests.callers import TRADE_SCOPES, Caller, Registry
from tests.conftest import settings_of_tests, temporary_database
from tests.examples import examples
from tests.routes import DOCUMENT
from tests.sockets import on_a_socket

# There is no check that valid requests are accepted, because the rules of the domain refuse most generated ones.
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
    checks.allow_header_conformance,
]

SCOPES = {
    Role.BROKER: (*TRADE_SCOPES, Scope.ACCOUNTS),
    Role.PARTY: (*TRADE_SCOPES, Scope.ACCOUNTS),
    Role.REGULATOR: (Scope.FACTS_READ, Scope.NUMBERS_READ, Scope.ACCOUNTS),
    Role.OPERATOR: (Scope.FACTS_READ, Scope.FACTS_WRITE, Scope.ACCOUNTS),
}

VALID_KEY = re.compile(r"[A-Za-z0-9._:-]{8,128}")
_requests = itertools.count(1)
_repetitions = itertools.count(1)
_tried = Counter[tuple[object, ...]]()

Case = schemathesis.Case[Any]
Ids = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class World:
    """A running service, its callers, and existing ids by the names of the fields and parameters that contain them.

    The connection is kept for all requests. To make one costs as much as most answers.
    """

    address: str
    session: requests.Session
    callers: Mapping[Role, Caller]
    ids: Ids


@pytest.fixture(scope="module")
def world(cluster: str) -> Iterator[World]:
    with (
        temporary_database(cluster) as dsn,
        on_a_socket(create_app(settings_of_tests(), dsn)) as client,
        requests.Session() as session,
    ):
        # No cookie is kept, and the environment names no proxy of this machine.
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        session.trust_env = False
        registry = Registry(client, dsn)
        callers = {role: registry.organisation(role, scopes=scopes) for role, scopes in SCOPES.items()}
        yield World(str(client.base_url).rstrip("/"), session, callers, real_ids(callers))


def real_ids(callers: Mapping[Role, Caller]) -> Ids:
    broker, party = callers[Role.BROKER], callers[Role.PARTY]
    notice = make_notice(broker, broker.id)
    evidence = broker.post(
        f"/v1/notices/{notice['id']}/evidence", content=screenshot(), headers={"Content-Type": "image/png"}
    )
    collection = make_collection(broker, broker.id, notice["id"])
    sealed = filled(broker, range(100), collection_id=collection["id"])
    unsealed = open_dataset(broker)
    broker.put_part(unsealed["id"], ["0639980001", "bonjour"])
    transfers = [hand_over(broker, sealed, party) for _ in range(3)]
    # One transfer is left alone, so that its reconciliation can be opened.
    received = transfers[0]["received_dataset_id"]
    campaign = party.post("/v1/campaigns", campaign_of(party, received))
    open_with_numbers = open_dataset(broker)
    broker.put_part(open_with_numbers["id"], ["0639980001"])
    job = broker.post(f"/v1/datasets/{open_with_numbers['id']}/seal")
    webhook = broker.post("/v1/webhooks", {"url": "https://1.1.1.1/"})
    # No caller uses this key, because a generated request will revoke it.
    spare = callers[Role.OPERATOR].post("/v1/keys", {"organisation_id": str(broker.id), "scopes": ["facts:read"]})
    sides = [str(broker.id), str(party.id)]
    return {
        "notice_id": [notice["id"]],
        "replaces_id": [notice["id"]],
        "evidence_id": [evidence["id"]],
        "collection_id": [collection["id"]],
        "dataset_id": [sealed["id"], unsealed["id"], received],
        "derived_from": [sealed["id"], received],
        "dataset_ids": [received],
        "transfer_id": [transfer["id"] for transfer in transfers],
        "campaign_id": [campaign["id"]],
        "job_id": [job["id"]],
        "webhook_id": [webhook["id"]],
        "key_id": [spare["id"]],
        "holder_id": sides,
        "collector_id": sides,
        "party_id": sides,
        "organisation_id": sides,
        "recipient_id": sides,
    }


def campaign_of(party: Caller, dataset_id: str) -> dict[str, Any]:
    return {
        "party_id": str(party.id),
        "name": "Dernier jour",
        "originator": "38001",
        "message_text": "Votez ! STOP au 38001",
        "began_at": "2024-06-06T08:00:00Z",
        "ended_at": "2024-06-06T10:00:00Z",
        "dataset_ids": [dataset_id],
    }


def with_real_ids(value: Any, ids: Ids, name: str = "") -> Any:
    """`value` with at least half of its ids replaced by existing ones, chosen by the name of their field."""
    match value:
        case dict():
            return {field: with_real_ids(member, ids, field) for field, member in value.items()}
        case list():
            return [with_real_ids(item, ids, name) for item in value]
        case str() if name in ids and is_id(value):
            known = [*ids[name], value]
            return known[uuid.UUID(value).int % len(known)]
    return value


def is_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


@schemathesis.serializer(*MEDIA_TYPES, *EVIDENCE_TYPES)
def as_it_is(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def described(**phases: bool) -> Any:
    """The OpenAPI document, for some of the phases in which requests are generated."""
    every = dict.fromkeys(("examples", "coverage", "fuzzing", "stateful"), False) | phases
    config = {
        # Unknown query parameters are ignored, and these tests send the key themselves.
        "generation": {"allow-extra-parameters": False, "with-security-parameters": False},
        "phases": {name: {"enabled": enabled} for name, enabled in every.items()},
        "checks": {"negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 409, 413, 415, 422]}},
    }
    return schemathesis.openapi.from_dict(
        json.loads(DOCUMENT.read_text(encoding="utf-8")),
        config=schemathesis.config.SchemathesisConfig.from_dict(config),
    )


def repeatable(examples: int) -> settings:
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )


at_bounds = described(examples=True, coverage=True)
generated = described(fuzzing=True)


# The parameter gives each operation a test of its own name. Tests of one name are run once by pytest-xdist.
@pytest.mark.parametrize("roles", [[Role.BROKER]], ids=["broker"])
@at_bounds.parametrize()  # type: ignore[untyped-decorator]
@repeatable(1)
def test_responses_to_requests_at_the_bounds_of_schemas_conform(case: Case, world: World, roles: list[Role]) -> None:
    # A short run sends one in four of the requests that repeat what another operation was asked.
    if not is_repetition(case) or next(_repetitions) % examples(4, 1) == 0:
        call_and_check(case, world, roles)


# Generating requests takes longer than answering them. So each is sent by all.
@pytest.mark.parametrize("roles", [list(SCOPES)], ids=["all"])
@generated.parametrize()  # type: ignore[untyped-decorator]
@repeatable(examples(2, 16))
def test_responses_to_generated_requests_conform(case: Case, world: World, roles: list[Role]) -> None:
    call_and_check(case, world, roles)


def is_repetition(case: Case) -> bool:
    """Whether the same was already tried with a parameter of this name, or with this method on this path."""
    phase = case.meta.phase.data if case.meta else None
    if not isinstance(phase, CoveragePhaseData) or phase.parameter_location is ParameterLocation.BODY:
        return False
    if phase.scenario is CoverageScenario.UNSPECIFIED_HTTP_METHOD:
        tried: tuple[object, ...] = (case.path, case.method)
    elif phase.parameter:
        tried = (phase.parameter_location, phase.parameter, phase.location, phase.description)
    else:
        return False
    _tried[tried] += 1
    return _tried[tried] > 1


def call_and_check(case: Case, world: World, roles: list[Role]) -> None:
    case.path_parameters = with_real_ids(case.path_parameters, world.ids)
    if isinstance(case.body, dict):
        case.body = with_real_ids(case.body, world.ids)
    for role in roles:
        if VALID_KEY.fullmatch(case.headers.get("Idempotency-Key", "")):
            # Requests with the key of another one would all be refused for that reason.
            case.headers["Idempotency-Key"] = f"request-{next(_requests)}"
        headers = {"Authorization": f"Bearer {world.callers[role].key}"}
        case.call_and_validate(base_url=world.address, session=world.session, headers=headers, checks=CHECKS)
