"""Messages that came after an objection are told with the time between, and every hop with how far it is."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from service.core.clock import now
from service.core.vocabulary import ObjectionKind, ObjectionScope, ObjectionSource, Purpose, RelayState
from service.demo import story as told
from service.disclosure.blocks import Callout, Paragraph, Report, Table, Tone, Topic
from service.disclosure.report import write_report
from service.objection.schemas import CampaignRef, FlagView, HolderView, ObjectionOut, RelayView
from service.provenance.answer.references import OrganisationRef
from service.wording.language import PARIS, Language
from tests.disclosure.conftest import Owners, blocks, plain, under
from tests.disclosure.reading import texts

LETTER = "votre opposition du 20 mai 2024, que Contact Direct SAS a déclarée ici"
STOP = "votre STOP du 6 juin 2024 à 10 h 40, que Parti de l'Aube a déclaré ici"


def attentions(story: Report, topic: Topic) -> list[str]:
    """What must not be missed in a section."""
    found = [block for block in blocks(story, topic) if isinstance(block, Callout)]
    return [plain(block.text) for block in found if block.tone is Tone.ATTENTION]


def test_every_message_after_a_letter_to_the_broker(owners: Owners) -> None:
    story = owners.story(7777)
    assert attentions(story, Topic.MESSAGES) == [
        f"Envoyé 17 jours après {LETTER}.",
        f"Envoyé 17 jours après {LETTER}.",
        f"Envoyé 19 jours après {LETTER}.",
    ]
    assert attentions(story, Topic.ANSWER) == [f"3 messages ont été envoyés à votre numéro après {LETTER}."]


def test_every_message_after_a_stop_but_not_the_one_it_replies_to(owners: Owners) -> None:
    story = owners.story(6666)
    assert attentions(story, Topic.MESSAGES) == [
        f"Envoyé au moins 7 h 20 après {STOP}.",
        f"Envoyé au moins 46 h 20 après {STOP}.",
    ]
    assert attentions(story, Topic.ANSWER) == [f"2 messages ont été envoyés à votre numéro après {STOP}."]


def test_the_same_in_english(owners: Owners) -> None:
    assert attentions(owners.story(7777, Language.EN), Topic.MESSAGES)[2] == (
        "Sent 19 days after your objection of 20 May 2024, which Contact Direct SAS declared here."
    )
    assert attentions(owners.story(6666, Language.EN), Topic.MESSAGES)[0] == (
        "Sent at least 7 h 20 min after your STOP of 6 June 2024 at 10:40, which Parti de l'Aube declared here."
    )


@pytest.mark.parametrize("last_four", [4600, 5200, 6000, 1500, 2500, 9001, 9999])
def test_nobody_else_is_said_to_have_objected(owners: Owners, last_four: int) -> None:
    story = owners.story(last_four)
    assert attentions(story, Topic.MESSAGES) == []
    (said,) = blocks(story, Topic.OBJECTIONS)
    assert said == Paragraph(text="Aucune opposition n’est enregistrée pour votre numéro.")


def test_every_hop_and_how_far_it_is(owners: Owners) -> None:
    (table,) = (block for block in blocks(owners.story(6666), Topic.OBJECTIONS) if isinstance(block, Table))
    assert {row[0] for row in table.rows} >= {told.ENSEIGNE.name, told.AUBE.name, told.RIVAGE.name}
    assert all("réponse due le" in plain(row[1]) for row in table.rows if row[0] == told.RIVAGE.name)


def test_when_this_registry_was_told_of_it(owners: Owners) -> None:
    story = owners.story(6666)
    (blocks_of_stop,) = under(story, Topic.OBJECTIONS).values()
    assert isinstance(blocks_of_stop[0], Paragraph)
    said = plain(blocks_of_stop[0].text)
    answered = (
        "Vous avez répondu STOP à un message de Parti de l'Aube ; c'est Parti de l'Aube qui nous l'a signalé, le "
    )
    assert said.startswith(answered)
    assert said.endswith("Cette demande vaut pour tous les organismes et pour tous les usages.")


def paris(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of June 2024."""
    return datetime(2024, 6, day, hour, minute, tzinfo=PARIS)


def objection(**more: Any) -> ObjectionOut:
    """An objection that the person made here on 6 June 2024 at noon, against everything."""
    known: dict[str, Any] = {
        "id": uuid.uuid4(),
        "kind": ObjectionKind.OBJECTION,
        "scope": ObjectionScope.EVERYTHING,
        "organisation": None,
        "purpose": None,
        "source": ObjectionSource.PERSON,
        "recorded_by": None,
        "campaign": None,
        "occurred_at": paris(6, 12),
        "recorded_at": paris(6, 12),
        "closed_at": None,
        "relays": [],
        "flags": [],
    }
    return ObjectionOut(**(known | more))


def told_with(owners: Owners, *objections: ObjectionOut) -> Report:
    """The story of 5200, had its owner objected."""
    return write_report(replace(owners.inquiry(5200), objections=objections), Language.FR)


