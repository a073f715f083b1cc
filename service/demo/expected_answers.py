"""The answers that the service must give about the story, and their comparison with the answers that it gives."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, fields
from itertools import groupby

from service.core.vocabulary import TransferStatus
from service.demo import story
from service.demo.story_types import Campaign, Notice
from service.provenance.answer.origin_schemas import Origin
from service.provenance.answer.schemas import Answer, ChainView, RecipientKind, TransferView
from service.provenance.lineage.schemas import ImpactOut
from service.wording.language import PARIS

Route = tuple[str, ...]
"""The organisations that held a number one after another, from the collector on."""

_JEUX, _COMPARAUTO, _ENSEIGNE, _CONTACT, _REVENTE, _AUBE, _RIVAGE = (
    organisation.name
    for organisation in (
        story.JEUX,
        story.COMPARAUTO,
        story.ENSEIGNE,
        story.CONTACT,
        story.REVENTE,
        story.AUBE,
        story.RIVAGE,
    )
)


@dataclass(frozen=True)
class ExpectedOrigin:
    """An origin: who collected the number, who asserts it, the day of consent, and the recipients named on that day."""

    collector: str
    notice: str
    asserted_by: str
    attested: bool
    consented_on: str
    partners: frozenset[str] = frozenset({_CONTACT})
    categories: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ExpectedTransfer:
    """A transfer that contained a number, with its status and its targeting: criterion, selection and source.

    No two of the story's transfers of one number have the same sender and the same recipient.
    """

    sender: str
    recipient: str
    status: TransferStatus
    targeting: frozenset[tuple[str, str, str | None]] = frozenset()


@dataclass(frozen=True)
class ExpectedAnswer:
    """What is true of a number, named by its last four digits. `campaigns` are by the party that had them sent."""

    number: int
    origins: frozenset[ExpectedOrigin] = frozenset()
    routes: frozenset[Route] = frozenset()
    transfers: frozenset[ExpectedTransfer] = frozenset()
    intermediaries: frozenset[str] = frozenset()
    campaigns: Mapping[str, frozenset[str]] = field(default_factory=dict)
    orphan_with: frozenset[str] = frozenset()
    last_status: frozenset[TransferStatus] = frozenset()
    """Statuses of the transfers into the datasets that campaigns used."""
    contradictions: frozenset[tuple[str, str, str]] = frozenset()
    """Contradictions: kind, sender and recipient."""


def _contest(day: str) -> ExpectedOrigin:
    nobody, anybody = frozenset[str](), frozenset({"partenaires"})
    return ExpectedOrigin(
        _JEUX, "JL-1", _CONTACT, attested=False, consented_on=day, partners=nobody, categories=anybody
    )


def _quotes(notice: str, day: str, *also: str) -> ExpectedOrigin:
    named = frozenset({_CONTACT, *also})
    return ExpectedOrigin(_COMPARAUTO, notice, _CONTACT, attested=False, consented_on=day, partners=named)


def _loyalty(day: str) -> ExpectedOrigin:
    named = frozenset({"partis politiques et candidats"})
    return ExpectedOrigin(_ENSEIGNE, "EM-1", _ENSEIGNE, attested=True, consented_on=day, categories=named)


_AGE = ("âge", "30-60 ans", "déclaration de la personne")
_POLLING_STATION = (
    "bureau de vote",
    "résultat du premier tour de 2022",
    "adresse rapprochée du résultat de son bureau",
)

_TRANSFERS = {
    "T1": ExpectedTransfer(_JEUX, _CONTACT, TransferStatus.ACKNOWLEDGED),
    "T2": ExpectedTransfer(_COMPARAUTO, _CONTACT, TransferStatus.ACKNOWLEDGED),
    "T3": ExpectedTransfer(_COMPARAUTO, _CONTACT, TransferStatus.ACKNOWLEDGED),
    "T4": ExpectedTransfer(_ENSEIGNE, _CONTACT, TransferStatus.ACKNOWLEDGED),
    "T5": ExpectedTransfer(_CONTACT, _AUBE, TransferStatus.CONFIRMED, frozenset({_AGE})),
    "T6": ExpectedTransfer(_CONTACT, _RIVAGE, TransferStatus.DISPUTED, frozenset({_POLLING_STATION})),
    "T7": ExpectedTransfer(_CONTACT, _REVENTE, TransferStatus.ACKNOWLEDGED),
    "T8": ExpectedTransfer(_REVENTE, _RIVAGE, TransferStatus.DECLARED),
}


def _by(*codes: str) -> frozenset[ExpectedTransfer]:
    return frozenset(_TRANSFERS[code] for code in codes)


_BOTH = {_AUBE: frozenset({"C1"}), _RIVAGE: frozenset({"C2", "C3"})}
_BOTH_STATUSES = frozenset({TransferStatus.CONFIRMED, TransferStatus.DISPUTED})


def _routes(*collectors: str, to: Set[str]) -> frozenset[Route]:
    return frozenset((collector, _CONTACT, client) for collector in collectors for client in to)


EXPECTED_ANSWERS: tuple[ExpectedAnswer, ...] = (
    ExpectedAnswer(
        4600,
        frozenset({_quotes("CA-1", "2022-05-06"), _loyalty("2023-10-12")}),
        _routes(_COMPARAUTO, _ENSEIGNE, to={_AUBE}),
        _by("T2", "T4", "T5"),
        frozenset({_CONTACT}),
        {_AUBE: frozenset({"C1"})},
        last_status=frozenset({TransferStatus.CONFIRMED}),
    ),
    ExpectedAnswer(
        5200,
        frozenset({_quotes("CA-2", "2023-11-10"), _loyalty("2023-12-11")}),
        _routes(_COMPARAUTO, _ENSEIGNE, to={_AUBE, _RIVAGE}),
        _by("T3", "T4", "T5", "T6"),
        frozenset({_CONTACT}),
        _BOTH,
        last_status=_BOTH_STATUSES,
    ),
    ExpectedAnswer(
        6000,
        frozenset({_quotes("CA-2", "2024-02-05", _AUBE), _loyalty("2023-12-01")}),
        _routes(_COMPARAUTO, _ENSEIGNE, to={_AUBE, _RIVAGE}),
        _by("T3", "T4", "T5", "T6"),
        frozenset({_CONTACT}),
        _BOTH,
        last_status=_BOTH_STATUSES,
    ),
    ExpectedAnswer(
        1500,
        frozenset({_contest("2020-04-01")}),
        frozenset({(_JEUX, _CONTACT, _REVENTE, _RIVAGE)}),
        _by("T1", "T7", "T8"),
        frozenset({_CONTACT, _REVENTE}),
        {_RIVAGE: frozenset({"C2"})},
        last_status=frozenset({TransferStatus.DECLARED}),
    ),
    ExpectedAnswer(
        2500,
        frozenset({_contest("2020-05-11"), _quotes("CA-1", "2022-05-06")}),
        frozenset({(_JEUX, _CONTACT, _REVENTE), (_COMPARAUTO, _CONTACT, _REVENTE)}),
        _by("T1", "T2", "T7"),
        frozenset({_CONTACT, _REVENTE}),
    ),
    ExpectedAnswer(
        9001,
        routes=frozenset({(_RIVAGE,)}),
        transfers=_by("T6"),
        campaigns={_RIVAGE: frozenset({"C2", "C3"})},
        orphan_with=frozenset({_RIVAGE}),
        last_status=frozenset({TransferStatus.DISPUTED}),
        contradictions=frozenset({("received_not_declared", _CONTACT, _RIVAGE)}),
    ),
    ExpectedAnswer(
        7777,
        frozenset({_loyalty("2023-11-08")}),
        _routes(_ENSEIGNE, to={_AUBE, _RIVAGE}),
        _by("T4", "T5", "T6"),
        frozenset({_CONTACT}),
        _BOTH,
        last_status=_BOTH_STATUSES,
    ),
    ExpectedAnswer(
        6666,
        frozenset({_loyalty("2023-10-08")}),
        _routes(_ENSEIGNE, to={_AUBE, _RIVAGE}),
        _by("T4", "T5", "T6"),
        frozenset({_CONTACT}),
        _BOTH,
        last_status=_BOTH_STATUSES,
    ),
    ExpectedAnswer(9999),
)
"""The nine numbers of the story."""


@dataclass(frozen=True)
class ExpectedImpact:
    """How many numbers of a notice reached which received datasets and campaigns."""

    notice: str
    received: Mapping[str, int]
    campaigns: Mapping[str, int]


EXPECTED_IMPACTS: tuple[ExpectedImpact, ...] = (
    ExpectedImpact("JL-1", {"R1": 3000, "D8": 3000, "D9": 1000}, {"C2": 1000}),
    ExpectedImpact("CA-1", {"R2": 3000, "D8": 2000, "D6": 500}, {"C1": 500}),
)
"""Counts by origin: the union is linked to every client, but not every number reached each of them."""

_CAMPAIGNS = {step.name: step.code for step in story.STORY if isinstance(step, Campaign)}
_WORDINGS = {step.code: step.wording for step in story.STORY if isinstance(step, Notice)}


def facts_of(number: int, answer: Answer) -> ExpectedAnswer:
    """An answer in the form of an expected one.

    Only the longest routes count: a chain that ends in its holder's own base is the beginning of others.
    """
    routes = {_route(chain) for chain in answer.chains}
    transfers = {transfer.id: _transfer(transfer) for transfer in answer.transfers}
    clients = [recipient for recipient in answer.recipients if recipient.kind is RecipientKind.CLIENT]
    intermediaries = [recipient for recipient in answer.recipients if recipient.kind is RecipientKind.INTERMEDIARY]
    uses = [use for campaign in answer.campaigns for use in campaign.through]
    contradictions = (
        (contradiction.kind, transfers[contradiction.transfer_id]) for contradiction in answer.contradictions
    )
    return ExpectedAnswer(
        number,
        frozenset(map(_origin, answer.origins)),
        frozenset(route for route in routes if not any(_begins(route, other) for other in routes)),
        frozenset(transfers.values()),
        frozenset(intermediary.organisation.legal_name for intermediary in intermediaries),
        {
            client.organisation.legal_name: frozenset(_CAMPAIGNS[campaign.name] for campaign in client.campaigns)
            for client in clients
        },
        frozenset(orphan.dataset.holder.legal_name for orphan in answer.orphans),
        frozenset(use.transfer_status for use in uses if use.transfer_status),
        frozenset((kind, transfer.sender, transfer.recipient) for kind, transfer in contradictions),
    )


def _begins(route: Route, other: Route) -> bool:
    return route != other and other[: len(route)] == route


def _transfer(transfer: TransferView) -> ExpectedTransfer:
    return ExpectedTransfer(
        transfer.sender.legal_name,
        transfer.recipient.legal_name,
        transfer.status,
        frozenset((target.criterion, target.selection, target.source) for target in transfer.targeting),
    )


def _origin(origin: Origin) -> ExpectedOrigin:
    partner_list = origin.partner_list
    return ExpectedOrigin(
        origin.collector.legal_name,
        origin.notice.code,
        origin.asserted_by.legal_name if origin.asserted_by else "",
        origin.attested,
        f"{origin.consented_at.astimezone(PARIS):%Y-%m-%d}" if origin.consented_at else "",
        frozenset(partner.name for partner in partner_list.partners) if partner_list else frozenset(),
        frozenset(partner_list.categories) if partner_list else frozenset(),
    )


def _route(chain: ChainView) -> Route:
    holders = [chain.head.holder.legal_name, *(hop.to_dataset.holder.legal_name for hop in chain.hops)]
    return tuple(name for name, _ in groupby(holders))


def differences(expected: ExpectedAnswer, answer: Answer) -> list[str]:
    """Each field of an answer that is not as expected, with both values; empty if all are."""
    found = facts_of(expected.number, answer)
    differing = [
        f"{field.name}: {getattr(found, field.name)} instead of {getattr(expected, field.name)}"
        for field in fields(ExpectedAnswer)
        if getattr(found, field.name) != getattr(expected, field.name)
    ]
    differing += [
        f"wording of {origin.notice.code}"
        for origin in answer.origins
        if origin.notice.wording != _WORDINGS[origin.notice.code]
    ]
    if answer.held != bool(expected.routes):
        differing.append(f"held: {answer.held}")
    return differing


def impact_differences(expected: ExpectedImpact, impact: ImpactOut, ids: Mapping[str, str]) -> list[str]:
    """Each part of a notice's impact that is not as expected. `ids` are those of `LoadedStory`."""
    codes = {id_: code for code, id_ in ids.items()}
    received = {
        codes[str(reached.dataset.id)]: reached.number_count for reached in impact.datasets if reached.transfer_id
    }
    campaigns = {codes[str(reached.campaign.id)]: reached.number_count for reached in impact.campaigns}
    differing = []
    if received != expected.received:
        differing.append(f"received: {received} instead of {dict(expected.received)}")
    if campaigns != expected.campaigns:
        differing.append(f"campaigns: {campaigns} instead of {dict(expected.campaigns)}")
    return differing
