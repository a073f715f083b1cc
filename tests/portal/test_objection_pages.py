"""Objections and erasures as somebody asks for them on the pages, and as they are shown."""

import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient

from service.main import create_app
from tests.builders import collected, hand_over, number
from tests.callers import Caller, Registry
from tests.conftest import temporary_database
from tests.inspection import rows
from tests.portal.conftest import generous
from tests.portal.reading import FROM_HERE, HOST, Reader, text_of

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
    """One trade for all of these tests, each of which has a number of its own."""
    with temporary_database(cluster) as dsn:
        app = create_app(generous(), dsn)
        with TestClient(app, base_url=HOST, client=("127.0.0.1", 50_000)) as client:
            registry = Registry(client, dsn)
            broker, party, other = registry.broker(), registry.party(), registry.broker()
            hand_over(broker, collected(broker, range(1, 100)), party)
            collected(other, range(200, 210))
            yield Trade(client, dsn, broker, party, other)


@pytest.fixture
def someone(trade: Trade) -> Reader:
    """Somebody whose number broker and party have, at their answer."""
    trade.client.cookies.clear()
    reader = Reader(trade.client, number(next(_numbers)))
    reader.enter()
    reader.send("/depuis", step="skip")
    return reader


def _wish(reader: Reader, action: str, **typed: str) -> str:
    reader.open(action)
    reader.send(action, **typed)
    return text_of(reader.send("/confirmation").text)


def _complete(holder: Caller, own: str) -> None:
    relays = holder.get("/v1/objections/relays", params={"limit": 1000})["items"]
    relay = next(one for one in relays if one["number"] == own)
    holder.post(f"/v1/objections/relays/{relay['id']}/complete")


def test_an_objection_to_everything_reaches_every_holder(trade: Trade, someone: Reader) -> None:
    page = _wish(someone, "/opposition", scope="everything")
    assert "Opposition à tout" in page
    assert "Broker 1" in page
    assert "Party 2" in page
    assert "Broker 3" not in page


def test_an_objection_to_one_organisation_reaches_that_one(trade: Trade, someone: Reader) -> None:
    page = _wish(someone, "/opposition", scope="organisation", organisation=str(trade.party.id))
    assert "Opposition Party 2 seulement" in page
    assert page.count("En attente") == 1


def test_an_objection_to_one_purpose_names_it(someone: Reader) -> None:
    page = _wish(someone, "/opposition", scope="purpose", purpose="political_canvassing")
    assert "Opposition prospection politique seulement" in page


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"scope": "organisation"}, "Choisissez un organisme"),
        ({"scope": "organisation", "organisation": "x"}, "Choisissez un organisme"),
        ({"scope": "purpose", "purpose": "x"}, "Choisissez un usage"),
        ({"scope": "x"}, "Choisissez jusqu’où va votre demande"),
        ({"scope": ""}, "Choisissez jusqu’où va votre demande"),
    ],
)
def test_a_choice_that_is_none_is_told(someone: Reader, typed: dict[str, str], says: str) -> None:
    someone.open("/opposition")
    page = someone.send("/opposition", **typed)
    assert page.url.path == "/opposition"
    assert says in text_of(page.text)


def test_who_does_not_hold_the_number_cannot_be_chosen(trade: Trade, someone: Reader) -> None:
    someone.open("/opposition")
    page = someone.send("/opposition", scope="organisation", organisation=str(trade.other.id))
    assert "Choisissez un organisme" in page.text


def test_a_number_is_erased_or_not_whatever_the_purpose(someone: Reader) -> None:
    assert "scope-purpose" not in someone.open("/effacement").text
    page = someone.send("/effacement", scope="purpose", purpose="political_canvassing")
    assert "Choisissez jusqu’où va votre demande" in page.text


def test_nothing_is_recorded_before_it_is_confirmed(someone: Reader) -> None:
    someone.open("/effacement")
    assert someone.send("/effacement", scope="everything").url.path == "/confirmation"
    assert "Vous n’avez encore rien demandé" in someone.open("/demarches").text
    assert 'value="everything" aria-describedby="scope-everything-hint" checked' in someone.open("/effacement").text


