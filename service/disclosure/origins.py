"""Where a number comes from, in words. Pure."""

from collections.abc import Iterator

from service.disclosure.blocks import Block, Fact, Facts, Heading, Paragraph, Quote, Screenshot, Section, Topic
from service.disclosure.phrasebook import Phrasebook, who
from service.disclosure.subject_answer import SubjectAnswer
from service.provenance.answer.schemas import (
    Asserted,
    Erasure,
    Holding,
    NoticeView,
    Origin,
    PartnerListBasis,
    PartnersInForce,
)

# A wording that fills a page stands in its section, and not in the answer's first lines.
_SHORT_WORDING = 400
_FEW_ORIGINS = 2


def short_origins(inquiry: SubjectAnswer, voice: Phrasebook) -> list[str]:
    """One sentence for each collection, with its words if they are few."""
    with_words = len(inquiry.origins) <= _FEW_ORIGINS
    return [_short(inquiry, voice, origin, with_words=with_words) for origin in inquiry.origins]


def _short(inquiry: SubjectAnswer, voice: Phrasebook, origin: Origin, *, with_words: bool) -> str:
    sentence = tell_collected(inquiry, voice, origin)
    wording = origin.notice.wording
    if with_words and len(wording) <= _SHORT_WORDING:
        return voice.say("in_words", sentence=sentence, quoted=voice.quoted_at_end(wording))
    return voice.say("sentence", sentence=sentence)


def tell_collected(inquiry: SubjectAnswer, voice: Phrasebook, origin: Origin) -> str:
    """Who collected the number and when, and according to whom; a sentence without its full stop."""
    phrase = "collected" if origin.attested else "collected_claimed"
    when = when_collected(inquiry, voice, origin)
    return voice.say(phrase, collector=origin.collector.legal_name, when=when, who=who(voice, origin))


def when_collected(inquiry: SubjectAnswer, voice: Phrasebook, origin: Origin) -> str:
    """On which day, and according to whom if another than the sentence names anyway."""
    if origin.consented_at is None:
        return voice.say("on_erased_day" if _erasure_of(inquiry, origin) else "on_no_day")
    teller = _teller_of_days(inquiry, origin)
    phrase = "on_day_claimed" if origin.attested and not _is_own(origin, teller) else "on_day"
    return voice.say(phrase, day=voice.day_of(origin.consented_at), who=who(voice, teller))


def _erasure_of(inquiry: SubjectAnswer, origin: Origin) -> Erasure | None:
    """The erasure with which the day of consent may have gone: it is kept with the number, and goes with it."""
    return next((one for one in inquiry.answer.erasures if one.dataset.id == origin.dataset.id), None)


def _teller_of_days(inquiry: SubjectAnswer, origin: Origin) -> Asserted:
    """Who says when consent was given: the days came with the file of numbers, which another may have told of."""
    files: list[Holding | Erasure] = [*inquiry.answer.holdings, *inquiry.answer.erasures]
    return next((one for one in files if one.dataset.id == origin.dataset.id), origin)


def _is_own(origin: Origin, fact: Asserted) -> bool:
    """Whether the collector itself asserts a fact about its collection."""
    return fact.asserted_by is not None and fact.asserted_by.id == origin.collector.id


def tell_orphans(inquiry: SubjectAnswer, voice: Phrasebook) -> Iterator[str]:
    """A sentence for each holding without declared origin, of which an erasure makes none."""
    for orphan in inquiry.answer.orphans:
        holder = orphan.dataset.holder
        phrase = "gap_orphan_erased" if holder.id in inquiry.erased else "gap_orphan"
        yield voice.say(phrase, holder=holder.legal_name, reason=voice.term(orphan.reason))


def tell_origins(inquiry: SubjectAnswer, voice: Phrasebook) -> Section | None:
    """The section on where the number comes from; none if no origin is declared."""
    blocks: list[Block] = []
    for origin in inquiry.origins:
        blocks += _origin(inquiry, voice, origin)
    return Section(topic=Topic.ORIGINS, title=voice.say("origins_title"), blocks=blocks) if blocks else None


def _origin(inquiry: SubjectAnswer, voice: Phrasebook, origin: Origin) -> Iterator[Block]:
    yield Heading(text=origin.collector.legal_name)
    yield Paragraph(text=_attested(voice, origin))
    yield _words(voice, origin)
    yield Facts(items=list(_facts(inquiry, voice, origin)))
    unnamed = _unnamed(inquiry, origin)
    if unnamed:
        phrase = "unnamed" if len(unnamed) == 1 else "unnamed_many"
        yield Paragraph(text=voice.say(phrase, names=voice.list(unnamed)))


