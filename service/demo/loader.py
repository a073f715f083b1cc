"""Tells the story through the HTTP API, each organisation with its own key.

What is there already is found and not told again: every creating request carries an `Idempotency-Key`, so that a
second telling gets the first one's answers.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import singledispatch
from typing import Any, Protocol

from service.core.clock import now
from service.core.vocabulary import Role
from service.demo import story
from service.demo.files import LAYOUTS, File, lines_of, screenshot
from service.demo.story_types import (
    Acknowledgement,
    Campaign,
    Collection,
    Dataset,
    Letter,
    Notice,
    Organisation,
    PartnerList,
    Reconciliation,
    Step,
    Stop,
    Transfer,
    at,
    e164,
)

# Sample keys of a demonstration that nobody ends stop working by themselves.
KEY_LIFETIME = timedelta(days=7)
_TRADE = ("facts:read", "facts:write", "numbers:read", "numbers:write")
_AUTHORITY = ("facts:read", "numbers:read")
_JOB_SECONDS = 60.0


class Client(Protocol):
    """What is needed of an HTTP client: httpx2.Client is one, and so is Starlette's TestClient."""

    @property
    def request(self) -> Callable[..., Any]:
        """Takes method and address, and what to send as keywords; gives the response."""


class StoryError(Exception):
    """The service refused a part of the story, in the words of its problem."""


@dataclass
class LoadedStory:
    """What a telling made or found.

    `ids` are by the codes of scenario and story: organisations (`contact-direct`), notices (`CA-2`), collections
    (`collection CA-2`), datasets (`D1`…), transfers (`T1`…), campaigns (`C1`…) and objections (`O1`, `O2`). `keys` are
    the texts of API keys by organisation; the processor's, one for each party that it acts for, are `routage for aube`
    and `routage for rivage`.
    """

    ids: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)


Show = Callable[[Step, dict[str, Any]], None]


@dataclass
class StoryLoader:
    """A telling under way."""

    client: Client
    loaded: LoadedStory

    def call(self, key: str, method: str, path: str, **options: Any) -> dict[str, Any]:
        """The JSON that a request with the key of this name is answered with."""
        headers = {"Authorization": f"Bearer {self.loaded.keys[key]}"} | options.pop("headers", {})
        response = self.client.request(method, path, headers=headers, **options)
        if not response.is_success:
            raise StoryError(f"{method} {path}: {response.json()['detail']}")
        answer: dict[str, Any] = response.json()
        return answer

    def create(self, key: str, path: str, code: str, body: dict[str, Any]) -> dict[str, Any]:
        """What a creating POST makes, or made when the story was told before."""
        return self.call(key, "POST", path, json=body, headers={"Idempotency-Key": _idempotency_key(code)})

    def id_of(self, code: str) -> str:
        """The id that a code of the story stands for."""
        return self.loaded.ids[code]


def _idempotency_key(code: str) -> str:
    return f"filiation-demo:{code.replace(' ', '-')}"


def _ignore(_step: Step, _answer: dict[str, Any]) -> None:
    """Show nothing."""


def load_story(client: Client, operator_key: str, show: Show = _ignore) -> LoadedStory:
    """Tell the whole story through `client` and give what it made.

    `client` calls the API at relative addresses (`/v1/…`): an `httpx2.Client` with a base URL, or Starlette's
    `TestClient` inside its `with` block; the service needs a worker. `operator_key` is a key of the operator with
    the scopes `accounts` and `facts:write`. `show` is called after each step with what the service answered.

    Raises:
        StoryRefused: the service refused a step.
    """
    loader = StoryLoader(client, LoadedStory(keys={story.OPERATOR.code: operator_key}))
    for organisation in story.ADMITTED:
        show(organisation, _load(organisation, loader))
    _issue_keys(loader)
    for step in story.STORY:
        show(step, _load(step, loader))
    return loader.loaded


def _issue_keys(loader: StoryLoader) -> None:
    for organisation in story.ADMITTED:
        if organisation.role is Role.PROCESSOR:
            for party in story.PARTIES:
                _issue_key(loader, organisation, f"{organisation.code} for {party.code}", loader.id_of(party.code))
        else:
            _issue_key(loader, organisation, organisation.code, None)


def _issue_key(loader: StoryLoader, organisation: Organisation, name: str, acts_for: str | None) -> None:
    body = {
        "organisation_id": loader.id_of(organisation.code),
        "acts_for_id": acts_for,
        "scopes": _AUTHORITY if organisation.role is Role.REGULATOR else _TRADE,
        "expires_at": (now() + KEY_LIFETIME).isoformat(),
    }
    loader.loaded.keys[name] = loader.call(story.OPERATOR.code, "POST", "/v1/keys", json=body)["key"]


