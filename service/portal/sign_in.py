"""The way in and out: the number, its code, since when it is theirs, and leaving."""

from datetime import date, datetime, timedelta
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Depends, Response
from pydantic import ValidationError

from service.core.clock import now
from service.core.db import Database, DatabaseDep, SessionDep
from service.core.errors import Conflict, NotFound, TooMany, Unprocessable, Unreachable
from service.core.settings import Settings, SettingsDep
from service.messaging.gateway import Gateway, GatewayDep
from service.number.normalisation import e164, international_format, normalise_number
from service.portal.address import Page
from service.portal.context import FormDep, PersonOfPageDep, Visitor, VisitorDep
from service.portal.controller import name_operators
from service.portal.outbox_page import may_see_outbox
from service.portal.routing import at
from service.portal.session import Pending, Visit, keep_session
from service.verification import operations
from service.verification.schemas import ConfirmationIn, VerificationIn
from service.wording.language import paris_day, write_elapsed

router = APIRouter()

_REGION: Final = "FR"
# Time for a message to arrive before another is asked for.
_BETWEEN_CODES: Final = timedelta(seconds=30)


class _Sending(NamedTuple):
    database: Database
    gateway: Gateway
    settings: Settings


async def _sending(database: DatabaseDep, gateway: GatewayDep, settings: SettingsDep) -> _Sending:
    return _Sending(database, gateway, settings)


SendingDep = Annotated[_Sending, Depends(_sending)]


@at(router, Page.HOME)
async def show_home(visitor: VisitorDep, session: SessionDep) -> Response:
    """The first page. It says who asks before it asks."""
    return visitor.show(Page.HOME, operators=await name_operators(session))


@at(router, Page.HOME, "POST")
async def take_number(visitor: VisitorDep, form: FormDep, sending: SendingDep) -> Response:
    """A code goes to the number; the page that asks for it comes next."""
    typed = form.get("number", "").strip()[:64]
    if not typed:
        return visitor.send_back(Page.HOME, "number", "number_missing")
    return await _send_code(visitor, sending, typed, Page.HOME, "number")


async def _send_code(visitor: Visitor, sending: _Sending, typed: str, page: Page, field: str) -> Response:
    client = visitor.request.client
    try:
        wanted = VerificationIn(number=typed, language=visitor.language)
        begun = await operations.begin_verification(
            sending.database, visitor.ring, sending.gateway, sending.settings, wanted, client.host if client else ""
        )
    except ValidationError:
        return visitor.send_back(page, field, "number_invalid", {field: typed})
    except Unprocessable as refusal:
        served = refusal.slug != "number_not_served"
        return visitor.send_back(page, field, "number_invalid" if served else "number_not_served", {field: typed})
    except TooMany as refusal:
        wait = _write_wait(visitor, refusal.retry_after)
        return visitor.send_back(page, field, "too_many", {field: typed}, wait=wait)
    except Unreachable:
        return visitor.send_back(page, field, "unsent", {field: typed})
    number = normalise_number(typed, _REGION)
    visitor.visit.pending = Pending(verification_id=begun.id, number=number, sent_at=now())
    return visitor.send_to(Page.CODE)


def _write_wait(visitor: Visitor, wait: timedelta) -> str:
    return write_elapsed(visitor.language, now(), now() + wait)


@at(router, Page.CODE)
async def show_code(visitor: VisitorDep) -> Response:
    """The page that asks for the code."""
    pending = visitor.visit.pending
    if pending is None:
        return visitor.send_to(Page.HOME)
    return visitor.show(
        Page.CODE,
        number=international_format(pending.number),
        wait_seconds=max(0, int(_wait_for_code(pending).total_seconds())),
        demonstration=may_see_outbox(visitor.request),
    )


def _wait_for_code(pending: Pending) -> timedelta:
    return pending.sent_at + _BETWEEN_CODES - now()


@at(router, Page.CODE, "POST")
async def take_code(visitor: VisitorDep, form: FormDep, sending: SendingDep) -> Response:
    """The right code gives a session; a new one may be asked for after a while."""
    pending = visitor.visit.pending
    if pending is None:
        return visitor.send_to(Page.HOME)
    if form.get("step") == "again":
        return await _send_again(visitor, sending, pending)
    return await _confirm(visitor, sending.database, pending, form.get("code", ""))


async def _send_again(visitor: Visitor, sending: _Sending, pending: Pending) -> Response:
    wait = _wait_for_code(pending)
    if wait > timedelta(0):
        return visitor.send_back(Page.CODE, "again", "too_soon", wait=_write_wait(visitor, wait))
    answer = await _send_code(visitor, sending, e164(pending.number), Page.CODE, "again")
    if visitor.visit.mistake is None:
        visitor.visit.said = visitor.words.code.sent_again
        return visitor.send_to(Page.CODE)
    return answer


async def _confirm(visitor: Visitor, database: Database, pending: Pending, code: str) -> Response:
    try:
        wanted = ConfirmationIn(code=code, owned_since=None)
    except ValidationError:
        return visitor.send_back(Page.CODE, "code", "code_missing")
    try:
        begun = await operations.confirm_verification(database, visitor.ring, pending.verification_id, wanted)
    except Unprocessable as refusal:
        left = refusal.extensions.get("attempts_left", 0)
        return visitor.send_back(Page.CODE, "code", "code_wrong" if left else "code_over", tries=str(left))
    except (Conflict, NotFound):
        return visitor.send_back(Page.CODE, "code", "code_over")
    if visitor.person is not None:
        await operations.end_session(database, visitor.person)
    # Nothing of the visit before outlives the proof: forms that were open then count no more.
    visitor.visit = Visit()
    answer = visitor.send_to(Page.SINCE)
    keep_session(answer, begun.token, int((begun.expires_at - now()).total_seconds()))
    return answer


@at(router, Page.SINCE)
async def show_since(visitor: VisitorDep, person: PersonOfPageDep) -> Response:
    """The page that asks since when the number is theirs."""
    since = person.owned_since
    return visitor.show(Page.SINCE, since=since.isoformat() if since else "", today=paris_day(now()).isoformat())


@at(router, Page.SINCE, "POST")
async def take_since(visitor: VisitorDep, person: PersonOfPageDep, form: FormDep, database: DatabaseDep) -> Response:
    """A day, or none; the answer comes next."""
    typed, since_on = form.get("since", "").strip()[:32], None
    if form.get("step") != "skip":
        if not typed:
            return visitor.send_back(Page.SINCE, "since", "date_missing")
        since_on = _read_day(typed)
        if since_on is None:
            return visitor.send_back(Page.SINCE, "since", "date_invalid")
    try:
        await operations.set_number_since(database, person, since_on)
    except Unprocessable:
        return visitor.send_back(Page.SINCE, "since", "date_future", {"since": typed})
    return visitor.send_to(Page.ANSWER)


def _read_day(typed: str) -> date | None:
    """A day as browsers send it, or as people type it where there is no calendar to pick from."""
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y"):
        try:
            return datetime.strptime(typed, form).date()  # noqa: DTZ007 - a day has no time zone
        except ValueError:
            continue
    return None


@at(router, Page.LEAVE, "POST")
async def leave(visitor: VisitorDep, _: FormDep, database: DatabaseDep) -> Response:
    """The session ends here and in the browser."""
    if visitor.person is not None:
        await operations.end_session(database, visitor.person)
    visitor.visit = Visit(said=visitor.words.home.left)
    answer = visitor.send_to(Page.HOME)
    keep_session(answer, "", 0)
    return answer
