"""What a person takes along, over HTTP."""

import json
import re
from datetime import date
from typing import Any

import psycopg
import pytest
from openapi_schema_validator import OAS31Validator

from service.core.clock import now
from tests.builders import number
from tests.disclosure.conftest import Owners, plain
from tests.disclosure.test_letter import printed, read, words

REFERENCE = re.compile(rf"{now().year}-[0-9]{{6}}")


@pytest.mark.parametrize("last_four", [5200, 1500, 9001, 7777, 9999])
def test_the_data_are_as_their_published_schema_says(owners: Owners, last_four: int) -> None:
    taken = owners.take(last_four, "json")
    assert taken.status_code == 201
    published = owners.scenario.client.get("/v1/disclosures/schema")
    assert published.headers["content-type"] == "application/schema+json"
    errors = [error.message for error in OAS31Validator(published.json()).iter_errors(taken.json())]
    assert errors == []
    assert taken.json()["number"] == number(last_four)


def test_the_schema_refuses_what_is_no_disclosure(owners: Owners) -> None:
    published = owners.scenario.client.get("/v1/disclosures/schema").json()
    document = owners.take(5200, "json").json()
    document["story"]["sections"][0]["blocks"][0]["kind"] = "unheard-of"
    assert list(OAS31Validator(published).iter_errors(document))


def test_the_data_hold_the_story_and_the_facts_that_it_is_made_of(owners: Owners) -> None:
    document = owners.take(5200, "json", "en").json()
    assert document["story"]["language"] == "en"
    assert document["story"]["reference"] == document["reference"]
    assert {one["notice"]["code"] for one in document["origins"]} == {"CA-2", "EM-1"}
    assert [one["sender"]["legal_name"] for one in document["campaigns"]] == ["Routage SMS Pro SAS"] * 3
    assert len(document["transfers"]) == 4
    assert {one["legal_name"] for one in document["holders"]} >= {"Enseigne Maison SA", "Mouvement du Rivage"}
    assert document["objections"] == []
    assert [one["source"] for one in owners.take(6666, "json").json()["objections"]] == ["stop"]


def test_of_whoever_had_the_number_before_the_data_say_no_more_than_the_story(owners: Owners) -> None:
    document = owners.take(5200, "json", since=date(2024, 5, 29)).json()
    assert document["origins"] == []
    assert [one["targeting"] for one in document["transfers"]] == [[]]
    assert document["owned_since"] == "2024-05-29"
    everything = json.dumps(document, ensure_ascii=False)
    assert [word for word in ("2023-1", "☐", "bureau", "EM-2023", "Extrait", "30-60") if word in everything] == []


def test_every_answer_has_a_number_of_its_own_and_is_recorded_without_whose_it_is(owners: Owners) -> None:
    first, second = owners.take(5200, "json").json(), owners.take(5200, "pdf", "en")
    assert REFERENCE.fullmatch(first["reference"])
    named = re.fullmatch(r'attachment; filename="filiation-(.*)\.pdf"', second.headers["content-disposition"])
    assert named is not None
    assert REFERENCE.fullmatch(named[1])
    assert int(named[1][5:]) == int(first["reference"][5:]) + 1
    with psycopg.connect(owners.scenario.dsn) as connection:
        query = "SELECT form, language, graph_version FROM disclosure ORDER BY serial DESC LIMIT 2"
        assert connection.execute(query).fetchall() == [
            ("pdf", "en", first["graph_version"]),
            ("json", "fr", first["graph_version"]),
        ]


def test_the_letter_is_the_story(owners: Owners) -> None:
    taken = owners.take(5200, "pdf")
    assert taken.status_code == 201
    assert taken.headers["content-type"] == "application/pdf"
    assert taken.headers["cache-control"] == "no-store"
    reader = read(taken.content)
    assert reader.metadata is not None
    assert plain(reader.metadata.title or "") == "Votre numéro : d'où il vient, qui l'a eu"
    assert words("Enseigne Maison SA a recueilli votre numéro le 11 décembre 2023") in printed(reader)


@pytest.mark.parametrize(
    ("body", "status"),
    [({"form": "json"}, 201), ({"form": "docx"}, 422), ({"form": "pdf", "language": "de"}, 422), ({}, 422)],
)
def test_what_may_be_asked_for(owners: Owners, body: Any, status: int) -> None:
    assert owners.session(5200).request("POST", "/v1/disclosures", json=body).status_code == status


def test_a_key_of_an_organisation_opens_nothing_here(owners: Owners) -> None:
    regulator = owners.scenario.caller("cnil")
    assert regulator.request("POST", "/v1/disclosures", json={"form": "json"}).status_code == 401


def relays_of_4700(owners: Owners) -> Any:
    """The relays of an objection of the owner of 4700, one of whose holders has no account."""
    person = owners.session(4700)
    person.request("POST", "/v1/objections", json={"kind": "objection"})
    (objection,) = person.request("GET", "/v1/objections").json()["items"]
    return objection["relays"]


def test_the_letter_to_a_holder_without_account(owners: Owners) -> None:
    person = owners.session(4700)
    (relay,) = (one for one in relays_of_4700(owners) if one["state"] == "undeliverable")
    path = f"/v1/disclosures/letters/{relay['id']}"
    french, english = person.request("GET", path), person.request("GET", path, params={"language": "en"})
    assert french.headers["content-type"] == "application/pdf"
    assert words("Comparauto SAS") in printed(read(french.content))
    assert words("Objection to the use of my telephone number") in printed(read(english.content))


def test_a_holder_with_an_account_needs_no_letter(owners: Owners) -> None:
    person = owners.session(4700)
    relay = next(one for one in relays_of_4700(owners) if one["state"] != "undeliverable")
    refused = person.request("GET", f"/v1/disclosures/letters/{relay['id']}")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:filiation:problem:relay_delivered")


def test_another_person_sees_no_letter(owners: Owners) -> None:
    other = owners.session(5200)
    for relay in relays_of_4700(owners):
        assert other.request("GET", f"/v1/disclosures/letters/{relay['id']}").status_code == 404
