"""Numbers are reassigned: the former owner is protected from the present one (GDPR 15(4))."""

import json
from dataclasses import replace
from datetime import date

import pytest

from service.demo import story
from service.disclosure.blocks import Bullets, Paragraph, Topic
from service.disclosure.report import write_report
from service.wording.language import Language
from tests.disclosure.conftest import Owners, blocks, plain, under
from tests.disclosure.reading import texts

# After the sale to the parties and before the messages, so both collections lie before it.
SINCE = date(2024, 6, 1)
ABOUT_THE_FORMER_OWNER = (
    "novembre 2023",
    "décembre 2023",
    "janvier 2024",
    "avril 2024",
    "mai 2024",
    "☐",
    "30-60",
    "2022",
)


def test_report_without_a_date_says_everything(owners: Owners) -> None:
    report = owners.report(5200)
    assert blocks(report, Topic.EARLIER) == []
    assert len(under(report, Topic.ORIGINS)) == 2


def test_report_since_a_date_names_only_organisations_for_the_time_before(owners: Owners) -> None:
    report = owners.report(5200, since=SINCE)
    said, listed = blocks(report, Topic.EARLIER)
    assert isinstance(said, Paragraph)
    assert "le vôtre depuis le 1er juin 2024" in plain(said.text)
    assert isinstance(listed, Bullets)
    assert set(listed.items) == {
        story.COMPARAUTO.name,
        story.ENSEIGNE.name,
        story.CONTACT.name,
        story.AUBE.name,
        story.RIVAGE.name,
    }
    assert blocks(report, Topic.ORIGINS) == []


def test_report_since_a_date_has_no_wording_day_or_criterion_of_the_former_owner(owners: Owners) -> None:
    report = owners.report(5200, since=SINCE)
    everything = "\n".join(map(plain, texts(report)))
    drawn = json.dumps([section.blocks[0] for section in report.sections], default=str)
    assert [word for word in ABOUT_THE_FORMER_OWNER if word in everything or word in plain(drawn)] == []


def test_report_since_a_date_has_the_messages_to_the_person(owners: Owners) -> None:
    report = owners.report(5200, since=SINCE)
    assert len(under(report, Topic.MESSAGES)) == 2 + 1
    short = " ".join(plain(text) for text in texts(report))
    assert "Mouvement du Rivage a envoyé 2 SMS à votre numéro" in short


def test_report_since_a_date_has_later_transfers_without_their_criteria(owners: Owners) -> None:
    report = owners.report(5200, since=date(2024, 5, 29))
    (recipient,) = (name for name in under(report, Topic.RECIPIENTS) if name != story.ROUTAGE.name)
    assert recipient == story.RIVAGE.name
    everything = " ".join(plain(text) for text in texts(report))
    assert "Mouvement du Rivage l'a reçu de Contact Direct SAS le 29 mai 2024." in everything
    assert "bureau de vote" not in everything


def test_picture_since_a_date_has_organisations_and_no_days_of_the_time_before(owners: Owners) -> None:
    report = owners.report(5200, since=SINCE)
    (picture,) = blocks(report, Topic.PATH)
    said = plain(str(picture))
    assert "avant que ce numéro soit le vôtre" in said
    assert "Enseigne Maison SA" in said
    assert "2023" not in said


def test_origins_without_a_date_of_consent_count_only_from_their_first_day(owners: Owners) -> None:
    known = owners.subject(5200)
    origins = [replace(origin, consented_at=None) for origin in known.answer.origins]
    known = replace(known, answer=known.answer.model_copy(update={"origins": origins}))
    # Both collections ended later. Only one that began later certainly concerns this person.
    during = replace(known, owned_since=date(2023, 10, 2))
    assert [origin.collector.legal_name for origin in during.origins] == [story.ENSEIGNE.name]
    assert known.origins == origins


def test_report_since_a_date_mentions_an_earlier_objection_without_its_content(owners: Owners) -> None:
    report = owners.report(7777, since=SINCE)
    everything = " ".join(plain(text) for text in texts(report))
    assert "Une opposition faite avant cette date reste enregistrée pour ce numéro." in everything
    assert "20 mai" not in everything


def test_report_since_a_date_limits_what_it_says_is_missing_to_that_time(owners: Owners) -> None:
    report = owners.report(7777, since=date(2024, 6, 9))
    everything = [plain(text) for text in texts(report)]
    assert "Aucun message envoyé à ce numéro depuis qu'il est le vôtre n'est déclaré ici." in everything
    assert "Aucune transmission de ce numéro depuis qu'il est le vôtre n'est déclarée ici." in everything
    assert "Aucune opposition faite depuis que ce numéro est le vôtre n'est enregistrée ici." in everything
    assert any(text.startswith("Ce qui s'est passé avant le 9 juin 2024 est résumé plus bas") for text in everything)
    counted = [plain(text) for text in texts(owners.report(5200, since=date(2024, 5, 29)))]
    assert any(text.startswith("Depuis que ce numéro est le vôtre, un organisme l'a reçu") for text in counted)


@pytest.mark.parametrize("language", Language)
def test_report_since_a_date_before_everything_has_no_section_on_the_former_owner(
    owners: Owners, language: Language
) -> None:
    known = owners.subject(5200)
    long_ago = replace(known, owned_since=date(2010, 1, 1))
    assert blocks(write_report(long_ago, language), Topic.EARLIER) == []
    assert texts(write_report(long_ago, language)) == texts(write_report(known, language))
