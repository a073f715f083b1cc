"""A person's answer as a report: a summary, a picture, and then section by section. Pure.

It repeats what organisations declared, and who confirms it. What is certain is stated plainly, what one side alone
says is attributed to that side, and nothing is judged.
"""

import uuid
from collections.abc import Iterator, Sequence

from service.disclosure.agreement import CONTRADICTED, RECEIVED, UNSETTLED, Agreement, agreement_on
from service.disclosure.blocks import (
    Action,
    Block,
    Bullets,
    Callout,
    Contact,
    Contacts,
    Paragraph,
    Report,
    Section,
    Step,
    Steps,
    Tone,
    Topic,
)
from service.disclosure.diagram import path_section
from service.disclosure.messages import message_sentences, messages_section, no_messages_sentence
from service.disclosure.objections import late_message_sentences, objections_section
from service.disclosure.origins import origin_sentences, origins_section, orphan_sentences
from service.disclosure.phrasebook import Phrasebook
from service.disclosure.recipients import (
    erasure_sentences,
    recipients_section,
    transfer_sentence,
    transfer_sentences,
)
from service.disclosure.registry import name_operators, registry_section
from service.disclosure.standings import standing_sentences
from service.disclosure.subject_answer import SubjectAnswer
from service.number.normalisation import international_format
from service.provenance.answer.references import OrganisationView
from service.provenance.answer.schemas import TransferView
from service.wording.language import Language

CNIL = "https://www.cnil.fr/fr/plaintes"


def write_report(subject: SubjectAnswer, language: Language, *, reference: str | None = None) -> Report:
    """The report on a number, for its person."""
    book, answer = Phrasebook(language), subject.answer
    general = book.phrases.general
    return Report(
        language=language,
        title=general.title,
        number=international_format(subject.number),
        reference=reference,
        as_of=answer.as_of,
        as_of_text=general.as_of.format(moment=book.moment(answer.as_of)),
        held=answer.held,
        operators=name_operators(subject, book),
        sections=list(_sections(subject, book)),
    )


def _sections(subject: SubjectAnswer, book: Phrasebook) -> Iterator[Section]:
    summary = list(_summary_blocks(subject, book))
    yield Section(topic=Topic.SUMMARY, title=book.phrases.summary.section_title, blocks=summary)
    if subject.is_known:
        yield path_section(subject, book)
        origins = origins_section(subject, book)
        if origins is not None:
            yield origins
        yield recipients_section(subject, book)
        yield messages_section(subject, book)
    gaps = list(_gap_sentences(subject, book))
    if gaps:
        yield Section(topic=Topic.GAPS, title=book.phrases.gaps.section_title, blocks=[Bullets(items=gaps)])
    if subject.concerns_another and subject.owned_since is not None:
        yield _earlier_section(subject, book)
    yield objections_section(subject, book)
    steps = list(_next_blocks(subject, book))
    yield Section(topic=Topic.NEXT, title=book.phrases.steps.section_title, blocks=steps)
    yield registry_section(subject, book)


def _summary_blocks(subject: SubjectAnswer, book: Phrasebook) -> Iterator[Block]:
    phrases = book.phrases.summary
    if not subject.is_known:
        yield Paragraph(text=phrases.nobody)
        yield Paragraph(text=phrases.nobody_means)
        return
    if not subject.answer.held:
        yield Paragraph(text=phrases.no_longer_held)
    yield from (Paragraph(text=sentence) for sentence in origin_sentences(subject, book))
    yield from _orphan_callout(subject, book)
    yield from _joined(transfer_sentences(subject, book))
    yield from _joined(message_sentences(subject, book) or [no_messages_sentence(subject, book)])
    if subject.answer.held:
        holders = book.list([holder.legal_name for holder in subject.holders])
        yield Paragraph(text=phrases.held_now.format(holders=holders))
    if subject.concerns_another and subject.owned_since is not None:
        yield Paragraph(text=phrases.earlier.format(day=book.day(subject.owned_since)))
    yield from _joined(erasure_sentences(subject, book))
    yield from _joined(standing_sentences(subject, book))
    for sentence in late_message_sentences(subject, book):
        yield Callout(tone=Tone.ATTENTION, text=sentence)
    yield Callout(tone=Tone.INFORMATION, text=phrases.only_facts)


def _joined(sentences: Sequence[str]) -> Iterator[Block]:
    """One paragraph of all sentences, if there are any."""
    if sentences:
        yield Paragraph(text=" ".join(sentences))


def _orphan_callout(subject: SubjectAnswer, book: Phrasebook) -> Iterator[Block]:
    """That the number has no declared origin, at those that hold it or, after their erasure, at those that did."""
    phrases, orphans = book.phrases.summary, subject.answer.orphans
    if not orphans:
        return
    if subject.answer.origins:
        yield Callout(tone=Tone.ATTENTION, text=phrases.no_origin_of_one_file)
        return
    names = {orphan.dataset.holder.id: orphan.dataset.holder.legal_name for orphan in orphans}
    holding = [name for holder_id, name in names.items() if holder_id not in subject.erased]
    holders = holding or list(names.values())
    phrase = phrases.no_origin_held if holding else phrases.no_origin_had
    text = phrase.of(len(holders)).format(holders=book.list(holders))
    yield Callout(tone=Tone.ATTENTION, text=text)


