"""One number's answer as a tree for the terminal: origins, then holder by holder with transfers and campaigns."""

import uuid
from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from rich.console import Group
from rich.text import Text
from rich.tree import Tree

from service.command.answer_words import format_period
from service.command.origin_branch import add_origin
from service.command.terminal import printable
from service.command.tree_context import HolderNode, TreeContext, add
from service.core.vocabulary import CampaignState, Side, TransferStatus
from service.provenance.answer.anomalies import retracting_side
from service.provenance.answer.campaign_schemas import CampaignUse, CampaignView, CancellationView
from service.provenance.answer.schemas import Answer, ChainView, HopView, Statement, TransferView
from service.wording.language import Language


def _status_style(status: TransferStatus) -> str:
    match status:
        case TransferStatus.CONFIRMED | TransferStatus.ACKNOWLEDGED:
            return "green"
        # Of a dispute the files differ. The number need not: a hop of a chain is about a number in both files.
        case TransferStatus.DECLARED | TransferStatus.DISPUTED:
            return "yellow"
        case TransferStatus.DENIED | TransferStatus.RETRACTED:
            return "red"


# A branch begins this many columns further right than what it hangs from, and its texts need some room.
_INDENT, _LEAST_ROOM, _LEAST_HOPS = 4, 40, 2


