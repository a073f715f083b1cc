"""One number's answer as a tree for the terminal: origin, hands, clients, campaigns."""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.text import Text
from rich.tree import Tree

from service.command.answer_words import PHRASES, TERMS, format_day, format_period
from service.core.vocabulary import Side, TransferStatus
from service.provenance.answer.references import DatasetRef
from service.provenance.answer.schemas import (
    Answer,
    Asserted,
    CampaignView,
    ChainView,
    Erasure,
    Holding,
    HopView,
    Origin,
    PartnerListView,
    Statement,
    TransferView,
    Use,
)
from service.wording.language import Language

_STATUS_STYLES = {
    TransferStatus.CONFIRMED: "green",
    TransferStatus.ACKNOWLEDGED: "green",
    TransferStatus.DECLARED: "yellow",
    # Disputed are the files; a hop of a chain is one of a number that both of them hold.
    TransferStatus.DISPUTED: "yellow",
    TransferStatus.DENIED: "red",
}


def shown(text: str) -> str:
    """A text that somebody sent, without what would command the terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


@dataclass
class Stay:
    """The number in one organisation's hands: the datasets it is in there, and the transfers by which it went on."""

    holder: str
    datasets: list[DatasetRef]
    onward: dict[uuid.UUID, tuple[HopView, "Stay"]] = field(default_factory=dict)


@dataclass
class _TreeContext:
    """What the functions that draw one tree share. `drawn` are the transfers that stand in the tree already."""

    answer: Answer
    language: Language
    zone: ZoneInfo
    drawn: set[uuid.UUID] = field(default_factory=set)

    def say(self, phrase: str, **values: object) -> str:
        return PHRASES[self.language][phrase].format(
            **{name: shown(value) if isinstance(value, str) else value for name, value in values.items()}
        )

    def term(self, value: str) -> str:
        return TERMS[self.language][value]

    def quote(self, text: str | None) -> str:
        return self.say("quoted", text=text) if text else "—"

    def who(self, fact: Asserted) -> str:
        if fact.asserted_by is None:
            return self.say("registry")
        who = fact.asserted_by.legal_name
        through = fact.asserted_through
        return self.say("through", who=who, processor=through.legal_name) if through else who

    def day(self, moment: datetime) -> str:
        return format_day(self.language, moment.astimezone(self.zone))


def draw(title: str, answer: Answer, language: Language, *, zone: ZoneInfo, sees_all: bool = False) -> Tree:
    """The tree of an answer under `title`.

    Days and times are given in `zone`. With `sees_all` the answer is one to an eye from which
    nothing is withheld, so that nothing found means that nobody holds the number.
    """
    context = _TreeContext(answer, language, zone)
    tree = Tree(Text(shown(title), style="bold"))
    if not answer.held:
        _add(tree, context.say("held_by_nobody" if sees_all else "nothing_seen"), "italic")
    origins = {origin.dataset.id: origin for origin in answer.origins}
    for head, stay in stays(answer.chains).items():
        branch = _origin(context, tree, origins[head]) if head in origins else _orphan(context, tree, stay)
        _stay(context, branch, stay)
    _contradictions(context, tree)
    if answer.chains_truncated:
        _add(tree, context.say("truncated"), "italic")
    return tree


def _add(branch: Tree, text: str, style: str = "") -> Tree:
    """A branch with the text to the letter: as a plain string, Rich would read markup in what somebody sent."""
    return branch.add(Text(text, style))


def stays(chains: Iterable[ChainView]) -> dict[uuid.UUID, Stay]:
    """Chains that begin alike joined, by the dataset that they begin with; within one hand nothing branches."""
    heads: dict[uuid.UUID, Stay] = {}
    for chain in chains:
        stay = heads.setdefault(chain.head.id, Stay(chain.head.holder.legal_name, [chain.head]))
        for hop in chain.hops:
            if hop.transfer_id is not None:
                arrived = Stay(hop.to_dataset.holder.legal_name, [hop.to_dataset])
                _, stay = stay.onward.setdefault(hop.transfer_id, (hop, arrived))
            elif hop.to_dataset not in stay.datasets:
                stay.datasets.append(hop.to_dataset)
    return heads


def _origin(context: _TreeContext, tree: Tree, origin: Origin) -> Tree:
    label = Text(context.say("origin", collector=origin.collector.legal_name), style="bold cyan")
    branch = tree.add(label.append(f", {_consent(context, origin)}", style="not bold default"))
    _add(branch, context.quote(origin.notice.wording), "italic")
    for line in _particulars(context, origin):
        _add(branch, line)
    _add(branch, _asserted(context, origin), "green" if origin.attested else "yellow")
    return branch


