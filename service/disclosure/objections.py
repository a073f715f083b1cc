"""Objections, what became of them, and which messages came after them. Facts with their times, and no verdict. Pure."""

from collections.abc import Iterator, Sequence

from service.core.vocabulary import CampaignState, ObjectionSource, Purpose, RelayState
from service.disclosure.blocks import Block, Bullets, Heading, Paragraph, Section, Table, Topic
from service.disclosure.phrasebook import Phrasebook
from service.disclosure.subject_answer import SubjectAnswer
from service.objection.applies import Use, covers
from service.objection.contest_schemas import ContestedOrigin
from service.objection.create import OPEN_STATES
from service.objection.schemas import CheckView, FlagView, ObjectionOut, RelayView
from service.provenance.answer.campaign_schemas import CampaignView
from service.wording.typography import capitalised


def applies_to(subject: SubjectAnswer, objection: ObjectionOut, campaign: CampaignView) -> bool:
    """Whether the scope of an objection includes a campaign."""
    organisations = [campaign.party] if campaign.sender is None else [campaign.party, campaign.sender]
    purpose_of = {transfer.id: transfer.purpose for transfer in subject.answer.transfers}
    purposes = {purpose_of[use.transfer_id] for use in campaign.through if use.transfer_id in purpose_of}
    if campaign.poll_on:
        purposes.add(Purpose.POLITICAL_CANVASSING)
    return covers(objection, Use([organisation.id for organisation in organisations], purposes))


def came_after(objection: ObjectionOut, campaign: CampaignView) -> bool:
    """Whether all of a campaign was sent after an objection. The one that a STOP replies to came before it."""
    return not _is_reply_to(objection, campaign) and campaign.began_at >= objection.occurred_at


def came_meanwhile(objection: ObjectionOut, campaign: CampaignView) -> bool:
    """Whether an objection came while a campaign was being sent, so that nobody knows which came first."""
    during = campaign.began_at < objection.occurred_at < campaign.ended_at
    return not _is_reply_to(objection, campaign) and during


def _is_reply_to(objection: ObjectionOut, campaign: CampaignView) -> bool:
    return objection.campaign is not None and objection.campaign.id == campaign.id


def after_objections(subject: SubjectAnswer, book: Phrasebook, campaign: CampaignView) -> list[str]:
    """A sentence for each objection that a campaign came after, or may have."""
    phrases, sentences = book.phrases.objections, []
    for objection in subject.own_objections:
        if applies_to(subject, objection, campaign):
            name = name_objection(book, objection)
            if campaign.state is CampaignState.PLANNED:
                sentences.append(phrases.planned_after.format(objection=name))
            elif came_after(objection, campaign):
                at_least, elapsed = _elapsed(book, objection, campaign)
                phrase = phrases.sent_after_at_least if at_least else phrases.sent_after
                sentences.append(phrase.format(elapsed=elapsed, objection=name))
            elif came_meanwhile(objection, campaign):
                sentences.append(phrases.sent_meanwhile.format(objection=name))
    return sentences


def _elapsed(book: Phrasebook, objection: ObjectionOut, campaign: CampaignView) -> tuple[bool, str]:
    """Whether a campaign's last message came noticeably later than its first, and the time until the first."""
    until_first = book.elapsed(objection.occurred_at, campaign.began_at)
    return until_first != book.elapsed(objection.occurred_at, campaign.ended_at), until_first


def late_message_sentences(subject: SubjectAnswer, book: Phrasebook) -> list[str]:
    """For each objection how many messages came after it, if any did."""
    sentences = []
    for objection in subject.own_objections:
        count = len(_late_campaigns(subject, objection))
        if count:
            phrase, name = book.phrases.objections.late.of(count), name_objection(book, objection)
            sentences.append(phrase.format(count=book.count(count), objection=name))
    return sentences


