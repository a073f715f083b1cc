"""Objections and erasures: a person chooses how far one goes, sees what it means, and confirms it."""

import uuid
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Response

from service.core.bounded_route import BoundedRoute
from service.core.db import DatabaseDep
from service.core.errors import NotFound
from service.core.task_queue import QueueDep
from service.core.vocabulary import ObjectionKind, ObjectionScope, Purpose
from service.objection import operations
from service.objection.current_holders import holders_of_key
from service.objection.schemas import ObjectionIn, ObjectionOut
from service.portal.address import ADDRESSES, Page
from service.portal.context import FormDep, PersonOfPageDep, PortalRequest, PortalRequestDep
from service.portal.session import ObjectionDraft
from service.provenance.answer.heirs import heir_of
from service.provenance.graph.rows import OrganisationRow
from service.provenance.routes import SnapshotsDep
from service.web.site import PAGES
from service.wording.direction import isolated
from service.wording.terms import Terms
from service.wording.typography import capitalised

router = APIRouter(route_class=BoundedRoute)

_PAGES: Final = {ObjectionKind.OBJECTION: Page.OBJECTION, ObjectionKind.ERASURE: Page.ERASURE}
# Longer than any value that a form of ours offers.
_MOST_TYPED: Final = 64

Holders = dict[uuid.UUID, str]


async def _holders(snapshots: SnapshotsDep, page_request: PortalRequestDep, person: PersonOfPageDep) -> Holders:
    """The organisations that hold the number now, in the order of their names."""
    found = await holders_of_key(snapshots, person.key)
    organisations = found.snapshot.graph.facts.organisations
    holders = [organisations[holder_id] for holder_id in found.ids_with_account()]
    return {
        holder.id: _name(page_request, organisations, holder)
        for holder in sorted(holders, key=lambda holder: holder.legal_name)
    }


def _name(
    page_request: PortalRequest, organisations: Mapping[uuid.UUID, OrganisationRow], holder: OrganisationRow
) -> str:
    """The name of a holder, and that of the organisation that answers for it today."""
    heir = heir_of(organisations, holder)
    if heir is None:
        return holder.legal_name
    return (
        f"{isolated(holder.legal_name)} {page_request.phrases.requests.holder_succeeded.format(heir=heir.legal_name)}"
    )


HoldersDep = Annotated[Holders, Depends(_holders)]


@ADDRESSES.route(router, Page.OBJECTION)
async def get_objection_page(page_request: PortalRequestDep, holders: HoldersDep) -> Response:
    """How far an objection goes."""
    return await PAGES.run(partial(_form_page, page_request, ObjectionKind.OBJECTION, holders))


@ADDRESSES.route(router, Page.ERASURE)
async def get_erasure_page(page_request: PortalRequestDep, holders: HoldersDep) -> Response:
    """Where the number is to be erased."""
    return await PAGES.run(partial(_form_page, page_request, ObjectionKind.ERASURE, holders))


def _form_page(page_request: PortalRequest, kind: ObjectionKind, holders: Holders) -> Response:
    """The form, with what was chosen in it before."""
    page, draft, error = _PAGES[kind], page_request.state.draft, page_request.state.error
    chosen: dict[str, str] = {"scope": ObjectionScope.EVERYTHING}
    if error is not None and error.page == page:
        chosen |= error.typed
    elif draft is not None and draft.kind is kind:
        chosen |= {"scope": draft.scope, "organisation": str(draft.organisation_id), "purpose": str(draft.purpose)}
    terms = Terms(page_request.language)
    return page_request.render(
        page,
        "objection.html",
        form=page_request.phrases.form_of(kind),
        form_page=page,
        other_page=_PAGES[ObjectionKind.ERASURE if kind is ObjectionKind.OBJECTION else ObjectionKind.OBJECTION],
        holders=holders,
        purposes=_purposes(terms) if kind is ObjectionKind.OBJECTION else {},
        chosen=chosen,
    )


def _purposes(terms: Terms) -> dict[str, str]:
    return {purpose.value: capitalised(terms.purpose(purpose)) for purpose in Purpose}


@ADDRESSES.route(router, Page.OBJECTION, "POST")
async def submit_objection(page_request: PortalRequestDep, holders: HoldersDep, form: FormDep) -> Response:
    """Keep the chosen objection for its confirmation."""
    return _keep_draft(page_request, ObjectionKind.OBJECTION, holders, form)