def _consent(context: _TreeContext, origin: Origin) -> str:
    """The day of consent: the collector's own word if it stands by all of it, else a claim of whoever told."""
    if origin.consented_at is None:
        return context.say("consent_unknown")
    day = context.day(origin.consented_at)
    # The days came with the file of numbers, which another may have told of than of the collection.
    files: list[Holding | Erasure] = [*context.answer.holdings, *context.answer.erasures]
    teller = next((one for one in files if one.dataset.id == origin.dataset.id), None) or origin
    if origin.attested and teller.asserted_by and teller.asserted_by.id == origin.collector.id:
        return context.say("consented_on", day=day)
    return context.say("consent_claimed", day=day, who=context.who(teller))


def _particulars(context: _TreeContext, origin: Origin) -> Iterator[str]:
    notice = origin.notice
    purposes = ", ".join(map(context.term, notice.purposes))
    yield context.say("notice", code=notice.code, mechanism=context.term(notice.mechanism), purposes=purposes)
    if origin.partner_list is not None:
        names = ", ".join(_named(context, origin.partner_list))
        valid_from = format_day(context.language, origin.partner_list.valid_from_on)
        yield context.say("recipients_named", names=names, day=valid_from)
        yield from _list_teller(context, origin, origin.partner_list)
    else:
        yield context.say("list_none" if origin.consented_at else "list_unknown")
    yield context.say("place", channel=context.term(origin.channel), address=origin.address)
    record = origin.consent_record_id
    yield context.say("record_id", record=record) if record else context.say("no_record_id")
    if not notice.evidence:
        yield context.say("no_evidence")
    for piece in notice.evidence:
        yield context.say("evidence", media_type=piece.media_type, sha256=piece.sha256[:12])


def _list_teller(context: _TreeContext, origin: Origin, listed: PartnerListView) -> Iterator[str]:
    if listed.asserted_by is None or listed.asserted_by.id != origin.collector.id:
        yield context.say("list_told", who=context.who(listed), day=context.day(listed.recorded_at))


def _named(context: _TreeContext, listed: PartnerListView) -> Iterator[str]:
    yield from (partner.name for partner in listed.partners)
    yield from (context.say("category", text=context.quote(category)) for category in listed.categories)


def _asserted(context: _TreeContext, origin: Origin) -> str:
    collector, day = origin.collector.legal_name, context.day(origin.attested_at or origin.recorded_at)
    if origin.attested:
        return context.say("attested", collector=collector, day=day)
    phrase = "asserted" if origin.collector.has_account else "asserted_no_account"
    return context.say(phrase, who=context.who(origin), day=day, collector=collector)


def _orphan(context: _TreeContext, tree: Tree, stay: Stay) -> Tree:
    branch = _add(tree, context.say("no_origin"), "bold red")
    dataset = stay.datasets[0]
    reason = next(one.reason for one in context.answer.orphans if one.dataset.id == dataset.id)
    name, why = context.quote(dataset.name), context.term(reason)
    return _add(branch, context.say("orphan", holder=stay.holder, dataset=name, reason=why))


def _stay(context: _TreeContext, branch: Tree, stay: Stay) -> None:
    """What was done with the number in one hand: sent messages, and handed on."""
    held = {dataset.id for dataset in stay.datasets}
    for campaign in context.answer.campaigns:
        if any(use.dataset.id in held for use in campaign.through):
            _campaign(context, branch, campaign, held)
    ended = [one.erased_at for one in context.answer.erasures if one.dataset.id in held]
    if len(ended) == len(held):
        _add(branch, context.say("erased", holder=stay.holder, day=context.day(max(ended))), "bold")
    elif len(stay.datasets) > 1:
        _add(branch, context.say("held_in", names=", ".join(context.quote(one.name) for one in stay.datasets)), "dim")
    known = [onward.holder for transfer, (_, onward) in stay.onward.items() if transfer in context.drawn]
    for transfer, (hop, onward) in sorted(stay.onward.items(), key=lambda item: item[1][0].occurred_at):
        if transfer not in context.drawn:
            context.drawn.add(transfer)
            _stay(context, _arrival(context, branch, onward.holder, hop), onward)
    if known:
        _add(branch, context.say("same_as_above", names=", ".join(known)), "dim")


