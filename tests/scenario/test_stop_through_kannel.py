"""The story's numbers, on telephones: a code comes by SMS, and an SMS with STOP reaches every holder."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from service.core.settings import Settings
from service.main import create_app
from tests.builders import number
from tests.kannel import Kannel, wait_until
from tests.persons import PersonCaller, ask_code, code_in, confirm
from tests.sockets import on_a_socket


@pytest.fixture
def app(kannel: Kannel, settings: Settings, story_dsn: str) -> FastAPI:
    """The service that this Kannel calls, with the story loaded."""
    return create_app(kannel.configure(settings), story_dsn)


@pytest.fixture
def service(app: FastAPI, kannel: Kannel) -> Iterator[httpx2.Client]:
    """A client of that service."""
    with on_a_socket(app) as client:
        yield client


def verified_by_sms(service: httpx2.Client, kannel: Kannel, last_four: int) -> PersonCaller:
    """A person who entered the code that their telephone received."""
    begun = ask_code(service, number(last_four)).json()
    wait_until(lambda: any(sent.number == number(last_four) for sent in kannel.sent()), "no code arrived")
    (code,) = [code_in(sent.text) for sent in kannel.sent() if sent.number == number(last_four)]
    return PersonCaller(service, confirm(service, begun["id"], code).json()["token"])


def objections(person: PersonCaller) -> Any:
    return person.request("GET", "/v1/objections").json()["items"]


def test_stop_by_sms_is_recorded_and_relayed_to_every_holder(service: httpx2.Client, kannel: Kannel) -> None:
    """5200 got one message from 38001 and two from 38002, the last of them on the eve of the poll."""
    person = verified_by_sms(service, kannel, 5200)
    assert objections(person) == []
    kannel.type_in("33639985200", "38002", "Arrêt !")
    wait_until(lambda: len(objections(person)) == 1, "the STOP became no objection")
    (objection,) = objections(person)
    assert (objection["kind"], objection["scope"], objection["source"]) == ("objection", "everything", "stop")
    assert objection["campaign"]["name"] == "Demain, le Rivage"
    # The holders upstream of the party that got the reply, and the other party, which has no dealings with it.
    assert {relay["holder"]["legal_name"]: relay["state"] for relay in objection["relays"]} == {
        "Comparauto SAS": "undeliverable",
        "Enseigne Maison SA": "pending",
        "Contact Direct SAS": "pending",
        "Parti de l'Aube": "pending",
        "Mouvement du Rivage": "pending",
    }


def test_other_sms_leaves_no_trace(service: httpx2.Client, kannel: Kannel) -> None:
    person = verified_by_sms(service, kannel, 5200)
    kannel.type_in("33639985200", "38002", "Qui êtes-vous ?")
    kannel.type_in("33639985200", "38009", "STOP")
    kannel.type_in("33639986000", "38001", "STOP")
    other = verified_by_sms(service, kannel, 6000)
    wait_until(lambda: len(objections(other)) == 1, "the last STOP became no objection")
    assert objections(person) == []
