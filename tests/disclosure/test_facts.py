"""Every row of the demonstration's table of facts, as its person reads it, in French and in English."""

from collections.abc import Iterator, Mapping
from datetime import date

from service.demo import story
from service.demo.expected_answers import EXPECTED_ANSWERS, ExpectedAnswer, ExpectedOrigin
from service.demo.story_types import Campaign, Notice, Organisation
from service.disclosure.blocks import Callout, Facts, Paragraph, Picture, Quote, Report, Topic
from service.wording.language import Language, write_day
from tests.disclosure.conftest import Owners, blocks, plain, under
from tests.disclosure.reading import texts

_ORGANISATIONS = [value for value in vars(story).values() if isinstance(value, Organisation)]
CONTACTS = {organisation.name: organisation.contact for organisation in _ORGANISATIONS}
WORDINGS = {step.code: step.wording for step in story.STORY if isinstance(step, Notice)}
CAMPAIGNS = {step.code: step for step in story.STORY if isinstance(step, Campaign)}


def rows(owners: Owners) -> Iterator[tuple[ExpectedAnswer, Language, Report]]:
    """Every row of the table with its report in each language."""
    for row in EXPECTED_ANSWERS:
        for language in Language:
            yield row, language, owners.report(row.number, language)


def facts(report: Report, topic: Topic, heading: str) -> Mapping[str, str]:
    """Labels and values under a heading, with plain spaces."""
    found = [block for block in under(report, topic)[heading] if isinstance(block, Facts)]
    return {plain(item.label): plain(item.value) for block in found for item in block.items}


def day_of(origin: ExpectedOrigin, language: Language) -> str:
    """The day of a consent in words."""
    return plain(write_day(language, date.fromisoformat(origin.consented_on)))


def _consent(origin: ExpectedOrigin, language: Language) -> str:
    """What the report says of the date of a consent."""
    according_to = "selon" if language is Language.FR else "according to"
    claim = "" if origin.attested else f", {according_to} {origin.asserted_by}"
    return day_of(origin, language) + claim


def test_origins_have_their_wording_their_date_and_their_screenshots(owners: Owners) -> None:
    wrong: list[object] = []
    for row, language, report in rows(owners):
        sections = under(report, Topic.ORIGINS)
        if set(sections) != {origin.collector for origin in row.origins}:
            wrong.append((row.number, language, set(sections)))
        for origin in row.origins:
            (quote,) = (block for block in sections[origin.collector] if isinstance(block, Quote))
            label = "Date de votre accord" if language is Language.FR else "Date of your consent"
            values = facts(report, Topic.ORIGINS, origin.collector)
            shown = quote.text, quote.language, bool(quote.screenshots), values[label]
            expected = WORDINGS[origin.notice], "fr", origin.notice == "EM-1", _consent(origin, language)
            if shown != expected:
                wrong.append((row.number, language, shown))
    assert wrong == []


def test_origins_list_the_partners_in_force_on_the_day_of_consent(owners: Owners) -> None:
    wrong: list[object] = []
    for row, language, report in rows(owners):
        label = "Destinataires annoncés ce jour-là" if language is Language.FR else "Recipients named on that day"
        for origin in row.origins:
            listed = facts(report, Topic.ORIGINS, origin.collector)[label].partition(" (")[0]
            missing = [name for name in origin.partners | origin.categories if name not in listed]
            others = [name for name in CONTACTS if name not in origin.partners and name in listed]
            if missing or others:
                wrong.append((row.number, language, origin.collector, missing, others))
    assert wrong == []


def test_origins_name_the_recipients_that_are_not_on_the_partner_list(owners: Owners) -> None:
    wrong = []
    for row, language, report in rows(owners):
        for origin in row.origins:
            onward = {name for route in row.routes if route[0] == origin.collector for name in route[1:]}
            last = under(report, Topic.ORIGINS)[origin.collector][-1]
            text = last.text if isinstance(last, Paragraph) else ""
            named, unnamed = {name for name in CONTACTS if name in text}, onward - origin.partners
            if named != unnamed or isinstance(last, Paragraph) != bool(unnamed):
                wrong.append((row.number, language, origin.collector, named))
    assert wrong == []


def test_recipients_are_all_named_with_their_contact(owners: Owners) -> None:
    wrong = []
    for row, language, report in rows(owners):
        processors = {story.ROUTAGE.name} if row.campaigns else set()
        expected = {transfer.recipient for transfer in row.transfers} | processors
        label = "Pour lui écrire" if language is Language.FR else "Where to write"
        named = {name: facts(report, Topic.RECIPIENTS, name)[label] for name in under(report, Topic.RECIPIENTS)}
        if named != {name: CONTACTS[name] for name in expected}:
            wrong.append((row.number, language, named))
    assert wrong == []


def test_messages_are_all_quoted_and_no_others(owners: Owners) -> None:
    wrong = []
    for row, language, report in rows(owners):
        sent = sorted(block.text for block in blocks(report, Topic.MESSAGES) if isinstance(block, Quote))
        if sent != sorted(CAMPAIGNS[code].message for codes in row.campaigns.values() for code in codes):
            wrong.append((row.number, language, sent))
    assert wrong == []


