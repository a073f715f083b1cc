"""An answer in a few plain sentences, for those who read nothing else of it. Pure."""

import uuid
from collections.abc import Collection, Iterable

from service.core.vocabulary import CampaignState, TransferStatus
from service.provenance.answer.origin_schemas import Origin
from service.provenance.answer.schemas import Answer, Recipient, RecipientKind, RecipientTransfer
from service.wording.direction import isolated

_AGREEING = frozenset({TransferStatus.ACKNOWLEDGED, TransferStatus.CONFIRMED})

NOTHING = "No dataset that you may see holds this number."


def summarise(answer: Answer) -> str:
    """Sum up an answer."""
    return " ".join(filter(None, _sentences(answer))) or NOTHING


def _sentences(answer: Answer) -> Iterable[str]:
    if not answer.held:
        yield NOTHING
    contradicted = {contradiction.transfer_id for contradiction in answer.contradictions}
    intermediaries = [recipient for recipient in answer.recipients if recipient.kind is RecipientKind.INTERMEDIARY]
    clients = [recipient for recipient in answer.recipients if recipient.kind is RecipientKind.CLIENT]
    yield _sentence("First collected by", map(_collected, answer.origins))
    yield _sentence("Passed to", _names(intermediaries, contradicted, agreed=True))
    yield _sentence("According to one side only, passed to", _names(intermediaries, contradicted, agreed=False))
    yield _counted("Transferred to the client", _names(clients, contradicted, agreed=True))
    yield _counted("According to one side only, transferred to the client", _names(clients, contradicted, agreed=False))
    sent = [f"“{campaign.name}”" for campaign in answer.campaigns if campaign.state is CampaignState.SENT]
    planned = [f"“{campaign.name}”" for campaign in answer.campaigns if campaign.state is CampaignState.PLANNED]
    yield _counted("Used in the campaign", sent)
    yield _sentence("Planned for later:", planned)
    yield _sentence("Held without declared origin by", [orphan.dataset.holder.legal_name for orphan in answer.orphans])
    yield _sentence("Erased by", [erasure.dataset.holder.legal_name for erasure in answer.erasures])
    retracted = [each.recipient.legal_name for each in answer.transfers if each.status is TransferStatus.RETRACTED]
    yield _sentence("Retracted, as it was stated by mistake: a transfer to", retracted)
    datasets = [holding.dataset for holding in answer.holdings]
    ended = [(dataset.holder.legal_name, dataset.end.held_until) for dataset in datasets if dataset.end]
    yield _sentence("No longer held by", [f"{name} (until {until:%Y-%m-%d})" for name, until in ended])
    yield _sentence("Withdrawn by", [dataset.holder.legal_name for dataset in datasets if dataset.withdrawal])
    if answer.contradictions:
        yield "Sides contradict each other: see `contradictions`."


def _collected(origin: Origin) -> str:
    notice = isolated(origin.notice.code)
    if not origin.attested and origin.asserted_by:
        notice += f", according to {isolated(origin.asserted_by.legal_name)}"
    elif not origin.attested:
        notice += ", not attested"
    if origin.denial is not None:
        notice += f", denied by {isolated(origin.collector.legal_name)}"
    return f"{isolated(origin.collector.legal_name)} ({notice})"


def _names(recipients: Iterable[Recipient], contradicted: Collection[uuid.UUID], *, agreed: bool) -> list[str]:
    """The recipients of at least one transfer on which both sides agree, or those without one."""
    return [
        recipient.organisation.legal_name
        for recipient in recipients
        if any(_is_agreed(transfer, contradicted) for transfer in recipient.through) == agreed
    ]


def _is_agreed(transfer: RecipientTransfer, contradicted: Collection[uuid.UUID]) -> bool:
    """Whether the recipient states that it got the number, and the sender does not contradict."""
    if transfer.transfer_id in contradicted:
        return False
    if transfer.status is TransferStatus.DISPUTED:
        # The two files differ, but both may contain this number.
        return bool(transfer.number_declared and transfer.number_received)
    return transfer.status in _AGREEING and transfer.number_received is not None


def _sentence(beginning: str, names: Iterable[str]) -> str:
    distinct = ", ".join(map(isolated, dict.fromkeys(names)))
    return f"{beginning} {distinct}." if distinct else ""


def _counted(beginning: str, names: Collection[str]) -> str:
    """A sentence whose beginning takes an "s" for several names."""
    return _sentence(beginning if len(set(names)) == 1 else f"{beginning}s", names)