def _gap_sentences(subject: SubjectAnswer, book: Phrasebook) -> Iterator[str]:
    """What is missing, disputed or denied."""
    phrases = book.phrases.gaps
    yield from orphan_sentences(subject, book)
    for origin in subject.origins:
        collector = origin.collector.legal_name
        if origin.denial:
            yield phrases.denied.format(collector=collector, who=book.asserted_by(origin))
        elif not origin.attested:
            yield phrases.unattested.format(collector=collector, who=book.asserted_by(origin))
        if origin.contest:
            yield phrases.contested.format(collector=collector)
        if origin.consented_at is None:
            yield phrases.consent_unknown.format(collector=collector)
    for transfer in subject.transfers:
        yield from _doubts(subject, book, transfer)
    if subject.answer.chains_truncated:
        yield phrases.chains_truncated


def _doubts(subject: SubjectAnswer, book: Phrasebook, transfer: TransferView) -> Iterator[str]:
    phrases, agreement = book.phrases.gaps, agreement_on(transfer)
    if agreement in UNSETTLED:
        yield transfer_sentence(book, transfer)
    if agreement in CONTRADICTED:
        for statement in transfer.statements:
            if statement.comment:
                day, quoted = book.day_of(statement.recorded_at), book.quoted_at_end(statement.comment)
                yield phrases.comment.format(who=book.asserted_by(statement), day=day, quoted=quoted)
    uses = (use.transfer_id for campaign in subject.campaigns for use in campaign.through)
    if agreement is Agreement.SENDER_ALONE and transfer.id in uses:
        sender, party = transfer.sender.legal_name, transfer.recipient.legal_name
        yield phrases.used_unacknowledged.format(party=party, sender=sender)


def _earlier_section(subject: SubjectAnswer, book: Phrasebook) -> Section:
    phrases, since = book.phrases.earlier, subject.owned_since
    assert since is not None
    blocks: list[Block] = [Paragraph(text=phrases.introduction.format(day=book.day(since)))]
    if subject.earlier_organisations:
        blocks.append(Bullets(items=subject.earlier_organisations))
    if len(subject.own_objections) < len(subject.objections):
        blocks.append(Paragraph(text=phrases.objections))
    return Section(topic=Topic.EARLIER, title=phrases.section_title, blocks=blocks)


def _next_blocks(subject: SubjectAnswer, book: Phrasebook) -> Iterator[Block]:
    phrases, held = book.phrases.steps, subject.answer.held
    # What is kept of a file that nobody has any more can be erased too.
    stored = bool(subject.answer.holdings)
    steps = [
        Step(action=Action.OBJECT, title=phrases.object_title, text=phrases.object if held else phrases.object_unheld),
        Step(action=Action.DOWNLOAD, title=phrases.download_title, text=phrases.download),
        Step(action=Action.COMPLAIN, title=phrases.complain_title, text=phrases.complain, address=CNIL),
    ]
    if stored:
        steps.insert(1, Step(action=Action.ERASE, title=phrases.erase_title, text=phrases.erase))
    yield Steps(items=steps)
    yield Paragraph(text=phrases.only_number)
    contacts = _contacts(subject, book)
    if contacts:
        yield Paragraph(text=phrases.rights)
        yield Contacts(items=contacts)


def _contacts(subject: SubjectAnswer, book: Phrasebook) -> list[Contact]:
    """Every organisation that the person can write to, with what it has to do with the number."""
    phrases, answer = book.phrases.steps, subject.answer
    own_statement = _with_own_statement(subject)
    found: dict[uuid.UUID, Contact] = {}
    for organisations, note in (
        ([holder for holder in subject.holders if holder.id in own_statement], phrases.contact_holds),
        (subject.holders, phrases.contact_said_to_hold),
        (subject.past_holders, book.phrases.standings.contact),
        ([origin.collector for origin in answer.origins if origin.denial is None], phrases.contact_collected),
        ([origin.collector for origin in answer.origins], phrases.contact_denies),
        ([recipient.organisation for recipient in answer.recipients], phrases.contact_said_to_have_received),
        ([campaign.sender for campaign in subject.campaigns if campaign.sender], phrases.contact_sent),
        ([campaign.sender for campaign in subject.planned_campaigns if campaign.sender], phrases.contact_plans),
    ):
        for organisation in organisations:
            erased = organisation.id in subject.erased
            note_shown = phrases.contact_erased if erased else note
            found.setdefault(organisation.id, _contact(subject, book, organisation, note_shown))
    return list(found.values())


def _with_own_statement(subject: SubjectAnswer) -> set[uuid.UUID]:
    """The organisations that themselves say that they have the number, or used it: not only another says so."""
    answer = subject.answer
    registered = {
        holding.dataset.holder.id for holding in answer.holdings if holding.asserted_by == holding.dataset.holder
    }
    received = {transfer.recipient.id for transfer in answer.transfers if agreement_on(transfer) in RECEIVED}
    return registered | received | {campaign.party.id for campaign in answer.campaigns}


def _contact(subject: SubjectAnswer, book: Phrasebook, organisation: OrganisationView, note: str) -> Contact:
    return Contact(
        organisation_id=organisation.id,
        name=book.name(organisation),
        privacy_contact=(organisation.succeeded_by or organisation).privacy_contact,
        address=book.address_of(organisation),
        note=note,
        statements=[
            book.stated_by_another(organisation, stated) for stated in subject.stated_by_others.get(organisation.id, ())
        ],
    )
