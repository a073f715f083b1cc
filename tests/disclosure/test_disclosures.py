"""Disclosures, over HTTP."""

import json
import re
from datetime import date
from typing import Any

import psycopg
from openapi_schema_validator import OAS31Validator

from service.core.clock import now
from tests.builders import number
from tests.disclosure.conftest import Owners, plain
from tests.disclosure.reading import printed, read, without_spaces

REFERENCE = re.compile(rf"{now().year}(-[0-9A-HJKMNP-TV-Z]{{5}}){{2}}")


def test_disclosure_in_json_follows_its_published_schema(owners: Owners) -> None:
    published = owners.scenario.client.get("/v1/disclosures/schema")
    assert published.headers["content-type"] == "application/schema+json"
    wrong: list[object] = []
    for last_four in (5200, 1500, 9001, 7777, 9999):
        disclosure = owners.disclose(last_four, "json")
        wrong += [
            (last_four, error.message) for error in OAS31Validator(published.json()).iter_errors(disclosure.json())
        ]
        if disclosure.status_code != 201 or disclosure.json()["number"] != number(last_four):
            wrong.append((last_four, disclosure.status_code))
    assert wrong == []


def test_schema_refuses_an_unknown_kind_of_block(owners: Owners) -> None:
    published = owners.scenario.client.get("/v1/disclosures/schema").json()
    document = owners.disclose(5200, "json").json()
    document["report"]["sections"][0]["blocks"][0]["kind"] = "unheard-of"
    assert list(OAS31Validator(published).iter_errors(document))


def test_disclosure_in_json_contains_the_report_and_its_facts(owners: Owners) -> None:
    document = owners.disclose(5200, "json", "en").json()
    assert document["report"]["language"] == "en"
    assert document["report"]["reference"] == document["reference"]
    assert {origin["notice"]["code"] for origin in document["origins"]} == {"CA-2", "EM-1"}
    assert [campaign["sender"]["legal_name"] for campaign in document["campaigns"]] == ["Routage SMS Pro SAS"] * 3
    assert len(document["transfers"]) == 4
    assert {holder["legal_name"] for holder in document["holders"]} >= {"Enseigne Maison SA", "Mouvement du Rivage"}
    assert document["objections"] == []
    assert [objection["source"] for objection in owners.disclose(6666, "json").json()["objections"]] == ["stop"]


def test_disclosure_in_json_about_a_former_owner_says_no_more_than_the_report(owners: Owners) -> None:
    document = owners.disclose(5200, "json", since=date(2024, 5, 29)).json()
    assert document["origins"] == []
    assert [transfer["targeting"] for transfer in document["transfers"]] == [[]]
    assert document["owned_since"] == "2024-05-29"
    everything = json.dumps(document, ensure_ascii=False)
    assert [word for word in ("2023-1", "☐", "bureau", "EM-2023", "Extrait", "30-60") if word in everything] == []


def test_disclosure_has_a_reference_and_is_recorded_without_its_person(owners: Owners) -> None:
    first, second = owners.disclose(5200, "json").json(), owners.disclose(5200, "pdf", "en")
    assert REFERENCE.fullmatch(first["reference"])
    named = re.fullmatch(r'attachment; filename="filiation-(.*)\.pdf"', second.headers["content-disposition"])
    assert named is not None
    assert REFERENCE.fullmatch(named[1])
    with psycopg.connect(owners.scenario.dsn) as connection:
        query = "SELECT reference, form, language FROM disclosure ORDER BY recorded_at DESC LIMIT 2"
        assert connection.execute(query).fetchall() == [(named[1], "pdf", "en"), (first["reference"], "json", "fr")]


def test_disclosure_in_pdf_is_the_report_as_a_letter(owners: Owners) -> None:
    disclosure = owners.disclose(5200, "pdf")
    assert disclosure.status_code == 201
    assert disclosure.headers["content-type"] == "application/pdf"
    assert disclosure.headers["cache-control"] == "no-store, no-transform"
    reader = read(disclosure.content)
    assert reader.metadata is not None
    assert plain(reader.metadata.title or "") == "Votre numéro : d'où il vient, qui l'a eu"
    assert without_spaces("Enseigne Maison SA a recueilli votre numéro le 11 décembre 2023") in printed(reader)


def test_make_disclosure_in_an_unknown_form_or_language_is_refused(owners: Owners) -> None:
    person = owners.session(5200)
    bodies: list[Any] = [{"form": "json"}, {"form": "docx"}, {"form": "pdf", "language": "de"}, {}]
    answers = [person.request("POST", "/v1/disclosures", json=body).status_code for body in bodies]
    assert answers == [201, 422, 422, 422]


def test_make_disclosure_with_an_organisations_key_is_refused(owners: Owners) -> None:
    regulator = owners.scenario.caller("cnil")
    assert regulator.request("POST", "/v1/disclosures", json={"form": "json"}).status_code == 401


def relays_of_4700(owners: Owners) -> Any:
    """The relays of an objection of the owner of 4700, one of whose holders has no account."""
    person = owners.session(4700)
    person.request("POST", "/v1/objections", json={"kind": "objection"})
    (objection,) = person.request("GET", "/v1/objections").json()["items"]
    return objection["relays"]


def test_get_letter_to_a_holder_without_account_is_a_pdf_in_the_language_asked_for(owners: Owners) -> None:
    person = owners.session(4700)
    (relay,) = (relay for relay in relays_of_4700(owners) if relay["state"] == "undeliverable")
    path = f"/v1/disclosures/letters/{relay['id']}"
    french, english = person.request("GET", path), person.request("GET", path, params={"language": "en"})
    assert french.headers["content-type"] == "application/pdf"
    assert without_spaces("Comparauto SAS") in printed(read(french.content))
    assert without_spaces("Objection to the use of my telephone number") in printed(read(english.content))


def test_get_letter_to_a_holder_with_an_account_is_refused(owners: Owners) -> None:
    person = owners.session(4700)
    relay = next(relay for relay in relays_of_4700(owners) if relay["state"] != "undeliverable")
    refused = person.request("GET", f"/v1/disclosures/letters/{relay['id']}")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:filiation:problem:holder_has_account")


def test_get_letter_by_another_person_is_not_found(owners: Owners) -> None:
    other = owners.session(5200)
    for relay in relays_of_4700(owners):
        assert other.request("GET", f"/v1/disclosures/letters/{relay['id']}").status_code == 404
