"""An answer in a few plain sentences, for whoever reads nothing else of it. Pure."""

import uuid
from collections.abc import Collection, Iterable

from service.core.vocabulary import TransferStatus
from service.provenance.answer.schemas import Answer, Origin, Recipient, RecipientKind, Through

NOTHING = "No dataset that you may see holds this number."


def summarise(answer: Answer) -> str:
    """What the answer comes to."""
    told = [sentence for sentence in _sentences(answer) if sentence]
    return " ".join(told) or NOTHING


def _sentences(answer: Answer) -> Iterable[str]:
    if not answer.held:
        yield NOTHING
    contradicted = {one.transfer_id for one in answer.contradictions}
    intermediaries = [recipient for recipient in answer.recipients if recipient.kind is RecipientKind.INTERMEDIARY]
    clients = [recipient for recipient in answer.recipients if recipient.kind is RecipientKind.CLIENT]
    yield _sentence("First collected by", map(_collected, answer.origins))
    yield _sentence("Passed to", _names(intermediaries, contradicted, agreed=True))
    yield _sentence("Passed, as one side says at least, to", _names(intermediaries, contradicted, agreed=False))
    yield _counted("Transferred to the client", _names(clients, contradicted, agreed=True))
    yield _counted("Transferred, as one side says at least, to the client", _names(clients, contradicted, agreed=False))
    yield _counted("Used in the campaign", [f"“{one.name}”" for one in answer.campaigns])
    astray = [one.dataset.holder.legal_name for one in answer.orphans]
    yield _sentence("Without declared origin in the hands of", astray)
    yield _sentence("Erased by", [one.dataset.holder.legal_name for one in answer.erasures])
    if answer.contradictions:
        yield "Sides contradict each other: see `contradictions`."


def _collected(origin: Origin) -> str:
    notice = origin.notice.code
    if not origin.attested and origin.asserted_by:
        notice += f", according to {origin.asserted_by.legal_name}"
    elif not origin.attested:
        notice += ", not attested"
    return f"{origin.collector.legal_name} ({notice})"


def _names(recipients: Iterable[Recipient], contradicted: Collection[uuid.UUID], *, agreed: bool) -> list[str]:
    """The recipients to which a transfer brought the number that is agreed upon; or those to which none did."""
    return [
        one.organisation.legal_name
        for one in recipients
        if any(_is_agreed(brought, contradicted) for brought in one.through) == agreed
    ]


def _is_agreed(brought: Through, contradicted: Collection[uuid.UUID]) -> bool:
    """Whether the recipient says that it got the number, and its sender does not say otherwise."""
    if brought.transfer_id in contradicted:
        return False
    if brought.status is TransferStatus.DISPUTED:
        # The files differ; this number may be in both.
        return bool(brought.number_declared and brought.number_received)
    return brought.status in {TransferStatus.ACKNOWLEDGED, TransferStatus.CONFIRMED}


def _sentence(beginning: str, names: Iterable[str]) -> str:
    listed = ", ".join(dict.fromkeys(names))
    return f"{beginning} {listed}." if listed else ""


def _counted(beginning: str, names: Collection[str]) -> str:
    """A sentence whose beginning takes an s for several names."""
    return _sentence(beginning if len(set(names)) == 1 else f"{beginning}s", names)
