"""Signing in and out: the number, its code, since when the number has been the person's, and leaving."""

from datetime import date, datetime, timedelta
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Depends, Response
from pydantic import ValidationError

from service.core.bounded_route import BoundedRoute
from service.core.clock import now
from service.core.db import Database, DatabaseDep, SessionDep
from service.core.errors import Conflict, NotFound, TooManyRequests, Unprocessable, Unreachable
from service.core.settings import Settings, SettingsDep
from service.messaging.gateway import Gateway, GatewayDep
from service.messaging.messages import state_of_message
from service.number.normalisation import e164, international_format, normalise_number
from service.portal.address import ADDRESSES, Page
from service.portal.context import FormDep, PersonOfPageDep, PortalRequest, PortalRequestDep
from service.portal.controller import write_operators
from service.portal.outbox_page import may_see_outbox
from service.portal.session import PendingCode, PortalState, set_session
from service.verification import operations
from service.verification.schemas import ConfirmationIn, VerificationIn
from service.wording.language import paris_day, write_elapsed

router = APIRouter(route_class=BoundedRoute)

_REGION: Final = "FR"
# A message has this long to arrive before another can be asked for.
_BETWEEN_CODES: Final = timedelta(seconds=30)


class _Sending(NamedTuple):
    database: Database
    gateway: Gateway
    settings: Settings


async def _sending(database: DatabaseDep, gateway: GatewayDep, settings: SettingsDep) -> _Sending:
    return _Sending(database, gateway, settings)


SendingDep = Annotated[_Sending, Depends(_sending)]


@ADDRESSES.route(router, Page.HOME)
async def get_home_page(page_request: PortalRequestDep, session: SessionDep) -> Response:
    """The first page. It says who asks before it asks for a number."""
    return page_request.render(Page.HOME, operators=await write_operators(session))


@ADDRESSES.route(router, Page.HOME, "POST")
async def submit_number(page_request: PortalRequestDep, form: FormDep, sending: SendingDep) -> Response:
    """Send a code to the number. The next page asks for the code."""
    typed = form.get("number", "").strip()[:64]
    if not typed:
        return page_request.redirect_with_error(Page.HOME, "number", page_request.phrases.errors.number_missing)
    return await _send_code(page_request, sending, typed, Page.HOME, "number")


async def _send_code(
    page_request: PortalRequest, sending: _Sending, typed: str, page: Page, field_name: str
) -> Response:
    errors, client = page_request.phrases.errors, page_request.request.client

    def refuse(text: str) -> Response:
        return page_request.redirect_with_error(page, field_name, text, {field_name: typed})

    try:
        wanted = VerificationIn(number=typed, language=page_request.language)
        begun = await operations.begin_verification(
            sending.database,
            page_request.ring,
            sending.gateway,
            sending.settings,
            wanted,
            client.host if client else "",
        )
    except ValidationError:
        return refuse(errors.number_invalid)
    except Unprocessable as refusal:
        return refuse(errors.number_not_served if refusal.slug == "number_not_served" else errors.number_invalid)
    except TooManyRequests as refusal:
        return refuse(errors.too_many_codes.format(wait=_write_wait(page_request, refusal.retry_after)))
    except Unreachable:
        return refuse(errors.not_sent)
    number = normalise_number(typed, _REGION)
    page_request.state.pending_code = PendingCode(verification_id=begun.id, number=number, sent_at=now())
    return page_request.redirect(Page.CODE)


def _write_wait(page_request: PortalRequest, wait: timedelta) -> str:
    return write_elapsed(page_request.language, now(), now() + wait)


@ADDRESSES.route(router, Page.CODE)
async def get_code_page(page_request: PortalRequestDep, session: SessionDep) -> Response:
    """The page that asks for the code. It says what became of the message, as far as that was reported."""
    pending = page_request.state.pending_code
    if pending is None:
        return page_request.redirect(Page.HOME)
    return page_request.render(
        Page.CODE,
        number=international_format(pending.number),
        wait_seconds=max(0, int(_wait_for_next_code(pending).total_seconds())),
        message_state=await state_of_message(session, pending.verification_id),
        demonstration=may_see_outbox(page_request.request),
    )


