"""A person's answer as a story: in short, as a picture, and then part by part. Pure.

It repeats what organisations said, and who confirms it. What may be said for certain is said plainly; whatever one
side alone says is put into that side's mouth; and nothing is judged.
"""

import uuid
from collections.abc import Iterator

from service.disclosure.agreement import CONTRADICTED, RECEIVED, Standing, standing
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
from service.disclosure.diagram import tell_path
from service.disclosure.messages import short_messages, tell_messages
from service.disclosure.objections import short_late, tell_objections
from service.disclosure.origins import short_origins, tell_origins, tell_orphans
from service.disclosure.phrasebook import Phrasebook, who
from service.disclosure.recipients import short_hands, tell_erased, tell_hand, tell_recipients
from service.disclosure.registry import answered_by, tell_registry
from service.disclosure.subject_answer import SubjectAnswer, since_owned
from service.number.normalisation import international_format
from service.provenance.answer.references import OrganisationView
from service.provenance.answer.schemas import TransferView
from service.wording.language import Language

CNIL = "https://www.cnil.fr/fr/plaintes"


def write_report(inquiry: SubjectAnswer, language: Language, *, reference: str | None = None) -> Report:
    """The story of a number, for its person."""
    voice, answer = Phrasebook(language), inquiry.answer
    return Report(
        language=language,
        title=voice.say("title"),
        number=international_format(inquiry.number),
        reference=reference,
        told_at=answer.as_of,
        told=voice.say("told", moment=voice.moment(answer.as_of)),
        graph_version=answer.graph_version,
        held=answer.held,
        answered_by=answered_by(inquiry, voice),
        sections=list(_sections(inquiry, voice)),
    )


def _sections(inquiry: SubjectAnswer, voice: Phrasebook) -> Iterator[Section]:
    yield Section(topic=Topic.ANSWER, title=voice.say("answer_title"), blocks=list(_short(inquiry, voice)))
    if inquiry.is_known:
        told = tell_path(inquiry, voice), tell_origins(inquiry, voice), tell_recipients(inquiry, voice)
        yield from (section for section in told if section is not None)
        yield tell_messages(inquiry, voice)
    gaps = list(_gaps(inquiry, voice))
    if gaps:
        bullets = Bullets(items=gaps)
        yield Section(topic=Topic.GAPS, title=voice.say("gaps_title"), blocks=[bullets])
    if inquiry.concerns_another and inquiry.owned_since is not None:
        yield _earlier(inquiry, voice)
    yield tell_objections(inquiry, voice)
    yield Section(topic=Topic.NEXT, title=voice.say("next_title"), blocks=list(_next(inquiry, voice)))
    yield tell_registry(inquiry, voice)


def _short(inquiry: SubjectAnswer, voice: Phrasebook) -> Iterator[Block]:
    if not inquiry.is_known:
        yield Paragraph(text=voice.say("nobody"))
        yield Paragraph(text=voice.say("nobody_means"))
        return
    if not inquiry.answer.held:
        yield Paragraph(text=voice.say("nobody_any_more"))
    yield from (Paragraph(text=sentence) for sentence in short_origins(inquiry, voice))
    yield from _astray(inquiry, voice)
    hands = short_hands(inquiry, voice)
    if hands:
        yield Paragraph(text=" ".join(hands))
    messages = short_messages(inquiry, voice) or [voice.say(since_owned(inquiry, "sent_none"))]
    yield Paragraph(text=" ".join(messages))
    if inquiry.answer.held:
        holders = voice.list([one.legal_name for one in inquiry.holders])
        yield Paragraph(text=voice.say("held_now", holders=holders))
    if inquiry.concerns_another and inquiry.owned_since is not None:
        yield Paragraph(text=voice.say("earlier_short", day=voice.day(inquiry.owned_since)))
    erased = tell_erased(inquiry, voice)
    if erased:
        yield Paragraph(text=" ".join(erased))
    yield from (Callout(tone=Tone.ATTENTION, text=late) for late in short_late(inquiry, voice))
    yield Callout(tone=Tone.INFORMATION, text=voice.say("only_facts"))


def _astray(inquiry: SubjectAnswer, voice: Phrasebook) -> Iterator[Block]:
    astray = {one.dataset.holder.id: one.dataset.holder.legal_name for one in inquiry.answer.orphans}
    if not astray:
        return
    holding = [name for holder, name in astray.items() if holder not in inquiry.erased]
    named = holding or list(astray.values())
    phrase = f"no_origin_{'held_by' if holding else 'had_by'}_{'one' if len(named) == 1 else 'many'}"
    if inquiry.answer.origins:
        phrase = "no_origin_besides"
    yield Callout(tone=Tone.ATTENTION, text=voice.say(phrase, holders=voice.list(named)))


