"""What a report says of a transfer that was stated by mistake and retracted."""

import pytest

from service.core.vocabulary import Role
from service.disclosure.agreement import Agreement, agreement_on
from service.disclosure.blocks import Picture, Topic
from service.disclosure.report import write_report
from service.disclosure.subject_answer import SubjectAnswer
from service.provenance.answer.views import organisation_view
from service.wording.language import Language
from tests.builders import FICTION
from tests.disclosure.conftest import blocks, plain
from tests.disclosure.reading import texts
from tests.provenance import oracle
from tests.provenance.answers import answer_for
from tests.provenance.builders import World

MISTAKE = {
    Language.FR: "Jeux avait déclaré une transmission de Jeux à Aube le 1er janvier 2024. Cette déclaration a été "
    "retirée le 1er janvier 2024 comme erronée, pour le motif « Mauvais destinataire ».",
    Language.EN: "Jeux had declared that Aube received it from Jeux on 1 January 2024. It withdrew this on 1 January "
    "2024 as a mistake, for the reason “Mauvais destinataire”.",
}
BY_ITS_RECIPIENT_ALONE = {
    Language.FR: "Aube dit l'avoir reçu de Jeux le 1er janvier 2024 ; Jeux, qui l'avait déclaré, a retiré sa "
    "déclaration le 1er janvier 2024.",
    Language.EN: "Aube says that it received it from Jeux on 1 January 2024; Jeux, which had declared it, withdrew its "
    "declaration on 1 January 2024.",
}


def subject(*statuses: tuple[str, str]) -> SubjectAnswer:
    """Everything about a number in a transfer, of which these sides state this after its registration."""
    world = World()
    sender, recipient = world.organisation(Role.COLLECTOR, name="Jeux"), world.organisation(Role.PARTY, name="Aube")
    transfer, _ = world.transfer(world.dataset(sender, {1, 2}), recipient)
    for side, status in statuses:
        world.add_statement(transfer, side, status, comment="Mauvais destinataire." if status == "retracted" else None)
    answer = answer_for(world, 1, world.organisation(Role.REGULATOR))
    facts = oracle.snapshot_of(world).graph.facts
    return SubjectAnswer(
        number=FICTION + 1, answer=answer, holders=[organisation_view(facts, facts.organisations, sender)]
    )


@pytest.mark.parametrize("language", list(Language))
def test_report_of_a_mistake_says_who_withdrew_it_and_why_and_nothing_else(language: Language) -> None:
    mistaken = subject(("sender", "retracted"))
    (transfer,) = mistaken.answer.transfers
    assert agreement_on(transfer) is Agreement.RETRACTED
    report = write_report(mistaken, language)
    said = [plain(text) for text in texts(report) if "Aube" in text]
    assert said == [MISTAKE[language]]
    (picture,) = blocks(report, Topic.PATH)
    assert isinstance(picture, Picture)
    assert "Aube" not in picture.wide


@pytest.mark.parametrize("language", list(Language))
def test_report_of_a_retraction_that_the_recipient_contradicts_says_both(language: Language) -> None:
    said_by_one = subject(("recipient", "acknowledged"), ("sender", "retracted"))
    (transfer,) = said_by_one.answer.transfers
    assert agreement_on(transfer) is Agreement.RETRACTED_BY_SENDER
    said = [plain(text) for text in texts(write_report(said_by_one, language))]
    assert any(BY_ITS_RECIPIENT_ALONE[language] in text for text in said)
    assert any("Mauvais destinataire." in text for text in said)
    assert [row.kind for row in said_by_one.answer.contradictions] == ["retracted_by_sender"]
