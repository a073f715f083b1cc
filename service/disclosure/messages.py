"""The messages that were sent to a number, in words. Pure."""

from collections.abc import Iterator

from service.core.vocabulary import TransferStatus
from service.disclosure.blocks import Block, Callout, Fact, Facts, Heading, Paragraph, Quote, Section, Tone, Topic
from service.disclosure.objections import after_objections
from service.disclosure.phrasebook import Phrasebook, who
from service.disclosure.subject_answer import SubjectAnswer, since_owned
from service.provenance.answer.schemas import CampaignView, Use


def short_messages(inquiry: SubjectAnswer, voice: Phrasebook) -> list[str]:
    """One sentence for each party that sent any."""
    sent: dict[str, list[CampaignView]] = {}
    for campaign in inquiry.campaigns:
        sent.setdefault(campaign.party.legal_name, []).append(campaign)
    return [_short(voice, party, campaigns) for party, campaigns in sent.items()]


def _short(voice: Phrasebook, party: str, campaigns: list[CampaignView]) -> str:
    days = [voice.say("on_day", day=voice.day_of(one.began_at)) for one in campaigns]
    listed = voice.list(list(dict.fromkeys(days)))
    phrase = "sent_one" if len(campaigns) == 1 else "sent_many"
    return voice.say(phrase, party=party, count=voice.count(len(campaigns)), days=listed)


def tell_messages(inquiry: SubjectAnswer, voice: Phrasebook) -> Section:
    """The section on messages."""
    blocks: list[Block] = []
    for campaign in inquiry.campaigns:
        blocks += _message(inquiry, voice, campaign)
    blocks.insert(0, Paragraph(text=voice.say("messages_means" if blocks else since_owned(inquiry, "sent_none"))))
    return Section(topic=Topic.MESSAGES, title=voice.say("messages_title"), blocks=blocks)


def _message(inquiry: SubjectAnswer, voice: Phrasebook, campaign: CampaignView) -> Iterator[Block]:
    day, party = voice.day_of(campaign.began_at), campaign.party.legal_name
    yield Heading(text=voice.say("message", party=party, day=day))
    source = voice.say("message_source", originator=campaign.originator)
    yield Quote(text=campaign.message_text, language=None, source=source)
    for late in after_objections(inquiry, voice, campaign):
        yield Callout(tone=Tone.ATTENTION, text=late)
    yield Facts(items=list(_facts(inquiry, voice, campaign)))
    if any(use.transfer_status is TransferStatus.DECLARED for use in campaign.through):
        yield Paragraph(text=voice.say("used_all_the_same", party=party))


def _facts(inquiry: SubjectAnswer, voice: Phrasebook, campaign: CampaignView) -> Iterator[Fact]:
    sender = (campaign.sender or campaign.party).legal_name
    told = voice.say("told_by", who=who(voice, campaign), day=voice.day_of(campaign.recorded_at))
    yield Fact(label=voice.say("label_sent"), value=voice.span(campaign.began_at, campaign.ended_at))
    yield Fact(label=voice.say("label_sent_by"), value=sender)
    yield Fact(label=voice.say("label_originator"), value=campaign.originator)
    if campaign.poll_name and campaign.poll_on:
        poll = voice.say("poll", name=campaign.poll_name, day=voice.day(campaign.poll_on))
        yield Fact(label=voice.say("label_poll"), value=poll)
    files = list(dict.fromkeys(_file(inquiry, voice, campaign, use) for use in campaign.through))
    if files:
        yield Fact(label=voice.say("label_file"), value=voice.list(files))
    yield Fact(label=voice.say("label_told"), value=told)


def _file(inquiry: SubjectAnswer, voice: Phrasebook, campaign: CampaignView, use: Use) -> str:
    transfer = next((one for one in inquiry.transfers if one.id == use.transfer_id), None)
    if transfer is None:
        return voice.say("file_own", party=campaign.party.legal_name)
    from_, day = voice.from_(transfer.sender.legal_name), voice.day_of(transfer.occurred_at)
    return voice.say("file_from", from_=from_, day=day)