def _gaps(inquiry: SubjectAnswer, voice: Phrasebook) -> Iterator[str]:
    """What is missing, disputed or denied."""
    yield from tell_orphans(inquiry, voice)
    for origin in inquiry.origins:
        collector = origin.collector.legal_name
        if not origin.attested:
            yield voice.say("gap_unattested", collector=collector, who=who(voice, origin))
        if origin.consented_at is None:
            yield voice.say("gap_consent_unknown", collector=collector)
    for transfer in inquiry.transfers:
        yield from _doubts(inquiry, voice, transfer)
    if inquiry.answer.chains_truncated:
        yield voice.say("gap_chains")


def _doubts(inquiry: SubjectAnswer, voice: Phrasebook, transfer: TransferView) -> Iterator[str]:
    how = standing(transfer)
    if how in CONTRADICTED or how is Standing.SENDER_ALONE:
        yield tell_hand(voice, transfer)
    if how in CONTRADICTED:
        for said in transfer.statements:
            if said.comment:
                day, quoted = voice.day_of(said.recorded_at), voice.quoted_at_end(said.comment)
                yield voice.say("said", who=who(voice, said), day=day, quoted=quoted)
    if how is Standing.SENDER_ALONE:
        used = [one for one in inquiry.campaigns if any(use.transfer_id == transfer.id for use in one.through)]
        names = transfer.recipient.legal_name, transfer.sender.legal_name
        yield from (voice.say("gap_used", party=names[0], sender=names[1]) for _ in used[:1])


def _earlier(inquiry: SubjectAnswer, voice: Phrasebook) -> Section:
    since = inquiry.owned_since
    assert since is not None
    blocks: list[Block] = [Paragraph(text=voice.say("earlier", day=voice.day(since)))]
    if inquiry.earlier_organisations:
        blocks.append(Bullets(items=inquiry.earlier_organisations))
    if len(inquiry.own_objections) < len(inquiry.objections):
        blocks.append(Paragraph(text=voice.say("earlier_objections")))
    return Section(topic=Topic.EARLIER, title=voice.say("earlier_title"), blocks=blocks)


def _next(inquiry: SubjectAnswer, voice: Phrasebook) -> Iterator[Block]:
    held = inquiry.answer.held
    steps = {Action.OBJECT: "object_text" if held else "object_nobody_text"}
    if held:
        steps[Action.ERASE] = "erase_text"
    steps |= {Action.DOWNLOAD: "download_text", Action.COMPLAIN: "complain_text"}
    yield Steps(
        items=[
            Step(
                action=action,
                title=voice.say(f"{action}_title"),
                text=voice.say(text),
                address=CNIL if action is Action.COMPLAIN else None,
            )
            for action, text in steps.items()
        ]
    )
    yield Paragraph(text=voice.say("only_number"))
    contacts = _contacts(inquiry, voice)
    if contacts:
        yield Paragraph(text=voice.say("rights"))
        yield Contacts(items=contacts)


def _contacts(inquiry: SubjectAnswer, voice: Phrasebook) -> list[Contact]:
    """Everybody to whom the person can write, with what each has to do with the number."""
    answer = inquiry.answer
    surely = _own_word(inquiry)
    known: dict[uuid.UUID, Contact] = {}
    for organisations, note in (
        ([one for one in inquiry.holders if one.id in surely], "contact_holds"),
        (inquiry.holders, "contact_said_to_hold"),
        ([one.collector for one in answer.origins], "contact_collected"),
        ([one.organisation for one in answer.recipients], "contact_said_to"),
        ([one.sender for one in answer.campaigns if one.sender], "contact_sent"),
    ):
        for one in organisations:
            if one.id not in known:
                known[one.id] = _contact(voice, one, "contact_erased" if one.id in inquiry.erased else note)
    return list(known.values())


def _own_word(inquiry: SubjectAnswer) -> set[uuid.UUID]:
    """The organisations of which it is not by another's word alone that they have the number: they say or used it."""
    answer = inquiry.answer
    registered = {one.dataset.holder.id for one in answer.holdings if one.asserted_by == one.dataset.holder}
    received = {one.recipient.id for one in answer.transfers if standing(one) in RECEIVED}
    return registered | received | {one.party.id for one in answer.campaigns}


def _contact(voice: Phrasebook, organisation: OrganisationView, note: str) -> Contact:
    return Contact(
        organisation_id=organisation.id,
        name=organisation.legal_name,
        privacy_contact=organisation.privacy_contact,
        note=voice.say(note),
    )
