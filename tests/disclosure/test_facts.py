"""Every row of the story's table of facts, as its person is told it, in French and in English."""

from collections.abc import Mapping
from datetime import date

import pytest

from service.demo import story as told
from service.demo.expected_answers import EXPECTED_ANSWERS, ExpectedAnswer, ExpectedOrigin
from service.demo.story_types import Campaign, Notice, Organisation
from service.disclosure.blocks import Callout, Facts, Paragraph, Picture, Quote, Report, Topic
from service.wording.language import Language, write_day
from tests.disclosure.conftest import Owners, blocks, plain, under
from tests.disclosure.reading import texts

ROWS = [(row, language) for row in EXPECTED_ANSWERS for language in Language]
each_row = pytest.mark.parametrize(
    ("row", "language"), ROWS, ids=[f"{row.number:04}-{language}" for row, language in ROWS]
)

_ORGANISATIONS = [one for one in vars(told).values() if isinstance(one, Organisation)]
CONTACTS = {one.name: one.contact for one in _ORGANISATIONS}
WORDINGS = {step.code: step.wording for step in told.STORY if isinstance(step, Notice)}
CAMPAIGNS = {step.code: step for step in told.STORY if isinstance(step, Campaign)}


def facts(story: Report, topic: Topic, heading: str) -> Mapping[str, str]:
    """Labels and values under a heading, without the blanks that do not break."""
    found = [block for block in under(story, topic)[heading] if isinstance(block, Facts)]
    return {plain(item.label): plain(item.value) for block in found for item in block.items}


def day_of(origin: ExpectedOrigin, language: Language) -> str:
    """The day of a consent in words."""
    return plain(write_day(language, date.fromisoformat(origin.consented_on)))


@each_row
def test_every_origin_with_its_words_and_its_day(owners: Owners, row: ExpectedAnswer, language: Language) -> None:
    story = owners.story(row.number, language)
    found = under(story, Topic.ORIGINS)
    assert set(found) == {origin.collector for origin in row.origins}
    for origin in row.origins:
        (quote,) = (block for block in found[origin.collector] if isinstance(block, Quote))
        assert quote.text == WORDINGS[origin.notice]
        assert quote.language == "fr"
        assert bool(quote.screenshots) == (origin.notice == "EM-1")
        values = facts(story, Topic.ORIGINS, origin.collector)
        consented = values["Date de l'accord" if language is Language.FR else "Day of consent"]
        claimed = "" if origin.attested else f", {'selon' if language is Language.FR else 'according to'} "
        assert consented == day_of(origin, language) + (claimed and claimed + origin.asserted_by)


@each_row
def test_the_partner_list_in_force_on_that_day(owners: Owners, row: ExpectedAnswer, language: Language) -> None:
    story = owners.story(row.number, language)
    label = "Destinataires annoncés ce jour-là" if language is Language.FR else "Recipients announced on that day"
    for origin in row.origins:
        listed = facts(story, Topic.ORIGINS, origin.collector)[label].partition(" (")[0]
        assert all(name in listed for name in origin.partners | origin.categories)
        others = {name for name in CONTACTS if name not in origin.partners}
        assert not any(name in listed for name in others)


@each_row
def test_who_is_not_named_on_that_list_and_has_had_the_number(
    owners: Owners, row: ExpectedAnswer, language: Language
) -> None:
    story = owners.story(row.number, language)
    for origin in row.origins:
        onward = {name for route in row.routes if route[0] == origin.collector for name in route[1:]}
        said = under(story, Topic.ORIGINS)[origin.collector][-1]
        unnamed = onward - origin.partners
        assert isinstance(said, Paragraph) == bool(unnamed)
        if isinstance(said, Paragraph):
            assert {name for name in CONTACTS if name in said.text} == unnamed


@each_row
def test_every_recipient_by_name_with_its_contact(owners: Owners, row: ExpectedAnswer, language: Language) -> None:
    story = owners.story(row.number, language)
    processors = {told.ROUTAGE.name} if row.campaigns else set()
    recipients = {transfer.recipient for transfer in row.transfers}
    assert set(under(story, Topic.RECIPIENTS)) == recipients | processors
    label = "Pour lui écrire" if language is Language.FR else "Where to write"
    for name in recipients | processors:
        assert facts(story, Topic.RECIPIENTS, name)[label] == CONTACTS[name]


