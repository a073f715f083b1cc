"""Organisations are found by name and country, and a second of the same name is asked about before it is made."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from service.core.vocabulary import Role
from tests.callers import Caller, Registry
from tests.inspection import refusal

pytestmark = pytest.mark.one_registry


def body_of(name: str, **more: Any) -> dict[str, Any]:
    return {"legal_name": name, "country": "FR", "roles": ["collector"]} | more


def found(caller: Caller, **query: Any) -> set[str]:
    return {row["id"] for row in caller.get("/v1/organisations", params=query)["items"]}


def test_search_by_name_finds_accounts_by_their_whole_name_or_alias(registry: Registry) -> None:
    stranger = registry.broker()
    party = registry.organisation(Role.PARTY, name="Parti de l'Étoile")
    party.post(
        f"/v1/organisations/{party.id}/statements", {"aliases": ["L'Étoile", "PDE"], "privacy_contact": "p@e.example"}
    )
    for name in ("parti de l’etoile", "PARTI DE L ETOILE SAS", "l'etoile", "P.D.E."):
        (row,) = stranger.get("/v1/organisations", params={"name": name})["items"]
        assert (row["id"], row["legal_name"], row["aliases"]) == (
            str(party.id),
            "Parti de l'Étoile",
            ["L'Étoile", "PDE"],
        )
        assert [row[key] for key in ("privacy_contact", "asserted_by_id", "recorded_at", "stated_by_id")] == [None] * 4
    for name in ("Parti", "Étoile", "Parti de l'Étoile rouge", "%", "_"):
        assert found(stranger, name=name) == set(), name
    assert found(stranger, name="l'étoile", country="BE") == set()
    assert found(stranger, name="l'étoile", country="FR") == {str(party.id)}
    both = stranger.request("GET", "/v1/organisations", params={"name": "x", "registration_number": "1"})
    assert refusal(both) == (422, "two_searches")


def test_search_by_name_finds_those_without_account_only_for_who_sees_them(registry: Registry) -> None:
    broker, stranger = registry.broker(), registry.broker()
    made = broker.post("/v1/organisations", body_of("Enseigne Maison SA"))["id"]
    for name in ("enseigne maison", "maison", "ENS", "maison ens"):
        assert found(broker, name=name) == {made}, name
        assert found(stranger, name=name) == set(), name
    assert found(broker, name="aison") == set()


def test_register_second_of_the_same_name_is_asked_about(registry: Registry) -> None:
    broker, stranger = registry.broker(), registry.broker()
    party = registry.organisation(Role.PARTY, name="Mouvement du Rivage")
    again = broker.request("POST", "/v1/organisations", json=body_of("MOUVEMENT DU RIVAGE SAS"))
    assert (refusal(again), again.json()["organisation_ids"]) == ((409, "similar_organisation"), [str(party.id)])
    other = {"distinct_from_ids": [str(party.id)]}
    made = broker.post("/v1/organisations", body_of("MOUVEMENT DU RIVAGE SAS") | other)["id"]
    alias = broker.request("POST", "/v1/organisations", json=body_of("MDR", aliases=["Mouvement du rivage"]) | other)
    assert (refusal(alias), alias.json()["organisation_ids"]) == ((409, "similar_organisation"), [made])
    # A stranger learns nothing of the one that is only named, and other countries have other organisations.
    assert stranger.post("/v1/organisations", body_of("Mouvement du Rivage") | other)
    assert broker.post("/v1/organisations", body_of("Mouvement du Rivage", country="BE"))


def test_register_organisations_with_different_numbers_needs_no_question(registry: Registry) -> None:
    broker = registry.broker()
    names = [body_of("Mairie", registration_number=number) for number in ("000100198", "000100206")]
    first, second = (broker.post("/v1/organisations", body)["id"] for body in names)
    without = broker.request("POST", "/v1/organisations", json=body_of("La Mairie", aliases=["Mairie"]))
    assert (refusal(without), without.json()["organisation_ids"]) == (
        (409, "similar_organisation"),
        sorted([first, second]),
    )


def test_register_one_name_at_once_creates_one(registry: Registry) -> None:
    broker = registry.broker()

    def register(name: str) -> Any:
        return broker.request("POST", "/v1/organisations", json=body_of(name))

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(register, ["Prêt à Tout", "PRET A TOUT", "Prêt-à-tout SAS"] * 2))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