def _attested(voice: Phrasebook, origin: Origin) -> str:
    collector = origin.collector
    if origin.attested:
        day = voice.day_of(origin.attested_at or origin.recorded_at)
        return voice.say("attested", collector=collector.legal_name, day=day)
    phrase = "unattested" if collector.has_account else "unattested_no_account"
    day = voice.day_of(origin.recorded_at)
    return voice.say(phrase, collector=collector.legal_name, who=who(voice, origin), day=day)


def _words(voice: Phrasebook, origin: Origin) -> Quote:
    notice = origin.notice
    source = voice.say("wording_source", channel=voice.term(origin.channel), address=origin.address)
    if not _is_own(origin, notice):
        source = voice.say("wording_told", place=source, who=who(voice, notice))
    return Quote(
        text=notice.wording,
        language=notice.language,
        source=source,
        screenshots=[
            Screenshot(
                evidence_id=piece.id,
                notice_id=notice.id,
                media_type=piece.media_type,
                sha256=piece.sha256,
                text=voice.say("screenshot"),
            )
            for piece in notice.evidence
        ],
    )


def _facts(inquiry: SubjectAnswer, voice: Phrasebook, origin: Origin) -> Iterator[Fact]:
    notice = origin.notice
    record, kept = origin.consent_record_id, "screenshot_kept" if notice.evidence else "screenshot_none"
    none = "proof_erased" if _erasure_of(inquiry, origin) else "proof_none"
    proof = voice.say("proof_reference", record=record) if record else voice.say(none)
    yield Fact(label=voice.say("label_consented"), value=_consented(inquiry, voice, origin))
    yield Fact(label=voice.say("label_period"), value=_period(voice, origin))
    yield Fact(label=voice.say("label_mechanism"), value=voice.term(notice.mechanism))
    yield Fact(label=voice.say("label_purposes"), value=_purposes(voice, notice))
    yield Fact(label=voice.say("label_listed"), value=_listed(voice, origin))
    yield Fact(label=voice.say("label_proof"), value=proof)
    yield Fact(label=voice.say("label_screenshot"), value=voice.say(kept))


def _consented(inquiry: SubjectAnswer, voice: Phrasebook, origin: Origin) -> str:
    erasure = _erasure_of(inquiry, origin)
    if origin.consented_at is None and erasure is not None:
        return voice.say("consented_erased", day=voice.day_of(erasure.erased_at))
    if origin.consented_at is None:
        return voice.say("consented_unknown")
    teller = _teller_of_days(inquiry, origin)
    phrase = "consented_on" if origin.attested and _is_own(origin, teller) else "consented_claimed"
    return voice.say(phrase, day=voice.day_of(origin.consented_at), who=who(voice, teller))


def _period(voice: Phrasebook, origin: Origin) -> str:
    began = voice.day(origin.began_on)
    if origin.ended_on is None:
        return voice.say("period_open", began=began)
    return voice.say("period", began=began, ended=voice.day(origin.ended_on))


def _purposes(voice: Phrasebook, notice: NoticeView) -> str:
    return voice.terms(notice.purposes)


def _listed(voice: Phrasebook, origin: Origin) -> str:
    listed = origin.partner_list
    if listed is None:
        unknown = origin.partner_list_basis is PartnerListBasis.CONSENT_DAY_UNKNOWN
        return voice.say("listed_unknown" if unknown else "listed_none")
    day, names = voice.day(listed.valid_from_on), _names(voice, listed)
    if not names:
        return voice.say("listed_nobody", day=day)
    phrase = "listed" if _is_own(origin, listed) else "listed_told"
    return voice.say(phrase, names=voice.list(names), day=day, who=who(voice, listed))


def _names(voice: Phrasebook, listed: PartnersInForce) -> list[str]:
    categories = [voice.say("category", quoted=voice.quoted(one)) for one in listed.categories]
    return [partner.name for partner in listed.partners] + categories


def _unnamed(inquiry: SubjectAnswer, origin: Origin) -> list[str]:
    """Whoever had the number from this collection, by whatever hands, and does not stand on its list by name."""
    listed = origin.partner_list
    if listed is None:
        return []
    ids = {partner.organisation_id for partner in listed.partners}
    names = {partner.name.casefold() for partner in listed.partners}
    reached = [
        hop.to_dataset.holder
        for chain in inquiry.answer.chains
        if chain.head.id == origin.dataset.id
        for hop in chain.hops
        if hop.transfer_id is not None and inquiry.owned_at(hop.occurred_at)
    ]
    return list(
        dict.fromkeys(one.legal_name for one in reached if one.id not in ids and one.legal_name.casefold() not in names)
    )
