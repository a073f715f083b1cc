"""Through whose hands a number passed, in words: every recipient by name (GDPR 15(1)(c); CJEU C-154/21). Pure."""

import uuid
from collections.abc import Iterator, Sequence
from itertools import groupby

from service.core.vocabulary import Role, TransferStatus
from service.disclosure.agreement import SURE, Standing, standing
from service.disclosure.blocks import Block, Fact, Facts, Heading, Paragraph, Section, Topic
from service.disclosure.phrasebook import Phrasebook, who
from service.disclosure.subject_answer import SubjectAnswer, since_owned
from service.provenance.answer.references import OrganisationView
from service.provenance.answer.schemas import TransferView


def short_hands(inquiry: SubjectAnswer, voice: Phrasebook) -> list[str]:
    """Who received the number from whom and when, in sentences: recipients in the order in which they got it."""
    told: list[str] = []
    for transfers in by_recipient(inquiry.transfers).values():
        told += _sentences(voice, transfers)
    return told


def by_recipient(transfers: Sequence[TransferView]) -> dict[uuid.UUID, list[TransferView]]:
    """Transfers by who received them, each in order of time."""
    found: dict[uuid.UUID, list[TransferView]] = {}
    for one in transfers:
        found.setdefault(one.recipient.id, []).append(one)
    return found


def _sentences(voice: Phrasebook, transfers: Sequence[TransferView]) -> Iterator[str]:
    """What a recipient itself says it got is one sentence; whatever is less sure is one for each transfer."""
    ordered = sorted(transfers, key=lambda one: list(Standing).index(standing(one)))
    for how, group in groupby(ordered, key=standing):
        alike = list(group)
        if how in SURE:
            recipient, parts = alike[0].recipient.legal_name, voice.list(_parts(voice, alike))
            yield voice.say(f"hand_{how}", recipient=recipient, parts=parts)
        else:
            yield from (tell_hand(voice, one) for one in alike)


def _parts(voice: Phrasebook, transfers: Sequence[TransferView]) -> list[str]:
    return [
        voice.say("from_on", from_=voice.from_(one.sender.legal_name), day=voice.day_of(one.occurred_at))
        for one in transfers
    ]


def tell_hand(voice: Phrasebook, transfer: TransferView) -> str:
    """One transfer in a sentence, as far as it is sure."""
    from_, day = voice.from_(transfer.sender.legal_name), voice.day_of(transfer.occurred_at)
    return voice.say(
        f"hand_{standing(transfer)}",
        recipient=transfer.recipient.legal_name,
        sender=transfer.sender.legal_name,
        from_=from_,
        day=day,
        parts=voice.say("from_on", from_=from_, day=day),
        who=who(voice, transfer),
    )


def tell_erased(inquiry: SubjectAnswer, voice: Phrasebook) -> list[str]:
    """One sentence for each organisation that erased the number."""
    return [voice.say("erased", holder=name, day=voice.day_of(day)) for name, day in inquiry.erased.values()]


def tell_recipients(inquiry: SubjectAnswer, voice: Phrasebook) -> Section:
    """The section on recipients, and on those who sent messages for them."""
    blocks: list[Block] = []
    organisations = {one.organisation.id: one.organisation for one in inquiry.answer.recipients}
    received = by_recipient(inquiry.transfers)
    for recipient_id, transfers in received.items():
        blocks += _recipient(inquiry, voice, organisations[recipient_id], transfers)
    blocks.insert(0, Paragraph(text=_counted(inquiry, voice, len(received))))
    processors = _processors(inquiry)
    if processors:
        # They are recipients too, whoever they act for (GDPR 4(9)).
        names = voice.list([sender.legal_name for sender, _ in processors.values()])
        blocks.insert(1, Paragraph(text=voice.say("recipients_besides", names=names)))
    for sender, parties in processors.values():
        blocks.append(Heading(text=sender.legal_name))
        role = Fact(label=voice.say("label_sends_for"), value=voice.say("sends_for", parties=voice.list(parties)))
        blocks.append(Facts(items=[role, _address(voice, sender)]))
    return Section(topic=Topic.RECIPIENTS, title=voice.say("recipients_title"), blocks=blocks)


