"""Objections and erasures as a person asks for them on the pages, and as the pages show them."""

import itertools
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient

from service.main import create_app
from tests.builders import collected, hand_over, number
from tests.callers import Caller, Registry
from tests.conftest import temporary_database
from tests.direct_client import DirectClient
from tests.portal.conftest import settings_for_many_persons
from tests.portal.reading import Reader
from tests.web.reading import FROM_HERE, HOST, text_of

_numbers = itertools.count(1)


@dataclass
class Trade:
    """A broker that collected some numbers and gave them to a party, and a broker that has others."""

    client: TestClient
    dsn: str
    broker: Caller
    party: Caller
    other: Caller


@pytest.fixture(scope="module")
def trade(cluster: str) -> Iterator[Trade]:
    """One trade for all of these tests. Each test has a number of its own."""
    with temporary_database(cluster) as dsn:
        app = create_app(settings_for_many_persons(), dsn)
        with DirectClient(app, base_url=HOST, client=("127.0.0.1", 50_000)) as client:
            registry = Registry(client, dsn)
            broker, party, other = registry.broker(), registry.party(), registry.broker()
            hand_over(broker, collected(broker, range(1, 100)), party)
            collected(other, range(200, 210))
            yield Trade(client, dsn, broker, party, other)


@pytest.fixture
def person(trade: Trade) -> Reader:
    """A person whose number the broker and the party hold, at their answer."""
    trade.client.cookies.clear()
    reader = Reader(trade.client, number(next(_numbers)))
    reader.enter()
    reader.send("/depuis", step="skip")
    return reader


def _request(reader: Reader, action: str, **typed: str) -> str:
    reader.open(action)
    reader.send(action, **typed)
    return text_of(reader.send("/confirmation").text)


def _complete(holder: Caller, own: str) -> None:
    relays = holder.get("/v1/objections/relays", params={"limit": 1000})["items"]
    relay = next(relay for relay in relays if relay["number"] == own)
    holder.post(f"/v1/objections/relays/{relay['id']}/complete")


def test_object_to_everything_reaches_every_holder(trade: Trade, person: Reader) -> None:
    page = _request(person, "/opposition", scope="everything")
    assert "Opposition : à tout" in page
    assert "Broker 1" in page
    assert "Party 2" in page
    assert "Broker 3" not in page


def test_object_to_one_organisation_reaches_only_it(trade: Trade, person: Reader) -> None:
    page = _request(person, "/opposition", scope="organisation", organisation=str(trade.party.id))
    assert "Opposition : Party 2 seulement" in page
    assert page.count("En attente") == 1


def test_object_to_one_purpose_names_it(person: Reader) -> None:
    page = _request(person, "/opposition", scope="purpose", purpose="political_canvassing")
    assert "Opposition : prospection politique seulement" in page


def test_submit_objection_without_a_valid_choice_shows_the_error(person: Reader) -> None:
    wrong = []
    for typed, text in (
        ({"scope": "organisation"}, "Choisissez un organisme"),
        ({"scope": "organisation", "organisation": "x"}, "Choisissez un organisme"),
        ({"scope": "purpose", "purpose": "x"}, "Choisissez une finalité"),
        ({"scope": "x"}, "Choisissez jusqu’où va votre demande"),
        ({"scope": ""}, "Choisissez jusqu’où va votre demande"),
    ):
        person.open("/opposition")
        page = person.send("/opposition", **typed)
        if page.url.path != "/opposition" or text not in text_of(page.text):
            wrong.append(typed)
    assert wrong == []


def test_object_to_an_organisation_without_the_number_is_refused(trade: Trade, person: Reader) -> None:
    person.open("/opposition")
    page = person.send("/opposition", scope="organisation", organisation=str(trade.other.id))
    assert "Choisissez un organisme" in page.text


def test_erase_for_one_purpose_is_refused(person: Reader) -> None:
    assert "scope-purpose" not in person.open("/effacement").text
    page = person.send("/effacement", scope="purpose", purpose="political_canvassing")
    assert "Choisissez jusqu’où va votre demande" in page.text


def test_submit_erasure_records_nothing_before_it_is_confirmed(person: Reader) -> None:
    person.open("/effacement")
    assert person.send("/effacement", scope="everything").url.path == "/confirmation"
    assert "Vous n’avez encore rien demandé" in person.open("/demarches").text
    assert 'value="everything" aria-describedby="scope-everything-hint" checked' in person.open("/effacement").text


def test_confirm_again_starts_over_and_the_same_objection_is_recorded_once(person: Reader) -> None:
    _request(person, "/opposition", scope="everything")
    values = {"token": person.form("/quitter").values["token"]}
    assert person.post("/confirmation", values).headers["location"] == "/opposition"
    page = _request(person, "/opposition", scope="everything")
    assert page.count("Opposition : à tout") == 1