def _arrival(context: _TreeContext, branch: Tree, recipient: str, hop: HopView) -> Tree:
    label = Text("→ ").append(context.say("transfer", recipient=recipient, day=context.day(hop.occurred_at)), "bold")
    arrival = branch.add(label.append(f", {context.quote(hop.from_dataset.name)}"))
    transfer = next(one for one in context.answer.transfers if one.id == hop.transfer_id)
    _add_status(context, arrival, hop, transfer)
    for line in _comments(context, transfer):
        _add(arrival, line, "italic")
    terms = {"purpose": context.term(transfer.purpose), "basis": context.term(transfer.lawful_basis)}
    _add(arrival, context.say("terms", contract=transfer.contract or context.say("no_contract"), **terms))
    roles = {"sender": context.term(transfer.sender_role), "recipient": context.term(transfer.recipient_role)}
    _add(arrival, context.say("roles", **roles))
    for one in transfer.targeting:
        _add(arrival, context.say("targeting", criterion=one.criterion, selection=one.selection), "magenta")
    return arrival


def _comments(context: _TreeContext, transfer: TransferView) -> Iterator[str]:
    for said in transfer.statements:
        if said.comment:
            text = context.quote(said.comment)
            yield context.say("comment", who=context.who(said), day=context.day(said.recorded_at), text=text)


def _add_status(context: _TreeContext, arrival: Tree, hop: HopView, transfer: TransferView) -> None:
    """What the sides say of the transfer by which the number came, and the day of the word that this rests on."""
    latest = {said.side: said for said in transfer.statements}
    sender, recipient = latest.get(Side.SENDER), latest.get(Side.RECIPIENT)
    denied = sender is not None and sender.status == TransferStatus.DENIED
    said = sender if denied else recipient
    since = context.say("since", day=context.day(said.recorded_at if said else transfer.recorded_at))
    status = context.say("status_sender_denies") if denied else _status(context, hop, transfer, recipient)
    _add(arrival, f"{status} {since}", "red" if denied else _STATUS_STYLES[transfer.status])


def _status(context: _TreeContext, hop: HopView, transfer: TransferView, recipient: Statement | None) -> str:
    if transfer.status is TransferStatus.DISPUTED and recipient is not None:
        in_both = transfer.number_declared and transfer.number_received
        phrase = "status_disputed_in_both" if in_both else "status_disputed"
        return context.say(phrase, extra=recipient.extra_count, missing=recipient.missing_count)
    vouching = {voucher.side for voucher in transfer.vouched_by}
    if transfer.status is TransferStatus.ACKNOWLEDGED and Side.SENDER not in vouching:
        without = {one.collector.id for one in context.answer.origins if not one.collector.has_account}
        phrase = "status_recipient_no_account" if hop.from_dataset.holder.id in without else "status_recipient_alone"
        return context.say(phrase)
    return context.say(f"status_{transfer.status}")


def _campaign(context: _TreeContext, branch: Tree, campaign: CampaignView, held: set[uuid.UUID]) -> None:
    when = format_period(context.language, campaign.began_at, campaign.ended_at, context.zone)
    sender = (campaign.sender or campaign.party).legal_name
    name = context.quote(campaign.name)
    label = context.say("campaign", name=name, when=when, sender=sender, originator=campaign.originator)
    drawing = branch.add(Text("✉ ").append(label, "bold"))
    _add(drawing, context.quote(campaign.message_text), "italic")
    _add(drawing, context.say("told", who=context.who(campaign), day=context.day(campaign.recorded_at)))
    for phrase in _used_all_the_same(context, [use for use in campaign.through if use.dataset.id in held]):
        _add(drawing, context.say(phrase), "yellow")


def _used_all_the_same(context: _TreeContext, used: list[Use]) -> Iterator[str]:
    """What spoke against using these holdings, by the name of its phrase."""
    undeclared = {one.id for one in context.answer.transfers if one.number_declared is False}
    orphans = {one.dataset.id for one in context.answer.orphans}
    if any(use.transfer_status is TransferStatus.DECLARED for use in used):
        yield "used_undeclared"
    if any(use.transfer_status is TransferStatus.DISPUTED and use.transfer_id in undeclared for use in used):
        yield "used_not_declared"
    if any(use.dataset.id in orphans for use in used):
        yield "used_orphan"


def _contradictions(context: _TreeContext, tree: Tree) -> None:
    transfers = {transfer.id: transfer for transfer in context.answer.transfers}
    for one in context.answer.contradictions:
        transfer = transfers[one.transfer_id]
        sender, recipient = transfer.sender.legal_name, transfer.recipient.legal_name
        contradiction = _add(tree, context.say(one.kind, sender=sender, recipient=recipient), "red")
        # Of a transfer that stands in the tree the comments stand there.
        for line in _comments(context, transfer) if transfer.id not in context.drawn else ():
            _add(contradiction, line, "italic")