@ADDRESSES.route(router, Page.ERASURE, "POST")
async def submit_erasure(page_request: PortalRequestDep, holders: HoldersDep, form: FormDep) -> Response:
    """Keep the chosen erasure for its confirmation."""
    return _keep_draft(page_request, ObjectionKind.ERASURE, holders, form)


def _keep_draft(page_request: PortalRequest, kind: ObjectionKind, holders: Holders, form: dict[str, str]) -> Response:
    page, errors = _PAGES[kind], page_request.phrases.errors
    typed: dict[str, str] = {
        name: form[name][:_MOST_TYPED] for name in ("scope", "organisation", "purpose") if name in form
    }
    match form.get("scope"):
        case ObjectionScope.EVERYTHING:
            draft = ObjectionDraft(kind=kind, scope=ObjectionScope.EVERYTHING)
        case ObjectionScope.ORGANISATION:
            chosen = next((holder_id for holder_id in holders if str(holder_id) == form.get("organisation")), None)
            if chosen is None:
                return page_request.redirect_with_error(page, "organisation", errors.organisation_missing, typed)
            draft = ObjectionDraft(kind=kind, scope=ObjectionScope.ORGANISATION, organisation_id=chosen)
        case ObjectionScope.PURPOSE if kind is ObjectionKind.OBJECTION:
            if form.get("purpose") not in set(Purpose):
                return page_request.redirect_with_error(page, "purpose", errors.purpose_missing, typed)
            draft = ObjectionDraft(kind=kind, scope=ObjectionScope.PURPOSE, purpose=Purpose(form["purpose"]))
        case _:
            return page_request.redirect_with_error(page, "scope", errors.scope_missing)
    page_request.state.draft = draft
    return page_request.redirect(Page.CONFIRMATION)


@ADDRESSES.route(router, Page.CONFIRMATION)
async def get_confirmation_page(page_request: PortalRequestDep, holders: HoldersDep) -> Response:
    """What is about to be recorded, and which organisations it reaches."""
    draft = page_request.state.draft
    if draft is None:
        return page_request.redirect(Page.OBJECTION)
    only = draft.organisation_id
    if only is not None and only not in holders:
        # The organisation has erased the number since it was chosen.
        page_request.state.draft = None
        return page_request.redirect(_PAGES[draft.kind])
    context: dict[str, Any] = {
        "kind": draft.kind,
        "form_page": _PAGES[draft.kind],
        "confirmation": page_request.phrases.confirmations.of(draft.kind),
        "scope": write_scope(page_request, draft, holders[only] if only else None),
        "reached": [name for holder_id, name in holders.items() if only in (None, holder_id)],
    }
    return await PAGES.run(partial(page_request.render, Page.CONFIRMATION, **context))


def write_scope(page_request: PortalRequest, request: ObjectionDraft | ObjectionOut, organisation: str | None) -> str:
    """How far an objection or an erasure goes, in words."""
    phrases = page_request.phrases.requests
    if isinstance(request, ObjectionOut) and request.origin is not None:
        return phrases.origin.format(collector=request.origin.collector.legal_name)
    if request.scope is ObjectionScope.ORGANISATION:
        return phrases.organisation.format(name=organisation)
    if request.purpose is not None:
        return phrases.purpose.format(purpose=Terms(page_request.language).purpose(request.purpose))
    return phrases.everything.of(request.kind)


@ADDRESSES.route(router, Page.CONFIRMATION, "POST")
async def confirm_request(
    page_request: PortalRequestDep,
    person: PersonOfPageDep,
    _: FormDep,
    database: DatabaseDep,
    snapshots: SnapshotsDep,
    queue: QueueDep,
) -> Response:
    """Record the objection or the erasure. The next page shows how far each holder has got with it."""
    draft = page_request.state.draft
    if draft is None:
        return page_request.redirect(Page.OBJECTION)
    wanted = ObjectionIn(**draft.model_dump())
    try:
        async with database.transaction() as session:
            await operations.create_objection(session, snapshots, page_request.ring, queue, person, wanted)
    except NotFound:
        text = page_request.phrases.errors.not_recorded
        return page_request.redirect_with_error(Page.CONFIRMATION, "confirmation", text)
    page_request.state.draft, page_request.state.flash = None, page_request.phrases.requests.recorded_now
    return page_request.redirect(Page.REQUESTS)
