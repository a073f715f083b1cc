"""Numbers change hands: whoever had one before is protected from whoever has it now (GDPR 15(4))."""

import json
from dataclasses import replace
from datetime import date

import pytest

from service.demo import story as told
from service.disclosure.blocks import Bullets, Paragraph, Topic
from service.disclosure.report import write_report
from service.wording.language import Language
from tests.disclosure.conftest import Owners, blocks, plain, under
from tests.disclosure.reading import texts

# Between the sale to the parties and the messages; both collections and all that came of them lie before.
SINCE = date(2024, 6, 1)
WORDS_OF_ANOTHER = ("novembre 2023", "décembre 2023", "janvier 2024", "avril 2024", "mai 2024", "☐", "30-60", "2022")


def test_without_a_day_everything_is_told(owners: Owners) -> None:
    story = owners.story(5200)
    assert blocks(story, Topic.EARLIER) == []
    assert len(under(story, Topic.ORIGINS)) == 2


def test_what_came_before_is_told_by_organisation_alone(owners: Owners) -> None:
    story = owners.story(5200, since=SINCE)
    said, listed = blocks(story, Topic.EARLIER)
    assert isinstance(said, Paragraph)
    assert "le vôtre depuis le 1er juin 2024" in plain(said.text)
    assert isinstance(listed, Bullets)
    assert set(listed.items) == {
        told.COMPARAUTO.name,
        told.ENSEIGNE.name,
        told.CONTACT.name,
        told.AUBE.name,
        told.RIVAGE.name,
    }
    assert blocks(story, Topic.ORIGINS) == []


def test_no_wording_no_day_and_no_criterion_of_another_is_left_anywhere(owners: Owners) -> None:
    story = owners.story(5200, since=SINCE)
    everything = "\n".join(map(plain, texts(story)))
    drawn = json.dumps([section.blocks[0] for section in story.sections], default=str)
    assert [word for word in WORDS_OF_ANOTHER if word in everything or word in plain(drawn)] == []


def test_the_messages_to_the_person_are_told(owners: Owners) -> None:
    story = owners.story(5200, since=SINCE)
    assert len(under(story, Topic.MESSAGES)) == 2 + 1
    short = " ".join(plain(text) for text in texts(story))
    assert "Mouvement du Rivage a envoyé 2 SMS à votre numéro" in short


def test_a_transfer_since_then_is_told_without_its_criteria(owners: Owners) -> None:
    story = owners.story(5200, since=date(2024, 5, 29))
    (recipient,) = (name for name in under(story, Topic.RECIPIENTS) if name != told.ROUTAGE.name)
    assert recipient == told.RIVAGE.name
    everything = " ".join(plain(text) for text in texts(story))
    assert "Mouvement du Rivage l'a reçu de Contact Direct SAS le 29 mai 2024." in everything
    assert "bureau de vote" not in everything


def test_the_picture_shows_the_hands_and_no_days(owners: Owners) -> None:
    story = owners.story(5200, since=SINCE)
    (picture,) = blocks(story, Topic.PICTURE)
    said = plain(str(picture))
    assert "avant que ce numéro soit le vôtre" in said
    assert "Enseigne Maison SA" in said
    assert "2023" not in said


def test_an_origin_without_a_day_is_anothers_if_it_may_be(owners: Owners) -> None:
    known = owners.inquiry(5200)
    origins = [replace(origin, consented_at=None) for origin in known.answer.origins]
    known = replace(known, answer=known.answer.model_copy(update={"origins": origins}))
    # Both went on until after; only of what began later is it sure that it was this person's number.
    during = replace(known, owned_since=date(2023, 10, 2))
    assert [one.collector.legal_name for one in during.origins] == [told.ENSEIGNE.name]
    assert known.origins == origins


def test_an_earlier_objection_is_told_of_and_not_told(owners: Owners) -> None:
    story = owners.story(7777, since=SINCE)
    everything = " ".join(plain(text) for text in texts(story))
    assert "Une opposition faite avant cette date reste enregistrée pour ce numéro." in everything
    assert "20 mai" not in everything


def test_that_there_is_nothing_is_said_of_this_person_s_time_alone(owners: Owners) -> None:
    story = owners.story(7777, since=date(2024, 6, 9))
    everything = [plain(text) for text in texts(story)]
    assert "Aucun message envoyé à ce numéro depuis qu'il est le vôtre n'est déclaré ici." in everything
    assert "Aucune transmission de ce numéro depuis qu'il est le vôtre n'est déclarée ici." in everything
    assert "Aucune opposition faite depuis que ce numéro est le vôtre n'est enregistrée ici." in everything
    assert any(text.startswith("Ce qui s'est passé avant le 9 juin 2024 est résumé plus bas") for text in everything)
    counted = [plain(text) for text in texts(owners.story(5200, since=date(2024, 5, 29)))]
    assert any(text.startswith("Depuis que ce numéro est le vôtre, un organisme l'a reçu") for text in counted)


@pytest.mark.parametrize("language", Language)
def test_a_number_that_was_always_theirs_has_no_such_section(owners: Owners, language: Language) -> None:
    known = owners.inquiry(5200)
    long_ago = replace(known, owned_since=date(2010, 1, 1))
    assert blocks(write_report(long_ago, language), Topic.EARLIER) == []
    assert texts(write_report(long_ago, language)) == texts(write_report(known, language))