def test_confirming_again_asks_anew_and_the_same_wish_is_one(someone: Reader) -> None:
    _wish(someone, "/opposition", scope="everything")
    values = {"token": someone.form("/quitter").values["token"]}
    assert someone.post("/confirmation", values).headers["location"] == "/opposition"
    page = _wish(someone, "/opposition", scope="everything")
    assert page.count("Opposition à tout") == 1


def test_a_confirmation_from_elsewhere_records_nothing(someone: Reader) -> None:
    someone.open("/opposition")
    someone.send("/opposition", scope="everything")
    values = someone.form("/confirmation").values
    elsewhere = FROM_HERE | {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    assert someone.post("/confirmation", values, elsewhere).status_code == 403
    assert someone.post("/confirmation", {"token": "0" * 64}).status_code == 403
    assert "Vous n’avez encore rien demandé" in someone.open("/demarches").text


def test_after_an_erasure_the_holder_is_no_holder_and_stays_in_the_history(trade: Trade, someone: Reader) -> None:
    _wish(someone, "/effacement", scope="everything")
    _complete(trade.party, someone.own)
    page = text_of(someone.open("/demarches").text)
    assert "Effacement partout" in page
    assert "Party 2 Fait" in page
    assert "Party 2" not in text_of(someone.open("/effacement").text)
    assert "Broker 1" in text_of(someone.open("/effacement").text)


def test_whoever_erased_the_number_meanwhile_is_not_asked_any_more(trade: Trade, someone: Reader) -> None:
    _wish(someone, "/effacement", scope="everything")
    someone.open("/opposition")
    assert "Party 2" in someone.send("/opposition", scope="organisation", organisation=str(trade.party.id)).text
    _complete(trade.party, someone.own)
    assert someone.open("/confirmation").url.path == "/opposition"


def test_what_was_asked_before_the_number_was_theirs_is_told_of_and_not_shown(trade: Trade, someone: Reader) -> None:
    received = {"number": someone.own, "occurred_at": "2024-05-20T10:00:00+02:00"}
    trade.broker.post("/v1/objections/received", {"kind": "objection", "numbers": [received]})
    assert "reçue par un organisme, qui l’a déclarée ici (Broker 1)" in text_of(someone.open("/demarches").text)
    someone.open("/depuis")
    someone.send("/depuis", since="2024-06-01", step="save")
    page = text_of(someone.open("/demarches").text)
    assert "Des demandes plus anciennes existent sur ce numéro" in page
    assert "Broker 1" not in page


def test_whom_nobody_holds_may_object_all_the_same(trade: Trade) -> None:
    trade.client.cookies.clear()
    unknown = Reader(trade.client, number(9_990))
    unknown.enter()
    assert "Aucun organisme enregistré n’a votre numéro" in unknown.open("/opposition").text
    assert "Personne n’a ce numéro aujourd’hui" in _wish(unknown, "/opposition", scope="everything")


def test_who_asks_and_what_for_is_told_before_a_number_is_asked_for(trade: Trade) -> None:
    Registry(trade.client, trade.dsn).operator()
    trade.client.cookies.clear()
    page = trade.client.get("/").text
    assert "Qui répond de ce registre\u00a0: Operator" in page
    assert page.index("Operator") < page.index("</form>")
    assert 'href="/confidentialite"' in page.partition("<form")[2].partition("</form>")[0]


def test_a_letter_of_nobody_is_not_found(someone: Reader) -> None:
    refused = someone.open(f"/demarches/lettre/{uuid.uuid4()}")
    assert refused.status_code == 404
    assert "Cette page n’existe pas" in refused.text


def test_organisations_that_were_told_stand_in_the_public_table(someone: Reader, trade: Trade) -> None:
    _wish(someone, "/opposition", scope="everything")
    someone.send("/quitter")
    rows(trade.dsn, "UPDATE relay SET recorded_at = recorded_at - interval '1 day'")
    assert "Broker 1" in text_of(someone.open("/delais").text)
    assert "Response" in text_of(someone.open("/en/deadlines").text)