def _late_campaigns(subject: SubjectAnswer, objection: ObjectionOut) -> list[CampaignView]:
    return [
        campaign
        for campaign in subject.campaigns
        if applies_to(subject, objection, campaign) and came_after(objection, campaign)
    ]


def name_objection(book: Phrasebook, objection: ObjectionOut) -> str:
    """How the person would call it: "your STOP of 6 June 2024", and which organisation recorded it, if one did."""
    phrases, when = book.phrases.objections, _when(book, objection)
    if objection.recorded_by is None:
        return phrases.name.of(objection.source, objection.kind).format(when=when)
    phrase = phrases.name_recorded_by.of(objection.source, objection.kind)
    return phrase.format(when=when, who=objection.recorded_by.legal_name)


def _when(book: Phrasebook, objection: ObjectionOut) -> str:
    """The moment. A letter to a holder has a day alone."""
    moment = objection.occurred_at
    return book.day_of(moment) if objection.source is ObjectionSource.HOLDER else book.moment(moment)


def objections_section(subject: SubjectAnswer, book: Phrasebook) -> Section:
    """The section on objections, with what each holder did about them."""
    phrases = book.phrases.objections
    blocks: list[Block] = []
    for objection in subject.own_objections:
        blocks += _objection_blocks(subject, book, objection)
    if not blocks:
        blocks.append(Paragraph(text=phrases.none.of(concerns_another=subject.concerns_another)))
    return Section(topic=Topic.OBJECTIONS, title=phrases.section_title, blocks=blocks)


def _objection_blocks(subject: SubjectAnswer, book: Phrasebook, objection: ObjectionOut) -> Iterator[Block]:
    phrases = book.phrases.objections
    heading = phrases.heading.of(objection.source, objection.kind)
    yield Heading(text=heading.format(when=_when(book, objection)))
    if objection.origin is not None:
        yield from _contest_blocks(book, objection, objection.origin)
    else:
        yield Paragraph(text=f"{_arrival(subject, book, objection)} {_scope(book, objection)}")
        if objection.check:
            yield Paragraph(text=_check(book, objection.check) + ".")
        yield from _late_message_blocks(subject, book, objection)
    if objection.flags:
        yield Paragraph(text=phrases.flags)
        yield Bullets(items=[_flag(book, flag) for flag in objection.flags])
    if objection.relays:
        header = [phrases.column_holder, phrases.column_state, phrases.column_since]
        rows = [_relay_row(book, relay) for relay in objection.relays]
        # Each table of a page has a caption of its own.
        caption = phrases.relays.format(objection=name_objection(book, objection))
        yield Table(caption=caption, header=header, rows=rows)
    elif not objection.check:
        yield Paragraph(text=phrases.no_relays)


def _contest_blocks(book: Phrasebook, objection: ObjectionOut, origin: ContestedOrigin) -> Iterator[Block]:
    """What the person contests, that they took it back, and what the collector answered."""
    phrases = book.phrases.objections
    yield Paragraph(text=phrases.contested.format(collector=origin.collector.legal_name))
    if objection.withdrawn_at is not None:
        yield Paragraph(text=phrases.taken_back.format(day=book.day_of(objection.withdrawn_at)))
    for answer in objection.answers:
        day, quoted = book.day_of(answer.recorded_at), book.quoted_at_end(answer.answer_text)
        yield Paragraph(text=phrases.answered.format(who=answer.organisation.legal_name, day=day, quoted=quoted))
        if answer.consent_record_id:
            yield Paragraph(text=phrases.answered_reference.format(record=answer.consent_record_id))


def _arrival(subject: SubjectAnswer, book: Phrasebook, objection: ObjectionOut) -> str:
    """How the objection reached the registry."""
    phrases = book.phrases.objections
    if objection.source is ObjectionSource.PERSON:
        return phrases.made_here
    to_message, recorder = _answered_message(subject, book, objection), objection.recorded_by
    if recorder is None:
        return phrases.stop_reply.format(to_message=to_message)
    who, day = recorder.legal_name, book.day_of(objection.recorded_at)
    if objection.source is ObjectionSource.STOP:
        return phrases.stop_reply_reported.format(to_message=to_message, who=who, day=day)
    return phrases.received_by_holder.format(who=who, day=day)