def draw_answer(
    title: str, answer: Answer, language: Language, *, zone: ZoneInfo, width: int, sees_all: bool = False
) -> Group:
    """The tree of an answer under `title` for a terminal of `width` columns, with days and times in `zone`.

    What hangs too deep for the width goes on in a tree of its own below. `sees_all` says that nothing is withheld from
    the caller: if the answer has no holding, nobody holds the number.
    """
    context = TreeContext(answer, language, zone, max(_LEAST_HOPS, (width - _LEAST_ROOM) // _INDENT))
    phrases = context.phrases
    tree = Tree(Text(printable(title), style="bold"))
    if not answer.held:
        add(tree, phrases.held_by_nobody if sees_all else phrases.nothing_visible, "italic")
    origins = {origin.dataset.id: origin for origin in answer.origins}
    for head, node in holders_by_head(answer.chains).items():
        branch = add_origin(context, tree, origins[head]) if head in origins else _add_orphan(context, tree, node)
        _add_holder(context, branch, node, 0)
    trees = [tree, *_continuations(context)]
    _add_contradictions(context, tree)
    _add_retracted(context, tree)
    if answer.chains_truncated:
        add(tree, phrases.chains_truncated, "italic")
    return Group(*trees)


def _continuations(context: TreeContext) -> Iterator[Tree]:
    """A tree for each holder whose further transfers found no room, in the order of the marks that refer to them."""
    mark = 0
    while mark < len(context.waiting):
        node, mark = context.waiting[mark], mark + 1
        tree = Tree(Text(context.fill(context.phrases.continuation, mark=mark, holder=node.holder), "bold"))
        _add_onward(context, tree, node, 0)
        yield tree


def holders_by_head(chains: Iterable[ChainView]) -> dict[uuid.UUID, HolderNode]:
    """Chains as trees of holders, by the dataset with which they begin.

    Chains that begin alike share their first nodes. Derivations within one holder make no new node.
    """
    heads: dict[uuid.UUID, HolderNode] = {}
    for chain in chains:
        node = heads.setdefault(chain.head.id, HolderNode(chain.head.holder.legal_name, [chain.head]))
        for hop in chain.hops:
            if hop.transfer_id is not None:
                recipient = HolderNode(hop.to_dataset.holder.legal_name, [hop.to_dataset])
                _, node = node.onward.setdefault(hop.transfer_id, (hop, recipient))
            elif hop.to_dataset not in node.datasets:
                node.datasets.append(hop.to_dataset)
    return heads


def _add_orphan(context: TreeContext, tree: Tree, node: HolderNode) -> Tree:
    branch = add(tree, context.phrases.no_origin, "bold red")
    dataset = node.datasets[0]
    orphan = next(orphan for orphan in context.answer.orphans if orphan.dataset.id == dataset.id)
    values = {"dataset": context.quote(dataset.name), "reason": context.terms.orphan_reason(orphan.reason)}
    return add(branch, context.fill(context.phrases.orphan, holder=node.holder, **values))


def _add_holder(context: TreeContext, branch: Tree, node: HolderNode, hops: int) -> None:
    """What a holder did with the number: the campaigns that used it, its erasure, and the transfers onward.

    `hops` is from how many transfers the branch hangs.
    """
    phrases, dataset_ids = context.phrases, {dataset.id for dataset in node.datasets}
    for campaign in [*context.answer.campaigns, *context.answer.campaigns_not_sent]:
        if any(use.dataset.id in dataset_ids for use in campaign.through):
            _add_campaign(context, branch, campaign, dataset_ids)
    erased = [erasure.erased_at for erasure in context.answer.erasures if erasure.dataset.id in dataset_ids]
    if len(erased) == len(dataset_ids):
        add(branch, context.fill(phrases.erased, holder=node.holder, day=context.day_of(max(erased))), "bold")
    elif len(node.datasets) > 1:
        names = ", ".join(context.quote(dataset.name) for dataset in node.datasets)
        add(branch, context.fill(phrases.held_in, names=names), "dim")
    _add_standings(context, branch, node)
    if hops < context.most_hops or all(transfer_id in context.drawn for transfer_id in node.onward):
        _add_onward(context, branch, node, hops)
    else:
        context.waiting.append(node)
        add(branch, context.fill(phrases.continued_below, mark=len(context.waiting)), "dim")


def _add_standings(context: TreeContext, branch: Tree, node: HolderNode) -> None:
    """Which of its files a holder no longer has, or had declared by mistake."""
    phrases = context.phrases
    for dataset in node.datasets:
        if dataset.end:
            day, why = context.day_of(dataset.end.held_until), context.terms.end_reason(dataset.end.end_reason)
            add(branch, context.fill(phrases.ended, holder=node.holder, day=day, why=why), "bold")
        if dataset.withdrawal:
            day, why = context.day_of(dataset.withdrawal.withdrawn_at), context.quote(dataset.withdrawal.reason)
            add(branch, context.fill(phrases.withdrawn, day=day, why=why), "bold red")


def _add_onward(context: TreeContext, branch: Tree, node: HolderNode, hops: int) -> None:
    """The transfers by which a holder passed the number on."""
    above = [recipient.holder for transfer_id, (_, recipient) in node.onward.items() if transfer_id in context.drawn]
    for transfer_id, (hop, recipient) in sorted(node.onward.items(), key=lambda item: item[1][0].occurred_at):
        if transfer_id not in context.drawn:
            context.drawn.add(transfer_id)
            _add_holder(context, _add_transfer(context, branch, recipient.holder, hop), recipient, hops + 1)
    if above:
        add(branch, context.fill(context.phrases.continued_above, names=", ".join(above)), "dim")


def _add_transfer(context: TreeContext, branch: Tree, recipient: str, hop: HopView) -> Tree:
    fill, phrases, terms = context.fill, context.phrases, context.terms
    transferred = fill(phrases.transferred, recipient=recipient, day=context.day_of(hop.occurred_at))
    label = Text("→ ").append(transferred, "bold").append(f", {context.quote(hop.from_dataset.name)}")
    branch = branch.add(label)
    transfer = next(transfer for transfer in context.answer.transfers if transfer.id == hop.transfer_id)
    _add_status(context, branch, hop, transfer)
    for comment in _comments(context, transfer):
        add(branch, comment, "italic")
    basis = terms.lawful_basis(transfer.lawful_basis)
    add(branch, fill(phrases.purpose, purpose=terms.purpose(transfer.purpose), basis=basis))
    add(branch, fill(phrases.contract, contract=transfer.contract) if transfer.contract else phrases.no_contract)
    sender_role, recipient_role = map(terms.processing_role, (transfer.sender_role, transfer.recipient_role))
    add(branch, fill(phrases.roles, sender=sender_role, recipient=recipient_role))
    for target in transfer.targeting:
        add(branch, fill(phrases.targeting, criterion=target.criterion, selection=target.selection), "magenta")
    return branch


def _comments(context: TreeContext, transfer: TransferView) -> Iterator[str]:
    for statement in transfer.statements:
        if statement.comment:
            who, day = context.asserted_by(statement), context.day_of(statement.recorded_at)
            yield context.fill(context.phrases.comment, who=who, day=day, text=context.quote(statement.comment))


def _add_status(context: TreeContext, branch: Tree, hop: HopView, transfer: TransferView) -> None:
    """What both sides say of a transfer, and the day of the statement that this rests on."""
    sender_denies = transfer.sender_status is TransferStatus.DENIED
    decisive = _latest(transfer, Side.SENDER if sender_denies else Side.RECIPIENT)
    recorded_at = decisive.recorded_at if decisive else transfer.recorded_at
    if transfer.retraction is not None:
        recorded_at = max(recorded_at, transfer.retraction.recorded_at)
    recorded = context.fill(context.phrases.status_recorded, day=context.day_of(recorded_at))
    status = context.phrases.status_sender_denies if sender_denies else _status(context, hop, transfer)
    add(branch, f"{status} {recorded}", "red" if sender_denies else _status_style(transfer.status))


def _latest(transfer: TransferView, side: Side) -> Statement | None:
    return next((statement for statement in reversed(transfer.statements) if statement.side is side), None)


def _status(context: TreeContext, hop: HopView, transfer: TransferView) -> str:
    phrases, recipient = context.phrases, _latest(transfer, Side.RECIPIENT)
    match retracting_side(transfer):
        case Side.SENDER:
            return phrases.status_retracted_by_sender
        case Side.RECIPIENT:
            return phrases.status_retracted_by_recipient
    if transfer.status is TransferStatus.DISPUTED and recipient is not None:
        in_both = transfer.number_declared and transfer.number_received
        phrase = phrases.status_disputed_in_both if in_both else phrases.status_disputed
        return context.fill(phrase, extra=recipient.extra_count, missing=recipient.missing_count)
    vouching = {voucher.side for voucher in transfer.vouched_by}
    if transfer.status is TransferStatus.ACKNOWLEDGED and Side.SENDER not in vouching:
        no_account = {origin.collector.id for origin in context.answer.origins if not origin.collector.has_account}
        if hop.from_dataset.holder.id in no_account:
            return phrases.status_recipient_alone_no_account
        return phrases.status_recipient_alone
    return phrases.transfer_status(transfer.status)


def _add_campaign(context: TreeContext, branch: Tree, campaign: CampaignView, dataset_ids: set[uuid.UUID]) -> None:
    label = context.fill(
        context.phrases.of_campaign(campaign.state),
        name=context.quote(campaign.name),
        period=format_period(context.language, campaign.began_at, campaign.ended_at, context.zone),
        sender=(campaign.sender or campaign.party).legal_name,
        originator=campaign.originator,
    )
    branch = branch.add(Text("✉ ").append(label, "bold" if campaign.cancellation is None else "strike"))
    add(branch, context.quote(campaign.message_text), "italic")
    who, day = context.asserted_by(campaign), context.day_of(campaign.recorded_at)
    add(branch, context.fill(context.phrases.asserted, who=who, day=day))
    if campaign.cancellation is not None:
        add(branch, _cancellation(context, campaign.state, campaign.cancellation), "yellow")
    if campaign.state is not CampaignState.SENT:
        return
    for warning in _use_warnings(context, [use for use in campaign.through if use.dataset.id in dataset_ids]):
        add(branch, warning, "yellow")


def _cancellation(context: TreeContext, state: CampaignState, cancellation: CancellationView) -> str:
    phrases = context.phrases
    phrase = phrases.cancelled if state is CampaignState.CANCELLED else phrases.not_sent
    day, quoted = context.day_of(cancellation.recorded_at), context.quote(cancellation.reason)
    return context.fill(phrase, text=quoted, day=day)


def _use_warnings(context: TreeContext, uses: list[CampaignUse]) -> Iterator[str]:
    """What spoke against using these holdings for a campaign."""
    undeclared = {transfer.id for transfer in context.answer.transfers if transfer.number_declared is False}
    orphans = {orphan.dataset.id for orphan in context.answer.orphans}
    if any(use.transfer_status is TransferStatus.DECLARED for use in uses):
        yield context.phrases.used_unacknowledged
    if any(use.transfer_status is TransferStatus.DISPUTED and use.transfer_id in undeclared for use in uses):
        yield context.phrases.used_undeclared
    if any(use.dataset.id in orphans for use in uses):
        yield context.phrases.used_orphan


def _add_contradictions(context: TreeContext, tree: Tree) -> None:
    transfers = {transfer.id: transfer for transfer in context.answer.transfers}
    for contradiction in context.answer.contradictions:
        transfer = transfers[contradiction.transfer_id]
        sides = {"sender": transfer.sender.legal_name, "recipient": transfer.recipient.legal_name}
        branch = add(tree, context.fill(context.phrases.contradiction(contradiction.kind), **sides), "red")
        # A transfer that is in the tree has its comments there.
        for comment in _comments(context, transfer) if transfer.id not in context.drawn else ():
            add(branch, comment, "italic")


def _add_retracted(context: TreeContext, tree: Tree) -> None:
    """The transfers that were stated by mistake, and that nobody states any more."""
    for transfer in context.answer.transfers:
        if transfer.status is TransferStatus.RETRACTED and transfer.retraction is not None:
            sides = {"sender": transfer.sender.legal_name, "recipient": transfer.recipient.legal_name}
            who, day = context.asserted_by(transfer.retraction), context.day_of(transfer.retraction.recorded_at)
            text = context.quote(transfer.retraction.reason)
            add(tree, context.fill(context.phrases.retracted, who=who, day=day, text=text, **sides), "yellow")
