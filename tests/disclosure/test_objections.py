"""Messages after an objection are reported with the time between, and every relay with its state."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from service.core.clock import now
from service.core.vocabulary import CampaignState, ObjectionKind, ObjectionScope, ObjectionSource, Purpose, RelayState
from service.demo import story
from service.disclosure.blocks import Callout, Paragraph, Report, Table, Tone, Topic
from service.disclosure.report import write_report
from service.objection.schemas import CheckView, FlagView, HolderView, ObjectionOut, RelayView
from service.provenance.answer.references import CampaignRef, OrganisationRef
from service.wording.language import PARIS, Language, paris_day
from tests.disclosure.conftest import Owners, blocks, plain, under
from tests.disclosure.reading import texts

LETTER = "votre opposition du 20 mai 2024, que Contact Direct SAS a déclarée ici"
STOP = "votre STOP du 6 juin 2024 à 10 h 40, que Parti de l'Aube a déclaré ici"


def attentions(report: Report, topic: Topic) -> list[str]:
    """The callouts of a section that ask for attention."""
    found = [block for block in blocks(report, topic) if isinstance(block, Callout)]
    return [plain(block.text) for block in found if block.tone is Tone.ATTENTION]


def test_messages_after_an_objection_by_letter_say_how_long_after(owners: Owners) -> None:
    report = owners.report(7777)
    assert attentions(report, Topic.MESSAGES) == [
        f"Envoyé 17 jours après {LETTER}.",
        f"Envoyé 17 jours après {LETTER}.",
        f"Envoyé 19 jours après {LETTER}.",
    ]
    assert attentions(report, Topic.SUMMARY) == [f"3 messages ont été envoyés à votre numéro après {LETTER}."]


def test_messages_after_a_stop_exclude_the_message_that_it_replies_to(owners: Owners) -> None:
    report = owners.report(6666)
    assert attentions(report, Topic.MESSAGES) == [
        f"Envoyé au moins 7 h 20 après {STOP}.",
        f"Envoyé au moins 46 h 20 après {STOP}.",
    ]
    assert attentions(report, Topic.SUMMARY) == [f"2 messages ont été envoyés à votre numéro après {STOP}."]


def test_messages_after_an_objection_in_english_say_how_long_after(owners: Owners) -> None:
    assert attentions(owners.report(7777, Language.EN), Topic.MESSAGES)[2] == (
        "Sent 19 days after your objection of 20 May 2024, which Contact Direct SAS declared here."
    )
    assert attentions(owners.report(6666, Language.EN), Topic.MESSAGES)[0] == (
        "Sent at least 7 h 20 min after your STOP of 6 June 2024 at 10:40, which Parti de l'Aube declared here."
    )


def test_report_without_objections_says_that_none_is_recorded(owners: Owners) -> None:
    none = Paragraph(text="Aucune opposition n’est enregistrée pour votre numéro.")
    reports = {last_four: owners.report(last_four) for last_four in (4600, 5200, 6000, 1500, 2500, 9001, 9999)}
    wrong = [
        last_four
        for last_four, report in reports.items()
        if attentions(report, Topic.MESSAGES) or blocks(report, Topic.OBJECTIONS) != [none]
    ]
    assert wrong == []


def test_relays_of_an_objection_are_in_a_table_with_their_states(owners: Owners) -> None:
    (table,) = (block for block in blocks(owners.report(6666), Topic.OBJECTIONS) if isinstance(block, Table))
    assert {row[0] for row in table.rows} >= {story.ENSEIGNE.name, story.AUBE.name, story.RIVAGE.name}
    assert all("réponse due le" in plain(row[1]) for row in table.rows if row[0] == story.RIVAGE.name)


def test_objection_by_stop_says_who_reported_it_and_its_scope(owners: Owners) -> None:
    report = owners.report(6666)
    (blocks_of_stop,) = under(report, Topic.OBJECTIONS).values()
    assert isinstance(blocks_of_stop[0], Paragraph)
    said = plain(blocks_of_stop[0].text)
    answered = (
        "Vous avez répondu STOP à un message de Parti de l'Aube ; c'est Parti de l'Aube qui nous l'a signalé, le "
    )
    assert said.startswith(answered)
    assert said.endswith("Cette demande vaut pour tous les organismes et pour toutes les finalités.")


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
        "relayed_at": paris(6, 12),
        "check": None,
        "closed_at": None,
        "relays": [],
        "flags": [],
        "origin": None,
        "withdrawn_at": None,
        "answers": [],
    }
    return ObjectionOut(**(known | more))


def report_with(owners: Owners, *objections: ObjectionOut) -> Report:
    """The report on 5200 if its owner had objected."""
    return write_report(replace(owners.subject(5200), objections=objections), Language.FR)


def test_messages_during_an_objection_are_not_called_late(owners: Owners) -> None:
    report = report_with(owners, objection(occurred_at=paris(6, 19)))
    assert attentions(report, Topic.MESSAGES) == [
        "L'envoi était déjà en cours au moment de votre opposition du 6 juin 2024 à 19 h 00 : on ne sait pas si ce "
        "message est parti avant ou après.",
        "Envoyé au moins 38 h 00 après votre opposition du 6 juin 2024 à 19 h 00.",
    ]
    assert attentions(report, Topic.SUMMARY) == [
        "Un message a été envoyé à votre numéro après votre opposition du 6 juin 2024 à 19 h 00."
    ]


def test_messages_before_an_objection_are_not_called_late(owners: Owners) -> None:
    assert attentions(report_with(owners, objection(occurred_at=paris(9, 1))), Topic.MESSAGES) == []


@pytest.mark.parametrize(("name", "late"), [(story.AUBE.name, 0), (story.RIVAGE.name, 2)])
def test_objection_to_one_organisation_applies_to_its_messages_alone(owners: Owners, name: str, late: int) -> None:
    known = owners.subject(5200).answer.campaigns
    (party,) = {campaign.party.id: campaign.party for campaign in known if campaign.party.legal_name == name}.values()
    against = OrganisationRef(id=party.id, legal_name=party.legal_name)
    report = report_with(owners, objection(scope=ObjectionScope.ORGANISATION, organisation=against))
    assert len(attentions(report, Topic.MESSAGES)) == late
    assert f"Cette demande vaut pour {name}." in " ".join(map(plain, texts(report)))


@pytest.mark.parametrize(("purpose", "late"), [(Purpose.POLITICAL_CANVASSING, 2), (Purpose.COMMERCIAL_CANVASSING, 0)])
def test_objection_to_one_purpose_applies_to_that_purpose_alone(owners: Owners, purpose: Purpose, late: int) -> None:
    report = report_with(owners, objection(scope=ObjectionScope.PURPOSE, purpose=purpose))
    assert len(attentions(report, Topic.MESSAGES)) == late


def relay(state: RelayState, **more: Any) -> RelayView:
    """A relay to a holder."""
    holder = HolderView(id=uuid.uuid4(), legal_name="Contact", privacy_contact="dpo@x.example", has_account=True)
    known: dict[str, Any] = {
        "id": uuid.uuid4(),
        "holder": holder,
        "state": state,
        "refusal": None,
        "recorded_at": paris(6, 12),
        "received_at": paris(6, 12),
        "due_at": paris(6, 12) + timedelta(days=30),
        "due_on": paris_day(paris(6, 12) + timedelta(days=30)),
        "check": None,
        "delivered_at": None,
        "acknowledged_at": None,
        "extended_at": None,
        "delay": None,
        "ended_at": None,
        "overdue": False,
    }
    return RelayView(**(known | more))


def _name(relay_view: RelayView) -> str:
    if relay_view.extended_at:
        return f"{relay_view.state}-extended"
    return f"{relay_view.state}-late" if relay_view.check and relay_view.check.overdue else relay_view.state


def check(*, overdue: bool) -> CheckView:
    """A check that the operator has until 11 June for."""
    checked = OrganisationRef(id=uuid.uuid4(), legal_name="Guichet")
    return CheckView(organisation=checked, due_at=paris(11, 12), overdue=overdue)


@pytest.mark.parametrize(
    ("relay_view", "state"),
    [
        (
            relay(RelayState.WAITING, check=check(overdue=False)),
            [
                "En attente de vérification : le registre vérifie Guichet, au plus tard jusqu'au 11 juin 2024",
                "6 juin 2024",
            ],
        ),
        (
            relay(RelayState.WAITING, check=check(overdue=True)),
            [
                "En attente de vérification : le registre aurait dû avoir vérifié Guichet le 11 juin 2024 au plus "
                "tard ; son exploitant est en retard",
                "6 juin 2024",
            ],
        ),
        (relay(RelayState.PENDING), ["En attente ; réponse due le 6 juillet 2024", "6 juin 2024"]),
        (
            relay(RelayState.ACKNOWLEDGED, acknowledged_at=paris(8, 9), overdue=True),
            [
                "Prise en charge ; le délai de réponse est passé depuis le 6 juillet 2024",
                "8 juin 2024",
            ],
        ),
        (
            relay(RelayState.ACKNOWLEDGED, acknowledged_at=paris(8, 9), extended_at=paris(9, 9), delay="Trop à lire."),
            [
                "Prise en charge ; réponse due le 6 juillet 2024. Délai prolongé de deux mois le 9 juin 2024. Motif "
                "donné : Trop à lire.",
                "8 juin 2024",
            ],
        ),
        (relay(RelayState.COMPLETED, ended_at=paris(9, 9)), ["Satisfaite", "9 juin 2024"]),
        (
            relay(RelayState.REFUSED, ended_at=paris(9, 9), refusal="Obligation légale : 3 ans."),
            ["Refusée : Obligation légale : 3 ans.", "9 juin 2024"],
        ),
        (
            relay(RelayState.UNDELIVERABLE),
            ["À envoyer par vous : cet organisme n'est pas inscrit ici. Écrire à : dpo@x.example", "6 juin 2024"],
        ),
    ],
    ids=lambda value: _name(value) if isinstance(value, RelayView) else "",
)
def test_relay_row_says_its_state_and_since_when(owners: Owners, relay_view: RelayView, state: list[str]) -> None:
    report = report_with(owners, objection(kind=ObjectionKind.ERASURE, relays=[relay_view]))
    (table,) = (block for block in blocks(report, Topic.OBJECTIONS) if isinstance(block, Table))
    assert [plain(cell) for cell in table.rows[0]] == ["Contact", *state]
    assert "Demande d'effacement du 6 juin 2024 à 12 h 00" in map(plain, under(report, Topic.OBJECTIONS))


def test_flags_of_an_objection_name_the_dataset_or_campaign(owners: Owners) -> None:
    holder = OrganisationRef(id=uuid.uuid4(), legal_name="Rivage")
    campaign = CampaignRef(id=uuid.uuid4(), name="Encore", state=CampaignState.SENT)
    flags = [
        FlagView(holder=holder, dataset_id=uuid.uuid4(), campaign=None, recorded_at=now()),
        FlagView(holder=holder, dataset_id=None, campaign=campaign, recorded_at=now()),
    ]
    said = [plain(text) for text in texts(report_with(owners, objection(flags=flags)))]
    assert any("un fichier qui contient votre numéro" in text for text in said)
    assert any(text.endswith("une campagne envoyée à votre numéro, « Encore »") for text in said)