@singledispatch
def _load(step: Any, _telling: StoryLoader) -> dict[str, Any]:
    raise TypeError(f"nobody knows how to tell {type(step).__name__}")


@_load.register
def _organisation(step: Organisation, loader: StoryLoader) -> dict[str, Any]:
    body = {
        "legal_name": step.name,
        "country": "FR",
        "registration_number": step.siren,
        "roles": [step.role],
        "privacy_contact": step.contact,
    }
    made = loader.create(step.named_by or story.OPERATOR.code, "/v1/organisations", step.code, body)
    return _remember_id(loader, step.code, made)


def _remember_id(loader: StoryLoader, code: str, made: dict[str, Any]) -> dict[str, Any]:
    loader.loaded.ids[code] = made["id"]
    return made


@_load.register
def _notice(step: Notice, loader: StoryLoader) -> dict[str, Any]:
    first, *later = step.lists
    body = {
        "collector_id": loader.id_of(step.collector),
        "code": step.code,
        "replaces_id": loader.id_of(step.replaces) if step.replaces else None,
        "language": "fr",
        "wording": step.wording,
        "mechanism": step.mechanism,
        "purposes": step.purposes,
        "valid_from_on": step.valid_from,
        "valid_until_on": step.valid_until,
        "partner_list": _partner_list(first, loader),
        "occurred_at": at(step.valid_from, 9).isoformat(),
    }
    made = _remember_id(loader, step.code, loader.create(step.asserted_by, "/v1/notices", step.code, body))
    for number, one in enumerate(later, start=2):
        path = f"/v1/notices/{made['id']}/partner-lists"
        loader.create(step.asserted_by, path, f"{step.code} partners {number}", _partner_list(one, loader))
    if step.has_screenshot:
        headers = {"Content-Type": "image/png", "Idempotency-Key": _idempotency_key(f"{step.code} screenshot")}
        path = f"/v1/notices/{made['id']}/evidence"
        loader.call(step.asserted_by, "POST", path, content=screenshot(), headers=headers)
    return loader.call(step.asserted_by, "GET", f"/v1/notices/{made['id']}")


def _partner_list(one: PartnerList, loader: StoryLoader) -> dict[str, Any]:
    names = {organisation.code: organisation.name for organisation in story.ADMITTED}
    return {
        "valid_from_on": one.valid_from,
        "partners": [{"name": names[code], "organisation_id": loader.id_of(code)} for code in one.partners],
        "categories": one.categories,
        "occurred_at": at(one.valid_from, 9).isoformat(),
    }


@_load.register
def _collection(step: Collection, loader: StoryLoader) -> dict[str, Any]:
    notice = next(one for one in story.STORY if isinstance(one, Notice) and one.code == step.notice)
    body = {
        "collector_id": loader.id_of(notice.collector),
        "notice_id": loader.id_of(notice.code),
        "channel": step.channel,
        "address": step.address,
        "began_on": step.began,
        "ended_on": step.ended,
        "occurred_at": at(step.began, 9).isoformat(),
    }
    code = f"collection {step.notice}"
    return _remember_id(loader, code, loader.create(notice.asserted_by, "/v1/collections", code, body))


@_load.register
def _dataset(step: Dataset, loader: StoryLoader) -> dict[str, Any]:
    collected = step.collected_under
    body = {
        "holder_id": loader.id_of(step.holder),
        "name": step.name,
        "content": "uploaded" if step.numbers else "union",
        "collection_id": loader.id_of(f"collection {collected}") if collected else None,
        "derived_from": [loader.id_of(code) for code in step.derived_from],
        "occurred_at": step.made_at.isoformat(),
    }
    made = _remember_id(loader, step.code, loader.create(step.asserted_by, "/v1/datasets", step.code, body))
    path = f"/v1/datasets/{made['id']}"
    if loader.call(step.asserted_by, "GET", path)["state"] == "open":
        if step.numbers:
            _upload(loader, step.asserted_by, path, LAYOUTS[step.layout](lines_of(step.numbers, step.consented_on)))
        _finish(loader, step.asserted_by, loader.call(step.asserted_by, "POST", f"{path}/seal"))
    return loader.call(step.asserted_by, "GET", path)


def _upload(loader: StoryLoader, key: str, dataset_path: str, file: File) -> None:
    loader.call(key, "PUT", f"{dataset_path}/parts/1", content=file.content, headers=file.headers)