def test_picture_says_the_same_as_its_alternative(owners: Owners) -> None:
    wrong = []
    for row, language, report in rows(owners):
        pictures = [block for block in blocks(report, Topic.PATH) if isinstance(block, Picture)]
        if len(pictures) != bool(row.routes):
            wrong.append((row.number, language, str(len(pictures))))
        for picture in pictures:
            alternative = plain(" ".join(picture.alternative))
            names = {name for transfer in row.transfers for name in (transfer.sender, transfer.recipient)}
            days = {day_of(origin, language) for origin in row.origins}
            wrong += [(row.number, language, text) for text in names | days if text not in alternative]
    assert wrong == []


def test_report_has_its_number_its_language_and_whether_it_is_held(owners: Owners) -> None:
    wrong = []
    for row, language, report in rows(owners):
        shown = report.number, report.language, report.held, report.reference
        number = f"+33 6 39 98 {row.number // 100:02} {row.number % 100:02}"
        if shown != (number, language, bool(row.routes), None):
            wrong.append(shown)
    assert wrong == []


SUMMARIES = [
    (5200, Language.FR, "Enseigne Maison SA a recueilli votre numéro le 11 décembre 2023, avec ces mots : « ☐ Oui"),
    (5200, Language.EN, "Enseigne Maison SA collected your number on 11 December 2023, in these words: “☐ Oui"),
    (5200, Language.FR, "Selon Contact Direct SAS, Comparauto SAS a recueilli votre numéro le 10 novembre 2023"),
    (5200, Language.FR, "Mouvement du Rivage a envoyé 2 SMS à votre numéro, le 6 juin 2024 et le 8 juin 2024."),
    (4600, Language.EN, "Parti de l'Aube received it from Contact Direct SAS on 28 May 2024."),
    (1500, Language.FR, "son destinataire, Mouvement du Rivage, n'en a rien dit."),
    (1500, Language.EN, "to Mouvement du Rivage on 30 May 2024; Mouvement du Rivage has said nothing about it."),
    (2500, Language.FR, "Aucun message envoyé à votre numéro n'est déclaré ici."),
    (9001, Language.FR, "Aucune origine déclarée. Mouvement du Rivage détient votre numéro"),
    (9001, Language.EN, "No declared origin. Mouvement du Rivage holds your number"),
    (9001, Language.EN, "the file that Contact Direct SAS declares it passed on does not contain your number."),
    (9999, Language.FR, "Nous avons cherché votre numéro : aucun organisme enregistré ne le détient."),
    (9999, Language.EN, "We looked for your number: no registered organisation holds it."),
]


def test_summary_says_what_is_known_of_each_number(owners: Owners) -> None:
    missing = []
    for number, language, sentence in SUMMARIES:
        summary = blocks(owners.report(number, language), Topic.SUMMARY)
        shown = [plain(block.text) for block in summary if isinstance(block, Paragraph | Callout)]
        if not any(sentence in text for text in shown):
            missing.append((number, language, sentence, shown))
    assert missing == []


def test_transfer_that_only_its_sender_declares_says_so_and_that_it_was_used(owners: Owners) -> None:
    report = owners.report(1500)
    shown = [plain(text) for text in texts(report)]
    assert any("alors que Mouvement du Rivage n'a rien dit ici de cette transmission" in text for text in shown)
    status = facts(report, Topic.RECIPIENTS, "Mouvement du Rivage")["Est-ce établi ?"]
    assert status == "Seul Revente Data SARL le dit ; Mouvement du Rivage n'en a rien dit."


def test_transfer_with_targeting_says_how_numbers_were_selected(owners: Owners) -> None:
    values = facts(owners.report(5200), Topic.RECIPIENTS, "Mouvement du Rivage")
    assert values["Numéros choisis selon"].startswith("bureau de vote : résultat du premier tour de 2022")


def test_transfer_says_its_purpose_and_its_lawful_basis(owners: Owners) -> None:
    values = facts(owners.report(5200), Topic.RECIPIENTS, "Mouvement du Rivage")
    assert values["Pour quoi"].startswith("prospection politique (base légale selon ")


def test_report_on_a_number_that_nobody_holds_has_no_sections_about_holders(owners: Owners) -> None:
    topics = [section.topic for section in owners.report(9999).sections]
    assert topics == [Topic.SUMMARY, Topic.OBJECTIONS, Topic.NEXT, Topic.REGISTRY]


def _shape(report: Report) -> object:
    kinds = [(section.topic, [block.kind for block in section.blocks]) for section in report.sections]
    return kinds, len(texts(report))


def test_report_has_the_same_shape_in_both_languages(owners: Owners) -> None:
    numbers = [row.number for row in EXPECTED_ANSWERS]
    french = {number: _shape(owners.report(number)) for number in numbers}
    assert french == {number: _shape(owners.report(number, Language.EN)) for number in numbers}
