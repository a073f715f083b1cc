"""Loads the story through the HTTP API, each organisation with its own key.

Loading twice creates nothing new: every creating request carries an `Idempotency-Key`, so that a second load gets the
answers of the first.
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
    Release,
    Step,
    Stop,
    Transfer,
    at,
    e164,
)

# The sample keys expire by themselves if a demonstration is left running.
KEY_LIFETIME = timedelta(days=7)
_TRADE = ("facts:read", "facts:write", "numbers:read", "numbers:write")
_AUTHORITY = ("facts:read", "numbers:read")
_JOB_SECONDS = 60.0


class Client(Protocol):
    """The part of an HTTP client that the loader needs; httpx2.Client and Starlette's TestClient both have it."""

    @property
    def request(self) -> Callable[..., Any]:
        """A function of method and address, with what to send as keywords, that returns the response."""


class StoryError(Exception):
    """The service refused a step of the story. The message is the problem's detail."""


@dataclass
class LoadedStory:
    """What loading the story created or found.

    `ids` are by the codes of the story: organisations (`contact-direct`), notices (`CA-2`), collections
    (`collection CA-2`), datasets (`D1`…), transfers (`T1`…), campaigns (`C1`…) and objections (`O1`, `O2`). `keys` are
    API keys by organisation. The processor has one for each party that it acts for: `routage for aube` and
    `routage for rivage`.
    """

    ids: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)


OnStep = Callable[[Step, dict[str, Any]], None]


