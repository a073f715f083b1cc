"""After an erasure the report stays, and says who erased the number and who still has it."""

import uuid
from typing import Any

import pytest

from service.demo import story
from service.disclosure.blocks import Contacts, Paragraph, Picture, Topic
from service.disclosure.report import write_report
from service.provenance.answer.schemas import Erasure
from service.wording.language import Language
from tests.builders import number
from tests.callers import Caller
from tests.disclosure.conftest import Owners, blocks, plain, under
from tests.disclosure.reading import texts

ERASED = 5300


WITHOUT_ORIGIN = 9003


def erase(owners: Owners, last_four: int, holder: str) -> None:
    """The owner of a number asks to be erased, and one holder does so."""
    person = owners.session(last_four)
    assert person.request("POST", "/v1/objections", json={"kind": "erasure"}).status_code == 201
    caller = owners.scenario.caller(holder)
    relays: Any = caller.get("/v1/objections/relays")["items"]
    (relay,) = (relay for relay in relays if relay["kind"] == "erasure" and relay["number"] == number(last_four))
    caller.post(f"/v1/objections/relays/{relay['id']}/complete")


@pytest.fixture(scope="module")
def erased(owners: Owners) -> Owners:
    """A broker erased a number that two parties received from it."""
    erase(owners, ERASED, "contact-direct")
    return owners


def test_report_after_an_erasure_names_the_holder_that_erased(erased: Owners) -> None:
    report = erased.report(ERASED)
    assert any(plain(text).startswith("Contact Direct SAS dit avoir effacé votre numéro le ") for text in texts(report))
    english = erased.report(ERASED, Language.EN)
    assert any(text.startswith("Contact Direct SAS says that it erased your number on ") for text in texts(english))


def test_report_after_an_erasure_keeps_origins_recipients_and_messages(erased: Owners) -> None:
    report = erased.report(ERASED)
    assert report.held
    assert set(under(report, Topic.ORIGINS)) == {story.COMPARAUTO.name, story.ENSEIGNE.name}
    assert set(under(report, Topic.RECIPIENTS)) >= {story.CONTACT.name, story.AUBE.name, story.RIVAGE.name}
    assert len(under(report, Topic.MESSAGES)) == 3
    assert not any("Aucune origine" in text for text in texts(report))


def test_picture_after_an_erasure_keeps_the_holder_and_says_that_it_erased(erased: Owners) -> None:
    (picture,) = blocks(erased.report(ERASED), Topic.PATH)
    assert isinstance(picture, Picture)
    assert ">dit l'avoir effacé le" in plain(picture.wide)
    assert any("dit avoir effacé votre numéro" in text for text in picture.alternative)


def test_contacts_after_an_erasure_say_what_each_has_to_do_with_the_number(erased: Owners) -> None:
    (contacts,) = (block for block in blocks(erased.report(ERASED), Topic.NEXT) if isinstance(block, Contacts))
    assert {contact.name: plain(contact.note) for contact in contacts.items} == {
        story.ENSEIGNE.name: "Détient votre numéro.",
        story.AUBE.name: "Détient votre numéro.",
        story.RIVAGE.name: "Détient votre numéro.",
        story.COMPARAUTO.name: "Détiendrait votre numéro, d'après un autre organisme.",
        story.CONTACT.name: "Dit avoir effacé votre numéro.",
        story.ROUTAGE.name: "A envoyé des messages à votre numéro.",
    }


def test_relays_after_an_erasure_show_it_done(erased: Owners) -> None:
    said = [plain(text) for text in texts(erased.report(ERASED))]
    assert "Satisfaite" in said
    by_letter = "À envoyer par vous : cet organisme n'est pas inscrit ici. Écrire à : dpo@comparauto.example"
    assert said.count(f"{by_letter} (nom et contact selon {story.CONTACT.name})") == 1


def test_report_after_every_holder_erased_says_that_nobody_holds_the_number(erased: Owners) -> None:
    known = erased.subject(ERASED)
    known.answer.held, known.answer.holdings = False, []
    first = write_report(known, Language.FR).sections[0].blocks[0]
    assert first == Paragraph(text="Aucun organisme enregistré ne détient plus votre numéro. Voici son histoire.")


def test_report_without_origin_says_so_until_the_last_copy_is_dropped(owners: Owners) -> None:
    known = owners.subject(WITHOUT_ORIGIN)
    (holding,) = known.answer.holdings
    (callout,) = (block for block in blocks(write_report(known, Language.FR), Topic.SUMMARY)[:1])
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
    # Until the operator has released a number without origin, its holder gets no relay.
    released = {"comment": "Controlled on 12 June."}
    operator = Caller(owners.scenario.client, uuid.uuid4(), owners.scenario.story.keys[story.OPERATOR.code])
    operator.post(f"/v1/datasets/{holding.dataset.id}/release", released)
    erase(owners, WITHOUT_ORIGIN, "rivage")
    assert not owners.subject(WITHOUT_ORIGIN).is_known
