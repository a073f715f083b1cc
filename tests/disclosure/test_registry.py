"""What the registry discloses about itself (GDPR 13 and 15): who operates it, what it does, and for how long."""

from dataclasses import replace

from service.demo import story
from service.disclosure.blocks import Facts, Paragraph, Topic
from service.disclosure.letter import print_report
from service.disclosure.report import write_report
from service.disclosure.subject_answer import SubjectAnswer
from service.wording.language import Language
from tests.disclosure.conftest import Owners, blocks, plain
from tests.disclosure.reading import printed, read, texts, without_spaces


def with_operator(owners: Owners, last_four: int) -> SubjectAnswer:
    """The answer about a number of a registry whose operator has a name and an address."""
    known = owners.subject(last_four)
    (operator,) = known.operators
    named = replace(operator, legal_name=story.OPERATOR.name, privacy_contact=story.OPERATOR.contact)
    return replace(known, operators=[named])


def test_registry_section_names_the_operator_and_has_every_particular(owners: Owners) -> None:
    operator = f"{story.OPERATOR.name}, {story.OPERATOR.contact}"
    for last_four in (5200, 9999):
        subject = with_operator(owners, last_four)
        for language in Language:
            report = write_report(subject, language)
            (facts,) = (block for block in blocks(report, Topic.REGISTRY) if isinstance(block, Facts))
            assert (len(facts.items), facts.items[0].value, report.operators) == (9, operator, [operator])


def test_letter_names_the_operator_at_its_head(owners: Owners) -> None:
    (first, *_) = read(print_report(write_report(with_operator(owners, 5200), Language.FR))).pages
    head = without_spaces(first.extract_text()).partition("Référence")[0]
    assert without_spaces(f"{story.OPERATOR.name}, {story.OPERATOR.contact}") in head


def test_registry_section_without_an_operator_says_so(owners: Owners) -> None:
    report = write_report(replace(owners.subject(5200), operators=[]), Language.FR)
    said = [plain(text) for text in texts(report)]
    assert "l'exploitant de ce registre, dont le nom n'est pas enregistré ici" in said
    assert "None" not in printed(read(print_report(report)))


def test_summary_names_the_present_holders(owners: Owners) -> None:
    (line,) = (
        plain(block.text)
        for block in blocks(owners.report(2500), Topic.SUMMARY)
        if isinstance(block, Paragraph) and "aujourd" in block.text
    )
    organisations = (story.CONTACT, story.REVENTE, story.AUBE, story.JEUX, story.COMPARAUTO)
    named = {organisation.name for organisation in organisations if organisation.name in line}
    assert named == {story.CONTACT.name, story.REVENTE.name, story.JEUX.name, story.COMPARAUTO.name}


def test_recipients_section_counts_processors_apart_and_names_them(owners: Owners) -> None:
    said = [plain(text) for text in texts(owners.report(5200))]
    assert "3 organismes ont reçu votre numéro, ou l'auraient reçu. Les voici tous, par leur nom." in said
    assert f"En plus, pour l'envoi de messages : {story.ROUTAGE.name}." in said