def _wait_for_next_code(pending: PendingCode) -> timedelta:
    return pending.sent_at + _BETWEEN_CODES - now()


@ADDRESSES.route(router, Page.CODE, "POST")
async def submit_code(page_request: PortalRequestDep, form: FormDep, sending: SendingDep) -> Response:
    """Start a session for the right code, or send a new code."""
    pending = page_request.state.pending_code
    if pending is None:
        return page_request.redirect(Page.HOME)
    if form.get("step") == "again":
        return await _send_again(page_request, sending, pending)
    return await _confirm(page_request, sending.database, pending, form.get("code", ""))


async def _send_again(page_request: PortalRequest, sending: _Sending, pending: PendingCode) -> Response:
    wait = _wait_for_next_code(pending)
    if wait > timedelta(0):
        text = page_request.phrases.errors.too_soon.format(wait=_write_wait(page_request, wait))
        return page_request.redirect_with_error(Page.CODE, "again", text)
    response = await _send_code(page_request, sending, e164(pending.number), Page.CODE, "again")
    if page_request.state.error is None:
        page_request.state.flash = page_request.phrases.code.sent_again
        return page_request.redirect(Page.CODE)
    return response


async def _confirm(page_request: PortalRequest, database: Database, pending: PendingCode, code: str) -> Response:
    errors = page_request.phrases.errors
    try:
        wanted = ConfirmationIn(code=code, owned_since=None)
    except ValidationError:
        return page_request.redirect_with_error(Page.CODE, "code", errors.code_missing)
    try:
        begun = await operations.confirm_verification(database, page_request.ring, pending.verification_id, wanted)
    except Unprocessable as refusal:
        left = refusal.extensions["attempts_left"]
        text = errors.code_wrong.format(tries=left) if left else errors.code_expired
        return page_request.redirect_with_error(Page.CODE, "code", text)
    except (Conflict, NotFound):
        return page_request.redirect_with_error(Page.CODE, "code", errors.code_expired)
    if page_request.person is not None:
        await operations.end_session(database, page_request.person)
    # Nothing that was carried before the proof outlives it: forms that were open then are no longer valid.
    page_request.state = PortalState()
    response = page_request.redirect(Page.SINCE)
    set_session(response, begun.token, int((begun.expires_at - now()).total_seconds()))
    return response


@ADDRESSES.route(router, Page.SINCE)
async def get_since_page(page_request: PortalRequestDep, person: PersonOfPageDep) -> Response:
    """The page that asks since when the number has been the person's."""
    since = person.owned_since
    today = paris_day(now()).isoformat()
    return page_request.render(Page.SINCE, since=since.isoformat() if since else "", today=today)


@ADDRESSES.route(router, Page.SINCE, "POST")
async def submit_since(
    page_request: PortalRequestDep, person: PersonOfPageDep, form: FormDep, database: DatabaseDep
) -> Response:
    """Keep a day, or none, for the session. The next page is the answer."""
    errors, typed, since_on = page_request.phrases.errors, form.get("since", "").strip()[:32], None
    if form.get("step") != "skip":
        if not typed:
            return page_request.redirect_with_error(Page.SINCE, "since", errors.date_missing)
        since_on = _read_day(typed)
        if since_on is None:
            return page_request.redirect_with_error(Page.SINCE, "since", errors.date_invalid)
    try:
        await operations.set_owned_since(database, person, since_on)
    except Unprocessable:
        return page_request.redirect_with_error(Page.SINCE, "since", errors.date_in_future, {"since": typed})
    return page_request.redirect(Page.ANSWER)


def _read_day(typed: str) -> date | None:
    """A day as browsers send it, or as people type it where the browser offers no calendar."""
    for pattern in ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y"):
        try:
            return datetime.strptime(typed, pattern).date()  # noqa: DTZ007 - a day has no time zone
        except ValueError:
            continue
    return None


@ADDRESSES.route(router, Page.LEAVE, "POST")
async def leave(page_request: PortalRequestDep, _: FormDep, database: DatabaseDep) -> Response:
    """End the session, here and in the browser."""
    if page_request.person is not None:
        await operations.end_session(database, page_request.person)
    page_request.state = PortalState(flash=page_request.phrases.home.left)
    response = page_request.redirect(Page.HOME)
    set_session(response, "", 0)
    return response
