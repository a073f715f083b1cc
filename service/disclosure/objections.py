"""Objections, what became of them, and which messages came after them. Facts with their times, and no verdict. Pure."""

from collections.abc import Iterator, Sequence

from service.core.vocabulary import ObjectionKind, ObjectionSource, Purpose, RelayState
from service.disclosure.blocks import Block, Bullets, Heading, Paragraph, Section, Table, Topic
from service.disclosure.phrasebook import Phrasebook
from service.disclosure.subject_answer import SubjectAnswer, since_owned
from service.objection.create import OPEN
from service.objection.schemas import FlagView, ObjectionOut, RelayView
from service.provenance.answer.schemas import CampaignView


def concerns(inquiry: SubjectAnswer, objection: ObjectionOut, campaign: CampaignView) -> bool:
    """Whether the scope of an objection takes in a campaign."""
    if objection.organisation is not None:
        return objection.organisation.id in {campaign.party.id, campaign.sender.id if campaign.sender else None}
    if objection.purpose is not None:
        purposes = {one.id: one.purpose for one in inquiry.answer.transfers}
        used = {purposes.get(use.transfer_id) for use in campaign.through if use.transfer_id}
        canvassed = {Purpose.POLITICAL_CANVASSING} if campaign.poll_on else set()
        return objection.purpose in used | canvassed
    return True


def came_after(objection: ObjectionOut, campaign: CampaignView) -> bool:
    """Whether all of a campaign was sent after an objection. The one that a STOP replies to came before it."""
    return not _answers(objection, campaign) and campaign.began_at >= objection.occurred_at


def came_meanwhile(objection: ObjectionOut, campaign: CampaignView) -> bool:
    """Whether an objection came while a campaign was being sent, so that nobody knows which was first."""
    during = campaign.began_at < objection.occurred_at < campaign.ended_at
    return not _answers(objection, campaign) and during


def _answers(objection: ObjectionOut, campaign: CampaignView) -> bool:
    return objection.campaign is not None and objection.campaign.id == campaign.id


def after_objections(inquiry: SubjectAnswer, voice: Phrasebook, campaign: CampaignView) -> list[str]:
    """A sentence for each objection that a campaign came after, or may have."""
    told = []
    for objection in inquiry.own_objections:
        if concerns(inquiry, objection, campaign):
            if came_after(objection, campaign):
                least, gone = _elapsed(voice, objection, campaign)
                phrase = "sent_after_at_least" if least else "sent_after"
                told.append(voice.say(phrase, elapsed=gone, objection=name_objection(voice, objection)))
            elif came_meanwhile(objection, campaign):
                told.append(voice.say("sent_meanwhile", objection=name_objection(voice, objection)))
    return told


def _elapsed(voice: Phrasebook, objection: ObjectionOut, campaign: CampaignView) -> tuple[bool, str]:
    """The time until a campaign began, and whether its last message came noticeably later."""
    gone = voice.elapsed(objection.occurred_at, campaign.began_at)
    return gone != voice.elapsed(objection.occurred_at, campaign.ended_at), gone


def short_late(inquiry: SubjectAnswer, voice: Phrasebook) -> list[str]:
    """For each objection how many messages came after it, if any did."""
    told = []
    for objection in inquiry.own_objections:
        late = len(_late(inquiry, objection))
        if late:
            phrase = "late_one" if late == 1 else "late_many"
            named = name_objection(voice, objection)
            told.append(voice.say(phrase, count=voice.count(late), objection=named))
    return told


def _late(inquiry: SubjectAnswer, objection: ObjectionOut) -> list[CampaignView]:
    scoped = (one for one in inquiry.campaigns if concerns(inquiry, objection, one))
    return [one for one in scoped if came_after(objection, one)]


def name_objection(voice: Phrasebook, objection: ObjectionOut) -> str:
    """Your STOP of such a moment, which such a one recorded."""
    noun = _noun(objection)
    named = voice.say(f"the_{noun}", when=_when(voice, objection))
    if objection.recorded_by is None:
        return named
    gender = "m" if objection.source is ObjectionSource.STOP else "f"
    return voice.say(f"which_they_recorded_{gender}", objection=named, who=objection.recorded_by.legal_name)


def _noun(objection: ObjectionOut) -> str:
    if objection.source is ObjectionSource.STOP:
        return "stop"
    return "erasure" if objection.kind is ObjectionKind.ERASURE else "objection"


def _when(voice: Phrasebook, objection: ObjectionOut) -> str:
    """The moment; of a letter to a holder only the day means anything."""
    at = objection.occurred_at
    return voice.day_of(at) if objection.source is ObjectionSource.HOLDER else voice.moment(at)


