"""An heir sees and answers for what an organisation held, by keys of its own, until the succession is corrected."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from service.core.vocabulary import Role
from tests.builders import collected, filled, hand_over, make_collection, make_notice, name_organisation, number
from tests.callers import TRADE_SCOPES, Caller, Registry
from tests.inspection import refusal, until
from tests.objection.builders import create_objection, relay_states, relays_to
from tests.persons import prove

pytestmark = pytest.mark.own_registry

WHY = {"reason": "Extract of the register, 3 May"}


def succeed(operator: Caller, organisation_id: Any, heir_id: Any, day: str | None = "2024-07-01") -> Any:
    stated = {"succeeded_by_id": heir_id and str(heir_id), "succeeded_on": day} | WHY
    return operator.request("POST", f"/v1/organisations/{organisation_id}/statements", json=stated)


def key_of_heir(operator: Caller, heir: Caller, predecessor_id: Any) -> Caller:
    wanted = {"organisation_id": str(heir.id), "acts_for_id": str(predecessor_id), "scopes": list(TRADE_SCOPES)}
    issued = operator.post("/v1/keys", wanted)
    assert issued["as_heir"]
    return Caller(heir.client, uuid.UUID(str(predecessor_id)), issued["key"])


LISTS = ("datasets", "transfers", "campaigns", "collections", "notices", "objections/relays")


def everything(caller: Caller) -> list[Any]:
    answer = {key: value for key, value in caller.lookup(number(7)).items() if key != "as_of"}
    return [caller.get(f"/v1/{path}")["items"] for path in LISTS] + [answer]


def test_heir_sees_and_answers_for_what_was_held(registry: Registry) -> None:
    operator, shop, broker, party, heir = (
        *(registry.operator(), registry.collector(), registry.broker(), registry.party()),
        registry.organisation(Role.PARTY, name="Union Nouvelle"),
    )
    hand_over(broker, {"id": hand_over(shop, collected(shop, [7]), broker)["received_dataset_id"]}, party)
    create_objection(prove(registry.client, registry.dsn, number(7)))
    before, nothing = everything(party), everything(heir)
    assert succeed(operator, party.id, heir.id).status_code == 201
    acting = key_of_heir(operator, heir, party.id)
    assert everything(acting) == everything(party)
    assert [len(rows) for rows in everything(acting)] == [len(rows) for rows in before]
    assert everything(heir) == nothing
    (relay,) = relays_to(acting)
    acting.post(f"/v1/objections/relays/{relay['id']}/complete")
    assert relays_to(party)[0]["state"] == "completed"
    named = acting.post("/v1/organisations", {"legal_name": "Après SA", "country": "FR", "roles": ["collector"]})
    assert (named["asserted_by_id"], named["asserted_through_id"]) == (str(party.id), str(heir.id))
    assert heir.request("GET", f"/v1/organisations/{named['id']}").status_code == 404


def test_heirs_key_ends_with_the_succession_and_everything_is_as_before(registry: Registry) -> None:
    operator, party, heir, last = registry.operator(), registry.party(), registry.party(), registry.party()
    shop = registry.collector()
    hand_over(shop, collected(shop, [7]), party)
    before = everything(party), everything(heir), everything(shop)
    succeed(operator, party.id, heir.id)
    succeed(operator, heir.id, last.id, "2024-08-01")
    acting, of_heir, later = (
        key_of_heir(operator, heir, party.id),
        key_of_heir(operator, last, heir.id),
        key_of_heir(operator, last, party.id),
    )
    assert everything(later) == everything(acting) == everything(party)
    assert succeed(operator, heir.id, None, None).status_code == 201
    assert [caller.request("GET", "/v1/datasets").status_code for caller in (acting, of_heir, later)] == [200, 401, 401]
    assert succeed(operator, party.id, None, None).status_code == 201
    assert acting.request("GET", "/v1/datasets").status_code == 401
    assert (everything(party), everything(heir), everything(shop)) == before
    kept = party.get(f"/v1/organisations/{party.id}/statements")["items"]
    assert [row["succeeded_by_id"] for row in kept if "succeeded_by_id" in row["stated"]] == [str(heir.id), None]
    wanted = {"organisation_id": str(heir.id), "acts_for_id": str(party.id), "scopes": ["facts:read"]}
    assert refusal(operator.request("POST", "/v1/keys", json=wanted)) == (422, "not_a_processor")


def test_account_that_only_an_heir_gave_ends_with_the_succession(registry: Registry) -> None:
    operator, broker, heir = registry.operator(), registry.broker(), registry.party()
    made = name_organisation(broker, "Muette")["id"]
    collection = make_collection(broker, made, make_notice(broker, made)["id"])
    filled(broker, [7], holder_id=made, collection_id=collection["id"])
    before = everything(broker)
    succeed(operator, made, heir.id)
    acting = key_of_heir(operator, heir, made)
    assert everything(broker) != before
    assert [row["holder_id"] for row in acting.get("/v1/datasets")["items"]] == [made]
    succeed(operator, made, None, None)
    assert everything(broker) == before
    assert broker.get(f"/v1/organisations/{made}")["admitted_at"] is None
    # What an heir erased meanwhile was erased by an organisation that can.
    succeed(operator, made, heir.id)
    acting = key_of_heir(operator, heir, made)
    create_objection(prove(registry.client, registry.dsn, number(7)), kind="erasure")
    (relay,) = relays_to(acting)
    acting.post(f"/v1/objections/relays/{relay['id']}/complete")
    succeed(operator, made, None, None)
    assert operator.get(f"/v1/organisations/{made}")["admitted_at"] is not None


def test_objection_binds_those_in_line(registry: Registry) -> None:
    operator, broker, party, heir = (registry.operator(), registry.broker(), registry.party(), registry.party())
    sold = hand_over(broker, filled(broker, [7, 8]), party)
    succeed(operator, party.id, heir.id)
    to_heir = create_objection(
        prove(registry.client, registry.dsn, number(7)), scope="organisation", organisation_id=str(heir.id)
    )
    assert relay_states(to_heir) == {str(party.id): "pending"}
    to_party = create_objection(
        prove(registry.client, registry.dsn, number(8)), scope="organisation", organisation_id=str(party.id)
    )
    assert relay_states(to_party) == {str(party.id): "pending"}
    # The heir buys the same numbers later: what was said to its predecessor still holds.
    bought = hand_over(broker, {"id": sold["dataset_id"]}, heir)["received_dataset_id"]
    until(lambda: [flag["number_count"] for flag in heir.get("/v1/objections/flags")["items"]] == [2])
    assert heir.get("/v1/objections/flags")["items"][0]["id"] == bought


def test_succession_that_cannot_be_is_refused(registry: Registry) -> None:
    operator, party, heir, last = registry.operator(), registry.party(), registry.party(), registry.party()
    made = name_organisation(party, "Sans compte")["id"]
    for answer, refused in (
        (succeed(operator, party.id, made), (409, "heir_without_account")),
        (succeed(operator, party.id, party.id), (409, "succeeds_itself")),
        (succeed(operator, party.id, uuid.uuid4()), (404, "not_found")),
        (succeed(operator, party.id, heir.id, None), (422, "succession_incomplete")),
        (succeed(operator, party.id, heir.id, "2199-01-01"), (422, "in_the_future")),
        (succeed(party, party.id, heir.id), (403, "not_yours_to_state")),
    ):
        assert refusal(answer) == refused
    assert succeed(operator, party.id, heir.id).status_code == 201
    assert succeed(operator, heir.id, last.id).status_code == 201
    assert refusal(succeed(operator, last.id, party.id)) == (409, "succeeds_itself")


def test_successions_at_once_make_no_circle(registry: Registry) -> None:
    operator, first, second = registry.operator(), registry.party(), registry.party()
    pairs = [(first, second), (second, first)] * 2
    with ThreadPoolExecutor(len(pairs)) as pool:
        answers = list(pool.map(lambda pair: succeed(operator, pair[0].id, pair[1].id).status_code, pairs))
    assert sorted(answers) == [201, 201, 409, 409]


def test_heirs_key_manages_itself_and_no_key_of_its_predecessor(registry: Registry) -> None:
    operator, heir = registry.operator(), registry.broker()
    party = registry.organisation(Role.PARTY, scopes=(*TRADE_SCOPES, "accounts"))  # type: ignore[arg-type]
    succeed(operator, party.id, heir.id)
    wanted = {"organisation_id": str(heir.id), "acts_for_id": str(party.id), "scopes": ["facts:read", "accounts"]}
    acting = Caller(heir.client, party.id, operator.post("/v1/keys", wanted)["key"])
    (own,) = acting.get("/v1/keys")["items"]
    (partys,) = party.get("/v1/keys")["items"]
    assert refusal(acting.request("DELETE", f"/v1/keys/{partys['id']}")) == (404, "not_found")
    assert refusal(party.request("DELETE", f"/v1/keys/{own['id']}")) == (404, "not_found")
    rotated = acting.post(f"/v1/keys/{own['id']}/rotate")
    assert rotated["as_heir"]
    succeed(operator, party.id, None, None)
    for key in (acting.key, rotated["key"]):
        assert Caller(heir.client, party.id, key).request("GET", "/v1/datasets").status_code == 401


def test_heir_is_printed_beside_the_name_of_then(registry: Registry) -> None:
    operator, broker = registry.operator(), registry.broker()
    made = name_organisation(broker, "Jeux d'hier", privacy_contact="vieux@jeux.example")["id"]
    collection = make_collection(broker, made, make_notice(broker, made)["id"])
    filled(broker, [7], holder_id=made, collection_id=collection["id"])
    heir = registry.organisation(Role.COLLECTOR, name="Jeux de demain")
    heir.post(f"/v1/organisations/{heir.id}/statements", {"privacy_contact": "dpo@demain.example"})
    succeed(operator, made, heir.id)
    person = prove(registry.client, registry.dsn, number(7))
    filed = create_objection(person)
    assert relay_states(filed) == {made: "undeliverable"}
    expected = {"id": str(heir.id), "legal_name": "Jeux de demain", "privacy_contact": "dpo@demain.example"}
    assert filed["relays"][0]["holder"]["succeeded_by"] == expected | {"since_on": "2024-07-01"}
    (origin,) = broker.lookup(number(7))["origins"]
    assert (origin["collector"]["legal_name"], origin["collector"]["succeeded_by"]) == (
        "Jeux d'hier",
        expected | {"since_on": "2024-07-01"},
    )
    for language, texts in (
        (
            "en",
            (
                "Jeux d'hier (now Jeux de demain)",
                "(Jeux de demain, which has answered for Jeux d'hier since 1 July 2024)",
            ),
        ),
        (
            "fr",
            (
                "Jeux d'hier (aujourd’hui Jeux de demain)",
                "(Jeux de demain, qui répond de Jeux d'hier depuis le 1er juillet",
            ),
        ),
    ):
        sent = person.request("POST", "/v1/disclosures", json={"form": "json", "language": language})
        shown = sent.text.replace("\u00a0", " ")
        assert [text for text in (*texts, "dpo@demain.example") if text not in shown] == [], language
        assert "vieux@jeux.example (" not in shown
    heir.post(f"/v1/organisations/{heir.id}/statements", {"legal_name": "Jeux d'après-demain"})
    assert broker.lookup(number(7))["origins"][0]["collector"]["succeeded_by"]["legal_name"] == "Jeux d'après-demain"
    # The heir takes the request over as soon as it has a key for it.
    acting = key_of_heir(operator, heir, made)
    (relay,) = relays_to(acting)
    assert acting.post(f"/v1/objections/relays/{relay['id']}/acknowledge")["state"] == "acknowledged"
