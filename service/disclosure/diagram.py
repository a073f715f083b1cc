"""The path of a number from organisation to organisation, as nodes and arrows, and the same as a list. Pure."""

import uuid
from collections.abc import Iterator, Sequence

from service.disclosure.agreement import CONTRADICTED, SURE, agreement_on
from service.disclosure.blocks import Picture, Section, Topic
from service.disclosure.messages import message_sentences
from service.disclosure.origins import collection_clause, orphan_sentences, when_collected
from service.disclosure.phrasebook import Phrasebook
from service.disclosure.recipients import erasure_sentences, transfer_sentence
from service.disclosure.standings import standing_notes, standing_sentences
from service.disclosure.subject_answer import SubjectAnswer
from service.disclosure.svg import Arrow, Certainty, Diagram, Node, draw_narrow, draw_wide
from service.provenance.answer.references import OrganisationRef, OrganisationView
from service.provenance.answer.schemas import TransferView

_Organisation = OrganisationRef | OrganisationView


def path_section(subject: SubjectAnswer, book: Phrasebook) -> Section:
    """The section with the picture."""
    diagram = make_diagram(subject, book)
    alternative = list(_alternative(subject, book))
    picture = Picture(
        title=diagram.title,
        wide=draw_wide(diagram, alternative),
        narrow=draw_narrow(diagram, alternative),
        alternative=alternative,
    )
    return Section(topic=Topic.PATH, title=book.phrases.path.section_title, blocks=[picture])


def make_diagram(subject: SubjectAnswer, book: Phrasebook) -> Diagram:
    """Every organisation once, with what happened there, and an arrow for each transfer."""
    arrows = [
        Arrow(transfer.sender.id, transfer.recipient.id, _certainty(transfer)) for transfer in subject.stated_transfers
    ]
    nodes = [
        Node(
            organisation.id,
            organisation.legal_name,
            tuple(_notes(subject, book, organisation)),
            is_client=_is_client(subject, organisation.id),
        )
        for organisation in _organisations(subject)
    ]
    return Diagram(book.phrases.path.picture_title, tuple(nodes), tuple(dict.fromkeys(arrows)))


def _organisations(subject: SubjectAnswer) -> list[_Organisation]:
    """The organisations that have had the number: collectors first, the others in the order in which they got it."""
    answer = subject.answer
    named: Sequence[_Organisation] = [
        *(origin.collector for origin in answer.origins),
        *(side for transfer in subject.stated_transfers for side in (transfer.sender, transfer.recipient)),
        *(holding.dataset.holder for holding in answer.holdings),
        *(erasure.dataset.holder for erasure in answer.erasures),
    ]
    found: dict[uuid.UUID, _Organisation] = {}
    for organisation in named:
        found.setdefault(organisation.id, organisation)
    return list(found.values())


def _is_client(subject: SubjectAnswer, organisation_id: uuid.UUID) -> bool:
    answer = subject.answer
    clients = {recipient.organisation.id for recipient in answer.recipients if recipient.kind == "client"}
    return organisation_id in clients | {campaign.party.id for campaign in answer.campaigns}


def _certainty(transfer: TransferView) -> Certainty:
    agreement = agreement_on(transfer)
    if agreement in CONTRADICTED:
        return Certainty.CONTRADICTED
    return Certainty.SURE if agreement in SURE else Certainty.CLAIMED


def _notes(subject: SubjectAnswer, book: Phrasebook, organisation: _Organisation) -> Iterator[str]:
    phrases, answer = book.phrases.path, subject.answer
    for origin in answer.origins:
        if origin.collector.id == organisation.id and origin in subject.origins:
            said = phrases.collected_denied if origin.denial else phrases.collected
            phrase = phrases.collected_contested if origin.contest else said
            yield phrase.format(when=when_collected(subject, book, origin))
        elif origin.collector.id == organisation.id:
            yield phrases.collected_earlier
    if any(orphan.dataset.holder.id == organisation.id for orphan in answer.orphans):
        yield phrases.no_origin
    for transfer in subject.stated_transfers:
        if transfer.recipient.id == organisation.id:
            yield _arrival(subject, book, transfer)
    sent = sum(campaign.party.id == organisation.id for campaign in subject.campaigns)
    if sent:
        yield phrases.sent.of(sent).format(count=book.count(sent))
    planned = sum(campaign.party.id == organisation.id for campaign in subject.planned_campaigns)
    if planned:
        yield phrases.planned.of(planned).format(count=book.count(planned))
    if organisation.id in subject.erased:
        _, erased_at = subject.erased[organisation.id]
        yield phrases.erased.format(day=book.day_of(erased_at))
    yield from standing_notes(subject, book, organisation.id)


def _arrival(subject: SubjectAnswer, book: Phrasebook, transfer: TransferView) -> str:
    phrases, from_sender = book.phrases.path, book.from_sender(transfer.sender.legal_name)
    if not subject.owned_at(transfer.occurred_at):
        return phrases.received_earlier.format(from_sender=from_sender)
    phrase = phrases.received.of(agreement_on(transfer))
    return phrase.format(from_sender=from_sender, day=book.day_of(transfer.occurred_at))


def _alternative(subject: SubjectAnswer, book: Phrasebook) -> Iterator[str]:
    """What the picture shows, in sentences and in order of time."""
    phrases = book.phrases.path
    for origin in subject.answer.origins:
        if origin in subject.origins:
            yield book.phrases.origins.sentence.format(sentence=collection_clause(subject, book, origin))
        else:
            yield phrases.collection_earlier.format(collector=origin.collector.legal_name)
    yield from orphan_sentences(subject, book)
    for transfer in subject.stated_transfers:
        if subject.owned_at(transfer.occurred_at):
            yield transfer_sentence(book, transfer)
        else:
            recipient, from_sender = transfer.recipient.legal_name, book.from_sender(transfer.sender.legal_name)
            yield phrases.transfer_earlier.format(recipient=recipient, from_sender=from_sender)
    yield from message_sentences(subject, book)
    yield from erasure_sentences(subject, book)
    yield from standing_sentences(subject, book)