def tell_objections(inquiry: SubjectAnswer, voice: Phrasebook) -> Section:
    """The section on objections, with each hop."""
    blocks: list[Block] = []
    for objection in inquiry.own_objections:
        blocks += _objection(inquiry, voice, objection)
    if not blocks:
        blocks.append(Paragraph(text=voice.say(since_owned(inquiry, "objections_none"))))
    return Section(topic=Topic.OBJECTIONS, title=voice.say("objections_title"), blocks=blocks)


def _objection(inquiry: SubjectAnswer, voice: Phrasebook, objection: ObjectionOut) -> Iterator[Block]:
    yield Heading(text=voice.say(f"heading_{_noun(objection)}", when=_when(voice, objection)))
    yield Paragraph(
        text=voice.say("sentences", first=_came(inquiry, voice, objection), second=_reach(voice, objection))
    )
    yield from _messages(inquiry, voice, objection)
    if objection.flags:
        yield Paragraph(text=voice.say("flags"))
        yield Bullets(items=[_flag(voice, flag) for flag in objection.flags])
    if objection.relays:
        header = [voice.say("column_holder"), voice.say("column_state"), voice.say("column_when")]
        rows = [_relay(voice, relay) for relay in objection.relays]
        yield Table(caption=voice.say("relays"), header=header, rows=rows)
    else:
        yield Paragraph(text=voice.say("no_relays"))


def _came(inquiry: SubjectAnswer, voice: Phrasebook, objection: ObjectionOut) -> str:
    if objection.source is ObjectionSource.PERSON:
        return voice.say("came_person")
    to_message = _answered(inquiry, voice, objection)
    if objection.recorded_by is None:
        return voice.say("came_stop", to_message=to_message)
    phrase = "came_stop_told" if objection.source is ObjectionSource.STOP else "came_holder"
    teller, day = objection.recorded_by.legal_name, voice.day_of(objection.recorded_at)
    return voice.say(phrase, who=teller, day=day, to_message=to_message)


def _answered(inquiry: SubjectAnswer, voice: Phrasebook, objection: ObjectionOut) -> str:
    """To whose message a STOP was the reply, as far as the person is told of that message: others came after it."""
    party = next((one.party.legal_name for one in inquiry.campaigns if _answers(objection, one)), None)
    return voice.say("to_message_of", from_=voice.from_(party)) if party else voice.say("to_message")


def _reach(voice: Phrasebook, objection: ObjectionOut) -> str:
    if objection.organisation:
        return voice.say("reach_organisation", organisation=objection.organisation.legal_name)
    if objection.purpose:
        return voice.say("reach_purpose", purpose=voice.term(objection.purpose))
    return voice.say("reach_everything")


def _messages(inquiry: SubjectAnswer, voice: Phrasebook, objection: ObjectionOut) -> Sequence[Block]:
    late = _late(inquiry, objection)
    if not late:
        return [Paragraph(text=voice.say("none_after"))]
    return [
        Paragraph(text=voice.say("messages_after")),
        Bullets(items=[_message(voice, objection, campaign) for campaign in late]),
    ]


def _message(voice: Phrasebook, objection: ObjectionOut, campaign: CampaignView) -> str:
    least, gone = _elapsed(voice, objection, campaign)
    when = voice.span(campaign.began_at, campaign.ended_at)
    phrase = "message_after_at_least" if least else "message_after"
    return voice.say(phrase, party=campaign.party.legal_name, when=when, elapsed=gone)


def _relay(voice: Phrasebook, relay: RelayView) -> list[str]:
    since = relay.ended_at or relay.acknowledged_at or relay.delivered_at or relay.recorded_at
    return [relay.holder.legal_name, _state(voice, relay), voice.day_of(since)]


def _state(voice: Phrasebook, relay: RelayView) -> str:
    state = voice.term(relay.state)
    if relay.state is RelayState.REFUSED and relay.refusal:
        return voice.say("state_refused", refusal=relay.refusal)
    if relay.state is RelayState.UNDELIVERABLE and relay.holder.privacy_contact:
        return voice.say("state_undeliverable", contact=relay.holder.privacy_contact)
    if relay.state in OPEN:
        return voice.say("overdue" if relay.overdue else "answer_due", state=state, day=voice.day_of(relay.due_at))
    return state


def _flag(voice: Phrasebook, flag: FlagView) -> str:
    holder, day = flag.holder.legal_name, voice.day_of(flag.recorded_at)
    if flag.campaign is None:
        return voice.say("flag_dataset", holder=holder, day=day)
    return voice.say("flag_campaign", holder=holder, day=day, name=voice.quoted(flag.campaign.name))
