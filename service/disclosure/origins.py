"""Where a number comes from, in words. Pure."""

from collections.abc import Iterator

from service.disclosure.blocks import (
    Block,
    Callout,
    Contestable,
    Fact,
    Facts,
    Heading,
    Paragraph,
    Quote,
    Screenshot,
    Section,
    Tone,
    Topic,
)
from service.disclosure.phrasebook import Phrasebook
from service.disclosure.subject_answer import SubjectAnswer
from service.provenance.answer.origin_schemas import (
    EarlierNotice,
    NoticeView,
    Origin,
    PartnerListBasis,
    PartnerListView,
)
from service.provenance.answer.references import Asserted
from service.provenance.answer.schemas import Erasure, Holding
from service.wording.typography import capitalised

# A wording that fills a page is quoted in its own section, and not in the summary.
_SHORT_WORDING = 400
_FEW_ORIGINS = 2


def origin_sentences(subject: SubjectAnswer, book: Phrasebook) -> list[str]:
    """One sentence for each collection, with the wordings if they are few and short."""
    with_words = len(subject.origins) <= _FEW_ORIGINS
    return [_origin_sentence(subject, book, origin, with_words=with_words) for origin in subject.origins]


def _origin_sentence(subject: SubjectAnswer, book: Phrasebook, origin: Origin, *, with_words: bool) -> str:
    phrases = book.phrases.origins
    clause = collection_clause(subject, book, origin)
    wording = origin.notice.wording
    if with_words and len(wording) <= _SHORT_WORDING:
        return phrases.in_words.format(sentence=clause, quoted=book.quoted_at_end(wording))
    return phrases.sentence.format(sentence=clause)


def collection_clause(subject: SubjectAnswer, book: Phrasebook, origin: Origin) -> str:
    """Who collected the number, when, and according to which organisation: a sentence without its full stop."""
    phrases = book.phrases.origins
    collector, when = origin.collector.legal_name, when_collected(subject, book, origin)
    if origin.contest:
        return phrases.collected_contested.format(collector=collector, when=when)
    if origin.attested:
        return phrases.collected.format(collector=collector, when=when)
    phrase = phrases.collected_denied if origin.denial else phrases.collected_claimed
    return phrase.format(collector=collector, when=when, who=book.asserted_by(origin))


def when_collected(subject: SubjectAnswer, book: Phrasebook, origin: Origin) -> str:
    """On which day, and according to which organisation unless the sentence names it anyway."""
    phrases = book.phrases.origins
    if origin.consented_at is None:
        return phrases.on_erased_day if _erasure_of(subject, origin) else phrases.on_unknown_day
    day, source = book.day_of(origin.consented_at), _source_of_days(subject, origin)
    if origin.attested and not _is_own(origin, source):
        return phrases.on_day_claimed.format(day=day, who=book.asserted_by(source))
    return phrases.on_day.format(day=day)


def _erasure_of(subject: SubjectAnswer, origin: Origin) -> Erasure | None:
    """The erasure that may have removed the day of consent, which is stored with the number."""
    erasures = (erasure for erasure in subject.answer.erasures if erasure.dataset.id == origin.dataset.id)
    return next(erasures, None)


def _source_of_days(subject: SubjectAnswer, origin: Origin) -> Asserted:
    """The fact that gives the days of consent: they came with the dataset, which another may have asserted."""
    datasets: list[Holding | Erasure] = [*subject.answer.holdings, *subject.answer.erasures]
    return next((fact for fact in datasets if fact.dataset.id == origin.dataset.id), origin)


def _is_own(origin: Origin, fact: Asserted) -> bool:
    """Whether the collector itself asserts a fact about its collection."""
    return fact.asserted_by is not None and fact.asserted_by.id == origin.collector.id


def orphan_sentences(subject: SubjectAnswer, book: Phrasebook) -> Iterator[str]:
    """A sentence for each holding without declared origin. An erasure does not make a holding an orphan."""
    phrases = book.phrases.gaps
    for orphan in subject.answer.orphans:
        holder, reason = orphan.dataset.holder, book.terms.orphan_reason(orphan.reason)
        phrase = phrases.orphan_erased if holder.id in subject.erased else phrases.orphan
        yield phrase.format(holder=holder.legal_name, reason=reason)


def origins_section(subject: SubjectAnswer, book: Phrasebook) -> Section | None:
    """The section on where the number comes from; none if no origin is declared."""
    blocks: list[Block] = []
    for origin in subject.origins:
        blocks += _origin_blocks(subject, book, origin)
    return Section(topic=Topic.ORIGINS, title=book.phrases.origins.section_title, blocks=blocks) if blocks else None


