"""The messages that were sent to a number, in words. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from service.core.vocabulary import CampaignState, TransferStatus
from service.disclosure.blocks import (
    Block,
    Bullets,
    Callout,
    Fact,
    Facts,
    Heading,
    Paragraph,
    Quote,
    Section,
    Tone,
    Topic,
)
from service.disclosure.objections import after_objections
from service.disclosure.phrasebook import Phrasebook
from service.disclosure.subject_answer import SubjectAnswer
from service.provenance.answer.campaign_schemas import CampaignUse, CampaignView


def message_sentences(subject: SubjectAnswer, book: Phrasebook) -> list[str]:
    """One sentence for each party that sent messages, and for each that plans to."""
    campaigns = (*_by_party(subject.campaigns), *_by_party(subject.planned_campaigns))
    return [_party_sentence(book, of_party) for of_party in campaigns]


def _by_party(campaigns: Sequence[CampaignView]) -> Iterable[list[CampaignView]]:
    by_party: dict[str, list[CampaignView]] = {}
    for campaign in campaigns:
        by_party.setdefault(campaign.party.legal_name, []).append(campaign)
    return by_party.values()


def _party_sentence(book: Phrasebook, campaigns: Sequence[CampaignView]) -> str:
    """One sentence for campaigns of one party, all sent or all planned."""
    phrases, count = book.phrases.messages, len(campaigns)
    days = [phrases.on_day.format(day=book.day_of(campaign.began_at)) for campaign in campaigns]
    listed, party = book.list(list(dict.fromkeys(days))), campaigns[0].party.legal_name
    phrase = phrases.planned if campaigns[0].state is CampaignState.PLANNED else phrases.sent
    return phrase.of(count).format(party=party, count=book.count(count), days=listed)


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
    if subject.planned_campaigns:
        blocks.append(Paragraph(text=phrases.introduction_planned))
    for campaign in subject.planned_campaigns:
        blocks += _campaign_blocks(subject, book, campaign)
    if subject.campaigns_not_sent:
        blocks.append(Paragraph(text=phrases.introduction_not_sent))
        blocks.append(Bullets(items=[_not_sent(book, campaign) for campaign in subject.campaigns_not_sent]))
    return Section(topic=Topic.MESSAGES, title=phrases.section_title, blocks=blocks)


def _not_sent(book: Phrasebook, campaign: CampaignView) -> str:
    phrases, cancellation = book.phrases.messages, campaign.cancellation
    assert cancellation is not None, "a campaign that was not sent was cancelled"
    phrase = phrases.cancelled if campaign.state is CampaignState.CANCELLED else phrases.not_sent
    return phrase.format(
        party=campaign.party.legal_name,
        day=book.day_of(campaign.began_at),
        cancelled_on=book.day_of(cancellation.recorded_at),
        quoted=book.quoted_at_end(cancellation.reason),
    )


def _campaign_blocks(subject: SubjectAnswer, book: Phrasebook, campaign: CampaignView) -> Iterator[Block]:
    phrases, party = book.phrases.messages, campaign.party.legal_name
    heading = phrases.heading_planned if campaign.state is CampaignState.PLANNED else phrases.heading
    yield Heading(text=heading.format(party=party, day=book.day_of(campaign.began_at)))
    source = phrases.source.format(originator=campaign.originator)
    yield Quote(text=campaign.message_text, language=None, source=source)
    for sentence in after_objections(subject, book, campaign):
        yield Callout(tone=Tone.ATTENTION, text=sentence)
    yield Facts(items=list(_facts(subject, book, campaign)))
    is_sent = campaign.state is CampaignState.SENT
    if is_sent and any(use.transfer_status is TransferStatus.DECLARED for use in campaign.through):
        yield Paragraph(text=phrases.used_unacknowledged.format(party=party))


def _facts(subject: SubjectAnswer, book: Phrasebook, campaign: CampaignView) -> Iterator[Fact]:
    phrases = book.phrases.messages
    sender = (campaign.sender or campaign.party).legal_name
    declared = phrases.declared_by.format(who=book.asserted_by(campaign), day=book.day_of(campaign.recorded_at))
    when = phrases.label_planned if campaign.state is CampaignState.PLANNED else phrases.label_sent
    yield Fact(label=when, value=book.span(campaign.began_at, campaign.ended_at))
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
