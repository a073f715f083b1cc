"""What a person asks for: an objection or an erasure is chosen, looked at once more, and recorded."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response

from service.core.db import DatabaseDep
from service.core.errors import NotFound
from service.core.task_queue import QueueDep
from service.core.vocabulary import ObjectionKind, ObjectionScope, Purpose
from service.objection import operations
from service.objection.current_holders import holders_of_number
from service.objection.schemas import ObjectionIn, ObjectionOut
from service.portal.address import Page
from service.portal.context import FormDep, PersonOfPageDep, Visitor, VisitorDep
from service.portal.phrases import Words
from service.portal.routing import at
from service.portal.session import Choice
from service.provenance.routes import SnapshotsDep

router = APIRouter()

_PAGES: Final = {ObjectionKind.OBJECTION: Page.OBJECTION, ObjectionKind.ERASURE: Page.ERASURE}

Holders = dict[uuid.UUID, str]


async def _holders_of(snapshots: SnapshotsDep, visitor: VisitorDep, person: PersonOfPageDep) -> Holders:
    """Whoever has the number now, by name, in the order of their names."""
    holders = await holders_of_number(snapshots, visitor.ring, person.number)
    organisations = holders.snapshot.graph.facts.organisations
    named = {holder_id: organisations[holder_id].legal_name for holder_id in holders.ids_with_account()}
    return dict(sorted(named.items(), key=lambda one: one[1]))


HoldersDep = Annotated[Holders, Depends(_holders_of)]


@at(router, Page.OBJECTION)
async def show_objection(visitor: VisitorDep, holders: HoldersDep) -> Response:
    """How far an objection goes."""
    return _show_wish(visitor, ObjectionKind.OBJECTION, holders)


@at(router, Page.ERASURE)
async def show_erasure(visitor: VisitorDep, holders: HoldersDep) -> Response:
    """Where the number is to be erased."""
    return _show_wish(visitor, ObjectionKind.ERASURE, holders)


def _show_wish(visitor: Visitor, kind: ObjectionKind, holders: Holders) -> Response:
    """The form, as it was sent before if it was."""
    page, before = _PAGES[kind], visitor.visit.choice
    chosen: dict[str, str] = {"scope": ObjectionScope.EVERYTHING}
    if visitor.visit.mistake is not None and visitor.visit.mistake.page is page:
        chosen |= visitor.visit.mistake.kept
    elif before is not None and before.kind is kind:
        chosen |= {"scope": before.scope, "organisation": str(before.organisation_id), "purpose": str(before.purpose)}
    return visitor.show(page, "wish.html", kind=kind.value, holders=holders, chosen=chosen)


@at(router, Page.OBJECTION, "POST")
async def take_objection(visitor: VisitorDep, holders: HoldersDep, form: FormDep) -> Response:
    """What was chosen waits for its confirmation."""
    return _take_wish(visitor, ObjectionKind.OBJECTION, holders, form)


@at(router, Page.ERASURE, "POST")
async def take_erasure(visitor: VisitorDep, holders: HoldersDep, form: FormDep) -> Response:
    """What was chosen waits for its confirmation."""
    return _take_wish(visitor, ObjectionKind.ERASURE, holders, form)


def _take_wish(visitor: Visitor, kind: ObjectionKind, holders: Holders, form: dict[str, str]) -> Response:
    page, choice = _PAGES[kind], None
    kept: dict[str, str] = {name: form[name][:64] for name in ("scope", "organisation", "purpose") if name in form}
    match form.get("scope"):
        case ObjectionScope.EVERYTHING:
            choice = Choice(kind=kind, scope=ObjectionScope.EVERYTHING)
        case ObjectionScope.ORGANISATION:
            found = next((holder for holder in holders if str(holder) == form.get("organisation")), None)
            if found is None:
                return visitor.send_back(page, "organisation", "organisation_missing", kept)
            choice = Choice(kind=kind, scope=ObjectionScope.ORGANISATION, organisation_id=found)
        case ObjectionScope.PURPOSE if kind is ObjectionKind.OBJECTION:
            if form.get("purpose") not in set(Purpose):
                return visitor.send_back(page, "purpose", "purpose_missing", kept)
            choice = Choice(kind=kind, scope=ObjectionScope.PURPOSE, purpose=Purpose(form["purpose"]))
        case _:
            return visitor.send_back(page, "scope", "scope_missing")
    visitor.visit.choice = choice
    return visitor.send_to(Page.CONFIRMATION)


@at(router, Page.CONFIRMATION)
async def show_confirmation(visitor: VisitorDep, holders: HoldersDep) -> Response:
    """What is about to be recorded, and whom it reaches."""
    choice = visitor.visit.choice
    if choice is None:
        return visitor.send_to(Page.OBJECTION)
    only = choice.organisation_id
    if only is not None and only not in holders:
        # It has had the number erased since it was chosen.
        visitor.visit.choice = None
        return visitor.send_to(_PAGES[choice.kind])
    scope = write_scope(visitor.words, choice, holders[only] if only else None)
    reached = [name for holder, name in holders.items() if only in (None, holder)]
    return visitor.show(Page.CONFIRMATION, choice=choice, scope=scope, reached=reached)


def write_scope(words: Words, wish: Choice | ObjectionOut, organisation: str | None) -> str:
    """How far an objection or an erasure goes, in words."""
    if wish.scope is ObjectionScope.ORGANISATION:
        return words.requests.organisation.format(name=organisation)
    if wish.purpose is not None:
        return words.requests.purpose.format(purpose=words.purposes[wish.purpose])
    return words.requests.everything[wish.kind]


@at(router, Page.CONFIRMATION, "POST")
async def file_wish(
    visitor: VisitorDep,
    person: PersonOfPageDep,
    _: FormDep,
    database: DatabaseDep,
    snapshots: SnapshotsDep,
    queue: QueueDep,
) -> Response:
    """It is recorded and in effect; how each holder deals with it comes next."""
    choice = visitor.visit.choice
    if choice is None:
        return visitor.send_to(Page.OBJECTION)
    wanted = ObjectionIn(**choice.model_dump())
    try:
        async with database.transaction() as session:
            await operations.create_objection(session, snapshots, visitor.ring, queue, person, wanted)
    except NotFound:
        return visitor.send_back(Page.CONFIRMATION, "confirmation", "refused")
    visitor.visit.choice, visitor.visit.said = None, visitor.words.requests.done
    return visitor.send_to(Page.REQUESTS)