def _origin_blocks(subject: SubjectAnswer, book: Phrasebook, origin: Origin) -> Iterator[Block]:
    yield Heading(text=book.name(origin.collector))
    yield Paragraph(text=_attestation(book, origin))
    if origin.denial and origin.denial.comment:
        quoted = book.quoted_at_end(origin.denial.comment)
        text = book.phrases.origins.denied_because.format(collector=origin.collector.legal_name, quoted=quoted)
        yield Paragraph(text=text)
    yield from _contest(book, origin)
    yield _wording(book, origin)
    yield from _corrections(book, origin.notice)
    yield from _withdrawn_screenshots(book, origin.notice)
    yield Facts(items=list(_facts(subject, book, origin)))
    names = _unnamed_recipients(subject, origin)
    if names:
        yield Paragraph(text=book.phrases.origins.unnamed.of(len(names)).format(names=book.list(names)))


def _attestation(book: Phrasebook, origin: Origin) -> str:
    phrases, collector = book.phrases.origins, origin.collector
    if origin.attested:
        day = book.day_of(origin.attested_at or origin.recorded_at)
        return phrases.attested.format(collector=collector.legal_name, day=day)
    if origin.denial:
        return phrases.denied.format(
            collector=collector.legal_name,
            who=book.asserted_by(origin),
            day=book.day_of(origin.recorded_at),
            denied_on=book.day_of(origin.denial.recorded_at),
        )
    phrase = phrases.unattested if collector.has_account else phrases.unattested_no_account
    day = book.day_of(origin.recorded_at)
    return phrase.format(collector=collector.legal_name, who=book.asserted_by(origin), day=day)


def _wording(book: Phrasebook, origin: Origin) -> Quote:
    phrases, notice = book.phrases.origins, origin.notice
    channel = capitalised(book.terms.channel(origin.channel))
    source = phrases.wording_source.format(channel=channel, address=origin.address)
    if not _is_own(origin, notice):
        source = phrases.wording_reported.format(place=source, who=book.asserted_by(notice))
    return Quote(
        text=notice.wording,
        language=notice.language,
        source=source,
        screenshots=[
            Screenshot(
                evidence_id=evidence.id,
                notice_id=notice.id,
                media_type=evidence.media_type,
                sha256=evidence.sha256,
                text=phrases.screenshot_withdrawn if evidence.withdrawal else phrases.screenshot,
            )
            for evidence in notice.evidence
        ],
    )


def _contest(book: Phrasebook, origin: Origin) -> Iterator[Block]:
    """That the person contests the agreement, and where they can say so."""
    phrases, contest = book.phrases.origins, origin.contest
    if contest is None:
        # What its holder withdrew reaches nobody any more.
        if origin.dataset.withdrawal is None:
            yield Contestable(dataset_id=origin.dataset.id)
        return
    day, collector = book.day_of(contest.contested_at), origin.collector.legal_name
    text = phrases.contested.format(day=day, collector=collector)
    if contest.answered_at is not None:
        answered_on = book.day_of(contest.answered_at)
        text = phrases.contested_answered.format(day=day, collector=collector, answered_on=answered_on)
    yield Callout(tone=Tone.ATTENTION, text=text)


def _corrections(book: Phrasebook, notice: NoticeView) -> Iterator[Block]:
    """That a notice was corrected, by whom and when, and what was recorded of it before."""
    phrases = book.phrases.origins
    if not notice.earlier:
        return
    yield Paragraph(text=phrases.corrected.format(who=book.asserted_by(notice), day=book.day_of(notice.recorded_at)))
    for earlier in notice.earlier:
        source = phrases.wording_earlier.format(who=book.asserted_by(earlier), day=book.day_of(earlier.recorded_at))
        yield Quote(text=earlier.wording, language=earlier.language, source=source)
        yield Facts(
            items=[
                Fact(label=phrases.label_mechanism, value=book.terms.mechanism(earlier.mechanism)),
                Fact(label=phrases.label_purposes, value=_purposes(book, earlier)),
            ]
        )


def _withdrawn_screenshots(book: Phrasebook, notice: NoticeView) -> Iterator[Block]:
    for withdrawal in (evidence.withdrawal for evidence in notice.evidence):
        if withdrawal is not None:
            day, quoted = book.day_of(withdrawal.recorded_at), book.quoted_at_end(withdrawal.reason)
            text = book.phrases.origins.withdrawn.format(who=book.asserted_by(withdrawal), day=day, quoted=quoted)
            yield Paragraph(text=text)


