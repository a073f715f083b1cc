"""What the registry owes a person about itself (GDPR 13 and 15): who it is, what it does, and for how long."""

from dataclasses import replace

import pytest

from service.demo import story as told
from service.disclosure.blocks import Facts, Paragraph, Topic
from service.disclosure.letter import print_report
from service.disclosure.report import write_report
from service.disclosure.subject_answer import SubjectAnswer
from service.wording.language import Language
from tests.disclosure.conftest import Owners, blocks, plain
from tests.disclosure.reading import texts
from tests.disclosure.test_letter import printed, read, words


def run_by_demo(owners: Owners, last_four: int) -> SubjectAnswer:
    """What there is to tell of a number, by a registry of which it is known who runs it."""
    known = owners.inquiry(last_four)
    (operator,) = known.operators
    named = replace(operator, legal_name=told.OPERATOR.name, privacy_contact=told.OPERATOR.contact)
    return replace(known, operators=[named])


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("last_four", [5200, 9999])
def test_it_says_who_it_is_and_what_it_does_with_any_number(owners: Owners, last_four: int, language: Language) -> None:
    story = write_report(run_by_demo(owners, last_four), language)
    (facts,) = (block for block in blocks(story, Topic.REGISTRY) if isinstance(block, Facts))
    assert len(facts.items) == 9
    assert facts.items[0].value == f"{told.OPERATOR.name}, {told.OPERATOR.contact}"
    assert story.answered_by == [facts.items[0].value]


def test_the_letter_says_at_its_head_who_sends_it(owners: Owners) -> None:
    (first, *_) = read(print_report(write_report(run_by_demo(owners, 5200), Language.FR))).pages
    head = words(first.extract_text()).partition("Référence")[0]
    assert words(f"{told.OPERATOR.name}, {told.OPERATOR.contact}") in head


def test_that_nobody_is_recorded_as_responsible_is_said(owners: Owners) -> None:
    story = write_report(replace(owners.inquiry(5200), operators=[]), Language.FR)
    said = [plain(text) for text in texts(story)]
    assert "qui tient ce registre ; son nom n'y est pas enregistré" in said
    assert "None" not in printed(read(print_report(story)))


def test_who_has_the_number_today_is_in_the_first_lines(owners: Owners) -> None:
    (line,) = (
        plain(block.text)
        for block in blocks(owners.story(2500), Topic.ANSWER)
        if isinstance(block, Paragraph) and "aujourd" in block.text
    )
    assert {one for one in (told.CONTACT, told.REVENTE, told.AUBE, told.JEUX, told.COMPARAUTO) if one.name in line} == {
        told.CONTACT,
        told.REVENTE,
        told.JEUX,
        told.COMPARAUTO,
    }


def test_who_sent_messages_for_others_is_counted_apart_and_named(owners: Owners) -> None:
    said = [plain(text) for text in texts(owners.story(5200))]
    assert "3 organismes ont reçu votre numéro, ou l'auraient reçu. Les voici tous, par leur nom." in said
    assert f"S'y ajoute, pour l'envoi de messages : {told.ROUTAGE.name}." in said