@dataclass
class StoryLoader:
    """The story while it is loaded."""

    client: Client
    loaded: LoadedStory

    def call(self, key: str, method: str, path: str, **options: Any) -> dict[str, Any]:
        """The JSON answer to a request with the named key.

        Raises:
            StoryError: the service refused.
        """
        headers = {"Authorization": f"Bearer {self.loaded.keys[key]}"} | options.pop("headers", {})
        response = self.client.request(method, path, headers=headers, **options)
        if not response.is_success:
            raise StoryError(f"{method} {path}: {response.json()['detail']}")
        answer: dict[str, Any] = response.json()
        return answer

    def create(self, key: str, path: str, code: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to a creating POST, from this load or from an earlier one."""
        return self.call(key, "POST", path, json=body, headers={"Idempotency-Key": _idempotency_key(code)})

    def id_of(self, code: str) -> str:
        """The id of what has this code in the story."""
        return self.loaded.ids[code]


def _idempotency_key(code: str) -> str:
    return f"filiation-demo:{code.replace(' ', '-')}"


def _do_nothing(_step: Step, _answer: dict[str, Any]) -> None:
    """The step is shown to nobody."""


def load_story(client: Client, operator_key: str, on_step: OnStep = _do_nothing) -> LoadedStory:
    """Load the whole story through `client`, and return what it created.

    `client` calls the API at relative addresses (`/v1/…`): an `httpx2.Client` with a base URL, or Starlette's
    `TestClient` inside its `with` block. The service needs a worker. `operator_key` is a key of the operator with
    the scopes `accounts` and `facts:write`. `on_step` is called after each step with the answer of the service.

    Raises:
        StoryError: the service refused a step.
    """
    loader = StoryLoader(client, LoadedStory(keys={story.OPERATOR.code: operator_key}))
    for organisation in story.ADMITTED:
        on_step(organisation, _load(organisation, loader))
    _issue_keys(loader)
    for step in story.STORY:
        on_step(step, _load(step, loader))
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
def _load(step: Any, _loader: StoryLoader) -> dict[str, Any]:
    raise TypeError(f"No way to load {type(step).__name__}.")


@_load.register
def _organisation(step: Organisation, loader: StoryLoader) -> dict[str, Any]:
    body = {
        "legal_name": step.name,
        "country": "FR",
        "registration_number": step.siren,
        "roles": [step.role],
        "privacy_contact": step.contact,
    }
    organisation = loader.create(step.named_by or story.OPERATOR.code, "/v1/organisations", step.code, body)
    return _remember_id(loader, step.code, organisation)


def _remember_id(loader: StoryLoader, code: str, answer: dict[str, Any]) -> dict[str, Any]:
    loader.loaded.ids[code] = answer["id"]
    return answer


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
    notice = _remember_id(loader, step.code, loader.create(step.asserted_by, "/v1/notices", step.code, body))
    for number, partner_list in enumerate(later, start=2):
        path = f"/v1/notices/{notice['id']}/partner-lists"
        loader.create(step.asserted_by, path, f"{step.code} partners {number}", _partner_list(partner_list, loader))
    if step.has_screenshot:
        headers = {"Content-Type": "image/png", "Idempotency-Key": _idempotency_key(f"{step.code} screenshot")}
        path = f"/v1/notices/{notice['id']}/evidence"
        loader.call(step.asserted_by, "POST", path, content=screenshot(), headers=headers)
    return loader.call(step.asserted_by, "GET", f"/v1/notices/{notice['id']}")


def _partner_list(partner_list: PartnerList, loader: StoryLoader) -> dict[str, Any]:
    names = {organisation.code: organisation.name for organisation in story.ADMITTED}
    return {
        "valid_from_on": partner_list.valid_from,
        "partners": [{"name": names[code], "organisation_id": loader.id_of(code)} for code in partner_list.partners],
        "categories": partner_list.categories,
        "occurred_at": at(partner_list.valid_from, 9).isoformat(),
    }


@_load.register
def _collection(step: Collection, loader: StoryLoader) -> dict[str, Any]:
    notice = next(other for other in story.STORY if isinstance(other, Notice) and other.code == step.notice)
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
    dataset = _remember_id(loader, step.code, loader.create(step.asserted_by, "/v1/datasets", step.code, body))
    path = f"/v1/datasets/{dataset['id']}"
    if loader.call(step.asserted_by, "GET", path)["state"] == "open":
        if step.numbers:
            _upload(loader, step.asserted_by, path, LAYOUTS[step.layout](lines_of(step.numbers, step.consented_on)))
        _finish(loader, step.asserted_by, loader.call(step.asserted_by, "POST", f"{path}/seal"))
    return loader.call(step.asserted_by, "GET", path)


def _upload(loader: StoryLoader, key: str, dataset_path: str, file: File) -> None:
    loader.call(key, "PUT", f"{dataset_path}/parts/1", content=file.content, headers=file.headers)


def _finish(loader: StoryLoader, key: str, job: dict[str, Any]) -> None:
    """Wait for a job. It is short, so asking often is quicker than its events, which come every half second."""
    end = time.monotonic() + _JOB_SECONDS
    while job["finished_at"] is None:
        if time.monotonic() > end:
            raise StoryError(f"The job {job['kind']} did not finish within {_JOB_SECONDS:.0f} seconds.")
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
    transfer = _remember_id(loader, step.code, loader.create(step.asserted_by, "/v1/transfers", step.code, body))
    loader.loaded.ids[step.received_dataset] = transfer["received_dataset_id"]
    return transfer


def _criterion(criterion: Sequence[str]) -> dict[str, str]:
    return dict(zip(("criterion", "selection", "source"), criterion, strict=True))


def _transfer_step(code: str) -> Transfer:
    return next(step for step in story.STORY if isinstance(step, Transfer) and step.code == code)


@_load.register
def _release(step: Release, loader: StoryLoader) -> dict[str, Any]:
    path = f"/v1/datasets/{loader.id_of(step.dataset)}/release"
    return loader.create(story.OPERATOR.code, path, f"release of {step.dataset}", {"comment": step.comment})


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
        received = f"/v1/datasets/{loader.id_of(transfer.received_dataset)}"
        if not loader.call(transfer.recipient, "GET", received)["reconciling"]:
            loader.call(transfer.recipient, "POST", f"{path}/reconciliation")
        _upload(loader, transfer.recipient, received, LAYOUTS[step.layout](lines_of(step.numbers, None)))
        _finish(
            loader,
            transfer.recipient,
            loader.call(transfer.recipient, "POST", f"{path}/reconciliation/compare?confirm=true"),
        )
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
    campaign = loader.create(f"{step.sender} for {step.party}", "/v1/campaigns", step.code, body)
    return _remember_id(loader, step.code, campaign)


@_load.register
def _letter(step: Letter, loader: StoryLoader) -> dict[str, Any]:
    received = {"number": e164(step.number), "occurred_at": step.received_at.isoformat()}
    body = {"kind": "objection", "numbers": [received]}
    return _remember_objection(step, loader, loader.create(step.holder, "/v1/objections/received", step.code, body))


@_load.register
def _stop(step: Stop, loader: StoryLoader) -> dict[str, Any]:
    campaign = next(other for other in story.STORY if isinstance(other, Campaign) and other.code == step.campaign)
    reply = {"number": e164(step.number), "replied_at": step.replied_at.isoformat(), "text": step.text}
    path = f"/v1/campaigns/{loader.id_of(step.campaign)}/stops"
    answer = loader.create(f"{campaign.sender} for {campaign.party}", path, step.code, {"replies": [reply]})
    return _remember_objection(step, loader, answer)


def _remember_objection(step: Letter | Stop, loader: StoryLoader, answer: dict[str, Any]) -> dict[str, Any]:
    (result,) = answer["results"]
    if result["outcome"] != "recorded":
        raise StoryError(f"{step.code} was not recorded: {result['outcome']}.")
    loader.loaded.ids[step.code] = result["objection_id"]
    return answer
