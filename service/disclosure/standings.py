"""What holders say of files that they no longer have, or never had, in words. Pure."""

import uuid
from collections.abc import Iterator

from service.disclosure.phrasebook import Phrasebook
from service.disclosure.subject_answer import SubjectAnswer
from service.provenance.answer.schemas import Holding


def standing_sentences(subject: SubjectAnswer, book: Phrasebook) -> list[str]:
    """A sentence for each file that its holder no longer has, or that was withdrawn, in the order of the holdings."""
    phrases = book.phrases.standings
    sentences = [sentence for holding in subject.past_holdings for sentence in _sentences(book, holding)]
    sentences += [
        phrases.erased.format(day=book.day_of(erasure.erased_at), holder=erasure.dataset.holder.legal_name)
        for erasure in subject.past_erasures
    ]
    return list(dict.fromkeys(sentences))


def _sentences(book: Phrasebook, holding: Holding) -> Iterator[str]:
    phrases, dataset = book.phrases.standings, holding.dataset
    holder, end, withdrawal = dataset.holder.legal_name, dataset.end, dataset.withdrawal
    if end is not None:
        why = book.terms.end_reason(end.end_reason)
        yield phrases.ended.format(holder=holder, day=book.day_of(end.held_until), why=why)
        if end.reason:
            yield phrases.adds.format(holder=holder, quoted=book.quoted_at_end(end.reason))
    if withdrawal is not None:
        who = withdrawal.withdrawn_by.legal_name if withdrawal.withdrawn_by else book.phrases.general.registry
        day, quoted = book.day_of(withdrawal.withdrawn_at), book.quoted_at_end(withdrawal.reason)
        yield phrases.withdrawn.format(holder=holder, who=who, day=day, quoted=quoted)
    if end is None and withdrawal is None:
        yield phrases.only_withdrawn.format(holder=holder)


def standing_notes(subject: SubjectAnswer, book: Phrasebook, organisation_id: uuid.UUID) -> Iterator[str]:
    """What stands in the picture beside an organisation, of such files."""
    phrases = book.phrases.standings
    for holding in subject.past_holdings:
        if holding.dataset.holder.id == organisation_id:
            end, withdrawal = holding.dataset.end, holding.dataset.withdrawal
            if end is not None:
                yield phrases.note_ended.format(day=book.day_of(end.held_until))
            if withdrawal is not None:
                yield phrases.note_withdrawn.format(day=book.day_of(withdrawal.withdrawn_at))
