"""The path of a number from hand to hand, as nodes and arrows, and the same as a list. Pure."""

import uuid
from collections.abc import Iterator, Sequence

from service.disclosure.agreement import CONTRADICTED, SURE, standing
from service.disclosure.blocks import Picture, Section, Topic
from service.disclosure.messages import short_messages
from service.disclosure.origins import tell_collected, tell_orphans, when_collected
from service.disclosure.phrasebook import Phrasebook
from service.disclosure.recipients import tell_erased, tell_hand
from service.disclosure.subject_answer import SubjectAnswer
from service.disclosure.svg import Arrow, Diagram, Firmness, Node, draw_narrow, draw_wide
from service.provenance.answer.references import OrganisationRef, OrganisationView
from service.provenance.answer.schemas import Origin, TransferView


def tell_path(inquiry: SubjectAnswer, voice: Phrasebook) -> Section:
    """The section with the picture."""
    diagram = make_diagram(inquiry, voice)
    alternative = list(_alternative(inquiry, voice))
    picture = Picture(
        title=diagram.title,
        wide=draw_wide(diagram, alternative),
        narrow=draw_narrow(diagram, alternative),
        alternative=alternative,
    )
    return Section(topic=Topic.PICTURE, title=voice.say("picture_title"), blocks=[picture])


def make_diagram(inquiry: SubjectAnswer, voice: Phrasebook) -> Diagram:
    """Every organisation once, with what happened there, and an arrow for each transfer."""
    organisations = _organisations(inquiry)
    transfers = inquiry.answer.transfers
    arrows = [Arrow(one.sender.id, one.recipient.id, _firmness(one)) for one in transfers]
    nodes = [
        Node(one.id, one.legal_name, tuple(_notes(inquiry, voice, one)), is_client=_is_client(inquiry, one.id))
        for one in organisations
    ]
    return Diagram(voice.say("picture_name"), tuple(nodes), tuple(dict.fromkeys(arrows)))


def _organisations(inquiry: SubjectAnswer) -> list[OrganisationRef | OrganisationView]:
    """Whoever had the number, collectors first and the others in the order in which it came to them."""
    answer = inquiry.answer
    found: dict[uuid.UUID, OrganisationRef | OrganisationView] = {}
    named: Sequence[OrganisationRef | OrganisationView] = [
        *(one.collector for one in answer.origins),
        *(side for one in answer.transfers for side in (one.sender, one.recipient)),
        *(one.dataset.holder for one in answer.holdings),
        *(one.dataset.holder for one in answer.erasures),
    ]
    for one in named:
        found.setdefault(one.id, one)
    return list(found.values())


def _is_client(inquiry: SubjectAnswer, organisation_id: uuid.UUID) -> bool:
    clients = (one.organisation.id for one in inquiry.answer.recipients if one.kind == "client")
    return organisation_id in clients or any(one.party.id == organisation_id for one in inquiry.answer.campaigns)


def _firmness(transfer: TransferView) -> Firmness:
    how = standing(transfer)
    if how in CONTRADICTED:
        return Firmness.CONTRADICTED
    return Firmness.SURE if how in SURE else Firmness.CLAIMED


def _notes(
    inquiry: SubjectAnswer, voice: Phrasebook, organisation: OrganisationRef | OrganisationView
) -> Iterator[str]:
    answer = inquiry.answer
    for origin in answer.origins:
        if origin.collector.id == organisation.id:
            yield voice.say("picture_collected", when=_when(inquiry, voice, origin))
    if any(one.dataset.holder.id == organisation.id for one in answer.orphans):
        yield voice.say("picture_no_origin")
    for transfer in answer.transfers:
        if transfer.recipient.id == organisation.id:
            yield _arrival(inquiry, voice, transfer)
    sent = sum(one.party.id == organisation.id for one in inquiry.campaigns)
    if sent:
        yield voice.say("picture_sent_one" if sent == 1 else "picture_sent_many", count=voice.count(sent))
    if organisation.id in inquiry.erased:
        _, erased_at = inquiry.erased[organisation.id]
        yield voice.say("picture_erased", day=voice.day_of(erased_at))


def _when(inquiry: SubjectAnswer, voice: Phrasebook, origin: Origin) -> str:
    if origin not in inquiry.origins:
        return voice.say("picture_earlier")
    return when_collected(inquiry, voice, origin)


def _arrival(inquiry: SubjectAnswer, voice: Phrasebook, transfer: TransferView) -> str:
    from_ = voice.from_(transfer.sender.legal_name)
    if not inquiry.owned_at(transfer.occurred_at):
        return voice.say("picture_received_earlier", from_=from_)
    return voice.say(f"picture_{standing(transfer)}", from_=from_, day=voice.day_of(transfer.occurred_at))


def _alternative(inquiry: SubjectAnswer, voice: Phrasebook) -> Iterator[str]:
    """What the picture shows, in sentences and in order of time."""
    for origin in inquiry.answer.origins:
        if origin in inquiry.origins:
            yield voice.say("sentence", sentence=tell_collected(inquiry, voice, origin))
        else:
            yield voice.say("collected_earlier", collector=origin.collector.legal_name)
    yield from tell_orphans(inquiry, voice)
    for transfer in inquiry.answer.transfers:
        if inquiry.owned_at(transfer.occurred_at):
            yield tell_hand(voice, transfer)
        else:
            from_ = voice.from_(transfer.sender.legal_name)
            yield voice.say("hand_earlier", recipient=transfer.recipient.legal_name, from_=from_)
    yield from short_messages(inquiry, voice)
    yield from tell_erased(inquiry, voice)