def _answered_message(subject: SubjectAnswer, book: Phrasebook, objection: ObjectionOut) -> str:
    """The message that a STOP replied to, with its party if the report shows that campaign."""
    phrases = book.phrases.objections
    for campaign in [*subject.campaigns, *subject.campaigns_not_sent]:
        if _is_reply_to(objection, campaign):
            return phrases.to_message_from.format(from_sender=book.from_sender(campaign.party.legal_name))
    return phrases.to_message


def _scope(book: Phrasebook, objection: ObjectionOut) -> str:
    phrases = book.phrases.objections
    if objection.organisation:
        return phrases.applies_to_organisation.format(organisation=objection.organisation.legal_name)
    if objection.purpose:
        return phrases.applies_to_purpose.format(purpose=book.terms.purpose(objection.purpose))
    return phrases.applies_to_everything


def _late_message_blocks(subject: SubjectAnswer, book: Phrasebook, objection: ObjectionOut) -> Sequence[Block]:
    phrases, late = book.phrases.objections, _late_campaigns(subject, objection)
    if not late:
        return [Paragraph(text=phrases.none_after)]
    return [
        Paragraph(text=phrases.messages_after),
        Bullets(items=[_late_message(book, objection, campaign) for campaign in late]),
    ]


def _late_message(book: Phrasebook, objection: ObjectionOut, campaign: CampaignView) -> str:
    phrases = book.phrases.objections
    at_least, elapsed = _elapsed(book, objection, campaign)
    when = book.span(campaign.began_at, campaign.ended_at)
    phrase = phrases.message_after_at_least if at_least else phrases.message_after
    return phrase.format(party=campaign.party.legal_name, when=when, elapsed=elapsed)


def _relay_row(book: Phrasebook, relay: RelayView) -> list[str]:
    since = relay.ended_at or relay.acknowledged_at or relay.delivered_at or relay.recorded_at
    return [book.name(relay.holder), _state(book, relay), book.day_of(since)]


def _state(book: Phrasebook, relay: RelayView) -> str:
    phrases, state = book.phrases.objections, capitalised(book.terms.relay_state(relay.state))
    if relay.state is RelayState.REFUSED and relay.refusal:
        return phrases.refused.format(state=state, refusal=relay.refusal)
    if relay.state is RelayState.UNDELIVERABLE:
        contact = book.address_of(relay.holder)
        return phrases.undeliverable.format(state=state, contact=contact)
    if relay.check is not None:
        return _check(book, relay.check)
    if relay.due_on is not None and relay.state in OPEN_STATES:
        phrase = phrases.overdue if relay.overdue else phrases.answer_due
        state = phrase.format(state=state, day=book.day(relay.due_on))
        if relay.extended_at is not None:
            return phrases.extended.format(state=state, day=book.day_of(relay.extended_at), reason=relay.delay)
    return state


def _check(book: Phrasebook, check: CheckView) -> str:
    phrases, state = book.phrases.objections, capitalised(book.terms.relay_state(RelayState.WAITING))
    phrase = phrases.check_overdue if check.overdue else phrases.check_due
    return phrase.format(state=state, name=check.organisation.legal_name, day=book.day_of(check.due_at))


def _flag(book: Phrasebook, flag: FlagView) -> str:
    phrases, holder, day = book.phrases.objections, flag.holder.legal_name, book.day_of(flag.recorded_at)
    if flag.campaign is None:
        return phrases.flagged_dataset.format(holder=holder, day=day)
    is_planned = flag.campaign.state is CampaignState.PLANNED
    phrase = phrases.flagged_campaign_planned if is_planned else phrases.flagged_campaign
    return phrase.format(holder=holder, day=day, name=book.quoted(flag.campaign.name))
