"""After an erasure the story stays, and says who has erased the number and who still has it."""

from typing import Any

import pytest

from service.core.language import Language
from service.demo import story as told
from service.disclosure.blocks import Contacts, Paragraph, Picture, Topic
from service.disclosure.story import tell_story
from tests.disclosure.conftest import Owners, blocks, plain, under
from tests.disclosure.reading import texts

ERASED = 5300


@pytest.fixture(scope="module")
def erased(owners: Owners) -> Owners:
    """The owner of a number asked to be erased, and the broker did so."""
    person = owners.session(ERASED)
    assert person.request("POST", "/v1/objections", json={"kind": "erasure"}).status_code == 201
    broker = owners.scenario.caller("contact-direct")
    relays: Any = broker.get("/v1/objections/relays")["items"]
    (relay,) = (one for one in relays if one["kind"] == "erasure" and one["number"].endswith(str(ERASED)))
    broker.post(f"/v1/objections/relays/{relay['id']}/complete")
    return owners


def test_who_erased_it_is_said(erased: Owners) -> None:
    story = erased.story(ERASED)
    assert any(plain(text).startswith("Contact Direct SAS a effacé votre numéro le ") for text in texts(story))
    english = erased.story(ERASED, Language.EN)
    assert any(text.startswith("Contact Direct SAS erased your number on ") for text in texts(english))


def test_where_it_came_from_and_who_received_it_stays(erased: Owners) -> None:
    story = erased.story(ERASED)
    assert story.held
    assert set(under(story, Topic.ORIGINS)) == {told.COMPARAUTO.name, told.ENSEIGNE.name}
    assert set(under(story, Topic.RECIPIENTS)) >= {told.CONTACT.name, told.AUBE.name, told.RIVAGE.name}
    assert len(under(story, Topic.MESSAGES)) == 3
    assert not any("Aucune origine" in text for text in texts(story))


def test_the_picture_keeps_the_hand_and_says_that_it_erased(erased: Owners) -> None:
    (picture,) = blocks(erased.story(ERASED), Topic.PICTURE)
    assert isinstance(picture, Picture)
    assert ">effacé le" in plain(picture.wide)
    assert any("a effacé votre numéro" in text for text in picture.alternative)


def test_each_contact_says_what_it_has_to_do_with_the_number(erased: Owners) -> None:
    (contacts,) = (block for block in blocks(erased.story(ERASED), Topic.NEXT) if isinstance(block, Contacts))
    assert {one.name: plain(one.note) for one in contacts.items} == {
        told.ENSEIGNE.name: "Détient votre numéro.",
        told.AUBE.name: "Détient votre numéro.",
        told.RIVAGE.name: "Détient votre numéro.",
        told.COMPARAUTO.name: "Détiendrait votre numéro, d'après un autre organisme.",
        told.CONTACT.name: "A effacé votre numéro.",
        told.ROUTAGE.name: "A envoyé des messages à votre numéro.",
    }


def test_the_objection_shows_it_done(erased: Owners) -> None:
    said = [plain(text) for text in texts(erased.story(ERASED))]
    assert "dit l'avoir fait" in said
    assert said.count("n'est pas inscrit ici : il faut lui écrire (dpo@comparauto.example)") == 1


def test_a_number_that_everybody_erased_is_said_to_be_held_no_more(erased: Owners) -> None:
    known = erased.inquiry(ERASED)
    known.answer.held, known.answer.holdings = False, []
    first = tell_story(known, Language.FR).sections[0].blocks[0]
    assert first == Paragraph(text="Aucun organisme enregistré ne détient plus votre numéro. Voici son histoire.")