def _screenshot_kept(book: Phrasebook, notice: NoticeView) -> str:
    phrases = book.phrases.origins
    if not notice.evidence:
        return phrases.screenshot_none
    is_withdrawn = all(evidence.withdrawal for evidence in notice.evidence)
    return phrases.screenshot_kept_withdrawn if is_withdrawn else phrases.screenshot_kept


def _facts(subject: SubjectAnswer, book: Phrasebook, origin: Origin) -> Iterator[Fact]:
    phrases, notice = book.phrases.origins, origin.notice
    yield Fact(label=phrases.label_consented, value=_consented(subject, book, origin))
    yield Fact(label=phrases.label_period, value=_period(book, origin))
    yield Fact(label=phrases.label_mechanism, value=book.terms.mechanism(notice.mechanism))
    yield Fact(label=phrases.label_purposes, value=_purposes(book, notice))
    yield Fact(label=phrases.label_listed, value=_listed(book, origin))
    yield Fact(label=phrases.label_proof, value=_proof(subject, book, origin))
    yield Fact(label=phrases.label_screenshot, value=_screenshot_kept(book, notice))


def _consented(subject: SubjectAnswer, book: Phrasebook, origin: Origin) -> str:
    phrases, erasure = book.phrases.origins, _erasure_of(subject, origin)
    if origin.consented_at is None and erasure is not None:
        return phrases.consented_erased.format(day=book.day_of(erasure.erased_at))
    if origin.consented_at is None:
        return phrases.consented_unknown
    day, source = book.day_of(origin.consented_at), _source_of_days(subject, origin)
    if origin.attested and _is_own(origin, source):
        return day
    return phrases.consented_claimed.format(day=day, who=book.asserted_by(source))


def _period(book: Phrasebook, origin: Origin) -> str:
    phrases, began = book.phrases.origins, book.day(origin.began_on)
    if origin.ended_on is None:
        return phrases.period_open.format(began=began)
    return phrases.period.format(began=began, ended=book.day(origin.ended_on))


def _purposes(book: Phrasebook, notice: NoticeView | EarlierNotice) -> str:
    return book.list([book.terms.purpose(purpose) for purpose in notice.purposes])


def _listed(book: Phrasebook, origin: Origin) -> str:
    phrases, partner_list = book.phrases.origins, origin.partner_list
    if partner_list is None:
        unknown = origin.partner_list_basis is PartnerListBasis.CONSENT_DAY_UNKNOWN
        return phrases.list_unknown if unknown else phrases.list_none
    day, names = book.day(partner_list.valid_from_on), _names(book, partner_list)
    if not names:
        return phrases.listed_nobody.format(day=day)
    if _is_own(origin, partner_list):
        return phrases.listed.format(names=book.list(names), day=day)
    return phrases.listed_claimed.format(names=book.list(names), day=day, who=book.asserted_by(partner_list))


def _names(book: Phrasebook, partner_list: PartnerListView) -> list[str]:
    phrases = book.phrases.origins
    categories = [phrases.category.format(quoted=book.quoted(category)) for category in partner_list.categories]
    return [partner.name for partner in partner_list.partners] + categories


def _proof(subject: SubjectAnswer, book: Phrasebook, origin: Origin) -> str:
    phrases = book.phrases.origins
    if origin.consent_record_id:
        return phrases.proof_reference.format(record=origin.consent_record_id)
    return phrases.proof_erased if _erasure_of(subject, origin) else phrases.proof_none


def _unnamed_recipients(subject: SubjectAnswer, origin: Origin) -> list[str]:
    """The organisations that the number reached from this collection and that its partner list does not name."""
    partner_list = origin.partner_list
    if partner_list is None:
        return []
    ids = {partner.organisation_id for partner in partner_list.partners}
    names = {partner.name.casefold() for partner in partner_list.partners}
    reached = [
        hop.to_dataset.holder
        for chain in subject.answer.chains
        if chain.head.id == origin.dataset.id
        for hop in chain.hops
        if hop.transfer_id is not None and subject.owned_at(hop.occurred_at)
    ]
    unnamed = (
        holder.legal_name for holder in reached if holder.id not in ids and holder.legal_name.casefold() not in names
    )
    return list(dict.fromkeys(unnamed))
