"""Which organisations received a number, in words: every recipient by name (GDPR 15(1)(c); CJEU C-154/21). Pure."""

import uuid
from collections.abc import Iterator, Sequence
from itertools import groupby

from service.core.vocabulary import Role, TransferStatus
from service.disclosure.agreement import SURE, Agreement, agreement_on
from service.disclosure.blocks import Block, Bullets, Fact, Facts, Heading, Paragraph, Section, Topic
from service.disclosure.phrasebook import Phrasebook
from service.disclosure.subject_answer import SubjectAnswer
from service.provenance.answer.references import OrganisationView
from service.provenance.answer.schemas import TransferView


def transfer_sentences(subject: SubjectAnswer, book: Phrasebook) -> list[str]:
    """Who received the number from which sender and when, by recipient in the order in which they received it."""
    sentences: list[str] = []
    for transfers in _by_recipient(subject.transfers).values():
        sentences += _sentences(book, transfers)
    return sentences


def _by_recipient(transfers: Sequence[TransferView]) -> dict[uuid.UUID, list[TransferView]]:
    """Transfers by their recipient, each in order of time."""
    found: dict[uuid.UUID, list[TransferView]] = {}
    for transfer in transfers:
        found.setdefault(transfer.recipient.id, []).append(transfer)
    return found


def _sentences(book: Phrasebook, transfers: Sequence[TransferView]) -> Iterator[str]:
    """One sentence for all that a recipient itself says it received; one for each transfer that is less sure."""
    order = list(Agreement)
    ordered = sorted(transfers, key=lambda transfer: order.index(agreement_on(transfer)))
    for agreement, group in groupby(ordered, key=agreement_on):
        if agreement in SURE:
            yield _transfers_sentence(book, agreement, list(group))
        else:
            yield from (transfer_sentence(book, transfer) for transfer in group)


def transfer_sentence(book: Phrasebook, transfer: TransferView) -> str:
    """One transfer in a sentence, which says how sure it is."""
    return _transfers_sentence(book, agreement_on(transfer), [transfer])


def _transfers_sentence(book: Phrasebook, agreement: Agreement, transfers: Sequence[TransferView]) -> str:
    """A sentence about transfers to one recipient; only those that are sure may be several."""
    first = transfers[0]
    return book.phrases.recipients.transfer.of(agreement).format(
        recipient=first.recipient.legal_name,
        sender=first.sender.legal_name,
        from_sender=book.from_sender(first.sender.legal_name),
        day=book.day_of(first.occurred_at),
        parts=book.list([_received_from(book, transfer) for transfer in transfers]),
        who=book.asserted_by(first),
        withdrawn=book.day_of(first.retraction.recorded_at) if first.retraction else "",
        quoted=book.quoted((first.retraction.reason or "").rstrip(".")) if first.retraction else "",
    )


def _received_from(book: Phrasebook, transfer: TransferView) -> str:
    from_sender, day = book.from_sender(transfer.sender.legal_name), book.day_of(transfer.occurred_at)
    return book.phrases.recipients.received_from.format(from_sender=from_sender, day=day)


def erasure_sentences(subject: SubjectAnswer, book: Phrasebook) -> list[str]:
    """One sentence for each organisation that erased the number."""
    phrases = book.phrases.recipients
    return [
        phrases.erased.format(holder=holder, day=book.day_of(erased_at))
        for holder, erased_at in subject.erased.values()
    ]


def recipients_section(subject: SubjectAnswer, book: Phrasebook) -> Section:
    """The section on recipients, and on the processors that sent messages for them."""
    phrases, received = book.phrases.recipients, _by_recipient(subject.transfers)
    counted = phrases.counted.of(len(received), concerns_another=subject.concerns_another)
    blocks: list[Block] = [Paragraph(text=counted.format(count=book.count(len(received))))]
    senders = _senders(subject)
    if senders:
        # Processors are recipients too (GDPR 4(9)).
        names = book.list([sender.legal_name for sender, _ in senders.values()])
        blocks.append(Paragraph(text=phrases.senders.format(names=names)))
    organisations = {recipient.organisation.id: recipient.organisation for recipient in subject.answer.recipients}
    for recipient_id, transfers in received.items():
        blocks += _recipient_blocks(subject, book, organisations[recipient_id], transfers)
    for sender, parties in senders.values():
        blocks.append(Heading(text=book.name(sender)))
        role = Fact(label=phrases.label_sends_for, value=phrases.sends_for.format(parties=book.list(parties)))
        blocks.append(Facts(items=[role, _address(book, sender)]))
    if subject.retracted_transfers:
        blocks.append(Heading(text=phrases.retracted_heading))
        blocks.append(Bullets(items=[transfer_sentence(book, transfer) for transfer in subject.retracted_transfers]))
    return Section(topic=Topic.RECIPIENTS, title=phrases.section_title, blocks=blocks)


