"""The messages that were sent to a number, in words. Pure."""

from collections.abc import Iterator

from service.core.vocabulary import TransferStatus
from service.disclosure.blocks import Block, Callout, Fact, Facts, Heading, Paragraph, Quote, Section, Tone, Topic
from service.disclosure.objections import after_objections
from service.disclosure.phrasebook import Phrasebook
from service.disclosure.subject_answer import SubjectAnswer
from service.provenance.answer.schemas import CampaignUse, CampaignView


def message_sentences(subject: SubjectAnswer, book: Phrasebook) -> list[str]:
    """One sentence for each party that sent messages."""
    by_party: dict[str, list[CampaignView]] = {}
    for campaign in subject.campaigns:
        by_party.setdefault(campaign.party.legal_name, []).append(campaign)
    return [_party_sentence(book, party, campaigns) for party, campaigns in by_party.items()]


def _party_sentence(book: Phrasebook, party: str, campaigns: list[CampaignView]) -> str:
    phrases = book.phrases.messages
    days = [phrases.on_day.format(day=book.day_of(campaign.began_at)) for campaign in campaigns]
    listed = book.list(list(dict.fromkeys(days)))
    return phrases.sent.of(len(campaigns)).format(party=party, count=book.count(len(campaigns)), days=listed)


def no_messages_sentence(subject: SubjectAnswer, book: Phrasebook) -> str:
    """That no message is declared, of those that the report may show."""
    return book.phrases.messages.none.of(concerns_another=subject.concerns_another)


def messages_section(subject: SubjectAnswer, book: Phrasebook) -> Section:
    """The section on messages."""
    phrases, campaigns = book.phrases.messages, subject.campaigns
    introduction = phrases.introduction if campaigns else no_messages_sentence(subject, book)
    blocks: list[Block] = [Paragraph(text=introduction)]
    for campaign in campaigns:
        blocks += _campaign_blocks(subject, book, campaign)
    return Section(topic=Topic.MESSAGES, title=phrases.section_title, blocks=blocks)


def _campaign_blocks(subject: SubjectAnswer, book: Phrasebook, campaign: CampaignView) -> Iterator[Block]:
    phrases, party = book.phrases.messages, campaign.party.legal_name
    yield Heading(text=phrases.heading.format(party=party, day=book.day_of(campaign.began_at)))
    source = phrases.source.format(originator=campaign.originator)
    yield Quote(text=campaign.message_text, language=None, source=source)
    for sentence in after_objections(subject, book, campaign):
        yield Callout(tone=Tone.ATTENTION, text=sentence)
    yield Facts(items=list(_facts(subject, book, campaign)))
    if any(use.transfer_status is TransferStatus.DECLARED for use in campaign.through):
        yield Paragraph(text=phrases.used_unacknowledged.format(party=party))


def _facts(subject: SubjectAnswer, book: Phrasebook, campaign: CampaignView) -> Iterator[Fact]:
    phrases = book.phrases.messages
    sender = (campaign.sender or campaign.party).legal_name
    declared = phrases.declared_by.format(who=book.asserted_by(campaign), day=book.day_of(campaign.recorded_at))
    yield Fact(label=phrases.label_sent, value=book.span(campaign.began_at, campaign.ended_at))
    yield Fact(label=phrases.label_sent_by, value=sender)
    yield Fact(label=phrases.label_originator, value=campaign.originator)
    if campaign.poll_name and campaign.poll_on:
        poll = phrases.poll.format(name=campaign.poll_name, day=book.day(campaign.poll_on))
        yield Fact(label=phrases.label_poll, value=poll)
    files = list(dict.fromkeys(_file(subject, book, campaign, use) for use in campaign.through))
    if files:
        yield Fact(label=phrases.label_file, value=book.list(files))
    yield Fact(label=phrases.label_declared, value=declared)


def _file(subject: SubjectAnswer, book: Phrasebook, campaign: CampaignView, use: CampaignUse) -> str:
    phrases = book.phrases.messages
    transfer = next((transfer for transfer in subject.transfers if transfer.id == use.transfer_id), None)
    if transfer is None:
        return phrases.file_own.format(party=campaign.party.legal_name)
    from_sender, day = book.from_sender(transfer.sender.legal_name), book.day_of(transfer.occurred_at)
    return phrases.file_received.format(from_sender=from_sender, day=day)
