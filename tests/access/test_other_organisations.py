"""What other organisations must not see. The tests walk all routes, so that no new route can be forgotten."""

from dataclasses import dataclass

import pytest

from service.access.actor import Scope
from service.core.vocabulary import Role
from tests.builders import collected, hand_over, number
from tests.callers import TRADE_SCOPES, Caller, Registry
from tests.inspection import refusal, until
from tests.routes import ROUTES, openers, rules

pytestmark = pytest.mark.one_registry

READING = [route for route in ROUTES if "GET" in (route.methods or ()) and openers(route) == ["ApiKey"]]
# Routes for the operator and the regulator alone refuse everybody else (tests/test_routes.py).
TRADE = {Role.COLLECTOR, Role.BROKER, Role.PARTY, Role.PROCESSOR}
OF_OFFICES = {route.name for route in READING if not TRADE & rules(route)[0].roles} - {"list_inspections"}
# What an organisation used today is no list, and of itself alone (tests/usage).
NOT_LISTS = OF_OFFICES | {"get_usage"}
LISTS = [route for route in READING if not route.param_convertors and route.name not in NOT_LISTS]
# A published quarter is everybody's, and each organisation reads its own row of it (tests/objection).
SINGLE = [route for route in READING if route.param_convertors.keys() - {"quarter"}]
# An organisation sees itself and its own keys, and listing inspections is an inspection.
SELF_SEEN = {"list_organisations", "list_keys", "list_inspections"}


@dataclass
class Hidden:
    """A party that owns something in every list and behind every id, a regulator, and the ids by path parameter."""

    party: Caller
    regulator: Caller
    ids: dict[str, str]


@pytest.fixture
def hidden(registry: Registry) -> Hidden:
    shop = registry.collector()
    party = registry.organisation(Role.PARTY, Role.BROKER, scopes=(*TRADE_SCOPES, Scope.ACCOUNTS))
    collected(shop, [1])
    transfer = hand_over(shop, shop.get("/v1/datasets")["items"][0], party)
    reconciliation = f"/v1/transfers/{transfer['id']}/reconciliation"
    party.post(reconciliation)
    party.put_part(transfer["received_dataset_id"], [number(1), number(3)])
    party.finish(party.post(f"{reconciliation}/compare"))
    own = collected(party, [1, 2], name="Propre")
    notice = party.get("/v1/notices")["items"][-1]["id"]
    pdf = {"content": b"%PDF-1.4\n%%EOF\n", "headers": {"Content-Type": "application/pdf"}}
    evidence = party.request("POST", f"/v1/notices/{notice}/evidence", **pdf).json()["id"]
    window = {"began_at": "2024-06-06T10:00:00Z", "ended_at": "2024-06-06T12:00:00Z"}
    said = {"name": "C", "originator": "38001", "message_text": "Votez.", "dataset_ids": [own["id"]]}
    campaign = party.post("/v1/campaigns", {"party_id": str(party.id)} | window | said)
    objected = {"number": number(1), "occurred_at": "2024-06-06T10:40:00Z"}
    party.post("/v1/objections/received", {"kind": "objection", "numbers": [objected]})
    union = {"holder_id": str(party.id), "name": "U", "content": "union", "derived_from": [own["id"]]}
    united = party.post("/v1/datasets", union | {"occurred_at": "2024-06-07T00:00:00Z"})
    job = party.post(f"/v1/datasets/{united['id']}/seal")
    party.finish(job)
    webhook = party.post("/v1/webhooks", {"url": "https://1.1.1.1/"})
    until(lambda: party.get("/v1/objections/flags")["items"])
    regulator = registry.regulator()
    regulator.get("/v1/datasets")
    ids = {
        "organisation_id": str(shop.id),
        "notice_id": notice,
        "evidence_id": evidence,
        "collection_id": own["collection_id"],
        "dataset_id": own["id"],
        "transfer_id": transfer["id"],
        "campaign_id": campaign["id"],
        "job_id": job["id"],
        "webhook_id": webhook["id"],
        "subject_id": united["id"],
    }
    return Hidden(party, regulator, ids)


def strangers(registry: Registry) -> list[Caller]:
    """An organisation of each kind, with every scope, that has dealt with nobody."""
    scopes = (*TRADE_SCOPES, Scope.ACCOUNTS)
    principal = registry.party()
    trade = [registry.organisation(role, scopes=scopes) for role in (Role.COLLECTOR, Role.BROKER, Role.PARTY)]
    return [*trade, registry.organisation(Role.PROCESSOR, scopes=scopes, acts_for=principal)]


def test_every_list_shows_another_organisation_nothing(registry: Registry, hidden: Hidden) -> None:
    others = strangers(registry)
    wrong = []
    for route in LISTS:
        of_regulator = route.name == "list_inspections"
        owner, callers = (hidden.regulator, [registry.regulator()]) if of_regulator else (hidden.party, others)
        owned = {row["id"] for row in owner.get(route.path)["items"]}
        assert owned, f"{route.name} has nothing to hide"
        for caller in callers:
            seen = {row["id"] for row in caller.get(route.path)["items"]}
            if seen & owned or (seen and route.name not in SELF_SEEN):
                wrong.append((route.name, caller.id, seen))
    assert wrong == []


def test_every_route_with_an_id_is_not_found_by_another_organisation(registry: Registry, hidden: Hidden) -> None:
    others = strangers(registry)
    wrong = []
    for route in SINGLE:
        path = route.path.format(**hidden.ids)
        assert hidden.party.request("GET", path).is_success, route.name
        statuses = [caller.request("GET", path).status_code for caller in others]
        if set(statuses) != {404}:
            wrong.append((route.name, statuses))
    assert wrong == []


def test_every_list_of_an_office_refuses_other_roles(registry: Registry, hidden: Hidden) -> None:
    answers = [
        (route.name, caller.request("GET", route.path.format(**hidden.ids)))
        for route in READING
        if route.name in OF_OFFICES
        for caller in strangers(registry)
    ]
    assert answers
    assert [(name, answer.status_code) for name, answer in answers if refusal(answer) != (403, "role_missing")] == []