def _senders(subject: SubjectAnswer) -> dict[uuid.UUID, tuple[OrganisationView, list[str]]]:
    """The processors that sent messages to the number, each with the parties that it sent them for."""
    found: dict[uuid.UUID, tuple[OrganisationView, list[str]]] = {}
    for campaign in subject.campaigns:
        if campaign.sender is not None:
            _, parties = found.setdefault(campaign.sender.id, (campaign.sender, []))
            if campaign.party.legal_name not in parties:
                parties.append(campaign.party.legal_name)
    return found


def _recipient_blocks(
    subject: SubjectAnswer, book: Phrasebook, organisation: OrganisationView, transfers: Sequence[TransferView]
) -> Iterator[Block]:
    yield Heading(text=book.name(organisation))
    roles = [book.terms.role(role) for role in organisation.roles if role not in (Role.REGULATOR, Role.OPERATOR)]
    what = [Fact(label=book.phrases.recipients.label_role, value=book.list(roles))] if roles else []
    yield Facts(items=[*what, _address(book, organisation)])
    for transfer in transfers:
        yield Facts(items=list(_transfer_facts(subject, book, transfer)))


def _address(book: Phrasebook, organisation: OrganisationView) -> Fact:
    return Fact(label=book.phrases.recipients.label_address, value=book.address_of(organisation))


def _transfer_facts(subject: SubjectAnswer, book: Phrasebook, transfer: TransferView) -> Iterator[Fact]:
    phrases = book.phrases.recipients
    purpose, basis = book.terms.purpose(transfer.purpose), book.terms.lawful_basis(transfer.lawful_basis)
    used_for = phrases.purpose_and_basis.format(purpose=purpose, basis=basis, who=book.asserted_by(transfer))
    yield Fact(label=phrases.label_received, value=_received_from(book, transfer))
    yield Fact(label=phrases.label_status, value=_status(subject, book, transfer))
    yield Fact(label=phrases.label_purpose, value=used_for)
    if transfer.targeting:
        criteria = [
            _criterion(book, targeting.criterion, targeting.selection, targeting.source)
            for targeting in transfer.targeting
        ]
        yield Fact(label=phrases.label_targeting, value=book.phrases.general.separator.join(criteria))


def _criterion(book: Phrasebook, criterion: str, selection: str, source: str | None) -> str:
    phrases = book.phrases.recipients
    if source is None:
        return phrases.targeting.format(criterion=criterion, selection=selection)
    return phrases.targeting_source.format(criterion=criterion, selection=selection, source=source)


def _status(subject: SubjectAnswer, book: Phrasebook, transfer: TransferView) -> str:
    phrases, agreement = book.phrases.recipients, agreement_on(transfer)
    sender, recipient = transfer.sender.legal_name, transfer.recipient.legal_name
    if agreement is Agreement.AGREED and transfer.status is TransferStatus.CONFIRMED:
        return phrases.status_confirmed
    if transfer.status is TransferStatus.DISPUTED and transfer.number_declared and transfer.number_received:
        return phrases.status_in_both
    if agreement is Agreement.SENDER_ALONE and not transfer.recipient_has_account:
        return phrases.status_sender_no_account.format(sender=sender, recipient=recipient)
    if agreement is Agreement.RECIPIENT_ALONE and transfer.sender.id in _without_account(subject):
        return phrases.status_recipient_no_account.format(sender=sender)
    return phrases.status.of(agreement).format(sender=sender, recipient=recipient, who=book.asserted_by(transfer))


def _without_account(subject: SubjectAnswer) -> set[uuid.UUID]:
    return {origin.collector.id for origin in subject.answer.origins if not origin.collector.has_account}
