"""Collectors without an account, and the request bodies of notices and collections."""

from typing import Any

from tests.builders import name_organisation
from tests.callers import Caller, Registry


def collector_without_account(broker: Caller, name: str = "Jeux & Lots") -> str:
    """The id of a collector that a broker named."""
    return str(name_organisation(broker, name)["id"])


def admit(registry: Registry, organisation_id: str) -> Caller:
    """The organisation, once the operator has issued it a key."""
    body = {"organisation_id": organisation_id, "scopes": ["facts:read", "facts:write"]}
    operator = registry.operator()
    return Caller(registry.client, operator.id, operator.post("/v1/keys", body)["key"])


def partner_list(valid_from_on: str, *names: str, **more: Any) -> dict[str, Any]:
    """The body of a partner list."""
    partners = [{"name": name} for name in names]
    body = {"occurred_at": "2024-01-01T00:00:00Z", "valid_from_on": valid_from_on, "partners": partners}
    return body | more