def _finish(loader: StoryLoader, key: str, job: dict[str, Any]) -> None:
    """Wait for a job. It takes a moment, so that looking often is quicker than the half seconds of its events."""
    end = time.monotonic() + _JOB_SECONDS
    while job["finished_at"] is None:
        if time.monotonic() > end:
            raise StoryError(f"The job {job['kind']} is not finished after {_JOB_SECONDS:.0f} seconds.")
        time.sleep(0.01)
        job = loader.call(key, "GET", f"/v1/jobs/{job['id']}")
    if job["problem"]:
        raise StoryError(job["problem"]["detail"])


@_load.register
def _transfer(step: Transfer, loader: StoryLoader) -> dict[str, Any]:
    body = {
        "dataset_id": loader.id_of(step.dataset),
        "recipient_id": loader.id_of(step.recipient),
        "purpose": step.purpose,
        "lawful_basis": "consent",
        "sender_role": "controller",
        "recipient_role": "controller",
        "contract": step.contract,
        "targeting": [_criterion(criterion) for criterion in step.targeting],
        "occurred_at": step.occurred_at.isoformat(),
    }
    made = _remember_id(loader, step.code, loader.create(step.asserted_by, "/v1/transfers", step.code, body))
    loader.loaded.ids[step.received] = made["received_dataset_id"]
    return made


def _criterion(criterion: Sequence[str]) -> dict[str, str]:
    return dict(zip(("criterion", "selection", "source"), criterion, strict=True))


def _transfer_step(code: str) -> Transfer:
    return next(one for one in story.STORY if isinstance(one, Transfer) and one.code == code)


@_load.register
def _acknowledgement(step: Acknowledgement, loader: StoryLoader) -> dict[str, Any]:
    body = {"status": "acknowledged", "comment": step.comment, "occurred_at": step.said_at.isoformat()}
    path = f"/v1/transfers/{loader.id_of(step.transfer)}/statements"
    return loader.create(_transfer_step(step.transfer).recipient, path, f"{step.transfer} acknowledged", body)


@_load.register
def _reconciliation(step: Reconciliation, loader: StoryLoader) -> dict[str, Any]:
    transfer = _transfer_step(step.transfer)
    path = f"/v1/transfers/{loader.id_of(step.transfer)}"
    if loader.call(transfer.recipient, "GET", path)["status"] == "declared":
        received = f"/v1/datasets/{loader.id_of(transfer.received)}"
        if not loader.call(transfer.recipient, "GET", received)["reconciling"]:
            loader.call(transfer.recipient, "POST", f"{path}/reconciliation")
        _upload(loader, transfer.recipient, received, LAYOUTS[step.layout](lines_of(step.numbers, None)))
        _finish(loader, transfer.recipient, loader.call(transfer.recipient, "POST", f"{path}/reconciliation/compare"))
    return loader.call(transfer.recipient, "GET", path)


@_load.register
def _campaign(step: Campaign, loader: StoryLoader) -> dict[str, Any]:
    body = {
        "party_id": loader.id_of(step.party),
        "sender_id": loader.id_of(step.sender),
        "name": step.name,
        "originator": step.originator,
        "message_text": step.message,
        "poll_name": story.POLL_NAME,
        "poll_on": story.POLL_ON,
        "began_at": step.began_at.isoformat(),
        "ended_at": step.ended_at.isoformat(),
        "dataset_ids": [loader.id_of(code) for code in step.datasets],
    }
    made = loader.create(f"{step.sender} for {step.party}", "/v1/campaigns", step.code, body)
    return _remember_id(loader, step.code, made)


@_load.register
def _letter(step: Letter, loader: StoryLoader) -> dict[str, Any]:
    received = {"number": e164(step.number), "occurred_at": step.received_at.isoformat()}
    body = {"kind": "objection", "numbers": [received]}
    return _remember_objection(step, loader, loader.create(step.holder, "/v1/objections/received", step.code, body))


@_load.register
def _stop(step: Stop, loader: StoryLoader) -> dict[str, Any]:
    campaign = next(one for one in story.STORY if isinstance(one, Campaign) and one.code == step.campaign)
    reply = {"number": e164(step.number), "replied_at": step.replied_at.isoformat(), "text": step.text}
    path = f"/v1/campaigns/{loader.id_of(step.campaign)}/stops"
    made = loader.create(f"{campaign.sender} for {campaign.party}", path, step.code, {"replies": [reply]})
    return _remember_objection(step, loader, made)


def _remember_objection(step: Letter | Stop, loader: StoryLoader, made: dict[str, Any]) -> dict[str, Any]:
    (result,) = made["results"]
    if result["outcome"] != "recorded":
        raise StoryError(f"{step.code} was not recorded: {result['outcome']}.")
    loader.loaded.ids[step.code] = result["objection_id"]
    return made