def test_what_came_while_messages_were_being_sent_is_not_said_to_be_late(owners: Owners) -> None:
    story = told_with(owners, objection(occurred_at=paris(6, 19)))
    assert attentions(story, Topic.MESSAGES) == [
        "L'envoi était déjà en cours au moment de votre opposition du 6 juin 2024 à 19 h 00 : on ne sait pas si ce "
        "message est parti avant ou après.",
        "Envoyé au moins 38 h 00 après votre opposition du 6 juin 2024 à 19 h 00.",
    ]
    assert attentions(story, Topic.ANSWER) == [
        "Un message a été envoyé à votre numéro après votre opposition du 6 juin 2024 à 19 h 00."
    ]


def test_what_was_over_is_not_late(owners: Owners) -> None:
    assert attentions(told_with(owners, objection(occurred_at=paris(9, 1))), Topic.MESSAGES) == []


@pytest.mark.parametrize(("name", "late"), [(told.AUBE.name, 0), (told.RIVAGE.name, 2)])
def test_against_one_organisation_counts_for_its_messages_alone(owners: Owners, name: str, late: int) -> None:
    known = owners.inquiry(5200).answer.campaigns
    (party,) = {one.party.id: one.party for one in known if one.party.legal_name == name}.values()
    against = OrganisationRef(id=party.id, legal_name=party.legal_name)
    story = told_with(owners, objection(scope=ObjectionScope.ORGANISATION, organisation=against))
    assert len(attentions(story, Topic.MESSAGES)) == late
    assert f"Cette demande vaut pour {name}." in " ".join(map(plain, texts(story)))


@pytest.mark.parametrize(("purpose", "late"), [(Purpose.POLITICAL_CANVASSING, 2), (Purpose.COMMERCIAL_CANVASSING, 0)])
def test_for_one_purpose_counts_for_that_one_alone(owners: Owners, purpose: Purpose, late: int) -> None:
    story = told_with(owners, objection(scope=ObjectionScope.PURPOSE, purpose=purpose))
    assert len(attentions(story, Topic.MESSAGES)) == late


def relay(state: RelayState, **more: Any) -> RelayView:
    """A relay to a holder."""
    holder = HolderView(id=uuid.uuid4(), legal_name="Contact", privacy_contact="dpo@x.example", has_account=True)
    known: dict[str, Any] = {
        "id": uuid.uuid4(),
        "holder": holder,
        "state": state,
        "refusal": None,
        "recorded_at": paris(6, 12),
        "due_at": paris(6, 12) + timedelta(days=30),
        "delivered_at": None,
        "acknowledged_at": None,
        "ended_at": None,
        "overdue": False,
    }
    return RelayView(**(known | more))


@pytest.mark.parametrize(
    ("hop", "said"),
    [
        (relay(RelayState.PENDING), ["n'a pas encore été joint ; réponse due le 6 juillet 2024", "6 juin 2024"]),
        (
            relay(RelayState.ACKNOWLEDGED, acknowledged_at=paris(8, 9), overdue=True),
            [
                "a accusé réception de votre demande ; le délai d'un mois est passé depuis le 6 juillet 2024",
                "8 juin 2024",
            ],
        ),
        (relay(RelayState.COMPLETED, ended_at=paris(9, 9)), ["dit l'avoir fait", "9 juin 2024"]),
        (
            relay(RelayState.REFUSED, ended_at=paris(9, 9), refusal="Obligation légale : 3 ans."),
            ["a refusé : Obligation légale : 3 ans.", "9 juin 2024"],
        ),
        (
            relay(RelayState.UNDELIVERABLE),
            ["n'est pas inscrit ici : il faut lui écrire (dpo@x.example)", "6 juin 2024"],
        ),
    ],
    ids=lambda value: value.state if isinstance(value, RelayView) else "",
)
def test_how_far_a_hop_is(owners: Owners, hop: RelayView, said: list[str]) -> None:
    story = told_with(owners, objection(kind=ObjectionKind.ERASURE, relays=[hop]))
    (table,) = (block for block in blocks(story, Topic.OBJECTIONS) if isinstance(block, Table))
    assert [plain(cell) for cell in table.rows[0]] == ["Contact", *said]
    assert "Demande d'effacement du 6 juin 2024 à 12 h 00" in map(plain, under(story, Topic.OBJECTIONS))


def test_what_was_declared_in_spite_of_it(owners: Owners) -> None:
    holder = OrganisationRef(id=uuid.uuid4(), legal_name="Rivage")
    campaign = CampaignRef(id=uuid.uuid4(), name="Encore")
    flags = [
        FlagView(holder=holder, dataset_id=uuid.uuid4(), campaign=None, recorded_at=now()),
        FlagView(holder=holder, dataset_id=None, campaign=campaign, recorded_at=now()),
    ]
    said = [plain(text) for text in texts(told_with(owners, objection(flags=flags)))]
    assert any("un fichier qui contient votre numéro" in text for text in said)
    assert any(text.endswith("une campagne envoyée à votre numéro, « Encore »") for text in said)