def _counted(inquiry: SubjectAnswer, voice: Phrasebook, count: int) -> str:
    how_many = {0: "none", 1: "one"}.get(count, "many")
    return voice.say(since_owned(inquiry, f"recipients_{how_many}"), count=voice.count(count))


def _processors(inquiry: SubjectAnswer) -> dict[uuid.UUID, tuple[OrganisationView, list[str]]]:
    """Who sent messages for others, and for which parties: they had the number in their hands too."""
    found: dict[uuid.UUID, tuple[OrganisationView, list[str]]] = {}
    for campaign in inquiry.campaigns:
        if campaign.sender is not None:
            _, parties = found.setdefault(campaign.sender.id, (campaign.sender, []))
            if campaign.party.legal_name not in parties:
                parties.append(campaign.party.legal_name)
    return found


def _recipient(
    inquiry: SubjectAnswer, voice: Phrasebook, organisation: OrganisationView, transfers: Sequence[TransferView]
) -> Iterator[Block]:
    yield Heading(text=organisation.legal_name)
    roles = [role for role in organisation.roles if role not in (Role.REGULATOR, Role.OPERATOR)]
    what = [Fact(label=voice.say("label_what"), value=voice.terms(roles))] if roles else []
    yield Facts(items=[*what, _address(voice, organisation)])
    for transfer in transfers:
        yield Facts(items=list(_transfer(inquiry, voice, transfer)))


def _address(voice: Phrasebook, organisation: OrganisationView) -> Fact:
    return Fact(label=voice.say("label_write"), value=organisation.privacy_contact or voice.say("no_address"))


def _transfer(inquiry: SubjectAnswer, voice: Phrasebook, transfer: TransferView) -> Iterator[Fact]:
    basis = voice.term(transfer.lawful_basis)
    purpose = voice.say(
        "purpose_and_basis", purpose=voice.term(transfer.purpose), basis=basis, who=who(voice, transfer)
    )
    (received,) = _parts(voice, [transfer])
    yield Fact(label=voice.say("label_received"), value=received)
    yield Fact(label=voice.say("label_status"), value=_status(inquiry, voice, transfer))
    yield Fact(label=voice.say("label_purpose"), value=purpose)
    if transfer.targeting:
        criteria = [_criterion(voice, one.criterion, one.selection, one.source) for one in transfer.targeting]
        yield Fact(label=voice.say("label_targeting"), value=" ; ".join(criteria))


def _without_account(inquiry: SubjectAnswer) -> set[uuid.UUID]:
    return {one.collector.id for one in inquiry.answer.origins if not one.collector.has_account}


def _criterion(voice: Phrasebook, criterion: str, selection: str, source: str | None) -> str:
    if source is None:
        return voice.say("targeting", criterion=criterion, selection=selection)
    return voice.say("targeting_source", criterion=criterion, selection=selection, source=source)


def _status(inquiry: SubjectAnswer, voice: Phrasebook, transfer: TransferView) -> str:
    how = standing(transfer)
    phrase = f"status_{how}"
    if how is Standing.AGREED and transfer.status is TransferStatus.CONFIRMED:
        phrase = "status_confirmed"
    elif transfer.status is TransferStatus.DISPUTED and transfer.number_declared and transfer.number_received:
        phrase = "status_in_both"
    elif how is Standing.RECIPIENT_ALONE and transfer.sender.id in _without_account(inquiry):
        phrase = "status_recipient_no_account"
    sender, recipient = transfer.sender.legal_name, transfer.recipient.legal_name
    return voice.say(phrase, sender=sender, recipient=recipient, who=who(voice, transfer))