def test_confirm_from_elsewhere_records_nothing(person: Reader) -> None:
    person.open("/opposition")
    person.send("/opposition", scope="everything")
    values = person.form("/confirmation").values
    elsewhere = FROM_HERE | {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    assert person.post("/confirmation", values, elsewhere).status_code == 403
    assert person.post("/confirmation", {"token": "0" * 64}).status_code == 403
    assert "Vous n’avez encore rien demandé" in person.open("/demarches").text


def test_erasure_by_a_holder_takes_it_from_the_choice_and_stays_in_the_history(trade: Trade, person: Reader) -> None:
    _request(person, "/effacement", scope="everything")
    _complete(trade.party, person.own)
    page = text_of(person.open("/demarches").text)
    assert "Demande d’effacement : partout" in page
    assert "Party 2 Satisfaite" in page
    assert "Party 2" not in text_of(person.open("/effacement").text)
    assert "Broker 1" in text_of(person.open("/effacement").text)


def test_confirmation_page_for_a_holder_that_erased_meanwhile_leads_back(trade: Trade, person: Reader) -> None:
    _request(person, "/effacement", scope="everything")
    person.open("/opposition")
    assert "Party 2" in person.send("/opposition", scope="organisation", organisation=str(trade.party.id)).text
    _complete(trade.party, person.own)
    assert person.open("/confirmation").url.path == "/opposition"


def test_requests_from_before_the_number_was_theirs_are_mentioned_and_not_shown(trade: Trade, person: Reader) -> None:
    received = {"number": person.own, "occurred_at": "2024-05-20T10:00:00+02:00"}
    trade.broker.post("/v1/objections/received", {"kind": "objection", "numbers": [received]})
    assert "reçue par un organisme, qui l’a déclarée ici (Broker 1)" in text_of(person.open("/demarches").text)
    person.open("/depuis")
    person.send("/depuis", since="2024-06-01", step="save")
    page = text_of(person.open("/demarches").text)
    assert "Des demandes plus anciennes existent sur ce numéro" in page
    assert "Broker 1" not in page


def test_object_without_any_holder_is_recorded(trade: Trade) -> None:
    trade.client.cookies.clear()
    unknown = Reader(trade.client, number(9_990))
    unknown.enter()
    assert "Aucun organisme enregistré n’a votre numéro" in unknown.open("/opposition").text
    assert "Personne n’a ce numéro aujourd’hui" in _request(unknown, "/opposition", scope="everything")


def test_home_page_names_the_controller_before_it_asks_for_a_number(trade: Trade) -> None:
    Registry(trade.client, trade.dsn).operator()
    trade.client.cookies.clear()
    page = trade.client.get("/").text
    assert "Responsable de ce registre\u00a0: Operator" in page
    assert page.index("Operator") < page.index("</form>")
    assert 'href="/confidentialite"' in page.partition("<form")[2].partition("</form>")[0]


def test_download_unknown_letter_is_not_found(person: Reader) -> None:
    refused = person.open(f"/demarches/lettre/{uuid.uuid4()}")
    assert refused.status_code == 404
    assert "Cette page n’existe pas" in refused.text


def test_heir_stands_beside_the_name_of_a_holder(trade: Trade, person: Reader) -> None:
    operator, path = Registry(trade.client, trade.dsn).operator(), f"/v1/organisations/{trade.party.id}/statements"
    stated = {"succeeded_by_id": str(trade.other.id), "succeeded_on": "2024-07-01", "closed_on": "2024-06-30"}
    operator.post(path, stated | {"reason": "Extract of the register"})
    name, heir = (caller.get(f"/v1/organisations/{caller.id}")["legal_name"] for caller in (trade.party, trade.other))
    assert f"{name} (aujourd’hui {heir})" in text_of(person.open("/opposition").text)
    shown = _request(person, "/opposition", scope="organisation", organisation=str(trade.party.id))
    assert f"{name} (activité cessée le 30 juin 2024) (aujourd’hui {heir})" in shown
    operator.post(path, {"succeeded_by_id": None, "closed_on": None, "reason": "Void"})
    assert "aujourd’hui" not in text_of(person.open("/opposition").text)


def test_contest_an_agreement_confirms_it_shows_the_answer_and_takes_it_back(trade: Trade, person: Reader) -> None:
    answer = person.open("/reponse")
    (path,) = set(re.findall(r'href="(/reponse/contester/[0-9a-f-]+)"', answer.text))
    page = text_of(person.open(path).text)
    assert "Contester cet accord" in page
    assert "Broker 1" in page
    assert "Party 2" in page
    assert "Broker 3" not in page
    shown = text_of(person.send(path).text)
    assert "Contestation d’un accord : l’accord recueilli par Broker 1" in shown
    relays = trade.broker.get("/v1/objections/relays", params={"limit": 1000})["items"]
    relay = next(row for row in relays if row["kind"] == "contest" and row["number"] == person.own)
    trade.broker.post(
        f"/v1/objections/relays/{relay['id']}/answer",
        {"answer_text": "Case cochée le 3 mai.", "consent_record_id": "EM-77"},
    )
    requests = person.open("/demarches")
    assert "Case cochée le 3 mai." in text_of(requests.text)
    assert "EM-77" in text_of(requests.text)
    assert "Vous contestez cet accord depuis le" in text_of(person.open("/reponse").text)
    (withdrawal,) = re.findall(r'action="(/demarches/retirer/[0-9a-f-]+)"', person.open("/demarches").text)
    assert "Vous l’avez retirée le" in text_of(person.send(withdrawal).text)
    assert path in person.open("/reponse").text


def test_contest_of_what_is_no_origin_is_not_found(trade: Trade, person: Reader) -> None:
    assert person.open(f"/reponse/contester/{uuid.uuid4()}").status_code == 404
