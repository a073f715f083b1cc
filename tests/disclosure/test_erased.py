"""After an erasure the story stays, and says who has erased the number and who still has it."""

from typing import Any

import pytest

from service.demo import story as told
from service.disclosure.blocks import Contacts, Paragraph, Picture, Topic
from service.disclosure.report import write_report
from service.provenance.answer.schemas import Erasure
from service.wording.language import Language
from tests.builders import number
from tests.disclosure.conftest import Owners, blocks, plain, under
from tests.disclosure.reading import texts

ERASED = 5300


ASTRAY = 9003


def erase(owners: Owners, last_four: int, holder: str) -> None:
    """The owner of a number asks to be erased, and one holder does so."""
    person = owners.session(last_four)
    assert person.request("POST", "/v1/objections", json={"kind": "erasure"}).status_code == 201
    caller = owners.scenario.caller(holder)
    relays: Any = caller.get("/v1/objections/relays")["items"]
    (relay,) = (one for one in relays if one["kind"] == "erasure" and one["number"] == number(last_four))
    caller.post(f"/v1/objections/relays/{relay['id']}/complete")


@pytest.fixture(scope="module")
def erased(owners: Owners) -> Owners:
    """A broker erased the number of one, from whom two parties have it."""
    erase(owners, ERASED, "contact-direct")
    return owners


def test_who_erased_it_is_said(erased: Owners) -> None:
    story = erased.story(ERASED)
    assert any(plain(text).startswith("Contact Direct SAS dit avoir effacé votre numéro le ") for text in texts(story))
    english = erased.story(ERASED, Language.EN)
    assert any(text.startswith("Contact Direct SAS says that it erased your number on ") for text in texts(english))


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
    assert ">dit l'avoir effacé le" in plain(picture.wide)
    assert any("dit avoir effacé votre numéro" in text for text in picture.alternative)


def test_each_contact_says_what_it_has_to_do_with_the_number(erased: Owners) -> None:
    (contacts,) = (block for block in blocks(erased.story(ERASED), Topic.NEXT) if isinstance(block, Contacts))
    assert {one.name: plain(one.note) for one in contacts.items} == {
        told.ENSEIGNE.name: "Détient votre numéro.",
        told.AUBE.name: "Détient votre numéro.",
        told.RIVAGE.name: "Détient votre numéro.",
        told.COMPARAUTO.name: "Détiendrait votre numéro, d'après un autre organisme.",
        told.CONTACT.name: "Dit avoir effacé votre numéro.",
        told.ROUTAGE.name: "A envoyé des messages à votre numéro.",
    }


def test_the_objection_shows_it_done(erased: Owners) -> None:
    said = [plain(text) for text in texts(erased.story(ERASED))]
    assert "dit l'avoir fait" in said
    assert said.count("n'est pas inscrit ici : il faut lui écrire (dpo@comparauto.example)") == 1


def test_a_number_that_everybody_erased_is_said_to_be_held_no_more(erased: Owners) -> None:
    known = erased.inquiry(ERASED)
    known.answer.held, known.answer.holdings = False, []
    first = write_report(known, Language.FR).sections[0].blocks[0]
    assert first == Paragraph(text="Aucun organisme enregistré ne détient plus votre numéro. Voici son histoire.")


def test_a_number_without_origin_is_told_of_as_that_until_its_last_copy_goes(owners: Owners) -> None:
    known = owners.inquiry(ASTRAY)
    (holding,) = known.answer.holdings
    (callout,) = (block for block in blocks(write_report(known, Language.FR), Topic.ANSWER)[:1])
    assert "Mouvement du Rivage détient votre numéro" in plain(str(callout))
    gone = Erasure(
        dataset=holding.dataset,
        erased_at=known.answer.as_of,
        asserted_by=holding.asserted_by,
        asserted_through=None,
        occurred_at=holding.occurred_at,
        recorded_at=holding.recorded_at,
    )
    known.answer.held, known.answer.holdings, known.answer.erasures = False, [], [gone]
    said = [plain(text) for text in texts(write_report(known, Language.FR))]
    assert any(text.startswith("Aucune origine déclarée. Mouvement du Rivage a détenu votre numéro") for text in said)
    assert not any("détient votre numéro" in text for text in said if "organisme" not in text)
    erase(owners, ASTRAY, "rivage")
    assert not owners.inquiry(ASTRAY).is_known
