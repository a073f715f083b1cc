"""An origin in the tree of an answer: the collector, the agreement, and who says so."""

from collections.abc import Iterator

from rich.text import Text
from rich.tree import Tree

from service.command.tree_context import TreeContext, add
from service.provenance.answer.origin_schemas import ContestView, Origin, PartnerListView, WithdrawalView
from service.provenance.answer.references import Asserted
from service.provenance.answer.schemas import Erasure, Holding


def add_origin(context: TreeContext, tree: Tree, origin: Origin) -> Tree:
    """The branch of an origin."""
    collected = context.fill(context.phrases.collected, collector=origin.collector.legal_name)
    label = Text(collected, style="bold cyan").append(f", {_consent(context, origin)}", style="not bold default")
    branch = tree.add(label)
    add(branch, context.quote(origin.notice.wording), "italic")
    for detail in _origin_details(context, origin):
        add(branch, detail)
    if origin.contest is not None:
        add(branch, _contest(context, origin.contest), "red")
    style = "red" if origin.denial else "green" if origin.attested else "yellow"
    add(branch, _origin_assertion(context, origin), style)
    if origin.denial and origin.denial.comment:
        day, quoted = context.day_of(origin.denial.recorded_at), context.quote(origin.denial.comment)
        add(
            branch,
            context.fill(context.phrases.comment, who=origin.collector.legal_name, day=day, text=quoted),
            "italic",
        )
    return branch


def _contest(context: TreeContext, contest: ContestView) -> str:
    phrases, day = context.phrases, context.day_of(contest.contested_at)
    if contest.answered_at is None:
        return context.fill(phrases.contested, day=day)
    return context.fill(phrases.contested_answered, day=day, answered_on=context.day_of(contest.answered_at))


def _consent(context: TreeContext, origin: Origin) -> str:
    """The day of consent: as a fact if the collector asserts all of it, else as a claim of the organisation that does.

    The day came with the file, which another organisation than that of the collection may have registered.
    """
    if origin.consented_at is None:
        return context.phrases.consent_unknown
    day = context.day_of(origin.consented_at)
    files: list[Holding | Erasure] = [*context.answer.holdings, *context.answer.erasures]
    source: Asserted = next((file for file in files if file.dataset.id == origin.dataset.id), origin)
    if origin.attested and source.asserted_by and source.asserted_by.id == origin.collector.id:
        return context.fill(context.phrases.consented_on, day=day)
    return context.fill(context.phrases.consent_claimed, day=day, who=context.asserted_by(source))


def _origin_details(context: TreeContext, origin: Origin) -> Iterator[str]:
    fill, phrases, terms, notice = context.fill, context.phrases, context.terms, origin.notice
    yield fill(phrases.notice, code=notice.code, mechanism=terms.mechanism(notice.mechanism))
    yield fill(phrases.purposes, purposes=", ".join(map(terms.purpose, notice.purposes)))
    for earlier in notice.earlier[-1:]:
        who, day = context.asserted_by(notice), context.day_of(notice.recorded_at)
        yield fill(phrases.notice_corrected, who=who, day=day, text=context.quote(earlier.wording))
    yield from _partner_list(context, origin)
    yield fill(phrases.place, channel=terms.channel(origin.channel), address=origin.address)
    record = origin.consent_record_id
    yield fill(phrases.consent_record, record=record) if record else phrases.no_consent_record
    if not notice.evidence:
        yield phrases.no_screenshot
    for screenshot in notice.evidence:
        yield fill(phrases.screenshot, media_type=screenshot.media_type, sha256=screenshot.sha256[:12])
        if screenshot.withdrawal is not None:
            yield _withdrawal(context, screenshot.withdrawal)


def _withdrawal(context: TreeContext, withdrawal: WithdrawalView) -> str:
    who, day = context.asserted_by(withdrawal), context.day_of(withdrawal.recorded_at)
    return context.fill(context.phrases.screenshot_withdrawn, who=who, day=day, text=context.quote(withdrawal.reason))


def _partner_list(context: TreeContext, origin: Origin) -> Iterator[str]:
    phrases, partner_list = context.phrases, origin.partner_list
    if partner_list is None:
        yield phrases.list_none if origin.consented_at else phrases.list_unknown
        return
    names = ", ".join(_partner_names(context, partner_list))
    yield context.fill(phrases.recipients_named, names=names, day=context.day(partner_list.valid_from_on))
    if partner_list.asserted_by is None or partner_list.asserted_by.id != origin.collector.id:
        who, day = context.asserted_by(partner_list), context.day_of(partner_list.recorded_at)
        yield context.fill(phrases.list_asserted, who=who, day=day)


def _partner_names(context: TreeContext, partner_list: PartnerListView) -> Iterator[str]:
    yield from (partner.name for partner in partner_list.partners)
    for category in partner_list.categories:
        yield context.fill(context.phrases.category, text=context.quote(category))


def _origin_assertion(context: TreeContext, origin: Origin) -> str:
    phrases, collector = context.phrases, origin.collector.legal_name
    day = context.day_of(origin.attested_at or origin.recorded_at)
    if origin.attested:
        return context.fill(phrases.attested, collector=collector, day=day)
    if origin.denial is not None:
        denied_on, who = context.day_of(origin.denial.recorded_at), context.asserted_by(origin)
        return context.fill(phrases.asserted_denied, who=who, day=day, collector=collector, denied_on=denied_on)
    phrase = phrases.asserted_unattested if origin.collector.has_account else phrases.asserted_no_account
    return context.fill(phrase, who=context.asserted_by(origin), day=day, collector=collector)
