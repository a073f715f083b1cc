"""What every organisation is kept from, walked over all routes, so that no new one can be forgotten."""

from dataclasses import dataclass

import pytest

from service.access.actor import Scope
from service.core.vocabulary import Role
from tests.builders import collected, hand_over, number
from tests.callers import TRADE_SCOPES, Caller, Registry
from tests.inspection import until
from tests.routes import ROUTES, openers

READING = [route for route in ROUTES if "GET" in (route.methods or ()) and openers(route) == ["ApiKey"]]
# For the operator and the authority alone: tests/membership and tests/objection show who may see them.
OVERSIGHT = {"get_compaction", "list_overdue_relays"}
LISTS = [route for route in READING if not route.param_convertors and route.name not in OVERSIGHT]
SINGLE = [route for route in READING if route.param_convertors]
# An organisation sees itself and its own keys; to read the looks is a look.
SELF_SEEN = {"list_organisations", "list_keys", "list_inspections"}


@dataclass
class Walled:
    """A party with something in every list and behind every id, a regulator, and the ids by path parameter."""

    party: Caller
    regulator: Caller
    ids: dict[str, str]


@pytest.fixture
def walled(registry: Registry) -> Walled:
    shop = registry.collector()
    party = registry.organisation(Role.PARTY, Role.BROKER, scopes=(*TRADE_SCOPES, Scope.ACCOUNTS))
    collected(shop, [1])
    transfer = hand_over(shop, shop.get("/v1/datasets")["items"][0], party)
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
    return Walled(party, regulator, ids)


def strangers(registry: Registry) -> list[Caller]:
    """One of each kind, with every scope, that has never dealt with anybody."""
    scopes = (*TRADE_SCOPES, Scope.ACCOUNTS)
    principal = registry.party()
    trade = [registry.organisation(role, scopes=scopes) for role in (Role.COLLECTOR, Role.BROKER, Role.PARTY)]
    return [*trade, registry.organisation(Role.PROCESSOR, scopes=scopes, acts_for=principal)]


def test_in_every_list_another_organisation_sees_nothing(registry: Registry, walled: Walled) -> None:
    others = strangers(registry)
    for route in LISTS:
        looks = route.name == "list_inspections"
        owner, rest = (walled.regulator, [registry.regulator()]) if looks else (walled.party, others)
        hidden = {row["id"] for row in owner.get(route.path)["items"]}
        assert hidden, f"{route.name} has nothing to hide"
        for caller in rest:
            seen = {row["id"] for row in caller.get(route.path)["items"]}
            assert seen.isdisjoint(hidden), route.name
            assert not seen or route.name in SELF_SEEN, route.name


def test_behind_every_id_another_organisation_finds_nothing(registry: Registry, walled: Walled) -> None:
    others = strangers(registry)
    for route in SINGLE:
        path = route.path.format(**walled.ids)
        assert walled.party.request("GET", path).is_success, route.name
        for caller in others:
            assert caller.request("GET", path).status_code == 404, route.name