@each_row
def test_every_message_and_no_other(owners: Owners, row: ExpectedAnswer, language: Language) -> None:
    story = owners.story(row.number, language)
    sent = [block.text for block in blocks(story, Topic.MESSAGES) if isinstance(block, Quote)]
    codes = {code for codes in row.campaigns.values() for code in codes}
    assert sorted(sent) == sorted(CAMPAIGNS[code].message for code in codes)


@each_row
def test_the_picture_says_the_same(owners: Owners, row: ExpectedAnswer, language: Language) -> None:
    story = owners.story(row.number, language)
    pictures = [block for block in blocks(story, Topic.PICTURE) if isinstance(block, Picture)]
    assert len(pictures) == bool(row.routes)
    for picture in pictures:
        alternative = " ".join(picture.alternative)
        for transfer in row.transfers:
            assert transfer.sender in alternative
            assert transfer.recipient in alternative
        for origin in row.origins:
            assert day_of(origin, language) in plain(alternative)


@each_row
def test_the_number_and_the_moment(owners: Owners, row: ExpectedAnswer, language: Language) -> None:
    story = owners.story(row.number, language)
    assert story.number == f"+33 6 39 98 {row.number // 100:02} {row.number % 100:02}"
    assert story.language is language
    assert story.held == bool(row.routes)
    assert story.reference is None


@pytest.mark.parametrize(
    ("number", "language", "said"),
    [
        (5200, Language.FR, "Enseigne Maison SA a recueilli votre numéro le 11 décembre 2023, avec ces mots : « ☐ Oui"),
        (5200, Language.EN, "Enseigne Maison SA collected your number on 11 December 2023, in these words: “☐ Oui"),
        (5200, Language.FR, "Selon Contact Direct SAS, Comparauto SAS a recueilli votre numéro le 10 novembre 2023"),
        (5200, Language.FR, "Mouvement du Rivage a envoyé 2 SMS à votre numéro, le 6 juin 2024 et le 8 juin 2024."),
        (4600, Language.EN, "Parti de l'Aube received it from Contact Direct SAS on 28 May 2024."),
        (1500, Language.FR, "son destinataire, Mouvement du Rivage, n'en a rien dit."),
        (1500, Language.EN, "to Mouvement du Rivage on 30 May 2024; Mouvement du Rivage has said nothing of it."),
        (2500, Language.FR, "Aucun message envoyé à votre numéro n'est déclaré ici."),
        (9001, Language.FR, "Aucune origine déclarée. Mouvement du Rivage détient votre numéro"),
        (9001, Language.EN, "No declared origin. Mouvement du Rivage holds your number"),
        (9001, Language.EN, "the file that Contact Direct SAS declares it passed on does not hold your number."),
        (9999, Language.FR, "Nous avons cherché votre numéro : aucun organisme enregistré ne le détient."),
        (9999, Language.EN, "We looked for your number: no registered organisation holds it."),
    ],
)
def test_the_short_answer(owners: Owners, number: int, language: Language, said: str) -> None:
    story = owners.story(number, language)
    short = [block.text for block in blocks(story, Topic.ANSWER) if isinstance(block, Paragraph | Callout)]
    assert any(said in plain(text) for text in short)


def test_a_last_hop_that_is_only_declared_was_used_all_the_same(owners: Owners) -> None:
    story = owners.story(1500)
    gaps = [plain(text) for text in texts(story)]
    assert any("alors que Mouvement du Rivage n'a rien dit ici de cette transmission" in text for text in gaps)
    status = facts(story, Topic.RECIPIENTS, "Mouvement du Rivage")["Est-ce établi ?"]
    assert status == "Seul Revente Data SARL le dit ; Mouvement du Rivage n'en a rien dit."


def test_how_numbers_were_picked(owners: Owners) -> None:
    picked = facts(owners.story(5200), Topic.RECIPIENTS, "Mouvement du Rivage")["Numéros choisis selon"]
    assert picked.startswith("bureau de vote : résultat du premier tour de 2022")


def test_a_number_that_nobody_holds_has_no_sections_about_hands(owners: Owners) -> None:
    topics = [section.topic for section in owners.story(9999).sections]
    assert topics == [Topic.ANSWER, Topic.OBJECTIONS, Topic.NEXT, Topic.REGISTRY]


@pytest.mark.parametrize("last_four", [row.number for row in EXPECTED_ANSWERS])
def test_both_languages_tell_alike(owners: Owners, last_four: int) -> None:
    french, english = owners.story(last_four), owners.story(last_four, Language.EN)
    shape = [
        [(section.topic, [block.kind for block in section.blocks]) for section in one.sections]
        for one in (french, english)
    ]
    assert shape[0] == shape[1]
    assert len(texts(french)) == len(texts(english))
