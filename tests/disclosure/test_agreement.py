"""What a report says of a transfer that its recipient denied until the sender had erased the number."""

import pytest

from service.core.vocabulary import Role
from service.disclosure.agreement import Agreement, agreement_on
from service.disclosure.report import write_report
from service.disclosure.subject_answer import SubjectAnswer
from service.provenance.answer.views import organisation_view
from service.wording.language import Language
from tests.builders import FICTION
from tests.disclosure.conftest import plain
from tests.disclosure.reading import texts
from tests.provenance import oracle
from tests.provenance.answers import answer_for
from tests.provenance.builders import World
from tests.provenance.strategies import erase

SAID = {
    Language.FR: "Jeux dit l'avoir transmis le 1er janvier 2024 : son destinataire, Aube, l'a nié, puis n'a reconnu la "
    "transmission qu'une fois votre numéro effacé par l'expéditeur.",
    Language.EN: "Jeux says that it passed it to Aube on 1 January 2024; Aube denied it, and acknowledged the transfer "
    "only after Jeux had erased your number.",
}


def late_subject() -> SubjectAnswer:
    """Everything about a number that a stranger holds too."""
    world = World()
    sender, recipient = world.organisation(Role.COLLECTOR, name="Jeux"), world.organisation(Role.PARTY, name="Aube")
    stranger = world.organisation(Role.BROKER, name="Courtier")
    world.dataset(stranger, {1})
    transfer, _ = world.transfer(world.dataset(sender, {1, 2}), recipient)
    world.add_statement(transfer, "recipient", "denied")
    erase(world, sender, 1)
    world.add_statement(transfer, "recipient", "acknowledged")
    answer = answer_for(world, 1, world.organisation(Role.REGULATOR))
    facts = oracle.snapshot_of(world).graph.facts
    holder = organisation_view(facts, facts.organisations, stranger)
    return SubjectAnswer(number=FICTION + 1, answer=answer, holders=[holder])


def test_late_acknowledgement_is_neither_a_contradiction_nor_an_agreement() -> None:
    answer = late_subject().answer
    (transfer,) = answer.transfers
    assert (transfer.number_declared, transfer.number_received) == (True, None)
    assert agreement_on(transfer) is Agreement.ACKNOWLEDGED_LATE
    assert answer.contradictions == []
    assert "According to one side only, transferred to the client Aube." in answer.summary


@pytest.mark.parametrize("language", list(Language))
def test_report_of_a_late_acknowledgement_says_what_was_recorded_in_its_order(language: Language) -> None:
    report = write_report(late_subject(), language)
    said = [plain(text) for text in texts(report)]
    assert any(SAID[language] in text for text in said)
    assert not any("fichier, mais" in text or "not in it" in text for text in said)
